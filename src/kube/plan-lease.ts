import { type Instant, type Ms, seconds } from '#unit/clock.ts';
import type { LeaseObject } from './resources.ts';

export type LeaseTurn =
  /** Somebody else holds it, and its time is not over. */
  | { readonly do: 'wait'; readonly why: 'held' }
  | { readonly do: 'write'; readonly why: 'free' | 'expired' | 'mine'; readonly spec: LeaseSpec };
export type LeaseSpec = Required<NonNullable<LeaseObject['spec']>>;

export interface LeaseSeen {
  /** `undefined` when there is none. */
  readonly spec: LeaseObject['spec'];
  /** How long the record has been as it is, by our own clock: the holder's clock may be wrong. */
  readonly unchanged: Ms;
  /** What the record is to say. */
  readonly at: Instant;
}

/** One turn of wanting or keeping a lease. @unit duration: how long others must leave it alone after each renewal */
export function planLease(seen: LeaseSeen, identity: string, duration: Ms): LeaseTurn {
  const old = seen.spec;
  const holder = old?.holderIdentity ?? '';
  const mine = holder === identity;
  const why = mine ? 'mine' : holder === '' ? 'free' : 'expired';
  if (why === 'expired' && seen.unchanged < seconds(old?.leaseDurationSeconds ?? 0)) return { do: 'wait', why: 'held' };
  const stamp = microTime(seen.at);
  const spec = {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(duration / 1000),
    renewTime: stamp,
    acquireTime: mine ? (old?.acquireTime ?? stamp) : stamp,
    leaseTransitions: (old?.leaseTransitions ?? 0) + (old === undefined || mine ? 0 : 1),
  };
  return { do: 'write', why, spec };
}

/** The record that gives a lease back; `undefined` when it is not ours to give. The next one may take it at once. */
export function planRelease(seen: LeaseSeen, identity: string): LeaseSpec | undefined {
  const old = seen.spec;
  if (old?.holderIdentity !== identity) return undefined;
  const stamp = microTime(seen.at);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    renewTime: stamp,
    acquireTime: old.acquireTime ?? stamp,
    leaseTransitions: old.leaseTransitions ?? 0,
  };
}

/** Kubernetes' MicroTime wants six decimals and refuses the three of a JavaScript date. */
function microTime(at: Instant): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
