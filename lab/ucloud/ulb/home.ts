import { withoutTarget } from './application/rule-form.ts';
import type {
  ApplicationBalancerRecord,
  ApplicationListenerRecord,
  ApplicationTargetRecord,
} from './application/state.ts';
import { questionTo } from './application/world-application.ts';
import { type Rhythm, usualRhythm } from './health.ts';
import type { TargetRecord } from './record.ts';
import type { BalancerRecord, ListenerRecord, UlbState } from './state.ts';
import type { WorldQuestion } from './world.ts';

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
    };

export function homesIn({ balancers, applicationBalancers }: UlbState): readonly Home[] {
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
  ];
}

export function isThere(home: Home, { balancers, applicationBalancers }: UlbState): boolean {
  return home.kind === 'network'
    ? balancers.includes(home.balancer) &&
        home.balancer.listeners.includes(home.listener) &&
        home.listener.targets.includes(home.target)
    : applicationBalancers.includes(home.balancer) &&
        home.balancer.listeners.includes(home.listener) &&
        home.listener.targets.includes(home.target);
}

export function rhythmOf(home: Home): Rhythm {
  return home.kind === 'network' ? usualRhythm : home.listener.check;
}

export function questionOf(home: Home): WorldQuestion {
  return home.kind === 'network'
    ? { ...home.listener.check, within: patience }
    : questionTo(home.target, home.listener);
}

/** @unit seconds. @source UCloud ULB manual: an answer that comes within 2 s is good */
const patience = 2;

/** The target's machine or interface does not exist any more. */
export function leave({ listener, target }: Home): void {
  listener.targets = listener.targets.filter((one) => one !== target);
  if ('rules' in listener) listener.rules = listener.rules.map((rule) => withoutTarget(rule, target.id));
}
