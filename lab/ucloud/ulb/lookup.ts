import { Refusal } from '../gateway/refusal.ts';
import type { ApplicationBalancerRecord } from './application/state.ts';
import type { ClassicBalancerRecord } from './classic/state.ts';
import type { BalancerRecord } from './network/state.ts';
import type { TargetRecord } from './record.ts';
import type { UlbState } from './state.ts';

/** Of every kind. */
export function allBalancers(state: UlbState): readonly AnyBalancer[] {
  return [...state.balancers, ...state.applicationBalancers, ...state.classicBalancers];
}

export type AnyBalancer = BalancerRecord | ApplicationBalancerRecord | ClassicBalancerRecord;

/** Every address in its subnet that a balancer has. */
export function addressesOf(balancer: AnyBalancer): readonly string[] {
  if (isClassic(balancer)) return balancer.ip === undefined ? [] : [balancer.ip];
  return [balancer.ip, ...('backIp' in balancer ? [balancer.backIp] : balancer.snatIps)];
}

export function isClassic(balancer: AnyBalancer): balancer is ClassicBalancerRecord {
  return !('backIp' in balancer || 'snatIps' in balancer);
}

/** @fails Refusal 4103 */
export function balancerOf<T extends { readonly id: string }>(id: string, balancers: readonly T[]): T {
  return found(balancers, id) ?? refuse(4103, `load balancer ${id} does not exist`);
}

/** @fails Refusal 4088 */
export function listenerOf<T extends { readonly id: string }>(id: string, balancer: BalancerOf<T>): T {
  return found(balancer.listeners, id) ?? refuse(4088, `load balancer ${balancer.id} has no listener ${id}`);
}

/** @fails Refusal 4093 */
export function targetOf<T extends TargetRecord>(id: string, listener: ListenerOf<T>): T {
  return found(listener.targets, id) ?? refuse(4093, `listener ${listener.id} has no target ${id}`);
}

interface BalancerOf<Listener> {
  readonly id: string;
  readonly listeners: readonly Listener[];
}

interface ListenerOf<Target> {
  readonly id: string;
  readonly targets: readonly Target[];
}

function found<T extends { readonly id: string }>(all: readonly T[], id: string): T | undefined {
  return all.find((one) => one.id === id);
}

function refuse(code: number, message: string): never {
  throw new Refusal(code, message);
}
