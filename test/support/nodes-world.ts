import { isReady } from '#kube/api/condition.ts';
import { type DeleteOptions, type Kube, KubeError, type Name } from '#kube/kube.ts';
import type { NodeObject } from '#kube/resources.ts';
import { LifeKeeper } from '#node/life/life-controller.ts';
import { type LifePolicy, usualPolicy } from '#node/life/plan-node-life.ts';
import { type Instant, type Ms, seconds } from '#unit/clock.ts';
import { type Episode, LyingCloud, type MachineModel } from './lying-cloud.ts';

/** What happens to machines. @unit all times: seconds */
export interface Happenings {
  /** Cloud nodes beside the control plane, which is one too. */
  readonly workers: number;
  readonly episodes: readonly {
    readonly lie: Episode['lie'];
    readonly rest: number;
    readonly lasts: number;
    readonly share: number;
  }[];
  /** Nodes whose kubelets nobody hears for a while, of both sides. */
  readonly silences: readonly { readonly node: number; readonly from: number; readonly lasts: number }[];
  /** Machines that really go, one after the other, and what comes after them. */
  readonly removals: readonly { readonly worker: number; readonly from: number; readonly next: AfterRemoval }[];
  /** When further machines are made. */
  readonly arrivals: readonly number[];
  /** When another replica of the controller takes over. */
  readonly takeovers: readonly number[];
  readonly renamed: readonly number[];
}

/** `same name`: another machine of the same name and address, whose kubelet does not run; `in its place`: one that reports under the old Node. */
export type AfterRemoval = 'nothing' | 'same name' | 'in its place';

interface NodeModel {
  object: NodeObject;
  readonly machine: MachineModel | undefined;
  /** Its kubelet is not heard in these times. */
  readonly silences: { readonly from: number; readonly until: number }[];
  /** Another machine works under its name from then on. */
  replacedFrom: number;
  /** When the controller looks at it next. */
  due: number | undefined;
}

/** Nodes of both sides over a simulated clock: kubelets that are heard or not, machines that come and go, and a cloud that lies about them. */
export class NodesWorld {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Nodes that were deleted although their machine is there, or is none of the cloud's. */
  readonly wrongly: string[] = [];
  /** Nodes that were still there too long after their machine had gone and the lies had ended. */
  readonly late: string[] = [];
  readonly deleted = new Map<string, number>();
  readonly cloud: LyingCloud;
  readonly #nodes = new Map<string, NodeModel>();
  readonly #gone: { readonly name: string; readonly at: number }[] = [];
  readonly #end: number;
  readonly #happenings: Happenings;
  readonly #chance: () => number;
  readonly #policy: LifePolicy;
  #keeper: LifeKeeper;
  #versions = 0;
  #addresses = 10;

