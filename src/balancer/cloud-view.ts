import type { BalancersOf, CloudBackEnd, SeenBalancer } from '#cloud/balancer.ts';
import type { Certificates, CloudCertificate } from '#cloud/certificate.ts';
import { type CloudFailure, type CloudResult, explainFailure } from '#cloud/failure.ts';
import { byAge, type Marked } from '#cloud/owned.ts';
import type { PublicAddress, PublicAddresses } from '#cloud/public-address.ts';
import { type Ms, ms, seconds, sleep, uptime } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudSeen, LayerWish, NamedSeen, OwnedListener } from './plan-life.ts';
import type { BalancerRecord } from './record.ts';

export interface CloudViewOptions<Listener extends ViewedListener> {
  readonly balancers: Pick<BalancersOf<never, Listener>, 'list' | 'find' | 'lag'>;
  readonly publicAddresses: PublicAddresses;
  /** `undefined` for a layer that has none. */
  readonly certificates?: Certificates | undefined;
  readonly mark: string;
  /** How often everything is listed although nothing is in doubt. */
  readonly audit: Ms;
}

/** A port of a balancer, with those that it sends to. */
export interface ViewedListener extends OwnedListener {
  readonly backEnds: readonly CloudBackEnd[];
}

/**
 * What there is in the cloud of one layer for all Services and Ingresses, listed once for all of them and kept up to date by what is done. All that it remembers
 * can be lost without harm. Its times are the process's own.
 */
export class CloudView<Listener extends ViewedListener> {
  readonly #options: CloudViewOptions<Listener>;
  readonly #balancers = new Map<string, Aged<SeenBalancer<Listener>>>();
  readonly #addresses = new Map<string, Aged<PublicAddress>>();
  readonly #certificates = new Map<string, Aged<CloudCertificate>>();
  /** Ids that were removed, and when: a list that is late must not bring them back. */
  readonly #removed = new Map<string, number>();
  /** Ids that are recorded and that the lists lack, and since when. */
  readonly #missing = new Map<string, number>();
  /** By owner: until then a create may have been done that no list shows. */
  readonly #doubts = new Map<string, number>();
  readonly #begun = uptime();
  #listedAt: number | undefined;
  #listing: Promise<CloudFailure | undefined> | undefined;
  /** Ids of balancers whose checks are to be looked at. */
  readonly #unchecked = new Set<string>();
  #checking: Promise<void> | undefined;

  constructor(options: CloudViewOptions<Listener>) {
    this.#options = options;
  }

