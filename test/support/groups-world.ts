import type { CloudMachine, Compute, MachineWish } from '#cloud/compute.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import { isReady } from '#kube/api/condition.ts';
import { groupLabel, type NodeGroupObject, type NodeGroupSpec, nodeGroups } from '#kube/api/node-group.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { configMaps, type NodeObject, nodes, pods, secrets } from '#kube/resources.ts';
import { GroupKeeper } from '#node/group/group-keeper.ts';
import { type Instant, minutes, seconds } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import { StoreKube } from './store-kube.ts';

/** What happens to one group. @unit all times: seconds */
export interface GroupLife {
  readonly scales: readonly { readonly at: number; readonly desired: number }[];
  /** The controller dies at this call of its life, before or after what it asks for is done. */
  readonly deaths: readonly { readonly call: number; readonly done: boolean; readonly rest: number }[];
  /** What each request for a machine comes to; afterwards all are granted. */
  readonly answers: readonly (
    | 'made'
    | 'lost'
    | 'lost-undone'
    | 'short'
    | 'throttled'
    | 'install-fail'
    | 'never-joins'
  )[];
  /** Seconds until a machine that was made is in the cloud's lists. */
  readonly lag: number;
  readonly deleteAt: number | undefined;
  /** When the machine that was made first is removed by its name; deaths come after that. */
  readonly removeFirstAt?: number;
}

interface MachineModel {
  readonly id: string;
  readonly wish: Pick<MachineWish, 'name' | 'mark' | 'zone' | 'cpu' | 'memory' | 'subnet'>;
  readonly from: number;
  readonly visible: number;
  readonly fate: 'joins' | 'install-fail' | 'never-joins';
}

/** The process has ended: what it still wants to do does not happen. */
class Dead extends Error {}

/**
 * One group over a simulated clock: a cloud that is slow to show what it made, loses answers and runs short, kubelets that come and go with their
 * machines, and a controller that dies between any two of its calls.
 */
export class GroupsWorld {
  now = Date.parse('2026-11-30T00:00:00Z');
  readonly faults: string[] = [];
  readonly store = new StoreKube();
  readonly machines: MachineModel[] = [];
  /** Of all names that the cloud was asked for. */
  readonly tokens = new Map<string, string>();
  readonly #life: GroupLife;
  readonly #answers: GroupLife['answers'][number][];
  readonly #begun: number;
  #calls = 0;
  #deaths: GroupLife['deaths'];
  #alive: { dead: boolean } = { dead: false };
  #keeper: GroupKeeper | undefined;
  #due = 0;
  #made = 0;
  /** Names of the machines beside the one that was removed by its name. */
  #kept: readonly string[] | undefined;

  constructor(life: GroupLife, spec: Partial<NodeGroupSpec>, certificate: string) {
    this.#life = life;
    this.#answers = [...life.answers];
    this.#deaths = life.deaths;
    this.#begun = this.now;
    this.#due = this.now;
    this.store.put(
      configMaps as Resource<KubeObject>,
      {
        metadata: { name: 'kube-root-ca.crt', namespace: 'isthmus-system' },
        data: { 'ca.crt': certificate },
      } as KubeObject,
    );
    this.store.put(
      nodeGroups as unknown as Resource<KubeObject>,
      {
        metadata: { name: 'burst' },
        spec: {
          shapes: [
            { cpu: 2, memory: '4Gi' },
            { cpu: 4, memory: '8Gi' },
          ],
          ...usual,
          ...spec,
        },
      } as unknown as KubeObject,
    );
    // Of others, and of ours without being of the group, whatever they are called.
    this.#own('uhost-cp', 'cp-1', 'shop');
    this.#own('uhost-like', 'burst-bbbbb', 'shop');
    this.#own('uhost-alien', 'burst-ccccc', 'other');
  }

  get group(): NodeGroupObject | undefined {
    return this.store.list(nodeGroups as unknown as Resource<KubeObject>)[0] as unknown as NodeGroupObject | undefined;
  }

