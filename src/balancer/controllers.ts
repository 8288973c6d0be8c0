import type { ControllerPart } from '#capability/controller-part.ts';
import { runBalancerController } from './balancer-controller.ts';

/** What the balancer capability runs in the controller. */
export const balancerControllers: readonly ControllerPart[] = [
  {
    name: 'balancers',
    run: ({ kube, cloud, caches, events, settings, note }, end) => {
      const { name: mark, cloud: place } = settings;
      return runBalancerController(
        { kube, cloud, caches, events, mark, vpc: place.vpc, subnet: place.subnet, note },
        end,
      );
    },
  },
];
