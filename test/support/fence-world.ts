import type { MachineLook } from '#cloud/look-at-machine.ts';
import { type FencePolicy, type FenceStep, planFence, type SilentNode } from '#storage/fence/plan-fence.ts';
import { type Ms, ms, seconds } from '#unit/clock.ts';

/** Decides like `planFence`; another one shows that the walk would see a wrong decision. */
export type Decide = typeof planFence;

export type Happening =
  | 'switch-off'
  | 'power-fails'
  | 'start'
  | 'reboot'
  | 'cut'
  | 'heal'
  | 'cloud-fails'
  | 'cloud-answers'
  | 'leader-dies'
  | 'controller-manager-dies'
  | 'controller-manager-returns';

interface MachineModel {
  power: 'on' | 'off' | 'starting' | 'stopping';
  /** When the state ends, for `starting` and `stopping`. */
  until: number;
  /** What the cloud has said since when. */
  readonly history: { at: number; power: MachineModel['power'] }[];
  /** Its kubelet works from then on. */
  kubeletFrom: number;
  isCut: boolean;
  /** Pods whose containers run. */
  readonly running: Set<number>;
  /** Pods that are being stopped, and when they will have been. */
  readonly stopping: Map<number, number>;
}

interface NodeModel {
  version: number;
  ready: 'True' | 'Unknown';
  heartbeat: number;
  unknownSince: number;
  isFenced: boolean;
}

interface PodModel {
  readonly uid: number;
  readonly node: number;
  isTerminating: boolean;
}

/**
 * One StatefulSet pod that writes to a volume which any machine could mount, on three cloud nodes, in steps of half a second. Modelled are: power,
 * boot and what the cloud says of it, late by up to two seconds; kubelet; the three controllers of Kubernetes that evict, collect and make pods, as
 * they treat the taint; and our loop, whose reads, questions and writes take time. Left out: attaching, which would hide a second writer.
 */
export class FenceWorld {
  now = 0;
  readonly faults: string[] = [];
  readonly counts = { fences: 0, moves: 0, refused: 0 };
  readonly #decide: Decide;
  readonly #policy: FencePolicy;
  readonly #chance: () => number;
  readonly #machines: MachineModel[];
  readonly #nodes: NodeModel[];
  #pod: PodModel | undefined;
  #uid = 0;
  #isCloudAway = false;
  #controllerManagerFrom = 0;
  #leaderFrom = 0;
  /** Of the leader: what it remembers, and what it is at, for each node. */
  #memory = new Map<number, { offSince: number | undefined; onSince: number | undefined; since: number }>();
  #turns = new Map<number, Turn>();
  #nextTurn = 0;

