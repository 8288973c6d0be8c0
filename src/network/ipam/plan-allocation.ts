import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import type { SinceBoot } from '#unit/clock.ts';
import { addressAt, byNumber, contains, type Ip, ip, numberOf, parseCidr, sizeOf } from '#unit/ip.ts';
import type { Ledger } from './ledger.ts';

export type Choice =
  | { readonly do: 'give'; readonly ip: Ip }
  | { readonly do: 'refuse'; readonly why: 'no-range' | 'all-held' | 'all-resting' };

/**
 * The address for a new pod: of those that no pod holds and that have rested, the one that has been free longest, so that
 * whoever still remembers its last owner has had the most time to forget.
 */
export function chooseAddress(spec: PodRangeSpec | undefined, ledger: Ledger, at: SinceBoot): Choice {
  if (spec === undefined) return { do: 'refuse', why: 'no-range' };
  const held = heldAddresses(ledger);
  const free = usableAddresses(spec).filter((address) => !held.has(address));
  if (free.length === 0) return { do: 'refuse', why: 'all-held' };
  const freeSince = (address: Ip): number => ledger.rests.get(address) ?? 0;
  const rested = free.filter((address) => freeSince(address) <= at);
  const [best] = rested.sort((a, b) => freeSince(a) - freeSince(b) || numberOf(a) - numberOf(b));
  return best === undefined ? { do: 'refuse', why: 'all-resting' } : { do: 'give', ip: best };
}

export interface Use {
  readonly inUse: number;
  readonly free: number;
  /** Listed addresses, in whatever state, that pods hold, sorted. */
  readonly held: readonly Ip[];
  /** Listed addresses that no pod holds and none gets yet, sorted. */
  readonly resting: readonly Ip[];
  /** Addresses in state `releasing` that no pod holds and none will get. */
  readonly released: readonly Ip[];
}

/** The counts that the node reports to the controller. A resting address is in use: it can't be given, nor given back. */
export function useOf(spec: PodRangeSpec, ledger: Ledger, at: SinceBoot): Use {
  const taken = takenAddresses(ledger, at);
  const held = heldAddresses(ledger);
  const listed = (spec.addresses ?? []).map((a) => ip(a.ip)).sort(byNumber);
  const releasing = (spec.addresses ?? []).filter(({ state }) => state === 'releasing').map((a) => ip(a.ip));
  return {
    inUse: [...taken].filter((address) => belongs(spec, address)).length,
    free: usableAddresses(spec).filter((address) => !taken.has(address)).length,
    held: listed.filter((address) => held.has(address)),
    resting: listed.filter((address) => taken.has(address) && !held.has(address)),
    released: releasing.filter((address) => !taken.has(address)).sort(byNumber),
  };
}

/** When the next address has rested, and so the counts change by themselves; `undefined` if none rests. */
export function nextRested(ledger: Ledger, at: SinceBoot): SinceBoot | undefined {
  const ahead = [...ledger.rests.values()].filter((until) => until > at);
  return ahead.length === 0 ? undefined : (Math.min(...ahead) as SinceBoot);
}

/** Whether pods can be given anything at all, were none there yet. */
export function hasUsable(spec: PodRangeSpec): boolean {
  return usableAddresses(spec).length > 0;
}

function usableAddresses(spec: PodRangeSpec): Ip[] {
  const listed = (spec.addresses ?? []).filter(({ state }) => state === 'usable').map((a) => ip(a.ip));
  const subnet = spec.subnet === undefined ? undefined : parseCidr(spec.subnet);
  if (subnet === undefined) return listed;
  const size = sizeOf(subnet);
  // The first and the last address: many a router takes them for the subnet itself and for everybody in it.
  const inner = Array.from({ length: Math.max(0, size - 2) }, (_, i) => addressAt(subnet, i + 1) as Ip);
  return [...listed, ...inner];
}

function belongs(spec: PodRangeSpec, address: Ip): boolean {
  const subnet = spec.subnet === undefined ? undefined : parseCidr(spec.subnet);
  if (subnet !== undefined && contains(subnet, address)) return true;
  return (spec.addresses ?? []).some((a) => a.ip === address);
}

function heldAddresses(ledger: Ledger): ReadonlySet<Ip> {
  return new Set([...ledger.held.values()].map((held) => held.ip));
}

function takenAddresses(ledger: Ledger, at: SinceBoot): ReadonlySet<Ip> {
  const resting = [...ledger.rests].filter(([, until]) => until > at).map(([address]) => address);
  return new Set([...heldAddresses(ledger), ...resting]);
}
