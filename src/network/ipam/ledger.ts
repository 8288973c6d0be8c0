import { hours, type Ms, type SinceBoot } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';

/** What one node knows of its own addresses: who holds which, and since when the others have been free. */
export interface Ledger {
  /** By the host side's link name, which is made from container id and interface name: one attachment, one key. */
  readonly held: ReadonlyMap<string, Held>;
  /** Addresses that a pod had in the last hour: until when they rest. One not in here counts as never used. */
  readonly rests: ReadonlyMap<Ip, SinceBoot>;
}

export interface Held {
  readonly ip: Ip;
  /** Empty when the attachment was found in the kernel and in no record. */
  readonly container: string;
  readonly ifname: string;
  /** Kubernetes' namespace of the pod, where the runtime told it. */
  readonly namespace?: string;
  readonly since: SinceBoot;
  /** The runtime was told that it is gone; its link is still to be removed. */
  readonly leaving: boolean;
}

/** One line of the journal. In the order of an attachment's life: hold before kernel work, leave before the answer to DEL, free after the link is gone. */
export type LedgerRecord =
  | {
      readonly do: 'hold';
      readonly link: string;
      readonly ip: Ip;
      readonly container: string;
      readonly ifname: string;
      readonly namespace?: string | undefined;
      readonly at: SinceBoot;
    }
  | { readonly do: 'leave'; readonly link: string; readonly at: SinceBoot }
  | { readonly do: 'free'; readonly link: string; readonly ip: Ip; readonly until: SinceBoot };

export const emptyLedger: Ledger = { held: new Map(), rests: new Map() };

/** The ledger after one record. Records about what is not held change nothing, so replaying a line twice is harmless. */
export function ledgerAfter(ledger: Ledger, record: LedgerRecord): Ledger {
  const held = new Map(ledger.held);
  const rests = new Map(ledger.rests);
  const before = held.get(record.link);
  switch (record.do) {
    case 'hold':
      held.set(record.link, {
        ip: record.ip,
        container: record.container,
        ifname: record.ifname,
        ...(record.namespace !== undefined && { namespace: record.namespace }),
        since: record.at,
        leaving: false,
      });
      rests.delete(record.ip);
      break;
    case 'leave':
      if (before !== undefined) held.set(record.link, { ...before, leaving: true });
      break;
    case 'free':
      if (before?.ip === record.ip) held.delete(record.link);
      rests.set(record.ip, record.until);
      forgetOld(rests);
      break;
  }
  return { held, rests };
}

/** Addresses of the cloud come and go: those of last week would fill the journal. */
function forgetOld(rests: Map<Ip, SinceBoot>): void {
  const newest = Math.max(...rests.values());
  for (const [ip, until] of rests) if (until < newest - remembered) rests.delete(ip);
}

const remembered = hours(1);

/**
 * The ledger as a new life takes it over: an address rests no longer than the cooldown from now on, whatever an earlier start
 * of the computer, or an earlier version by a clock that was ahead, has written.
 */
export function ledgerAtStart(ledger: Ledger, at: SinceBoot, cooldown: Ms): Ledger {
  const latest = (at + cooldown) as SinceBoot;
  return { ...ledger, rests: new Map([...ledger.rests].map(([ip, until]) => [ip, until > latest ? latest : until])) };
}

/** The shortest list of records that leads to this ledger. */
export function recordsOf(ledger: Ledger): readonly LedgerRecord[] {
  const rests = [...ledger.rests].map(([ip, until]): LedgerRecord => ({ do: 'free', link: '', ip, until }));
  const held = [...ledger.held].flatMap(([link, h]): readonly LedgerRecord[] => {
    const { ip, container, ifname, namespace, since: at } = h;
    const hold = {
      do: 'hold',
      link,
      ip,
      container,
      ifname,
      ...(namespace !== undefined && { namespace }),
      at,
    } as const;
    return h.leaving ? [hold, { do: 'leave', link, at: h.since }] : [hold];
  });
  return [...rests, ...held];
}