  /** @unit isFresh: whether this process itself has claimed the Service, so that nobody can have asked for anything before */
  async observe(owner: string, record: BalancerRecord, isFresh: boolean): Promise<CloudSeen<Listener>> {
    const { mark } = this.#options;
    if (!isFresh && !this.#doubts.has(owner)) this.#doubts.set(owner, this.#begun + this.#options.balancers.lag);
    if (this.#isListDue(owner)) {
      const failure = await this.#list();
      if (failure !== undefined) return { state: 'unreadable', why: explainFailure(failure) };
    }
    const own = <T extends Marked & { readonly id: string; readonly createdAt: number }>(
      all: ReadonlyMap<string, Aged<T>>,
      recorded: string | undefined,
    ): readonly T[] =>
      [...all.values()]
        .map(({ value }) => value)
        .filter((one) => one.mark === mark && one.owner === owner)
        .toSorted((a, b) => Number(b.id === recorded) - Number(a.id === recorded) || byAge(a, b));
    const certificates = own(this.#certificates, undefined);
    if (record.uses === 'existing') return this.#observeExisting(owner, record.balancer, certificates);
    const [first, ...surplus] = own(this.#balancers, record.balancer);
    const addresses = own(this.#addresses, record.address);
    const recorded = await this.#recorded(record.balancer);
    if ('failure' in recorded) return { state: 'unreadable', why: explainFailure(recorded.failure) };
    const isFound = recorded.found !== undefined;
    const balancer = isFound && recorded.found?.mark === mark ? recorded.found : first;
    return {
      state: 'known',
      balancer,
      surplus: isFound && first !== undefined && first.id !== balancer?.id ? [first, ...surplus] : surplus,
      addresses,
      certificates,
      bound: this.#boundTo(balancer?.id),
      inDoubt:
        this.#isInDoubt(owner) ||
        recorded.isLate ||
        (record.address !== undefined && addresses.length === 0 && this.#isLate(record.address)),
      markLost: isFound && recorded.found?.mark !== mark ? recorded.found?.id : undefined,
    };
  }

  /**
   * What to go by for an owner whose record cannot be read. @shape `undefined`: nothing of this layer is its
   * @fails CloudFailure: the lists cannot be read
   */
  async recall(owner: string): Promise<CloudResult<BalancerRecord | undefined>> {
    if (!this.#doubts.has(owner)) this.#doubts.set(owner, this.#begun + this.#options.balancers.lag);
    const failure = this.#isListDue(owner) ? await this.#list() : undefined;
    // Whoever may not see this kind has made none.
    if (failure !== undefined) return failure.kind === 'denied' ? ok(undefined) : fail(failure);
    const isIts = (one: Marked): boolean => one.mark === this.#options.mark && one.owner === owner;
    const balancers = [...this.#balancers.values()].map(({ value }) => value);
    const made = balancers.find(isIts);
    if (made !== undefined) return ok({ uses: 'made', balancer: made.id });
    const shared = balancers.find(({ listeners }) => listeners.some(isIts));
    if (shared !== undefined) return ok({ uses: 'existing', balancer: shared.id });
    const hasMore = [...this.#certificates.values()].some(({ value }) => isIts(value));
    return ok(hasMore || this.#isInDoubt(owner) ? { uses: 'made' } : undefined);
  }

  /** The balancer that is named, as it is now; not asked for when it is the one that is recorded. */
  async namedAnew(
    { use, layer }: Pick<LayerWish, 'use' | 'layer'>,
    record: BalancerRecord,
  ): Promise<NamedSeen | undefined> {
    const has = record.uses === 'existing' && (record.layer ?? 'network') === layer ? record.balancer : undefined;
    if (use === undefined || has === use) return undefined;
    const found = await this.#options.balancers.find(use, { within: callLimit });
    if (found.ok) return { state: 'known', found: found.value };
    return found.failure.kind === 'gone'
      ? { state: 'known', found: undefined }
      : { state: 'unreadable', why: explainFailure(found.failure) };
  }

  /** When time alone changes what `observe` says of this owner. */
  nextLook(owner: string): Ms {
    const { audit, balancers } = this.#options;
    const dues = [
      (this.#listedAt ?? 0) + audit,
      this.#doubts.get(owner) ?? 0,
      ...[...this.#missing.values()].map((since) => since + balancers.lag),
    ].filter((due) => due > uptime());
    return ms(Math.max(50, Math.min(...dues, uptime() + audit) - uptime()));
  }

  /** What was done is known better than by a list. */
  has(balancer: SeenBalancer<Listener>): void {
    this.#balancers.set(balancer.id, { value: balancer, at: uptime() });
    this.#missing.delete(balancer.id);
  }

  hasAddress(address: PublicAddress): void {
    this.#addresses.set(address.id, { value: address, at: uptime() });
    this.#missing.delete(address.id);
  }

  hasCertificate(certificate: CloudCertificate): void {
    this.#certificates.set(certificate.id, { value: certificate, at: uptime() });
  }

  changed(id: string, change: (listeners: readonly Listener[]) => readonly Listener[]): void {
    const known = this.#balancers.get(id)?.value;
    if (known !== undefined) this.has({ ...known, listeners: change(known.listeners) });
  }

  changedAddress(id: string, change: Partial<PublicAddress>): void {
    const known = this.#addresses.get(id)?.value;
    if (known !== undefined) this.hasAddress({ ...known, ...change });
  }

  lost(id: string): void {
    this.#balancers.delete(id);
    this.#addresses.delete(id);
    this.#certificates.delete(id);
    this.#missing.delete(id);
    this.#removed.set(id, uptime());
  }

  /** Nobody knows what a call came to: everything is listed before anything else, and nothing is made until lists can be believed. */
  distrust(owner: string): void {
    this.#doubts.set(owner, uptime() + this.#options.balancers.lag);
    this.listAgain();
  }

  listAgain(): void {
    this.#listedAt = undefined;
  }

  forget(owner: string): void {
    this.#doubts.delete(owner);
  }

  async #observeExisting(
    owner: string,
    id: string,
    certificates: readonly CloudCertificate[],
  ): Promise<CloudSeen<Listener>> {
    if (!this.#balancers.has(id)) {
      const found = await this.#options.balancers.find(id, { within: callLimit });
      if (found.ok) this.has(found.value);
      else if (found.failure.kind !== 'gone') return { state: 'unreadable', why: explainFailure(found.failure) };
    }
    return {
      state: 'known',
      balancer: this.#balancers.get(id)?.value,
      surplus: [],
      addresses: [],
      certificates,
      bound: this.#boundTo(id),
      inDoubt: this.#isInDoubt(owner),
      markLost: undefined,
    };
  }

  /** A recorded balancer that the list of ours lacks is looked at by its id: it may be gone, or have lost its mark. */
  async #recorded(
    id: string | undefined,
  ): Promise<
    | { readonly found: SeenBalancer<Listener> | undefined; readonly isLate: boolean }
    | { readonly failure: CloudFailure }
  > {
    if (id === undefined || this.#removed.has(id)) return { found: undefined, isLate: false };
    const known = this.#balancers.get(id)?.value;
    if (known !== undefined) return { found: known, isLate: false };
    const found = await this.#options.balancers.find(id, { within: callLimit });
    if (found.ok) return { found: found.value, isLate: false };
    if (found.failure.kind !== 'gone') return { failure: found.failure };
    return { found: undefined, isLate: this.#isLate(id) };
  }

  /** That something recorded is gone is believed when the lists have lacked it for as long as they may lag. */
  #isLate(id: string): boolean {
    if (this.#removed.has(id)) return false;
    const since = this.#missing.get(id) ?? uptime();
    this.#missing.set(id, since);
    const isLate = uptime() < since + this.#options.balancers.lag;
    // It says for how long it has been missing only if it is asked again.
    if (isLate) this.listAgain();
    return isLate;
  }

  /** The listeners that were made for an owner. */
  listenersOf(owner: string): readonly Listener[] {
    return [...this.#balancers.values()].flatMap(({ value }) =>
      value.listeners.filter((one) => one.mark === this.#options.mark && one.owner === owner),
    );
  }

  /** Looks what the checks of a balancer say now. Those who ask while a look is under way share the next one, a second later. */
  lookAtChecks(id: string): Promise<void> {
    this.#unchecked.add(id);
    this.#checking ??= this.#lookAtAllChecks().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #lookAtAllChecks(): Promise<void> {
    const { balancers } = this.#options;
    for (;;) {
      const ids = [...this.#unchecked];
      this.#unchecked.clear();
      const [only = ''] = ids;
      if (ids.length === 1) {
        const found = await balancers.find(only, { within: callLimit });
        if (found.ok) this.#takeChecks(found.value);
      } else {
        const listed = await balancers.list(undefined, { within: listLimit, leisurely: true });
        for (const one of listed.ok ? listed.value : []) if (ids.includes(one.id)) this.#takeChecks(one);
      }
      if (this.#unchecked.size === 0) return;
      await sleep(seconds(1));
    }
  }

  /** Of the rest only what was not known yet, when it was made before lists showed it: a late answer undoes nothing. */
  #takeChecks({ id, address, senders, listeners: shown }: SeenBalancer<Listener>): void {
    const known = this.#balancers.get(id);
    if (known === undefined) return;
    const health = new Map(shown.flatMap(({ backEnds }) => backEnds.map((one) => [one.id, one.healthy])));
    const listeners = known.value.listeners.map((listener) => ({
      ...listener,
      backEnds: listener.backEnds.map((one) => (health.has(one.id) ? { ...one, healthy: health.get(one.id) } : one)),
    }));
    const { value } = known;
    const had = { address: value.address ?? address, senders: value.senders ?? senders };
    this.#balancers.set(id, { ...known, value: { ...value, ...had, listeners } });
  }

  /** Balancers with a listener of ours that has this machine as a back end, sorted. */
  sendersTo(machine: string): readonly string[] {
    const sends = ({ mark, backEnds }: Listener): boolean =>
      mark === this.#options.mark && backEnds.some((one) => one.machine === machine);
    return [...this.#balancers.values()]
      .flatMap(({ value }) => (value.listeners.some(sends) ? value.id : []))
      .toSorted();
  }

  /** Only a list that was begun after the doubt ends it. */
  #isInDoubt(owner: string): boolean {
    return (this.#listedAt ?? 0) < (this.#doubts.get(owner) ?? 0);
  }

  #isListDue(owner: string): boolean {
    if (this.#listedAt === undefined || this.#listedAt + this.#options.audit <= uptime()) return true;
    return this.#isInDoubt(owner) && uptime() >= (this.#doubts.get(owner) ?? 0);
  }

  #boundTo(id: string | undefined): readonly PublicAddress['ip'][] {
    if (id === undefined) return [];
    return [...this.#addresses.values()].flatMap(({ value }) => (value.boundTo === id ? value.ip : []));
  }

  /** One listing for all that wait for it. */
  #list(): Promise<CloudFailure | undefined> {
    this.#listing ??= this.#listBoth().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #listBoth(): Promise<CloudFailure | undefined> {
    const { balancers, publicAddresses, certificates, mark } = this.#options;
    const leisurely = this.#listedAt !== undefined;
    const began = uptime();
    const listed = await balancers.list(undefined, { within: listLimit, leisurely });
    if (!listed.ok) return listed.failure;
    const addresses = await publicAddresses.list(undefined, { within: listLimit, leisurely });
    if (!addresses.ok) return addresses.failure;
    const kept = await certificates?.list(mark, { within: listLimit, leisurely });
    if (kept?.ok === false) return kept.failure;
    for (const [id, at] of this.#removed) if (at + balancers.lag <= began) this.#removed.delete(id);
    this.#take(this.#balancers, listed.value, began);
    this.#take(this.#addresses, addresses.value, began);
    this.#take(this.#certificates, kept?.value ?? [], began);
    this.#listedAt = began;
    return undefined;
  }

  /** What was made or changed a moment ago is not taken back by a list that may be older. */
  #take<T extends { readonly id: string }>(known: Map<string, Aged<T>>, listed: readonly T[], began: number): void {
    const isRecent = ({ at }: Aged<T>): boolean => at + this.#options.balancers.lag > began;
    const told = new Map(listed.map((one) => [one.id, one]));
    for (const [id, one] of known) if (!told.has(id) && !isRecent(one)) known.delete(id);
    for (const [id, value] of told) {
      const last = known.get(id);
      if (this.#removed.has(id) || (last !== undefined && isRecent(last))) continue;
      // A list is as old as it may lag: the next one is believed again.
      known.set(id, { value, at: Number.NEGATIVE_INFINITY });
    }
  }
}

/** @unit at: when this process itself did something to it */
interface Aged<T> {
  readonly value: T;
  readonly at: number;
}

/** One call to the cloud, its own retries included. */
export const callLimit = seconds(60);
const listLimit = seconds(60);
