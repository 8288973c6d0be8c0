import type { CloudObject, Product } from '../gateway/product.ts';
import type { VpcWorks } from '../vpc/work.ts';
import { applicationBalancerActions } from './application/balancer.ts';
import { certificateActions } from './application/certificate.ts';
import { applicationListenerActions } from './application/listener.ts';
import { ruleActions } from './application/rule.ts';
import type { ApplicationBalancerRecord } from './application/state.ts';
import { applicationTargetActions } from './application/target.ts';
import { backendActions } from './classic/backend.ts';
import { classicBalancerActions } from './classic/balancer.ts';
import type { ClassicBalancerRecord } from './classic/state.ts';
import { vserverActions } from './classic/vserver.ts';
import type { UlbCloud, UlbSeen } from './cloud.ts';
import { ulbLimits } from './limits.ts';
import { networkBalancerActions } from './network/balancer.ts';
import { listenerActions } from './network/listener.ts';
import type { BalancerRecord } from './network/state.ts';
import { targetActions } from './network/target.ts';
import type { BalancerHead, TargetRecord } from './record.ts';
import { rememberUlb } from './remember.ts';
import type { UlbState } from './state.ts';
import { createUlbWorks } from './work.ts';
import type { UlbWorld } from './world.ts';

/** Load balancers. */
export const ulb = {
  newState: (): UlbState => ({ balancers: [], applicationBalancers: [], certificates: [], classicBalancers: [] }),
  limits: ulbLimits,
  actions: {
    ...networkBalancerActions,
    ...listenerActions,
    ...targetActions,
    ...applicationBalancerActions,
    ...applicationListenerActions,
    ...applicationTargetActions,
    ...ruleActions,
    ...certificateActions,
    ...classicBalancerActions,
    ...vserverActions,
    ...backendActions,
  },
  work: createUlbWorks,
  objects: ({ balancers, applicationBalancers, classicBalancers, certificates }: UlbState): readonly CloudObject[] => [
    ...balancers.map((balancer) => balancerObject(balancer, 'nlb', explainNetwork(balancer))),
    ...applicationBalancers.map((balancer) => balancerObject(balancer, 'alb', explainApplication(balancer))),
    ...classicBalancers.map((balancer) => balancerObject(balancer, 'ulb', explainClassic(balancer))),
    ...certificates.map(({ id, name }) => ({ kind: 'certificate', id, name, state: '', where: '' })),
  ],
  remember: rememberUlb,
} satisfies Product<UlbSeen, UlbWorld, VpcWorks, UlbCloud>;

function balancerObject(balancer: BalancerHead | ClassicBalancerRecord, labelType: string, does: string): CloudObject {
  const { id, name, ip, subnet, trouble } = balancer;
  const state = [does === '' ? 'no listener' : does, trouble].filter(Boolean).join(': ');
  return { kind: 'balancer', id, name, state, where: ip === undefined ? '' : `${ip} in ${subnet}`, labelType };
}

/** `TCP 80, 2 of 3 targets healthy` */
function explainNetwork({ listeners }: BalancerRecord): string {
  return listeners
    .map(({ protocol, startPort, endPort, targets }) => {
      const ports = startPort === endPort ? startPort : `${startPort}-${endPort}`;
      return `${protocol} ${ports}, ${explainHealth(targets)}`;
    })
    .join('; ');
}

/** `HTTPS 443, 2 rules, 2 of 3 targets healthy` */
function explainApplication({ listeners }: ApplicationBalancerRecord): string {
  return listeners
    .map(({ protocol, port, rules, targets }) => {
      const further = rules.length === 1 ? '' : `, ${rules.length} rules`;
      return `${protocol} ${port}${further}, ${explainHealth(targets)}`;
    })
    .join('; ');
}

/** `TCP 80, 2 of 3 targets healthy` */
function explainClassic({ listeners }: ClassicBalancerRecord): string {
  return listeners.map(({ protocol, port, targets }) => `${protocol} ${port}, ${explainHealth(targets)}`).join('; ');
}

function explainHealth(targets: readonly TargetRecord[]): string {
  const well = targets.filter(({ health }) => health.isHealthy).length;
  return `${well} of ${targets.length} targets healthy`;
}