  /** Lives until `seconds` after the last thing that happens. */
  async run(rest: number): Promise<void> {
    const { scales, deleteAt, removeFirstAt = Infinity } = this.#life;
    const last = Math.max(0, deleteAt ?? 0, ...scales.map(({ at }) => at)) + rest;
    const done = new Set<object>();
    while (this.#second() < last) {
      for (const scale of scales)
        if (scale.at <= this.#second() && !done.has(scale)) {
          done.add(scale);
          await this.#scale(scale.desired);
        }
      if (deleteAt !== undefined && deleteAt <= this.#second()) await this.#delete();
      if (removeFirstAt <= this.#second() && this.#kept === undefined) await this.#removeFirst();
      this.#kubelets();
      if (this.#due <= this.now) await this.#tend();
      this.#judge();
      this.now = Math.max(this.now + 1000, this.#next(this.#begun + last * 1000));
    }
    this.#judgeRest();
  }

  /** When anything happens next. */
  #next(end: number): number {
    const { scales, deleteAt } = this.#life;
    const moments = [
      // A controller that begins again at once is due now.
      Math.max(this.#due, this.now + 1),
      end,
      ...[...scales.map(({ at }) => at), deleteAt ?? 0].map((at) => this.#begun + at * 1000),
      ...this.machines.flatMap(({ from, visible }) => [visible, from + 16_000, from + 21_000, from + 40_000]),
    ];
    return Math.min(...moments.filter((moment) => moment > this.now));
  }

  async #delete(): Promise<void> {
    if (this.group?.metadata.deletionTimestamp !== undefined) return;
    await this.store.client().delete(nodeGroups as unknown as Resource<KubeObject>, { name: 'burst' });
    this.#due = Math.min(this.#due, this.now);
  }

  /** As `isthmus node remove` does: first the name, then the number. */
  async #removeFirst(): Promise<void> {
    const { spec, status } = this.group ?? {};
    const [first, ...others] = (status?.members ?? []).map(({ name }) => name);
    this.#kept = others;
    const kube = this.store.client();
    await kube.merge(nodeGroups, { name: 'burst' }, { spec: { leaveFirst: [first] } });
    await kube.merge(nodeGroups, { name: 'burst' }, { spec: { desired: (spec?.desired ?? 0) - 1 } });
    this.#due = Math.min(this.#due, this.now);
  }

  #second(): number {
    return (this.now - this.#begun) / 1000;
  }

  async #scale(desired: number): Promise<void> {
    if (this.group === undefined) return;
    await this.store.client().merge(nodeGroups, { name: 'burst' }, { spec: { desired } });
    this.#due = Math.min(this.#due, this.now);
  }

  async #tend(): Promise<void> {
    this.#keeper ??= this.#begin();
    // As in its queue: a turn that wants another one at once gets it.
    for (let turns = 0; turns < 20; turns++) {
      let again: number | undefined;
      try {
        again = (await this.#keeper.tend('burst'))?.again;
        await this.#keeper.settled();
      } catch (e) {
        if (!(e instanceof Dead) && !this.#alive.dead) throw e;
      }
      if (this.#alive.dead) {
        this.#keeper = undefined;
        this.#due = this.now + (this.#deaths[0]?.rest ?? 0) * 1000;
        this.#deaths = this.#deaths.slice(1);
        return;
      }
      this.#due = this.now + Math.max(again ?? 60_000, 1000);
      if (again !== 0) return;
    }
  }

  #begin(): GroupKeeper {
    const alive = { dead: false };
    this.#alive = alive;
    this.#calls = 0;
    const compute = this.#mortal(this.#compute(), alive);
    return new GroupKeeper({
      kube: this.#mortal(this.store.client(), alive),
      compute,
      nodes: {
        get: ({ name }) => this.#nodes().find(({ metadata }) => metadata.name === name),
        list: () => this.#nodes(),
      },
      listMachines: () => compute.list('shop', { within: seconds(10) }),
      events: { tell: () => undefined },
      mark: 'shop',
      vpc: 'uvnet-1',
      home: { zone: 'cn-bj2-04', subnet: 'subnet-1' },
      join: {
        cluster: 'shop',
        provider: 'ucloud',
        region: 'cn-bj2',
        services: '10.96.0.0/16',
        settings: {
          kubernetes: '1.36.3',
          bundle: { url: 'http://store/bundle', digest: `sha256:${'a'.repeat(64)}` },
          api: { address: '10.9.0.2', port: 6443 },
          download: { program: { path: 'bin/isthmus', digest: `sha256:${'b'.repeat(64)}`, size: 1 }, bytes: 1 },
        },
      },
      policy: { untilNode: minutes(3), untilReady: minutes(10) },
      settle: seconds(15),
      apart: minutes(1),
      shortFor: minutes(5),
      clock: () => this.now as Instant,
      note: () => undefined,
      wake: () => {
        this.#due = Math.min(this.#due, this.now + 1000);
      },
    });
  }

  /** Each call counts; at the one where its life ends it fails before or after it is done, and so does everything that follows. */
  #mortal<T extends object>(real: T, alive: { dead: boolean }): T {
    const guard = new Proxy(real, {
      get: (target, key) => {
        const own = Reflect.get(target, key) as unknown;
        if (key === 'within') return () => guard;
        if (typeof own !== 'function') return own;
        return async (...args: unknown[]) => {
          if (alive.dead) throw new Dead('it has ended');
          const death = this.#deaths[0];
          const mayDie = death !== undefined && (this.#life.removeFirstAt === undefined || this.#kept !== undefined);
          const isLast = mayDie && ++this.#calls === death.call;
          if (isLast) alive.dead = true;
          if (isLast && !death.done) throw new Dead('it ends here');
          const answer: unknown = await (own as (...given: unknown[]) => unknown).apply(target, args);
          if (isLast) throw new Dead('it ends here, and what it asked for is done');
          return answer;
        };
      },
    });
    return guard;
  }

  #compute(): Compute {
    const visible = (): readonly MachineModel[] => this.machines.filter((machine) => machine.visible <= this.now);
    const gone = (id: string) => fail({ kind: 'gone', raw: raw(`no ${id}`) } as CloudFailure);
    return {
      create: async (wish) => {
        const there = visible().find((machine) => machine.wish.name === wish.name && machine.wish.mark === wish.mark);
        if (there !== undefined) return ok(this.#told(there));
        return this.#make(wish);
      },
      list: async (mark) =>
        ok(
          visible()
            .filter(({ wish }) => wish.mark === mark)
            .map((machine) => this.#told(machine)),
        ),
      find: async (id) => {
        const there = this.machines.find((machine) => machine.id === id);
        return there === undefined ? gone(id) : ok(this.#told(there));
      },
      remove: async (id, mark) => {
        const there = this.machines.find((machine) => machine.id === id);
        if (there === undefined) return ok();
        if (there.wish.mark !== mark) return fail({ kind: 'denied', raw: raw('not ours') } as CloudFailure);
        this.#judgeRemoval(there);
        this.machines.splice(this.machines.indexOf(there), 1);
        return ok();
      },
      power: async () => ok(),
      dryRun: () => [],
    };
  }

  #make(wish: MachineWish): ReturnType<Compute['create']> {
    const answer = this.#answers.shift() ?? 'made';
    const failing = (kind: string) =>
      Promise.resolve(
        fail({ kind, ...(kind === 'exhausted' && { what: 'machines' }), raw: raw(kind) } as CloudFailure),
      );
    if (answer === 'short') return failing('exhausted');
    if (answer === 'throttled') return failing('throttled');
    if (answer === 'lost-undone') return failing('unknown');
    const fate = answer === 'install-fail' || answer === 'never-joins' ? answer : 'joins';
    const machine: MachineModel = {
      id: `uhost-${++this.#made}`,
      wish,
      from: this.now,
      visible: this.now + this.#life.lag * 1000,
      fate,
    };
    this.machines.push(machine);
    this.#judgeMade(machine, wish);
    return answer === 'lost' ? failing('unknown') : Promise.resolve(ok(this.#told(machine)));
  }

  #told({ id, wish, from, fate }: MachineModel): CloudMachine {
    const age = this.now - from;
    const state = fate === 'install-fail' && age > 15_000 ? 'failed' : age > 20_000 ? 'running' : 'creating';
    const { name, mark, zone, cpu, memory } = wish;
    return { id, name, mark, zone, state, nic: undefined, homes: [], cpu, memory };
  }

  /** A machine that works becomes a Node half a minute after it was made; one that is gone is heard no more. */
  #kubelets(): void {
    for (const machine of this.machines)
      if (machine.fate === 'joins' && this.now - machine.from >= 40_000 && machine.wish.mark === 'shop')
        this.#hear(machine);
    for (const node of this.#nodes()) {
      const id = node.spec?.providerID?.split('/').at(-1);
      if (!this.machines.some((machine) => machine.id === id)) this.#write(node, 'Unknown');
    }
  }

  #hear({ id, wish: { name, zone } }: MachineModel): void {
    const there = this.#nodes().find((node) => node.metadata.name === name);
    if (there !== undefined) return this.#write(there, 'True');
    const providerID = `ucloud://${zone}/${id}`;
    const creationTimestamp = new Date(this.now).toISOString();
    this.#write(
      { metadata: { name, creationTimestamp, labels: { 'isthmus.dev/ground': 'cloud' } }, spec: { providerID } },
      'True',
    );
    // What runs on it: something that has to be moved before the machine may end.
    this.store.put(
      pods as Resource<KubeObject>,
      {
        metadata: { name: `on-${name}`, namespace: 'default' },
        spec: { nodeName: name },
        status: { phase: 'Running' },
      } as KubeObject,
    );
  }

  #write(node: NodeObject, ready: 'True' | 'Unknown'): void {
    if (isReady(node) === (ready === 'True') && node.status !== undefined) return;
    const status = { conditions: [{ type: 'Ready', status: ready }] };
    this.store.put(nodes as Resource<KubeObject>, { ...node, status } as KubeObject);
    this.#due = Math.min(this.#due, this.now);
  }

