import type { CloudObject, Product } from '../gateway/product.ts';
import type { UlbCloud, UlbSeen } from './cloud.ts';
import { ulbLimits } from './limits.ts';
import { listenerActions } from './listener.ts';
import { networkBalancerActions } from './network-balancer.ts';
import { rememberUlb } from './remember.ts';
import type { BalancerRecord, UlbState } from './state.ts';
import { targetActions } from './target.ts';
import { createUlbWorks } from './work.ts';
import type { UlbWorld } from './world.ts';

/** Load balancers. */
export const ulb = {
  newState: (): UlbState => ({ balancers: [] }),
  limits: ulbLimits,
  actions: { ...networkBalancerActions, ...listenerActions, ...targetActions },
  work: createUlbWorks,
  objects: ({ balancers }: UlbState): readonly CloudObject[] =>
    balancers.map((balancer) => ({
      kind: 'balancer',
      id: balancer.id,
      name: balancer.name,
      state: [explain(balancer), balancer.trouble].filter(Boolean).join(': '),
      where: `${balancer.ip} in ${balancer.subnet}`,
      labelType: 'nlb',
    })),
  remember: rememberUlb,
} satisfies Product<UlbSeen, UlbWorld, unknown, UlbCloud>;

/** `TCP 80, 2 of 3 targets healthy` */
function explain({ listeners }: BalancerRecord): string {
  if (listeners.length === 0) return 'no listener';
  return listeners
    .map(({ protocol, startPort, endPort, targets }) => {
      const well = targets.filter(({ health }) => health.isHealthy).length;
      const ports = startPort === endPort ? startPort : `${startPort}-${endPort}`;
      return `${protocol} ${ports}, ${well} of ${targets.length} targets healthy`;
    })
    .join('; ');
}
