import type { AddressHome } from '#cloud/address.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { type CloudFailure, type CloudResult, explainFailure, explainWithCure } from '#cloud/failure.ts';
import type { FurtherInterface, PodRangeObject } from '#kube/api/pod-range.ts';
import { type Ms, minutes, ms, seconds, uptime } from '#unit/clock.ts';
import { formatCidr, type Ip, ip } from '#unit/ip.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import { ok } from '#unit/result.ts';
import type { CloudSeen } from './plan-range-steps.ts';

export interface CloudViewOptions {
  readonly cloud: Cloud;
  /** The ownership mark of this cluster: a machine without it is none of ours. */
  readonly mark: string;
  /** How often a machine's addresses are listed. */
  readonly audit: Ms;
  /** How long an address must be missing from the cloud's lists before it counts as lost, and how long lists may lag. */
  readonly lostAfter: Ms;
  /** How long a cloud that has no more to give is left alone. */
  readonly refused: Ms;
}

export type CloudId = ProviderId & { readonly ground: 'cloud' };

/**
 * What the cloud says of the nodes' machines, asked no more often than needed. All that it remembers can be lost without harm.
 * Its times are the process's own: no correction of the computer's clock makes it wait.
 */
export class CloudView {
  readonly #options: CloudViewOptions;
  readonly #memories = new Map<string, Memory>();

  constructor(options: CloudViewOptions) {
    this.#options = options;
  }

  async observe(name: string, id: CloudId, range: PodRangeObject | undefined): Promise<CloudSeen> {
    const memory = this.#memoryOf(name, id.id);
    const recorded = new Map((range?.spec.addresses ?? []).map((a) => [ip(a.ip), a.home]));
    const homes = await this.#findHomes(memory, id, new Set(recorded.values()));
    if ('state' in homes) return homes;
    if (range !== undefined && memory.auditAt <= uptime()) {
      const listed = await this.#list(memory, homes);
      if (!listed.ok) return { state: 'unreadable', why: whyUnread(listed.failure) };
      this.#learn(memory, recorded, listed.value);
    }
    for (const address of recorded.keys()) memory.unrecorded.delete(address);
    for (const address of memory.missing.keys()) if (!recorded.has(address)) memory.missing.delete(address);
    const lost = [...memory.missing].filter(([, since]) => since + this.#options.lostAfter <= uptime());
    for (const [home, { until }] of memory.refused) if (until <= uptime()) memory.refused.delete(home);
    return {
      state: 'known',
      homes: homes.map(({ id, most }) => ({ id, most, refused: memory.refused.get(id)?.why })),
      interfaces: homes.flatMap(({ further }) => further ?? []),
      unrecorded: [...memory.unrecorded].map(([address, home]) => ({ ip: address, home })),
      missing: new Set(memory.missing.keys()),
      lost: new Set(lost.map(([address]) => address)),
      failing: memory.failures.length > 1 ? memory.failures.at(-1) : undefined,
    };
  }

  /**
   * The interface that the last `observe` found under this id of the ledger; `undefined` when the machine has it no more.
   * @fails Error when the machine was not found
   */
  homeOf(name: string, id: string | undefined): AddressHome | undefined {
    const homes = this.#memories.get(name)?.homes;
    if (homes === undefined) throw new Error(`the machine of ${name} was not looked up`);
    return homes.find((one) => one.id === id)?.home;
  }

  /** Nobody knows what a call came to: the next `observe` lists the machine's addresses. */
  distrust(name: string): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.inDoubt = true;
    this.listAgain(name, ms(0));
  }

