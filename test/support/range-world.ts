import { vi } from 'vitest';
import type { Addresses } from '#cloud/address.ts';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import type { Condition } from '#kube/api/condition.ts';
import type { PodRangeObject, PodRangeSpec, PodRangeStatus } from '#kube/api/pod-range.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { emptyLedger, type Ledger, ledgerAfter } from '#network/ipam/ledger.ts';
import { chooseAddress, useOf } from '#network/ipam/plan-allocation.ts';
import type { PodRangeStep, PodsSeen } from '#network/ipam/plan-range-steps.ts';
import { type Pace, PodRanges } from '#network/ipam/pod-ranges.ts';
import { ms, type SinceBoot, seconds, uptime } from '#unit/clock.ts';
import { byNumber, cidr, type Ip, ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';

export const warm = { low: 3, high: 8 };
export const pace: Pace = {
  audit: seconds(60),
  lostAfter: seconds(60),
  refused: seconds(60),
  linger: seconds(60),
};
const cooldown = seconds(30);
const home = { ground: 'cloud', provider: 'test', zone: 'z', id: 'machine-1' } as const;

/** What may go wrong with the next call of a kind, and how. */
export type Trouble = 'dies-before' | 'dies-after' | 'refused' | 'lost' | 'short' | 'exhausted';

interface Pod {
  readonly name: string;
  /** What the node gave it. */
  ip?: Ip;
  /** Whether the API server knows of that. */
  told: boolean;
  /** Whether the controller knows of the pod yet. */
  seen: boolean;
}

/**
 * One cloud node with everything around its pod range: the API server's object, the cloud, the node's agent, pods, and a
 * controller that can be killed at any of its calls. Controller and agent decide by the product's own code; the API server
 * and the cloud here are what they rely on of them, in memory and on the test's clock. Left out are other nodes, other writers,
 * and two leaders at a time.
 */
export class RangeWorld {
  object: PodRangeObject | undefined;
  readonly cloud = new Set<Ip>();
  /** What the cloud had, and until when: its lists lag. */
  readonly #past: { readonly until: number; readonly had: readonly Ip[] }[] = [];
  lag = 0;
  /** The address that the cloud gives next. */
  #next = 1;
  capacity = Number.POSITIVE_INFINITY;
  readonly trouble = new Map<'write' | 'extend' | 'release', Trouble>();
  readonly pods = new Map<string, Pod>();
  ledger: Ledger = emptyLedger;
  /** The range as the agent took it last. */
  taken: { readonly generation: number; readonly spec: PodRangeSpec } | undefined;
  /** A report on its way. */
  report: PodRangeStatus | undefined;
  #controller: PodRanges;
  #life = new AbortController();
  #named = 0;
  /** All that was planned, and the faults of it. */
  readonly steps: PodRangeStep[] = [];
  readonly faults: string[] = [];
  /** Marks of addresses that a pod had got a moment before: the node refuses those. */
  races = 0;
  asked = 0;
  /** Every condition that the controller wrote. */
  readonly published: Condition[] = [];

  constructor() {
    this.#controller = this.#start();
  }

  /** One turn of the controller; whatever becomes of it. */
  async tend(): Promise<void> {
    try {
      await this.#controller.tend('web-1');
    } catch (e) {
      if (!this.#life.signal.aborted && !(e instanceof Error && /planted/.test(e.message))) throw e;
    }
    if (this.#life.signal.aborted) {
      this.#life = new AbortController();
      this.#controller = this.#start();
    }
  }

  kill(): void {
    this.#life = new AbortController();
    this.#controller = this.#start();
  }

  pass(span: number): void {
    vi.advanceTimersByTime(span);
  }

  podComes(seen: boolean): void {
    const name = `pod-${this.#named++}`;
    this.pods.set(name, { name, told: false, seen });
  }

  /** The agent's ADD for the first pod that has none. */
  podAdds(): void {
    const pod = [...this.pods.values()].find((one) => one.ip === undefined);
    if (pod === undefined) return;
    const choice = chooseAddress(this.taken?.spec, this.ledger, this.#nodeTime());
    if (choice.do === 'refuse') return;
    const twin = [...this.pods.values()].find((one) => one.ip === choice.ip);
    if (twin !== undefined) this.faults.push(`${pod.name} got ${choice.ip}, which ${twin.name} has`);
    pod.ip = choice.ip;
    const record = { do: 'hold', link: pod.name, ip: choice.ip, container: 'c', ifname: 'eth0' } as const;
    this.ledger = ledgerAfter(this.ledger, { ...record, at: this.#nodeTime() });
  }

  /** A pod has this address from before the story begins. */
  podHas(address: Ip, told: boolean): void {
    const name = `pod-${this.#named++}`;
    this.pods.set(name, { name, ip: address, told, seen: true });
    const record = { do: 'hold', link: name, ip: address, container: 'c', ifname: 'eth0' } as const;
    this.ledger = ledgerAfter(this.ledger, { ...record, at: this.#nodeTime() });
  }

  tellPods(): void {
    for (const pod of this.pods.values()) {
      pod.seen = true;
      pod.told = pod.ip !== undefined;
    }
  }

  podGoes(which: number): void {
    const all = [...this.pods.values()];
    const pod = all[which % Math.max(1, all.length)];
    if (pod === undefined) return;
    this.pods.delete(pod.name);
    if (pod.ip === undefined) return;
    const until = (this.#nodeTime() + cooldown) as SinceBoot;
    this.ledger = ledgerAfter(this.ledger, { do: 'free', link: pod.name, ip: pod.ip, until });
  }

  /** The agent takes the range that is there now. */
  take(): void {
    if (this.object === undefined) return;
    this.taken = { generation: this.object.metadata.generation ?? 0, spec: this.object.spec };
  }

  /** The agent says what is in use; it arrives with `deliver`. */
  say(): void {
    if (this.taken === undefined) return;
    const { held, resting, released, inUse, free } = useOf(this.taken.spec, this.ledger, this.#nodeTime());
    this.report = {
      inUse,
      free,
      held: [...held],
      resting: [...resting],
      released: [...released],
      observedGeneration: this.taken.generation,
    };
  }

  deliver(): void {
    if (this.object === undefined || this.report === undefined) return;
    this.object = { ...this.object, status: this.report };
    this.report = undefined;
  }

  /** The cloud takes an address away by itself. */
  rob(which: number): void {
    const all = [...this.cloud];
    const victim = all[which % Math.max(1, all.length)];
    if (victim !== undefined) this.cloudWithout(victim);
  }

  get waiting(): number {
    return [...this.pods.values()].filter((pod) => pod.ip === undefined).length;
  }

  /** Addresses that could be given to pods at this moment. */
  get free(): number {
    return useOf(this.object?.spec ?? { ground: 'cloud' }, this.ledger, this.#nodeTime()).free;
  }

  isHeld(address: Ip): boolean {
    return [...this.ledger.held.values()].some((held) => held.ip === address);
  }

  #isInUse(address: Ip): boolean {
    return this.isHeld(address) || (this.ledger.rests.get(address) ?? 0) > this.#nodeTime();
  }

  #nodeTime(): SinceBoot {
    return (1_000_000 + uptime()) as SinceBoot;
  }

  #remember(): void {
    this.#past.push({ until: uptime(), had: [...this.cloud] });
  }

  private cloudWithout(address: Ip): void {
    this.#remember();
    this.cloud.delete(address);
  }

  /** What the controller was told, so that it must know it. */
  #isKnownInUse(address: Ip): boolean {
    const status = this.object?.status;
    return (
      (status?.held ?? []).includes(address) ||
      (status?.resting ?? []).includes(address) ||
      this.#podsSeen().addresses.has(address)
    );
  }

  #podsSeen(): PodsSeen {
    const seen = [...this.pods.values()].filter((pod) => pod.seen);
    return {
      waiting: seen.filter((pod) => !pod.told).length,
      addresses: new Set(seen.flatMap((pod) => (pod.told && pod.ip !== undefined ? pod.ip : []))),
    };
  }

  #start(): PodRanges {
    const life = this.#life;
    return new PodRanges(
      {
        kube: this.#kube(life),
        cloud: this.#cloudOf(life),
        mark: 'shop',
        policy: {
          sitePods: cidr('172.16.0.0/16'),
          perMachine: 24,
          bridged: undefined,
          usualPodNetwork: 'routed',
          warm,
        },
        note: (facts) => this.#judge(facts),
        events: { tell: () => undefined, flush: async () => undefined },
        pace,
      },
      {
        node: () => ({ name: 'web-1', uid: 'u-1', ground: home, addresses: [] }),
        pods: () => this.#podsSeen(),
        waitingPods: () => [],
        usedByOthers: () => new Set(),
        freeSubnet: () => undefined,
        podNetwork: () => undefined,
        slices: () => undefined,
        knows: async () => undefined,
        twinOf: () => undefined,
      },
      life.signal,
    );
  }

  #judge(facts: object): void {
    if (!('do' in facts)) return;
    const step = facts as PodRangeStep;
    this.steps.push(step);
    if (step.do !== 'retire') return;
    for (const address of step.ips) {
      if (this.#isKnownInUse(address)) this.faults.push(`${address} was retired, and was known to be in use`);
      else if (this.#isInUse(address)) this.races++;
    }
  }

  /** Lets a call be, or lets the controller die just before or after it. */
  async #mortal<T>(kind: 'write' | 'extend' | 'release', life: AbortController, act: () => T): Promise<T> {
    if (life.signal.aborted) throw new Error('planted: it is dead');
    const trouble = this.trouble.get(kind);
    if (trouble !== 'dies-before' && trouble !== 'dies-after') return act();
    this.trouble.delete(kind);
    if (trouble === 'dies-after') act();
    life.abort(new Error('planted: it is dead'));
    throw new Error('planted: it is dead');
  }

  #kube(life: AbortController): Kube {
    const write = (next: PodRangeObject): PodRangeObject => {
      if (this.trouble.get('write') === 'refused')
        throw new KubeError('planted', { status: 500, reason: 'InternalError', message: 'etcd is full' });
      const generation = (this.object?.metadata.generation ?? 0) + 1;
      this.object = { ...next, metadata: { ...next.metadata, generation }, ...this.#statusNow() };
      return this.object;
    };
    return {
      get: async (resource: Resource<KubeObject>) => (resource.plural === 'podranges' ? this.object : undefined),
      list: async () => [],
      // Conditions are for people; nobody plans by them.
      apply: async (_resource: unknown, { status }: { status?: PodRangeStatus }) => {
        this.published.push(...(status?.conditions ?? []));
        return this.object;
      },
      create: async (_resource: unknown, object: PodRangeObject) => this.#mortal('write', life, () => write(object)),
      replace: async (_resource: unknown, object: PodRangeObject) =>
        this.#mortal('write', life, () => {
          if (object.metadata.generation !== this.object?.metadata.generation)
            this.faults.push('a range was written over a newer one');
          return write(object);
        }),
    } as unknown as Kube;
  }

  #statusNow(): { readonly status?: PodRangeStatus } {
    return this.object?.status === undefined ? {} : { status: this.object.status };
  }

  #cloudOf(life: AbortController): Cloud {
    const addresses: Addresses = {
      settle: seconds(15),
      extend: async (_home, count) => this.#mortal('extend', life, () => this.#extend(count)),
      release: async (_home, address) =>
        this.#mortal('release', life, () => {
          if (this.#isInUse(address)) this.faults.push(`${address} was given back while it was in use`);
          if (this.trouble.get('release') === 'refused') return fail(failure('unavailable'));
          this.cloudWithout(address);
          return ok();
        }),
      list: async () => ok(this.#list()),
    };
    const place = { mac: '52:54:00:00:00:01', ip: ip('10.9.255.1'), subnet: 's', most: undefined };
    const homes = [{ ...place, home: { id: home.id } }];
    const machine = { id: home.id, name: 'web-1', mark: 'shop', zone: 'z', state: 'running', homes, cpu: 2, memory: 1 };
    return { provider: 'test', addresses, compute: { find: async () => ok(machine) } } as unknown as Cloud;
  }

  #extend(count: number): ReturnType<typeof ok<readonly Ip[]>> | ReturnType<typeof fail<CloudFailure>> {
    const trouble = this.trouble.get('extend');
    this.trouble.delete('extend');
    this.asked += count;
    const room = Math.max(0, this.capacity - this.cloud.size);
    const size = Math.min(trouble === 'short' ? Math.ceil(count / 2) : count, room);
    if (trouble === 'exhausted' || size === 0) return fail({ kind: 'exhausted', what: 'addresses', raw });
    if (trouble === 'refused') return fail(failure('unavailable'));
    this.#remember();
    const given = Array.from({ length: size }, () => this.#freeAddress());
    return trouble === 'lost' ? fail(failure('unknown')) : ok(given.toSorted(byNumber));
  }

  /** Lowest first, so that what went back comes again. */
  #freeAddress(): Ip {
    for (this.#next = 1; ; this.#next++) {
      const address = ip(`10.9.${Math.floor(this.#next / 250)}.${(this.#next % 250) + 1}`);
      if (this.cloud.has(address)) continue;
      this.cloud.add(address);
      return address;
    }
  }

  #list(): readonly Ip[] {
    const time = uptime() - this.lag;
    const then = this.#past.find(({ until }) => until > time);
    return (then?.had ?? [...this.cloud]).toSorted(byNumber);
  }
}

const raw = { action: 'Extend', code: 'planted', message: 'planted' };

function failure(kind: 'unavailable' | 'unknown'): CloudFailure {
  return { kind, raw };
}

/** Whatever time it is at the nodes, none of it has passed yet. */
export function standStill(): void {
  vi.useFakeTimers({
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'],
    now: Date.parse('2026-11-28T12:00:00Z'),
  });
  vi.advanceTimersByTime(ms(1));
}
