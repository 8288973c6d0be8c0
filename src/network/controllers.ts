import type { ControllerPart } from '#capability/controller-part.ts';
import { cidr } from '#unit/ip.ts';
import { runPodRangeController } from './ipam/pod-range-controller.ts';
import { networkSettingsSchema } from './settings.ts';
import { tellConditions } from './tell-conditions.ts';

/** What the network runs in the controller. */
export const networkControllers: readonly ControllerPart[] = [
  {
    name: 'pod-ranges',
    run: async ({ kube, cloud, caches, events, settings, ownSettings, note }, end) => {
      const { vpc, services, site, sitePods } = settings.ranges;
      const own = await ownSettings('network', networkSettingsSchema);
      await runPodRangeController(
        {
          kube,
          cloud,
          caches,
          events,
          mark: settings.name,
          reserved: [...vpc, services, ...site].map(cidr),
          policy: { sitePods: cidr(sitePods), ...own },
          note,
        },
        end,
      );
    },
  },
  { name: 'pod-range-events', run: tellConditions },
];
