import type { ControllerPart } from '#capability/controller-part.ts';
import { now } from '#unit/clock.ts';
import { runAttributeController } from './attributes/attribute-controller.ts';
import { runEvictionController } from './cut/eviction-controller.ts';
import { runGroupController, usualGroupPolicy } from './group/group-controller.ts';
import { certificateApprover } from './identity/controllers.ts';
import { runLifeController } from './life/life-controller.ts';
import { usualPolicy } from './life/plan-node-life.ts';
import { nodeSettingsSchema } from './settings.ts';

/** What the node capability runs in the controller. */
export const nodeControllers: readonly ControllerPart[] = [
  certificateApprover,
  {
    name: 'eviction',
    run: ({ kube, caches, events, note }, end) => runEvictionController({ kube, caches, events, note }, end),
  },
  {
    name: 'node-attributes',
    run: ({ kube, cloud: { compute }, caches, settings, note }, end) =>
      runAttributeController({ kube, compute, caches, mark: settings.name, region: settings.cloud.region, note }, end),
  },
  {
    name: 'node-groups',
    run: async (given, end) => {
      const { kube, cloud, caches, events, settings, note } = given;
      const { provider, region, vpc, zone, subnet } = settings.cloud;
      const own = await given.ownSettings('node', nodeSettingsSchema);
      const { settle, apart, shortFor, ...policy } = usualGroupPolicy;
      const join = { cluster: settings.name, provider, region, services: settings.ranges.services, settings: own };
      const options = { kube, compute: cloud.compute, caches, events, mark: settings.name, vpc, note };
      return runGroupController(
        { ...options, home: { zone, subnet }, join, policy, settle, apart, shortFor, clock: now },
        end,
      );
    },
  },
  {
    name: 'node-life',
    run: ({ kube, cloud: { provider, compute }, caches, events, settings, note }, end) =>
      runLifeController(
        { kube, provider, compute, caches, events, mark: settings.name, policy: usualPolicy, note },
        end,
      ),
  },
];
