import type { PodRangeObject, PodRangeSpec, PodRangeStatus } from '#kube/api/pod-range.ts';
import { emptyLedger, type Ledger, ledgerAfter } from '#network/ipam/ledger.ts';
import { chooseAddress, useOf } from '#network/ipam/plan-allocation.ts';
import { planPodRange, type RangePolicy } from '#network/ipam/plan-pod-ranges.ts';
import { type PodRangeStep, specAfter, withoutAddresses } from '#network/ipam/plan-range-steps.ts';
import { SiteSlices } from '#network/ipam/site-slices.ts';
import { type Instant, type SinceBoot, seconds } from '#unit/clock.ts';
import { type Ip, ip, span } from '#unit/ip.ts';

export const size = 24;
const policy: RangePolicy = {
  sitePods: undefined,
  perMachine: 24,
  bridged: { pods: span('192.168.50.128-192.168.50.151'), interface: undefined },
  usualPodNetwork: 'bridged',
  warm: { low: 4, high: 12 },
  settle: seconds(15),
  linger: seconds(60),
};

const mostRounds = 100;

/** One machine with its agent: what it wrote down survives its deaths. */
interface Machine {
  readonly name: string;
  ledger: Ledger;
  taken: { readonly generation: number; readonly spec: PodRangeSpec } | undefined;
  report: PodRangeStatus | undefined;
  waiting: number;
}

/** What one controller knows of the ranges, and how far it has heard. */
interface Leader {
  readonly slices: SiteSlices;
  readonly known: Map<string, number>;
  heard: number;
  /** A plan that is still to be written, with the state that it was made from. */
  turn:
    | { readonly node: string; readonly base: PodRangeObject | undefined; readonly steps: readonly PodRangeStep[] }
    | undefined;
  /** What it has to hear before its next turn. */
  owes: number;
}

/**
 * Bridged machines that share a range of 24 addresses, and two controllers that both take themselves for the leader, each with a watch that lags as
 * it likes. Controllers, agents and the index decide by the product's own code; API server and time are in memory. Left out are
 * strangers on the network and pods' links.
 */
export class SliceWorld {
  readonly api = new Map<string, PodRangeObject>();
  readonly machines: readonly Machine[];
  /** Every state of every range, in the order of writing. */
  readonly #log: { readonly node: string; readonly object: PodRangeObject }[] = [];
  readonly #leaders: Leader[];
  readonly faults: string[] = [];
  at = Date.parse('2026-11-30T12:00:00Z');
  #named = 0;
  /** How many addresses went from one machine to another. */
  moves = 0;
  readonly #lastUser = new Map<Ip, string>();

  constructor(count: number) {
    this.machines = Array.from({ length: count }, (_, i) => ({
      name: `base-${i}`,
      ledger: emptyLedger,
      taken: undefined,
      report: undefined,
      waiting: 0,
    }));
    this.#leaders = [this.#newLeader(), this.#newLeader()];
  }

