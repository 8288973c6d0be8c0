import type { UnetState } from '../unet/state.ts';
import type { Placed } from '../vpc/state.ts';
import { withoutTarget } from './application/rule-form.ts';
import type {
  ApplicationBalancerRecord,
  ApplicationListenerRecord,
  ApplicationTargetRecord,
} from './application/state.ts';
import { questionTo } from './application/world-application.ts';
import type { BackendRecord, ClassicBalancerRecord, VServerRecord } from './classic/state.ts';
import { directProbe } from './classic/world-direct.ts';
import { type Rhythm, usualRhythm } from './health.ts';
import { allBalancers } from './lookup.ts';
import type { BalancerRecord, ListenerRecord } from './network/state.ts';
import { probeSource } from './probe-source.ts';
import type { TargetRecord } from './record.ts';
import type { UlbState } from './state.ts';
import type { WorldProbe } from './world.ts';

/** A target, and who has it. */
export type Home =
  | {
      readonly kind: 'network';
      readonly balancer: BalancerRecord;
      readonly listener: ListenerRecord;
      readonly target: TargetRecord;
    }
  | {
      readonly kind: 'application';
      readonly balancer: ApplicationBalancerRecord;
      readonly listener: ApplicationListenerRecord;
      readonly target: ApplicationTargetRecord;
    }
  | {
      readonly kind: 'classic';
      readonly balancer: ClassicBalancerRecord;
      readonly listener: VServerRecord;
      readonly target: BackendRecord;
    };

export function homesIn({ balancers, applicationBalancers, classicBalancers }: UlbState): readonly Home[] {
  return [
    ...balancers.flatMap((balancer) =>
      balancer.listeners.flatMap((listener) =>
        listener.targets.map((target) => ({ kind: 'network', balancer, listener, target }) as const),
      ),
    ),
    ...applicationBalancers.flatMap((balancer) =>
      balancer.listeners.flatMap((listener) =>
        listener.targets.map((target) => ({ kind: 'application', balancer, listener, target }) as const),
      ),
    ),
    ...classicBalancers.flatMap((balancer) =>
      balancer.listeners.flatMap((listener) =>
        listener.targets.map((target) => ({ kind: 'classic', balancer, listener, target }) as const),
      ),
    ),
  ];
}

export function isThere({ balancer, listener, target }: Home, state: UlbState): boolean {
  const among = (all: readonly object[], one: object): boolean => all.includes(one);
  return among(allBalancers(state), balancer) && among(balancer.listeners, listener) && among(listener.targets, target);
}

export function rhythmOf(home: Home): Rhythm {
  return home.kind === 'application' ? home.listener.check : usualRhythm;
}

/** @shape `undefined`: there is nobody to ask, for the balancer has no address yet */
export function probeOf(home: Home, state: Placed & UnetState, region: string): WorldProbe | undefined {
  const { ip } = home.target;
  const from = probeSource(region);
  switch (home.kind) {
    case 'network':
      return { ...home.listener.check, within: patience, ip, from };
    case 'application':
      return { ...questionTo(home.target, home.listener), ip, from };
    case 'classic':
      return directProbe(home.target, home.listener, home.balancer, state, region);
  }
}

/** @unit seconds. @source UCloud ULB manual: an answer that comes within 2 s is good */
const patience = 2;

/** The target's machine or interface does not exist any more. */
export function leave({ listener, target }: Home): void {
  listener.targets = listener.targets.filter((one) => one !== target);
  if ('rules' in listener) listener.rules = listener.rules.map((rule) => withoutTarget(rule, target.id));
}