  /** @unit policy: another one shows that a wrong decision would be seen */
  constructor(happenings: Happenings, chance: () => number, policy: LifePolicy = usualPolicy) {
    this.#policy = policy;
    this.#happenings = happenings;
    this.#chance = chance;
    const episodes: Episode[] = [];
    let at = 30_000;
    for (const { lie, rest, lasts, share } of happenings.episodes) {
      const from = at + rest * 1000;
      at = from + lasts * 1000;
      episodes.push({ lie, from, until: at, share });
    }
    this.#end = at;
    this.cloud = new LyingCloud(this, episodes, chance);
    this.#addCloudNode('cp-1', 0);
    for (let i = 1; i <= happenings.workers; i++) this.#addCloudNode(`web-${i}`, 0);
    for (const name of ['base-1', 'base-2', 'base-3']) this.#addNode(name, `isthmus-site://${name}`, undefined);
    this.#addNode('foreign', 'gce://project/zone/foreign', undefined);
    for (const { node, from, lasts } of happenings.silences) {
      const all = [...this.#nodes.values()];
      all[node % all.length]?.silences.push({ from: from * 1000, until: (from + lasts) * 1000 });
    }
    // Machines of others, which carry no mark or another one.
    this.cloud.machines.push(machine('uhost-alien', 'alien', '10.9.0.250', 'Default', 0));
    this.cloud.machines.push(machine('uhost-other', 'web-1', '10.9.0.251', 'isthmus-other', 0));
    this.#keeper = this.#takeOver();
  }

  /** @unit within: how long a Node may outlast its machine, or the last lie if that ends later */
  async run(within: Ms): Promise<void> {
    const removed = this.#happenings.removals.map(({ from }) => from * 1000);
    const last = this.#deadline(Math.max(0, ...removed), within) + 5000;
    while (this.now < last) {
      const before = this.now;
      this.#happen();
      for (const [name, node] of this.#nodes) {
        this.#kubelet(node);
        if (node.due !== undefined && node.due <= this.now) await this.#tend(name, node);
      }
      this.now = Math.max(this.now, before + 1000);
    }
    for (const { name, at } of this.#gone) {
      const deleted = this.deleted.get(name) ?? Number.POSITIVE_INFINITY;
      if (deleted > this.#deadline(at, within)) this.late.push(`${name}: ${(deleted - at) / 1000} s`);
    }
  }

  /**
   * Until when the Node of a machine that went then has to be gone. Each leader counts not-founds for itself: one that takes over has time to, but for
   * another one that takes over from it the time begins anew.
   */
  #deadline(at: number, within: Ms): number {
    const since = Math.max(at, this.#end);
    const [, second] = this.#happenings.takeovers
      .map((takeover) => takeover * 1000)
      .filter((takeover) => since < takeover && takeover < since + within)
      .toSorted((a, b) => a - b);
    return (second ?? since) + within;
  }

  readonly #done = new Set<object | string>();

  #happen(): void {
    const once = (what: object | string, at: number, act: () => void): void => {
      if (at * 1000 > this.now || this.#done.has(what)) return;
      this.#done.add(what);
      act();
    };
    for (const one of this.#happenings.removals)
      once(one, one.from, () => this.#remove(`web-${(one.worker % this.#happenings.workers) + 1}`, one.next));
    this.#happenings.arrivals.forEach((at, i) =>
      once(`arrival ${i}`, at, () => this.#addCloudNode(`new-${i}`, this.now)),
    );
    this.#happenings.renamed.forEach((at, i) => once(`renamed ${i}`, at, () => this.#rename(i)));
    this.#happenings.takeovers.forEach((at, i) =>
      once(`takeover ${i}`, at, () => {
        this.#keeper = this.#takeOver();
      }),
    );
  }

  #takeOver(): LifeKeeper {
    for (const node of this.#nodes.values()) node.due = this.now;
    return new LifeKeeper(
      {
        kube: {
          get: async (_: unknown, { name }: Name) => this.#nodes.get(name)?.object,
          apply: this.#apply,
          delete: this.#delete,
        } as unknown as Kube,
        provider: 'ucloud',
        compute: this.cloud.compute(),
        caches: { nodes: () => Promise.reject(new Error('the view is given')) as never },
        events: { tell: () => undefined },
        mark: 'shop',
        policy: this.#policy,
        note: () => undefined,
      },
      {
        get: ({ name }) => this.#nodes.get(name)?.object,
        list: () => [...this.#nodes.values()].map(({ object }) => object),
      },
      { uptime: () => this.now as Ms, now: () => (begun + this.now) as Instant },
    );
  }

  async #tend(name: string, node: NodeModel): Promise<void> {
    node.due = undefined;
    try {
      const wish = await this.#keeper.tend(name);
      // What changed meanwhile is looked at sooner.
      if (wish !== undefined) node.due = Math.min(node.due ?? Number.POSITIVE_INFINITY, this.now + wish.again);
    } catch (e) {
      if (!(e instanceof KubeError)) throw e;
      node.due = this.now + 1000;
    }
  }

  #kubelet(node: NodeModel): void {
    const isOn = node.machine === undefined || (node.machine.from <= this.now && this.now < node.machine.until);
    const isHeard =
      (isOn || node.replacedFrom <= this.now) &&
      !node.silences.some(({ from, until }) => from <= this.now && this.now < until);
    if (isHeard === isReady(node.object)) return;
    const others = (node.object.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    this.#write(node, [...others, { type: 'Ready', status: isHeard ? 'True' : 'Unknown' }]);
  }

  #write(node: NodeModel, conditions: NonNullable<NodeObject['status']>['conditions']): void {
    const { object } = node;
    const metadata = { ...object.metadata, resourceVersion: String(++this.#versions) };
    node.object = { ...object, metadata, status: { ...object.status, ...(conditions && { conditions }) } };
    node.due = this.now;
  }

  readonly #apply = async (_: unknown, { metadata: { name }, status }: NodeObject): Promise<void> => {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new KubeError('applying', { status: 404, reason: 'NotFound', message: name });
    const others = (node.object.status?.conditions ?? []).filter(({ type }) => !type.startsWith('isthmus.dev/'));
    this.#write(node, [...others, ...(status?.conditions ?? [])]);
  };

  readonly #delete = async (
    _: unknown,
    { name }: Name,
    { uid, resourceVersion }: DeleteOptions = {},
  ): Promise<void> => {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const { metadata } = node.object;
    if (metadata.uid !== uid || metadata.resourceVersion !== resourceVersion)
      throw new KubeError('deleting', { status: 409, reason: 'Conflict', message: name });
    const { machine: its } = node;
    if (its === undefined) this.wrongly.push(`${name}, which is none of the cloud`);
    else if (its.from <= this.now && this.now < its.until) this.wrongly.push(`${name}, whose machine is there`);
    else if (isReady(node.object) || name === 'cp-1') this.wrongly.push(`${name}, which works`);
    this.#nodes.delete(name);
    this.deleted.set(name, this.now);
    if (this.#chance() < 0.2)
      throw new KubeError('deleting', { status: 0, reason: 'DeadlineExceeded', message: 'done all the same' });
  };

  #addCloudNode(name: string, from: number): void {
    const id = `uhost-${name}`;
    const its = machine(id, name, `10.9.0.${this.#addresses++}`, 'isthmus-shop', from);
    this.cloud.machines.push(its);
    this.#addNode(name, `ucloud://cn-bj2-04/${id}`, its);
  }

  #addNode(name: string, providerID: string, its: MachineModel | undefined): void {
    const labels = {
      'isthmus.dev/ground': providerID.startsWith('isthmus-site') ? 'site' : 'cloud',
      ...(name === 'cp-1' && { 'node-role.kubernetes.io/control-plane': '' }),
    };
    const creationTimestamp = new Date(begun + this.now).toISOString();
    this.#nodes.set(name, {
      object: {
        metadata: { name, uid: `uid-${name}`, resourceVersion: '0', creationTimestamp, labels },
        spec: { providerID },
      },
      machine: its,
      // A node that has just joined has no network yet.
      silences: [{ from: this.now, until: this.now + 20_000 + this.#chance() * seconds(300) }],
      replacedFrom: Number.POSITIVE_INFINITY,
      due: this.now,
    });
  }

  #remove(name: string, next: AfterRemoval): void {
    const node = this.#nodes.get(name);
    if (node?.machine === undefined || node.machine.until <= this.now) return;
    node.machine.until = this.now;
    // The Node of one that another machine works for stays for as long as that is heard.
    if (next !== 'in its place') this.#gone.push({ name, at: this.now });
    if (next === 'nothing') return;
    this.cloud.machines.push(machine(`uhost-again-${name}`, name, node.machine.ip, 'isthmus-shop', this.now + 10_000));
    if (next === 'in its place') node.replacedFrom = this.now + 20_000;
  }

  #rename(i: number): void {
    const own = this.cloud.machines[i % this.cloud.machines.length];
    if (own !== undefined) Object.assign(own, { name: `called-otherwise-${i}` });
  }
}

const begun = Date.parse('2026-11-30T00:00:00Z');

function machine(id: string, name: string, ip: string, tag: string, from: number): MachineModel {
  return { id, name, ip, tag, from, until: Number.POSITIVE_INFINITY };
}