  constructor(chance: () => number, policy: FencePolicy, decide: Decide = planFence) {
    this.#chance = chance;
    this.#policy = policy;
    this.#decide = decide;
    this.#machines = [0, 1, 2].map(() => ({
      power: 'on',
      until: 0,
      history: [{ at: 0, power: 'on' }],
      kubeletFrom: 0,
      isCut: false,
      running: new Set(),
      stopping: new Map(),
    }));
    this.#nodes = [0, 1, 2].map(() => ({ version: 0, ready: 'True', heartbeat: 0, unknownSince: 0, isFenced: false }));
  }

  /** Where containers of the pod run. */
  get writers(): readonly number[] {
    return this.#machines.flatMap(({ running }, i) => (running.size > 0 ? [i] : []));
  }

  happen(what: Happening, at: number): void {
    const machine = this.#machines[at % 3] as MachineModel;
    switch (what) {
      case 'switch-off':
        if (machine.power === 'on') this.#turn(machine, 'stopping', this.#span(1, 20));
        break;
      case 'power-fails':
        this.#turn(machine, 'off', 0);
        break;
      case 'start':
        if (machine.power === 'off') this.#turn(machine, 'starting', bootTakes + this.#span(0, 30));
        break;
      case 'reboot':
        machine.running.clear();
        this.#turn(machine, 'starting', bootTakes + this.#span(0, 30));
        break;
      case 'cut':
        machine.isCut = true;
        break;
      case 'heal':
        machine.isCut = false;
        break;
      case 'cloud-fails':
        this.#isCloudAway = true;
        break;
      case 'cloud-answers':
        this.#isCloudAway = false;
        break;
      case 'leader-dies':
        this.#leaderFrom = this.now + this.#span(1, 40);
        this.#memory = new Map();
        this.#turns = new Map();
        break;
      case 'controller-manager-dies':
        this.#controllerManagerFrom = Number.POSITIVE_INFINITY;
        break;
      case 'controller-manager-returns':
        this.#controllerManagerFrom = this.now + this.#span(0, 10);
    }
  }

  run(span: Ms): void {
    const end = this.now + span;
    for (; this.now < end; this.now += tick) {
      for (const machine of this.#machines) this.#live(machine);
      for (const i of [0, 1, 2]) this.#kubelet(i);
      this.#lifecycle();
      if (this.now >= this.#controllerManagerFrom) this.#controllerManager();
      if (this.now >= this.#leaderFrom) this.#lead();
      if (this.writers.length > 1)
        this.faults.push(`${this.now / 1000} s: the pod runs on ${this.writers.join(' and ')}`);
    }
  }

  #span(low: number, high: number): number {
    return Math.round((low + this.#chance() * (high - low)) * 1000);
  }

  #turn(machine: MachineModel, power: MachineModel['power'], span: number): void {
    machine.power = power;
    machine.until = this.now + span;
    machine.history.push({ at: this.now, power });
    if (power === 'off' || power === 'starting') {
      machine.running.clear();
      machine.stopping.clear();
      machine.kubeletFrom = Number.POSITIVE_INFINITY;
    }
  }

  #live(machine: MachineModel): void {
    if (machine.power === 'stopping' && this.now >= machine.until) this.#turn(machine, 'off', 0);
    if (machine.power !== 'starting' || this.now < machine.until) return;
    this.#turn(machine, 'on', 0);
    machine.kubeletFrom = this.now;
  }

  /** Starts and stops what it is told; tells of itself every ten seconds, and of a start within as many. Cut off, it lets everything run. */
  #kubelet(i: number): void {
    const machine = this.#machines[i] as MachineModel;
    const node = this.#nodes[i] as NodeModel;
    const isUp = (machine.power === 'on' || machine.power === 'stopping') && this.now >= machine.kubeletFrom;
    if (!isUp) return;
    for (const [uid, at] of machine.stopping)
      if (this.now >= at) {
        machine.running.delete(uid);
        machine.stopping.delete(uid);
        if (!machine.isCut && this.#pod?.uid === uid && this.#pod.isTerminating) this.#pod = undefined;
      }
    if (machine.isCut) return;
    if (this.now - node.heartbeat >= 10_000 && this.#chance() < 0.3) {
      node.heartbeat = this.now;
      node.version++;
      node.ready = 'True';
    }
    const pod = this.#pod;
    if (pod?.node === i && !pod.isTerminating) machine.running.add(pod.uid);
    if (pod?.node === i && pod.isTerminating && !machine.running.has(pod.uid)) this.#pod = undefined;
    for (const uid of machine.running)
      if ((pod?.uid !== uid || pod.isTerminating) && !machine.stopping.has(uid))
        machine.stopping.set(uid, this.now + this.#span(0, 30));
  }

  #lifecycle(): void {
    for (const node of this.#nodes)
      if (node.ready === 'True' && this.now - node.heartbeat > 50_000) {
        node.ready = 'Unknown';
        node.unknownSince = this.now;
        node.version++;
      }
  }

  #controllerManager(): void {
    const node = this.#pod && (this.#nodes[this.#pod.node] as NodeModel);
    if (this.#pod !== undefined && node !== undefined) {
      // Eviction by taint, ours at once and that of a silent node after five minutes.
      const isLong = node.ready === 'Unknown' && this.now - node.unknownSince > 300_000;
      if ((node.isFenced || isLong) && this.#chance() < 0.7) this.#pod.isTerminating = true;
      // The collection of pods.
      if (this.now % 20_000 === 0 && this.#pod.isTerminating && node.isFenced && node.ready !== 'True')
        this.#pod = undefined;
    }
    if (this.#pod === undefined) {
      const fit = this.#nodes.findIndex(({ ready, isFenced }) => ready === 'True' && !isFenced);
      if (fit === -1) return;
      this.#pod = { uid: ++this.#uid, node: fit, isTerminating: false };
      this.counts.moves++;
    }
  }

  /** Each node has a turn every five seconds: the Node is read, the cloud asked, and the Node written if it is still as it was read. */
  #lead(): void {
    if (this.now >= this.#nextTurn) {
      this.#nextTurn = this.now + 5000;
      for (const i of [0, 1, 2])
        if (!this.#turns.has(i)) {
          const node = this.#nodes[i] as NodeModel;
          const answered = this.now + this.#span(0, 3);
          this.#turns.set(i, {
            version: node.version,
            asked: this.now,
            answered,
            written: answered + this.#span(0, 2),
          });
        }
    }
    for (const [i, turn] of this.#turns) {
      if (turn.step === undefined && this.now >= turn.answered) turn.step = this.#planFor(i);
      if (turn.step === undefined || this.now < turn.written) continue;
      this.#turns.delete(i);
      this.#perform(i, turn.step, turn);
    }
    // The watch.
    for (const node of this.#nodes)
      if (node.isFenced && node.ready === 'True') {
        node.isFenced = false;
        node.version++;
      }
  }

  #planFor(i: number): FenceStep {
    const node = this.#nodes[i] as NodeModel;
    const memory = this.#memory.get(i) ?? { offSince: undefined, onSince: undefined, since: this.now };
    if (node.ready === 'True') {
      this.#memory.delete(i);
      return { do: 'leave' };
    }
    const look = this.#look(this.#machines[i] as MachineModel);
    memory.offSince = look.says === 'off' ? (memory.offSince ?? this.now) : undefined;
    memory.onSince = look.says === 'on' ? (memory.onSince ?? this.now) : undefined;
    this.#memory.set(i, memory);
    const seen: SilentNode = {
      answers: false,
      isControlPlane: false,
      isFenced: node.isFenced,
      isTaintedByOthers: false,
      silentFor: ms(this.now - memory.since),
      offFor: memory.offSince === undefined ? undefined : ms(this.now - memory.offSince),
      onFor: memory.onSince === undefined ? undefined : ms(this.now - memory.onSince),
      look,
    };
    const outOfService = this.#nodes.filter((other) => other !== node && other.isFenced).length;
    return this.#decide(seen, { nodes: 3, outOfService }, this.#policy);
  }

  #look({ history }: MachineModel): MachineLook {
    if (this.#isCloudAway) return { says: 'unclear', why: 'it does not answer' };
    const asOf = this.now - this.#span(0, 2);
    const { power } = history.findLast(({ at }) => at <= asOf) ?? { power: 'on' };
    return { says: power === 'on' || power === 'off' ? power : 'changing' };
  }

  #perform(i: number, step: FenceStep, turn: Turn): void {
    const node = this.#nodes[i] as NodeModel;
    const machine = this.#machines[i] as MachineModel;
    if (step.do === 'power-off' && machine.power === 'on') this.#turn(machine, 'stopping', 2000);
    if (step.do !== 'fence' && step.do !== 'unfence') return;
    if (node.version !== turn.version) {
      this.counts.refused++;
      return;
    }
    node.isFenced = step.do === 'fence';
    node.version++;
    if (step.do === 'fence') this.counts.fences++;
  }
}

interface Turn {
  readonly version: number;
  readonly asked: number;
  readonly answered: number;
  readonly written: number;
  step?: FenceStep;
}

const tick = 500;
/** From the call to start a machine until its kubelet may start a container: shorter than any machine of the cloud, in milliseconds. */
const bootTakes = seconds(8);