  /** The machine's addresses are listed again after this time at the latest. */
  listAgain(name: string, after: Ms): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.auditAt = Math.min(memory.auditAt, uptime() + after);
  }

  /** The cloud gave these: until the ledger has them, `observe` says that it lacks them. */
  given(name: string, addresses: readonly Ip[], home: string | undefined): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.failures = [];
    for (const address of addresses) {
      memory?.unrecorded.set(address, home);
      memory?.returned.delete(address);
    }
  }

  /** The cloud took this one back. */
  returned(name: string, address: Ip): void {
    const memory = this.#memories.get(name);
    memory?.returned.set(address, uptime());
    memory?.unrecorded.delete(address);
  }

  /** Whether the cloud took it back already, and only the ledger has yet to forget it. */
  wasReturned(name: string, address: Ip): boolean {
    return this.#memories.get(name)?.returned.has(address) ?? false;
  }

  /** The cloud has no more to give to this interface; from now on `observe` says so for a while. */
  refuse(name: string, home: string | undefined, why: string): void {
    const memory = this.#memories.get(name);
    if (memory === undefined) return;
    memory.refused.set(home, { until: uptime() + this.#options.refused, why });
    memory.failures = [];
    // Somebody may have attached another one.
    memory.foundAt = Number.NEGATIVE_INFINITY;
  }

  /** A request for more failed and is repeated; when the next one fails too, `observe` says so. */
  failed(name: string, why: string): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.failures = [...memory.failures.slice(-1), why];
  }

  forget(name: string): void {
    this.#memories.delete(name);
  }

  /** How long until time alone changes what `observe` says of a machine that was seen at this time of the process. */
  nextLook(name: string, at: Ms): Ms {
    const memory = this.#memories.get(name);
    const lost = [...(memory?.missing.values() ?? [])].map((since) => since + this.#options.lostAfter);
    const refused = [...(memory?.refused.values() ?? [])].map(({ until }) => until);
    const dues = [memory?.auditAt ?? 0, ...refused, ...lost];
    // What was due when we looked is done, or waits for somebody else.
    return ms(Math.min(at + this.#options.audit, ...dues.filter((due) => due > at)) - uptime());
  }

  async #list(memory: Memory, homes: readonly KnownHome[]): Promise<CloudResult<Recorded>> {
    const opts = { within: callLimit, leisurely: !memory.inDoubt };
    const listed = new Map<Ip, string | undefined>();
    for (const { home, id } of homes) {
      const one = await this.#options.cloud.addresses.list(home, opts);
      if (!one.ok) return one;
      for (const address of one.value) listed.set(address, id);
    }
    return ok(listed);
  }

  /** @unit recorded, listed: the home of each address */
  #learn(memory: Memory, recorded: Recorded, listed: Recorded): void {
    const { audit, lostAfter } = this.#options;
    const at = uptime();
    memory.auditAt = at + audit;
    memory.inDoubt = false;
    for (const [address, since] of memory.returned) if (since + lostAfter <= at) memory.returned.delete(address);
    for (const [address, home] of listed) {
      const since = memory.returned.get(address);
      // A list that lags must not bring back what went a moment ago; one that is right says so again.
      if (since !== undefined) memory.auditAt = Math.min(memory.auditAt, since + lostAfter);
      else if (!recorded.has(address)) memory.unrecorded.set(address, home);
    }
    const isListed = (address: Ip, home: string | undefined) => listed.has(address) && listed.get(address) === home;
    const missing = [...recorded].flatMap(([address, home]) => (isListed(address, home) ? [] : address));
    memory.missing = new Map(missing.map((address) => [address, memory.missing.get(address) ?? at]));
    // It says how long they have been missing only if it is asked again.
    if (missing.length > 0) memory.auditAt = Math.min(memory.auditAt, at + lostAfter);
  }

  async #findHomes(
    memory: Memory,
    id: CloudId,
    recorded: ReadonlySet<string | undefined>,
  ): Promise<readonly KnownHome[] | Exclude<CloudSeen, { readonly state: 'known' }>> {
    const { homes: known } = memory;
    // One that the ledger names and the machine lacks may have been left out by a list that was late.
    const areAllKnown = [...recorded].every((home) => known?.some((one) => one.id === home));
    if (known !== undefined && memory.foundAt + (areAllKnown ? homesGoodFor : homesInDoubtFor) > uptime()) return known;
    const { cloud, mark } = this.#options;
    if (id.provider !== cloud.provider)
      return {
        state: 'not-ours',
        why: `the machine belongs to the cloud ${id.provider}, the cluster to ${cloud.provider}`,
      };
    const found = await cloud.compute.find(id.id, { within: callLimit });
    if (!found.ok) {
      const state = found.failure.kind === 'gone' ? 'gone' : 'unreadable';
      return { state, why: whyUnread(found.failure) };
    }
    const [primary, ...others] = found.value.homes;
    if (found.value.mark !== mark)
      return {
        state: 'not-ours',
        why: `machine ${id.id} carries the mark "${found.value.mark ?? ''}", not "${mark}": it does not belong to this cluster`,
      };
    if (primary === undefined) return { state: 'unreadable', why: `machine ${id.id} has no interface yet` };
    const further: KnownHome[] = [];
    for (const { home, mac, ip: address, subnet, most } of others) {
      const network = await cloud.network.subnet(subnet, { within: callLimit });
      if (!network.ok) return { state: 'unreadable', why: whyUnread(network.failure) };
      const { range, gateway } = network.value;
      const place = { home: home.id, mac, address, network: formatCidr(range), gateway };
      further.push({ home, id: home.id, most, further: place });
    }
    memory.homes = [{ home: primary.home, id: undefined, most: primary.most, further: undefined }, ...further];
    memory.foundAt = uptime();
    return memory.homes;
  }

  #memoryOf(name: string, machine: string): Memory {
    const known = this.#memories.get(name);
    if (known?.machine === machine) return known;
    const fresh: Memory = {
      machine,
      foundAt: 0,
      auditAt: 0,
      inDoubt: true,
      unrecorded: new Map(),
      returned: new Map(),
      missing: new Map(),
      refused: new Map(),
      failures: [],
    };
    this.#memories.set(name, fresh);
    return fresh;
  }
}

/** Addresses, and the home of each as the ledger records it. */
type Recorded = ReadonlyMap<Ip, string | undefined>;

interface KnownHome {
  readonly home: AddressHome;
  /** As the ledger records it: absent for the primary interface. */
  readonly id: string | undefined;
  readonly most: number | undefined;
  /** What the node has to know of it. */
  readonly further: FurtherInterface | undefined;
}

/** Of one node's machine. All times are those of the process. */
interface Memory {
  readonly machine: string;
  homes?: readonly KnownHome[];
  foundAt: number;
  /** When its addresses are to be listed next. */
  auditAt: number;
  /** Nothing is asked of the cloud before that. */
  inDoubt: boolean;
  /** What the cloud gave and the ledger lacks, and where. */
  readonly unrecorded: Map<Ip, string | undefined>;
  /** What the cloud took back, and when. */
  readonly returned: Map<Ip, number>;
  /** Since when the lists have lacked addresses of the ledger. */
  missing: Map<Ip, number>;
  /** By home. */
  readonly refused: Map<string | undefined, { readonly until: number; readonly why: string }>;
  /** Of the requests for more since one was answered, the last two. */
  failures: readonly string[];
}

/** Permissions are for a person to mend; the rest is asked again by itself. */
function whyUnread(failure: CloudFailure): string {
  return failure.kind === 'denied' ? explainWithCure(failure) : explainFailure(failure);
}

/** One call to the cloud, its own retries included. */
export const callLimit = seconds(30);
/** An interface stays as it is for as long as its machine; another one may come. */
const homesGoodFor = minutes(10);
const homesInDoubtFor = seconds(15);
