import type { AddressHome } from '#cloud/address.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { PodRangeObject, PodRangeSpec } from '#kube/api/pod-range.ts';
import { type Instant, type Ms, minutes, now, seconds } from '#unit/clock.ts';
import { type Ip, parseIp } from '#unit/ip.ts';
import type { ProviderId } from '#unit/provider-id.ts';
import type { CloudSeen } from './plan-pod-ranges.ts';

export interface CloudViewOptions {
  readonly cloud: Cloud;
  /** The ownership mark of this cluster: a machine without it is none of ours. */
  readonly mark: string;
  /** How often a machine's addresses are listed. */
  readonly audit: Ms;
  /** How long an address must be missing from the cloud's lists before it counts as lost. */
  readonly lostAfter: Ms;
  /** How long a cloud that has no more to give is left alone. */
  readonly refused: Ms;
}

export type CloudId = ProviderId & { readonly ground: 'cloud' };

/** What the cloud says of the nodes' machines, asked no more often than needed. All that it remembers can be lost without harm. */
export class CloudView {
  readonly #options: CloudViewOptions;
  readonly #memories = new Map<string, Memory>();

  constructor(options: CloudViewOptions) {
    this.#options = options;
  }

  async observe(name: string, id: CloudId, range: PodRangeObject | undefined): Promise<CloudSeen> {
    const memory = this.#memoryOf(name, id.id);
    const home = await this.#findHome(memory, id);
    if ('state' in home) return home;
    if (range === undefined || (memory.auditedAt ?? 0) + this.#options.audit > now())
      return { state: 'known', listed: undefined, missing: memory.missing, refused: memory.refused };
    const listed = await this.#options.cloud.addresses.list(home, { within: callLimit });
    if (!listed.ok) return { state: 'unreadable', why: explainFailure(listed.failure) };
    const at = now();
    memory.auditedAt = at;
    memory.missing = missingSince(memory.missing, range.spec, listed.value, at);
    return { state: 'known', listed: listed.value, missing: memory.missing, refused: memory.refused };
  }

  /** The interface that was found by the last `observe`. @fails Error when there was none */
  homeOf(name: string): AddressHome {
    const home = this.#memories.get(name)?.home;
    if (home === undefined) throw new Error(`the machine of ${name} was not looked up`);
    return home;
  }

  /** Nobody knows what a call came to: the next `observe` lists the machine's addresses. */
  distrust(name: string): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.auditedAt = undefined;
  }

  /** The cloud has no more to give to this machine; from now on `observe` says so for a while. */
  refuse(name: string, why: string): void {
    const memory = this.#memories.get(name);
    if (memory !== undefined) memory.refused = { until: (now() + this.#options.refused) as Instant, why };
  }

  forget(name: string): void {
    this.#memories.delete(name);
  }

  /** When time alone changes what `observe` says of a machine that was seen `at`. */
  dues(name: string, at: Instant): readonly number[] {
    const memory = this.#memories.get(name);
    const lost = [...(memory?.missing.values() ?? [])].map((since) => since + this.#options.lostAfter);
    return [(memory?.auditedAt ?? at) + this.#options.audit, memory?.refused?.until ?? 0, ...lost];
  }

  async #findHome(memory: Memory, id: CloudId): Promise<AddressHome | Exclude<CloudSeen, { readonly state: 'known' }>> {
    if (memory.home !== undefined && memory.foundAt + homeGoodFor > now()) return memory.home;
    const { cloud, mark } = this.#options;
    if (id.provider !== cloud.provider)
      return { state: 'not-ours', why: `the machine is one of ${id.provider}, not of ${cloud.provider}` };
    const found = await cloud.compute.find(id.id, { within: callLimit });
    if (!found.ok) {
      const state = found.failure.kind === 'gone' ? 'gone' : 'unreadable';
      return { state, why: explainFailure(found.failure) };
    }
    const { nic, zone } = found.value;
    if (found.value.mark !== mark)
      return { state: 'not-ours', why: `machine ${id.id} carries the mark "${found.value.mark ?? ''}", not "${mark}"` };
    if (nic === undefined) return { state: 'unreadable', why: `machine ${id.id} has no interface yet` };
    memory.home = { zone, vpc: nic.vpc, subnet: nic.subnet, object: nic.id, mac: nic.mac };
    memory.foundAt = now();
    return memory.home;
  }

  #memoryOf(name: string, machine: string): Memory {
    const known = this.#memories.get(name);
    if (known?.machine === machine) return known;
    const fresh: Memory = { machine, foundAt: 0 as Instant, missing: new Map() };
    this.#memories.set(name, fresh);
    return fresh;
  }
}

/** Of one node's machine. */
interface Memory {
  readonly machine: string;
  home?: AddressHome;
  foundAt: Instant;
  auditedAt?: Instant | undefined;
  missing: ReadonlyMap<Ip, Instant>;
  refused?: { readonly until: Instant; readonly why: string };
}

/** One call to the cloud, its own retries included. */
export const callLimit = seconds(30);
/** An interface stays as it is for as long as its machine; looked up again all the same. */
const homeGoodFor = minutes(10);

function missingSince(
  before: ReadonlyMap<Ip, Instant>,
  spec: PodRangeSpec,
  listed: readonly Ip[],
  at: Instant,
): ReadonlyMap<Ip, Instant> {
  const missing = (spec.addresses ?? []).flatMap((a) => parseIp(a.ip) ?? []).filter((a) => !listed.includes(a));
  return new Map(missing.map((address) => [address, before.get(address) ?? at]));
}