  #nodes(): readonly NodeObject[] {
    return this.store.list(nodes as Resource<KubeObject>) as readonly NodeObject[];
  }

  #own(id: string, name: string, mark: string): void {
    const wish = { name, mark, zone: 'cn-bj2-04', subnet: 'subnet-1', cpu: 2, memory: 0 as MachineWish['memory'] };
    this.machines.push({ id, wish, from: this.#begun - 100_000, visible: 0, fate: 'joins' });
  }

  /** Everything that is made is recorded before, and has a token of its own. */
  #judgeMade({ wish: { name } }: MachineModel, { userData }: MachineWish): void {
    const recorded = this.group?.status?.members?.some((member) => member.name === name);
    if (recorded !== true) this.faults.push(`${name} was made and is not recorded`);
    const token = /"token": "([^"]+)"/.exec(userData)?.[1] ?? '';
    const other = [...this.tokens].find(([machine, known]) => known === token && machine !== name);
    if (other !== undefined) this.faults.push(`${name} has the token of ${other[0]}`);
    this.tokens.set(name, token);
    if (this.machines.filter((machine) => machine.wish.name === name).length > 1)
      this.faults.push(`${name} was made twice`);
  }

  #judgeRemoval({ id, wish: { name } }: MachineModel): void {
    if (!/^uhost-\d+$/.test(id)) this.faults.push(`${name} (${id}) was removed, which is none of the group`);
    const node = this.#nodes().find(({ metadata }) => metadata.name === name);
    if (node === undefined || !isReady(node)) return;
    if (this.store.list(pods as Resource<KubeObject>, { fieldSelector: `spec.nodeName=${name}` }).length > 0)
      this.faults.push(`${name} was ended with its pods on it`);
    if (node.spec?.unschedulable !== true) this.faults.push(`${name} was ended while pods could come to it`);
  }

  #judge(): void {
    const members = this.group?.status?.members ?? [];
    const names = new Set(members.map(({ name }) => name));
    if (names.size !== members.length) this.faults.push('two records have one name');
    for (const { id, wish } of this.machines)
      if (/^uhost-\d+$/.test(id) && !names.has(wish.name)) this.faults.push(`${wish.name} is there and not recorded`);
  }

  /** At the end there is what is wanted, and nothing else is left. */
  #judgeRest(): void {
    const { group } = this;
    const members = group?.status?.members ?? [];
    const own = this.machines.filter(({ id }) => /^uhost-\d+$/.test(id));
    const wanted = this.#life.deleteAt === undefined ? (group?.spec.desired ?? -1) : 0;
    if (own.length !== wanted) this.faults.push(`${own.length} machines, and ${wanted} are wanted`);
    if (members.length !== wanted) this.faults.push(`${members.length} records, and ${wanted} are wanted`);
    const ready = this.#nodes().filter((node) => node.metadata.labels?.[groupLabel] === 'burst' && isReady(node));
    if (ready.length !== wanted) this.faults.push(`${ready.length} Nodes are Ready, and ${wanted} are wanted`);
    if (this.#life.deleteAt !== undefined && group !== undefined) this.faults.push('the group is still there');
    const strays = this.#nodes().filter((node) => !isReady(node));
    if (strays.length > 0) this.faults.push(`${strays.length} Nodes are left over`);
    const left = this.store.list(secrets as Resource<KubeObject>);
    if (left.length > 0)
      this.faults.push(`join tokens are left: ${left.map(({ metadata }) => metadata.name).join(', ')}`);
    if (this.#kept !== undefined && own.map(({ wish }) => wish.name).join() !== this.#kept.join())
      this.faults.push(`${own.map(({ wish }) => wish.name).join()} are there, and ${this.#kept.join()} were to stay`);
    if (group?.spec.leaveFirst !== undefined)
      this.faults.push('the name of a machine that has gone is still in the group');
    const others = this.machines.length - own.length;
    if (others !== 3) this.faults.push(`${3 - others} machines of others are gone`);
  }
}

const usual = {
  image: 'uimage-base',
  zones: [
    { zone: 'cn-bj2-04', subnet: 'subnet-1' },
    { zone: 'cn-bj2-05', subnet: 'subnet-2' },
  ],
  disk: '40Gi',
  charge: 'hour',
  min: 0,
  max: 10,
};

function raw(message: string): CloudFailure['raw'] {
  return { action: 'CreateUHostInstance', code: '1', message };
}
