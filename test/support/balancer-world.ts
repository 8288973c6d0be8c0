import type { NodeSeen } from '#balancer/choose-back-ends.ts';
import { isClaimed, isWanted } from '#balancer/service.ts';
import { ServiceBalancers } from '#balancer/service-balancers.ts';
import type { BackEnd, Balancers, CloudBalancer, CloudListener, Listening } from '#cloud/balancer.ts';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudFailure, CloudResult } from '#cloud/failure.ts';
import type { Owned } from '#cloud/owned.ts';
import type { PublicAddress, PublicAddresses } from '#cloud/public-address.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { type Ms, minutes, ms, seconds, uptime } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';

/** What may go wrong with the next call of a kind. `lost`: it is done, and nobody hears of it. */
export type Trouble = 'dies-before' | 'dies-after' | 'refused' | 'lost';
export type CallKind = 'write' | 'make' | 'change' | 'remove';

export const listLag = seconds(15);
export const mark = 'shop';

/**
 * One Service with everything around it: the API server's object, the cloud, and a controller that can be killed at any of its calls.
 * The controller decides by the product's own code; API server and cloud are what it relies on of them, in memory and on the test's
 * clock. Lists of the cloud are as late as they may be.
 */
export class BalancerWorld {
  service: ServiceObject | undefined;
  nodes: readonly NodeSeen[] = [cloudNode('web-1')];
  readyOn: readonly string[] = ['web-1'];
  readonly balancers = new Map<string, CloudBalancer>();
  readonly addresses = new Map<string, PublicAddress>();
  readonly trouble = new Map<CallKind, Trouble>();
  /** How late lists are. */
  lag: Ms = ms(0);
  /** Whatever must never happen, and did. */
  readonly faults: string[] = [];
  readonly events: string[] = [];
  /** Every call to the cloud. */
  calls = 0;
  #serial = 0;
  #past: {
    readonly until: number;
    readonly balancers: readonly CloudBalancer[];
    readonly addresses: readonly PublicAddress[];
  }[] = [];
  #life = new AbortController();
  #controller = this.#start();

  /** The controller looks after the Service once; a planted death begins its next life. */
  async tend(): Promise<Ms | undefined> {
    try {
      return (await this.#controller.tend('default/web'))?.again;
    } catch (e) {
      if (!(e instanceof Error)) throw e;
      if (e instanceof TypeError || e instanceof RangeError) throw e;
      return seconds(1);
    } finally {
      if (this.#life.signal.aborted) this.restart();
    }
  }

  /** Whether the controller says that no balancer sends to this machine. */
  isOut(machine: string): boolean {
    const { service } = this;
    const relevant = service !== undefined && (isWanted(service) || isClaimed(service)) ? ['default/web'] : [];
    const { undecided, balancers } = this.#controller.sendersTo(machine, relevant);
    return undecided.length === 0 && balancers.length === 0;
  }

  /** Whether one really does. */
  isSentTo(machine: string): boolean {
    return [...this.balancers.values()].some(({ listeners }) =>
      listeners.some(({ backEnds }) => backEnds.some((one) => one.machine === machine)),
    );
  }

  restart(): void {
    this.#life = new AbortController();
    this.#controller = this.#start();
  }

  /** Somebody changes the Service. */
  edit(change: (service: ServiceObject) => ServiceObject): void {
    if (this.service !== undefined) this.#store(change(this.service));
  }

  create(
    uid: string,
    spec: NonNullable<ServiceObject['spec']>,
    annotations: Readonly<Record<string, string>> = {},
  ): void {
    this.#store({ metadata: { name: 'web', namespace: 'default', uid, annotations }, spec });
  }

  /** As the API server does: what has a finalizer stays until it has none. */
  delete(): void {
    if (this.service === undefined) return;
    const { metadata } = this.service;
    if ((metadata.finalizers ?? []).length === 0) this.service = undefined;
    else this.#store({ ...this.service, metadata: { ...metadata, deletionTimestamp: '2026-11-28T12:00:00Z' } });
  }

  /** Somebody changes the cloud by hand. */
  meddle(change: (balancer: CloudBalancer) => CloudBalancer): void {
    this.#remember();
    for (const [id, balancer] of this.balancers) this.balancers.set(id, change(balancer));
  }

  #start(): ServiceBalancers {
    const life = this.#life;
    return new ServiceBalancers(
      {
        kube: this.#kube(life),
        cloud: {
          provider: 'test',
          ...this.#cloud(life),
          // No Service here asks for one of these.
          directBalancers: noneOf(50),
          applicationBalancers: noneOf(300),
          network: { inbound },
        } as unknown as Cloud,
        events: {
          tell: (_regarding, { reason }, note) => void this.events.push(`${reason}: ${note}`),
          flush: async () => undefined,
        },
        mark,
        vpc: 'vpc-1',
        subnet: 'subnet-1',
        note: () => undefined,
        audit: minutes(10),
      },
      {
        nodes: () => this.nodes,
        endpoints: () => ({ ready: this.readyOn.length, nodes: new Set(this.readyOn) }),
      },
      life.signal,
    );
  }

  #store(next: ServiceObject): void {
    const resourceVersion = String(++this.#serial);
    this.service = { ...next, metadata: { ...next.metadata, resourceVersion } };
    const { deletionTimestamp, finalizers = [] } = next.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.service = undefined;
  }

  /** Lets a call be, or lets the controller die just before or after it, or lose the answer. */
  async #mortal<T>(kind: CallKind, life: AbortController, act: () => T): Promise<T | 'refused' | 'lost'> {
    if (life.signal.aborted) throw new Error('planted: it is dead');
    const trouble = this.trouble.get(kind);
    this.trouble.delete(kind);
    if (trouble === 'refused') return 'refused';
    if (trouble === undefined) return act();
    if (trouble !== 'dies-before') act();
    if (trouble === 'lost') return 'lost';
    life.abort(new Error('planted: it is dead'));
    throw new Error('planted: it is dead');
  }

  #kube(life: AbortController): Kube {
    const write = async (act: () => void): Promise<unknown> => {
      const outcome = await this.#mortal('write', life, act);
      if (outcome !== 'refused' && outcome !== 'lost') return this.service;
      throw new KubeError('planted', { status: 500, reason: 'InternalError', message: 'etcd is full' });
    };
    type Patch = { readonly metadata: { readonly resourceVersion: string; readonly finalizers?: readonly string[] } };
    return {
      get: async () => this.service,
      merge: (_resource: unknown, _at: unknown, { metadata: patch }: Patch) =>
        write(() => {
          const { service } = this;
          if (service?.metadata.resourceVersion !== patch.resourceVersion)
            throw new KubeError('writing', { status: 409, reason: 'Conflict', message: 'it has moved on' });
          const { annotations = {} } = patch as { annotations?: Readonly<Record<string, string | null>> };
          const merged = Object.entries({ ...service.metadata.annotations, ...annotations });
          const kept = merged.filter((entry): entry is [string, string] => entry[1] !== null);
          const finalizers = patch.finalizers ?? service.metadata.finalizers ?? [];
          const last = service.metadata.finalizers ?? [];
          if (last.length > 0 && finalizers.length === 0) this.#checkLeft(service.metadata.uid ?? '');
          this.#store({
            ...service,
            metadata: { ...service.metadata, finalizers, annotations: Object.fromEntries(kept) },
          });
        }),
      apply: (_resource: unknown, { status }: ServiceObject) =>
        write(() => {
          if (this.service !== undefined) this.#store({ ...this.service, ...(status !== undefined && { status }) });
        }),
    } as unknown as Kube;
  }

  /** Whoever gives up a Service has left nothing of it. */
  #checkLeft(owner: string): void {
    const left = [...this.balancers.values(), ...this.addresses.values()].filter((one) => one.owner === owner);
    for (const { id } of left) this.faults.push(`${id} was left behind`);
  }

  #cloud(life: AbortController): Pick<Cloud, 'balancers' | 'publicAddresses'> {
    const gone = (id: string): CloudResult<never> => fail(failure('gone', `no ${id}`));
    const make = async <T>(act: () => CloudResult<T>): Promise<CloudResult<T>> => this.#outcome('make', life, act);
    const change = async (act: () => CloudResult<void>): Promise<CloudResult<void>> =>
      this.#outcome('change', life, act);
    const remove = async (act: () => CloudResult<void>): Promise<CloudResult<void>> =>
      this.#outcome('remove', life, act);
    const onListener = (
      balancer: string,
      listener: string,
      next: (one: CloudListener) => CloudListener,
    ): CloudResult<void> => {
      const seen = this.balancers.get(balancer);
      if (!seen?.listeners.some(({ id }) => id === listener)) return gone(listener);
      const listeners = seen.listeners.map((one) => (one.id === listener ? next(one) : one));
      this.balancers.set(balancer, { ...seen, listeners });
      return ok();
    };
    const balancers: Balancers = {
      most: { listeners: 5, backEnds: 300 },
      lag: listLag,
      create: ({ vpc, subnet, charge, name, owner }) =>
        make(() => {
          const there = this.#listed().balancers.find((one) => one.owner === owner && one.mark === mark);
          if (there !== undefined) return ok(there);
          const id = `nlb-${++this.#serial}`;
          if (this.ownBalancers(owner).length > 0) this.faults.push(`a second balancer was made for ${owner}`);
          const made = {
            id,
            name,
            mark,
            owner,
            vpc,
            subnet,
            charge,
            createdAt: this.#serial,
            address: ip('10.9.0.9'),
            listeners: [],
          };
          this.balancers.set(id, made);
          return ok(made);
        }),
      list: async () => this.#read(life, ok(this.#listed().balancers)),
      find: async (id) => {
        const seen = this.#listed().balancers.find((one) => one.id === id) ?? this.balancers.get(id);
        return this.#read(life, seen === undefined ? gone(id) : ok(this.balancers.get(id) ?? seen));
      },
      remove: (id) =>
        remove(() => {
          this.balancers.delete(id);
          for (const [key, one] of this.addresses)
            if (one.boundTo === id) this.addresses.set(key, { ...one, boundTo: undefined });
          return ok();
        }),
      listen: (balancer, { owner, ...wish }: Listening & Owned) =>
        make(() => {
          const seen = this.balancers.get(balancer);
          if (seen === undefined) return gone(balancer);
          const there = seen.listeners.find((one) => one.port === wish.port && one.protocol === wish.protocol);
          if (there !== undefined) return ok(there);
          const made = { ...wish, mark, owner, id: `listener-${++this.#serial}`, lastPort: wish.port, backEnds: [] };
          this.balancers.set(balancer, { ...seen, listeners: [...seen.listeners, made] });
          return ok(made);
        }),
      change: (balancer, listener, { scheduler, sticky, proxyProtocol, checkPort }) =>
        change(() =>
          onListener(balancer, listener, (one) => ({ ...one, scheduler, sticky, proxyProtocol, checkPort })),
        ),
      unlisten: (balancer, listener) =>
        remove(() => {
          const seen = this.balancers.get(balancer);
          if (seen !== undefined)
            this.balancers.set(balancer, { ...seen, listeners: seen.listeners.filter(({ id }) => id !== listener) });
          return ok();
        }),
      add: (balancer, listener, backEnds) =>
        this.#outcome('change', life, () => {
          const added = backEnds.map((one) => this.#backEnd(one));
          // Whoever asks later is told that it passes its checks.
          const later = added.map((one) => ({ ...one, healthy: true }));
          const done = onListener(balancer, listener, (one) => ({ ...one, backEnds: [...one.backEnds, ...later] }));
          return done.ok ? ok(added) : done;
        }),
      drop: (balancer, listener, ids) =>
        change(() =>
          onListener(balancer, listener, (one) => ({
            ...one,
            backEnds: one.backEnds.filter(({ id }) => !ids.includes(id)),
          })),
        ),
    };
    const publicAddresses: PublicAddresses = {
      allocate: ({ owner, bandwidth }) =>
        make(() => {
          const there = this.#listed().addresses.find((one) => one.owner === owner);
          if (there !== undefined) return ok(there);
          const id = `eip-${++this.#serial}`;
          if (this.ownAddresses(owner).length > 0) this.faults.push(`a second address was given to ${owner}`);
          const made = {
            id,
            ip: ip('106.75.0.9'),
            mark,
            owner,
            bandwidth,
            createdAt: this.#serial,
            boundTo: undefined,
          };
          this.addresses.set(id, made);
          return ok(made);
        }),
      list: async () => this.#read(life, ok(this.#listed().addresses)),
      bind: (address, boundTo) => change(() => this.#changeAddress(address, { boundTo })),
      resize: (address, bandwidth) => change(() => this.#changeAddress(address, { bandwidth })),
      release: (address) =>
        remove(() => {
          this.addresses.delete(address);
          return ok();
        }),
    };
    return { balancers, publicAddresses };
  }

  ownBalancers(owner: string): readonly CloudBalancer[] {
    return [...this.balancers.values()].filter((one) => one.owner === owner);
  }

  ownAddresses(owner: string): readonly PublicAddress[] {
    return [...this.addresses.values()].filter((one) => one.owner === owner);
  }

  #backEnd(backEnd: BackEnd): CloudListener['backEnds'][number] {
    return { ...backEnd, id: `target-${++this.#serial}`, healthy: undefined };
  }

  #changeAddress(id: string, change: Partial<PublicAddress>): CloudResult<void> {
    const seen = this.addresses.get(id);
    if (seen === undefined) return fail(failure('gone', `no ${id}`));
    this.addresses.set(id, { ...seen, ...change });
    return ok();
  }

  async #read<T>(life: AbortController, answer: CloudResult<T>): Promise<CloudResult<T>> {
    this.calls++;
    if (life.signal.aborted) throw new Error('planted: it is dead');
    return answer;
  }

  async #outcome<T>(kind: CallKind, life: AbortController, act: () => CloudResult<T>): Promise<CloudResult<T>> {
    this.calls++;
    const outcome = await this.#mortal(kind, life, () => {
      this.#remember();
      return act();
    });
    if (outcome === 'refused') return fail(failure('unavailable', 'planted'));
    return outcome === 'lost' ? fail(failure('unknown', 'planted')) : outcome;
  }

  #remember(): void {
    this.#past = this.#past.filter(({ until }) => until > uptime() - listLag);
    this.#past.push({
      until: uptime(),
      balancers: [...this.balancers.values()],
      addresses: [...this.addresses.values()],
    });
  }

  #listed(): { readonly balancers: readonly CloudBalancer[]; readonly addresses: readonly PublicAddress[] } {
    const time = uptime() - this.lag;
    const then = this.#past.find(({ until }) => until > time);
    return then ?? { balancers: [...this.balancers.values()], addresses: [...this.addresses.values()] };
  }
}

export function cloudNode(name: string, change: Partial<NodeSeen> = {}): NodeSeen {
  const ground = { ground: 'cloud', provider: 'test', zone: 'z', id: `uhost-${name}` } as const;
  return { name, ground, isReady: true, isExcluded: false, isLeaving: false, ...change };
}

function failure(kind: 'unavailable' | 'unknown' | 'gone', message: string): CloudFailure {
  return { kind, raw: { action: 'Any', code: 'planted', message } };
}

/** A kind of which there is none. */
function noneOf(backEnds: number) {
  return { most: { listeners: 50, backEnds }, lag: listLag, list: async () => ok([]) };
}

/** No machine here has a security group. */
async function inbound(machines: readonly string[]) {
  return ok(new Map(machines.map((machine) => [machine, { guarded: false } as const])));
}
