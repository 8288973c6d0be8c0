import { Refusal } from '../gateway/refusal.ts';
import type { BalancerRecord, ListenerRecord, TargetRecord, UlbState } from './state.ts';

/** @fails Refusal 4103 */
export function balancerOf(id: string, state: UlbState): BalancerRecord {
  const balancer = state.balancers.find((one) => one.id === id);
  if (balancer === undefined) throw new Refusal(4103, `load balancer ${id} does not exist`);
  return balancer;
}

/** @fails Refusal 4088 */
export function listenerOf(id: string, balancer: BalancerRecord): ListenerRecord {
  const listener = balancer.listeners.find((one) => one.id === id);
  if (listener === undefined) throw new Refusal(4088, `load balancer ${balancer.id} has no listener ${id}`);
  return listener;
}

/** @fails Refusal 4093 */
export function targetOf(id: string, listener: ListenerRecord): TargetRecord {
  const target = listener.targets.find((one) => one.id === id);
  if (target === undefined) throw new Refusal(4093, `listener ${listener.id} has no target ${id}`);
  return target;
}
