import type { ControllerPart } from '#capability/controller-part.ts';
import { cidr, span } from '#unit/ip.ts';
import { runPodRangeController } from './ipam/pod-range-controller.ts';
import { networkSettingsSchema } from './settings.ts';
import { tellConditions } from './tell-conditions.ts';

/** What the network runs in the controller. */
export const networkControllers: readonly ControllerPart[] = [
  {
    name: 'pod-ranges',
    run: async ({ kube, cloud, caches, events, settings, ownSettings, note }, end) => {
      const { vpc, services, site, sitePods } = settings.ranges;
      const { mode, perMachine, bridged, warm } = await ownSettings('network', networkSettingsSchema);
      await runPodRangeController(
        {
          kube,
          cloud,
          caches,
          events,
          mark: settings.name,
          reserved: [...vpc, services, ...site].map(cidr),
          policy: {
            sitePods: sitePods === undefined ? undefined : cidr(sitePods),
            perMachine,
            bridged: bridged && { pods: span(bridged.pods), interface: bridged.interface },
            usualPodNetwork: mode,
            warm,
          },
          note,
        },
        end,
      );
    },
  },
  { name: 'pod-range-events', run: tellConditions },
];
