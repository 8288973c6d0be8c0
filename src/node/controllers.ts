import type { ControllerPart } from '#capability/controller-part.ts';
import { runAttributeController } from './attributes/attribute-controller.ts';
import { runEvictionController } from './cut/eviction-controller.ts';
import { certificateApprover } from './identity/controllers.ts';
import { runLifeController } from './life/life-controller.ts';
import { usualPolicy } from './life/plan-node-life.ts';

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
    name: 'node-life',
    run: ({ kube, cloud: { provider, compute }, caches, events, settings, note }, end) =>
      runLifeController(
        { kube, provider, compute, caches, events, mark: settings.name, policy: usualPolicy, note },
        end,
      ),
  },
];
