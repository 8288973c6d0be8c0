import type { PodRangeSpec } from '#kube/api/pod-range.ts';

/** One place of a machine's addresses: what the choice of the next request needs to know of it. */
export interface HomeSeen {
  /** As the ledger records it: absent for the primary interface. */
  readonly id: string | undefined;
  /** How many addresses it takes in all; `undefined` where the cloud does not tell. */
  readonly most: number | undefined;
  /** Why the cloud gives it no more for now; `undefined` when it may be asked. */
  readonly refused: string | undefined;
}

export type HomeChoice =
  /** room: addresses that it has room for; Infinity where nobody knows. */
  | { readonly do: 'ask'; readonly home: string | undefined; readonly room: number }
  | { readonly do: 'refuse'; readonly why: string };

/**
 * Where more addresses are asked for: the first interface with room, in the order of the machine. What the cloud tells of room saves a
 * request that it would refuse, but only a refusal is believed: if all have as many as it tells, they are asked one after the other.
 */
export function chooseHome(homes: readonly HomeSeen[], entries: NonNullable<PodRangeSpec['addresses']>): HomeChoice {
  const roomOf = ({ id, most = Number.POSITIVE_INFINITY }: HomeSeen): number =>
    most - entries.filter(({ home }) => home === id).length;
  const open = homes.filter(({ refused }) => refused === undefined);
  const roomy = open.find((home) => roomOf(home) > 0);
  if (roomy !== undefined) return { do: 'ask', home: roomy.id, room: roomOf(roomy) };
  const [first] = open;
  if (first !== undefined) return { do: 'ask', home: first.id, room: Number.POSITIVE_INFINITY };
  return { do: 'refuse', why: homes.at(-1)?.refused ?? 'the machine has no interface' };
}
