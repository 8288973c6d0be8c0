import type { ArpPacket } from '#host/arp/frame.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { ms, type SinceBoot, seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';

/** What this machine knows of one address of its slice: whether anybody else on the site's network uses it. */
export interface Watched {
  /** A whole series of probes brought no answer, and nobody was heard with it since: a pod may get it. */
  readonly clear: boolean;
  /** It was clear once, or a pod had it: nobody else used it as long as this machine was watching. */
  readonly known: boolean;
  /** Probes of the series that runs. */
  readonly sent: number;
  /** When something is to be done about it again. */
  readonly next: SinceBoot;
  /** Who else has used it, or was about to. */
  readonly foreign?: string;
}

export type Watch = ReadonlyMap<Ip, Watched>;

/** Three probes, and as long again for the answer to the last. @source RFC 5227 section 1.1 PROBE_NUM; its pauses of 1 to 2 s are meant for any link, and on one Ethernet segment an answer takes a millisecond */
const seriesOf = 3;
const pause = ms(300);
/** How often an address that is free is looked at again, and one that somebody else uses. */
const again = seconds(60);

export interface WatchSeen {
  /** The addresses of this machine's slice. */
  readonly listed: readonly Ip[];
  /** Those that pods have. */
  readonly held: ReadonlySet<Ip>;
  readonly at: SinceBoot;
}

/**
 * What is to be probed now, and what is known after that. An address that no pod has is probed before it is given to one, and every minute;
 * one that somebody else uses is tried again every minute, whether a pod has it or not.
 */
export function planProbes(
  watch: Watch,
  { listed, held, at }: WatchSeen,
): { readonly watch: Watch; readonly probe: readonly Ip[] } {
  const probe: Ip[] = [];
  const after = listed.map((address): readonly [Ip, Watched] => {
    const now = watch.get(address) ?? { clear: false, known: false, sent: 0, next: at };
    const isHeld = held.has(address);
    // When its pod has gone it is looked at from the beginning.
    if (isHeld && now.foreign === undefined) return [address, { clear: false, known: true, sent: 0, next: at }];
    if (now.next > at) return [address, now];
    if (!now.clear && now.sent === seriesOf)
      return [address, { clear: !isHeld, known: true, sent: 0, next: later(at, again) }];
    probe.push(address);
    if (now.clear) return [address, { ...now, next: later(at, again) }];
    return [address, { ...now, sent: now.sent + 1, next: later(at, pause) }];
  });
  return { watch: new Map(after), probe };
}

export interface Heard {
  readonly watch: Watch;
  readonly does:
    | 'nothing'
    /** Somebody asks whether the address is free, and a pod has it: the kernel answers only those who have an address themselves. */
    | 'answer'
    /** Somebody uses the address of a pod. */
    | 'defend';
}

/** What a packet of somebody else says about the addresses of this machine. @unit own: the MAC address of this machine */
export function hear(
  watch: Watch,
  packet: ArpPacket,
  { held, at, own }: Omit<WatchSeen, 'listed'> & { readonly own: string },
): Heard {
  const { mac, ip: sender } = packet.from;
  if (mac === own) return { watch, does: 'nothing' };
  const isProbe = packet.does === 'asks' && sender === '0.0.0.0';
  if (isProbe && held.has(packet.target)) return { watch, does: 'answer' };
  const about = isProbe ? packet.target : sender;
  const before = watch.get(about);
  if (before === undefined) return { watch, does: 'nothing' };
  const now: Watched = { clear: false, known: before.known, sent: 0, next: later(at, again), foreign: mac };
  return { watch: new Map(watch).set(about, now), does: held.has(about) ? 'defend' : 'nothing' };
}

export interface Conflict {
  readonly ip: Ip;
  readonly mac: string;
  /** Whether a pod has the address. */
  readonly held: boolean;
}

/** The addresses that somebody else uses, in the order of the slice. */
export function conflictsIn(watch: Watch, held: ReadonlySet<Ip>): readonly Conflict[] {
  return [...watch].flatMap(([ip, { foreign }]) =>
    foreign === undefined ? [] : [{ ip, mac: foreign, held: held.has(ip) }],
  );
}

/** In words for everybody; `undefined` when nobody else uses an address. */
export function explainConflicts(conflicts: readonly Conflict[]): string | undefined {
  if (conflicts.length === 0) return undefined;
  const each = conflicts
    .slice(0, mostTold)
    .map(({ ip, mac, held }) => `${ip} is used by ${mac}${held ? ' and by a pod' : ''}`);
  const more = conflicts.length - each.length;
  const told = more > 0 ? `${each.join(', ')} and ${more} more` : each.join(', ');
  return `another machine uses addresses of pods: ${told}; no pod gets them until it stops. Give that machine another address, or set another range for pods aside`;
}

const mostTold = 10;

/** The range as pods can be served from it: an address that may be somebody else's goes to no pod. */
export function clearSpec(spec: PodRangeSpec, watch: Watch): PodRangeSpec {
  return without(spec, (address) => watch.get(address)?.clear === true);
}

/** The range as the node is judged by it: that a pod's last address is being probed anew does not make the node unfit. */
export function knownSpec(spec: PodRangeSpec, watch: Watch): PodRangeSpec {
  return without(spec, (address) => {
    const watched = watch.get(address);
    return watched?.known === true && watched.foreign === undefined;
  });
}

function without(spec: PodRangeSpec, isGood: (address: Ip) => boolean): PodRangeSpec {
  if (spec.bridged === undefined) return spec;
  const addresses = (spec.addresses ?? []).map((entry) =>
    entry.state === 'usable' && !isGood(entry.ip as Ip) ? { ...entry, state: 'settling' as const } : entry,
  );
  return { ...spec, addresses };
}

function later(at: SinceBoot, by: number): SinceBoot {
  return (at + by) as SinceBoot;
}