  /** A leader that has just begun has read everything that there is. */
  #newLeader(): Leader {
    const leader: Leader = {
      slices: new SiteSlices(span('192.168.50.128-192.168.50.151')),
      known: new Map(),
      heard: 0,
      turn: undefined,
      owes: 0,
    };
    this.#hear(leader, this.#log.length);
    return leader;
  }

  kill(which: number): void {
    this.#leaders[which % 2] = this.#newLeader();
  }

  hear(which: number, count: number): void {
    const leader = this.#leaders[which % 2] as Leader;
    this.#hear(leader, Math.min(this.#log.length, leader.heard + count));
  }

  #hear(leader: Leader, until: number): void {
    for (; leader.heard < until; leader.heard++) {
      const written = this.#log[leader.heard];
      if (written === undefined) return;
      const { node, object } = written;
      const entries = object.spec.addresses ?? [];
      const inState = (usable: boolean): Ip[] =>
        entries.filter(({ state }) => (state === 'usable') === usable).map((a) => ip(a.ip));
      const inUse = object.status?.inUse ?? 0;
      leader.slices.setSlice(node, { usable: inState(true), unsettled: inState(false), inUse });
      leader.known.set(node, object.metadata.generation ?? 0);
    }
  }

  /** First half of a turn: it observes and plans. */
  plan(which: number, node: number): void {
    const leader = this.#leaders[which % 2] as Leader;
    const machine = this.machines[node % this.machines.length] as Machine;
    if (leader.heard < leader.owes || leader.turn !== undefined) return;
    const range = this.api.get(machine.name);
    const complete = range !== undefined && (leader.known.get(machine.name) ?? -1) >= (range.metadata.generation ?? 0);
    const steps = planPodRange(
      {
        node: machine.name,
        ground: { ground: 'site', id: machine.name } as never,
        range,
        cloud: undefined,
        pods: {
          waiting: machine.waiting,
          addresses: new Set([...machine.ledger.held.values()].map((held) => held.ip)),
        },
        others: new Set(),
        freeSubnet: undefined,
        podNetwork: 'bridged',
        slices: leader.slices.around(machine.name, complete),
        at: this.at as Instant,
      },
      policy,
    );
    leader.turn = { node: machine.name, base: range, steps };
  }

  /** Second half: it performs, and fails when somebody else has written. */
  perform(which: number): void {
    const leader = this.#leaders[which % 2] as Leader;
    const { turn } = leader;
    leader.turn = undefined;
    if (turn === undefined) return;
    let base = turn.base;
    if (base === undefined) {
      const open = turn.steps.find((step) => step.do === 'open');
      if (open !== undefined && !this.api.has(turn.node)) this.#write(turn.node, open.spec, 1);
      return;
    }
    const spec = specAfter(base.spec, turn.steps, this.at as Instant);
    if (spec !== base.spec) base = this.#replace(base, spec);
    if (base === undefined) return;
    for (const step of turn.steps) {
      if (step.do === 'extend-slice') leader.owes = this.#log.length;
      if (step.do === 'give-back' && base !== undefined)
        base = this.#replace(base, withoutAddresses(base.spec, step.ips));
    }
  }

  #replace(base: PodRangeObject, spec: PodRangeSpec): PodRangeObject | undefined {
    const { name, generation = 0 } = base.metadata;
    if (this.api.get(name)?.metadata.generation !== generation) return undefined;
    return this.#write(name, spec, generation + 1);
  }

  #write(name: string, spec: PodRangeSpec, generation: number): PodRangeObject {
    const { status } = this.api.get(name) ?? {};
    const object = { metadata: { name, generation }, spec, ...(status !== undefined && { status }) };
    this.api.set(name, object);
    this.#log.push({ node: name, object });
    return object;
  }

  /** The agent takes the range as it is now. */
  take(which: number): void {
    const machine = this.#machine(which);
    const object = this.api.get(machine.name);
    if (object !== undefined) machine.taken = { generation: object.metadata.generation ?? 0, spec: object.spec };
  }

  say(which: number): void {
    const machine = this.#machine(which);
    if (machine.taken === undefined) return;
    const { held, resting, released, inUse, free } = useOf(machine.taken.spec, machine.ledger, this.#nodeTime());
    machine.report = {
      inUse,
      free,
      held: [...held],
      resting: [...resting],
      released: [...released],
      observedGeneration: machine.taken.generation,
    };
  }

  deliver(which: number): void {
    const machine = this.#machine(which);
    const object = this.api.get(machine.name);
    if (object === undefined || machine.report === undefined) return;
    const next = { ...object, status: machine.report };
    machine.report = undefined;
    this.api.set(machine.name, next);
    this.#log.push({ node: machine.name, object: next });
  }

  podComes(which: number): void {
    this.#machine(which).waiting++;
  }

  podAdds(which: number): void {
    const machine = this.#machine(which);
    if (machine.waiting === 0) return;
    const choice = chooseAddress(machine.taken?.spec, machine.ledger, this.#nodeTime());
    if (choice.do === 'refuse') return;
    machine.waiting--;
    for (const other of this.machines)
      for (const held of other.ledger.held.values())
        if (held.ip === choice.ip)
          this.faults.push(`${machine.name} gave ${choice.ip}, which a pod of ${other.name} has`);
    if ((this.#lastUser.get(choice.ip) ?? machine.name) !== machine.name) this.moves++;
    this.#lastUser.set(choice.ip, machine.name);
    const link = `pod-${this.#named++}`;
    const record = { do: 'hold', link, ip: choice.ip, container: 'c', ifname: 'eth0' } as const;
    machine.ledger = ledgerAfter(machine.ledger, { ...record, at: this.#nodeTime() });
  }

  podGoes(which: number, pod: number): void {
    const machine = this.#machine(which);
    const all = [...machine.ledger.held];
    const found = all[pod % Math.max(1, all.length)];
    if (found === undefined) return;
    const [link, held] = found;
    const until = (this.#nodeTime() + seconds(30)) as SinceBoot;
    machine.ledger = ledgerAfter(machine.ledger, { do: 'free', link, ip: held.ip, until });
  }

  pass(ms: number): void {
    this.at += ms;
  }

  /** One controller alone does its work, and everybody hears everything, until nothing changes any more. */
  calm(): number {
    this.kill(0);
    let still = 0;
    for (let round = 1; round <= mostRounds; round++) {
      const before = this.#state;
      for (let i = 0; i < this.machines.length; i++) {
        this.hear(0, this.#log.length);
        this.plan(0, i);
        this.perform(0);
        this.take(i);
        for (let pods = 0; pods < size; pods++) this.podAdds(i);
        this.say(i);
        this.deliver(i);
      }
      this.pass(seconds(31));
      // Surplus is given back a minute later, and what that brings to others after it.
      if (this.#state !== before) still = 0;
      else if (++still === 4) return round;
    }
    this.faults.push('it never came to rest');
    return mostRounds;
  }

  get #state(): string {
    const generations = [...this.api.values()].map(({ metadata }) => metadata.generation);
    return `${generations.join()} ${this.waiting}`;
  }

  get waiting(): number {
    return this.machines.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  get held(): number {
    return this.machines.reduce((sum, { ledger }) => sum + ledger.held.size, 0);
  }

  /** Addresses that are listed by several ranges. */
  get doubly(): readonly string[] {
    const listed = [...this.api.values()].flatMap(({ spec }) => (spec.addresses ?? []).map((a) => a.ip));
    return listed.filter((address, i) => listed.indexOf(address) < i);
  }

  #machine(which: number): Machine {
    return this.machines[which % this.machines.length] as Machine;
  }

  #nodeTime(): SinceBoot {
    return (this.at % 1e12) as SinceBoot;
  }
}
