import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { CloudMachine } from '#cloud/compute.ts';
import { explainFailure } from '#cloud/failure.ts';
import { lookAtMachine } from '#cloud/look-at-machine.ts';
import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import {
  type GroupMember,
  groupFinalizer,
  groupLabel,
  type NodeGroupObject,
  type NodeGroupStatus,
  nodeGroups,
} from '#kube/api/node-group.ts';
import { KubeError } from '#kube/kube.ts';
import { type NodeObject, type PodObject, pods } from '#kube/resources.ts';
import { readJoinReport, renewJoinToken, tokenLifetime } from '#machine/join-token.ts';
import { hasBalancers } from '#machine/leave.ts';
import { beginTracking, track } from '#machine/track-progress.ts';
import { formatMs, type Instant, type Ms, minutes, ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { applyRecords } from './apply-records.ts';
import type { GroupOptions } from './group-options.ts';
import { beginMemory, forgetMember, type GroupMemory } from './memory.ts';
import { cloudIdOf, type GroupLook, groupSeen } from './observe-group.ts';
import { performAct } from './perform-act.ts';
import { type GroupPlan, planGroup, wantedOf } from './plan-group.ts';
import type { LeavingReason } from './reasons.ts';

/** One turn for one group at a time: look, plan, write down what was decided, and do what follows from what is written. */
export class GroupKeeper {
  readonly #options: GroupOptions;
  readonly #memories = new Map<string, GroupMemory>();

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  async tend(name: string): Promise<void | { readonly again: Ms }> {
    const { kube, policy } = this.#options;
    const group = await kube.get(nodeGroups, { name });
    if (group === undefined) {
      this.#memories.delete(name);
      return undefined;
    }
    const memory = this.#memoryOf(name);
    const look = await this.#observe(group, memory);
    const plan = planGroup(groupSeen(look, memory), policy);
    try {
      if (plan.object !== undefined) return await this.#change(group, plan.object);
      if (await this.#write(look, memory, plan)) return atOnce;
    } catch (e) {
      // Somebody has written it since it was read, most likely who scales it.
      if (e instanceof KubeError && e.status === 409) return atOnce;
      throw e;
    }
    for (const act of plan.acts) this.#begin(group, memory, act);
    if (plan.says.reason === 'AsWanted') return { again: minutes(1) };
    return { again: urgent.has(plan.says.reason) ? seconds(1) : seconds(5) };
  }

  /** Waits until everything that was begun has come to its end. */
  async settled(): Promise<void> {
    for (const memory of this.#memories.values()) await Promise.allSettled(memory.busy.values());
  }

  #memoryOf(name: string): GroupMemory {
    const known = this.#memories.get(name) ?? beginMemory(this.#options.clock());
    this.#memories.set(name, known);
    return known;
  }

  async #observe(group: NodeGroupObject, memory: GroupMemory): Promise<GroupLook> {
    const { kube, nodes, home, settle, clock } = this.#options;
    const at = clock();
    const members = group.status?.members ?? [];
    const there = nodes.list();
    const works = (member: GroupMember): boolean =>
      member.joined === true && member.leaving === undefined && isReadyNode(nodes.get({ name: member.name }));
    const machines = members.every(works) ? undefined : await this.#list(group);
    if (machines !== undefined) {
      await this.#followJoins(members, machines, memory, at);
      await this.#lookForMissing(members, machines, memory, at);
    }
    const leaving = members.filter((member) => member.leaving !== undefined);
    const staying = members.length - leaving.length;
    const wanted = wantedOf({
      bounds: { ...group.spec, initial: group.spec.initial, desired: group.spec.desired },
      isDeleted: group.metadata.deletionTimestamp !== undefined,
    });
    const looked = staying > wanted ? members : leaving;
    return {
      at,
      group,
      home,
      machines,
      nodes: there,
      pods: await this.#podsOn(looked.map(({ name }) => name)),
      hasBalancers: leaving.length > 0 && (await hasBalancers(kube)),
      settle,
    };
  }

  async #list(group: NodeGroupObject): Promise<readonly CloudMachine[] | undefined> {
    const { listMachines, note } = this.#options;
    const listed = await listMachines();
    if (listed.ok) return listed.value;
    note({ group: group.metadata.name, fault: explainFailure(listed.failure) }, 'listing the machines of a group');
    return undefined;
  }

  async #podsOn(names: readonly string[]): Promise<ReadonlyMap<string, readonly PodObject[]>> {
    const { kube, nodes } = this.#options;
    const there = names.filter((name) => nodes.get({ name }) !== undefined);
    const listed = await Promise.all(
      there.map(async (name) => [name, await kube.list(pods, { fieldSelector: `spec.nodeName=${name}` })] as const),
    );
    return new Map(listed);
  }

  /** Time counts from the boot on, and a token lives as long as its machine makes progress. */
  async #followJoins(
    members: readonly GroupMember[],
    machines: readonly CloudMachine[],
    memory: GroupMemory,
    at: Instant,
  ): Promise<void> {
    const { kube, nodes } = this.#options;
    const joining = members.filter(
      ({ id, joined, leaving }) =>
        joined !== true &&
        leaving === undefined &&
        machines.some((machine) => machine.id === id && machine.state === 'running'),
    );
    for (const { name } of joining) {
      const known = memory.joins.get(name) ?? { tracked: beginTracking(at), renewed: at };
      const report = await readJoinReport(kube, name);
      const step =
        nodes.get({ name }) === undefined
          ? report
          : { have: 0, of: 0, fault: undefined, ...report, step: 'its Node is there' };
      const tracked = track(known.tracked, step, at);
      const isDue = at - known.renewed >= tokenLifetime / 3 && tracked.lastProgress > known.renewed;
      if (isDue) await renewJoinToken(kube, name, at);
      memory.joins.set(name, { tracked, renewed: isDue ? at : known.renewed });
    }
  }

  /** That a machine is gone is believed when the cloud says so twice, a good while apart, and knows others of the cluster. */
  async #lookForMissing(
    members: readonly GroupMember[],
    machines: readonly CloudMachine[],
    memory: GroupMemory,
    at: Instant,
  ): Promise<void> {
    const { compute, nodes, mark, apart } = this.#options;
    for (const { name, id, zone, leaving } of members) {
      const isThere = id === undefined || machines.some((machine) => machine.id === id);
      if (isThere || leaving !== undefined || isReadyNode(nodes.get({ name }))) {
        memory.missing.delete(name);
        continue;
      }
      const known = memory.missing.get(name);
      if (known !== undefined && (known.isCertain || at - known.since < apart)) continue;
      const beside = nodes
        .list()
        .flatMap((node) => cloudIdOf(node) ?? [])
        .filter((other) => other !== id);
      const look = await lookAtMachine(compute, { id, zone, mark, beside }, { within: seconds(10) });
      if (look.says === 'gone') memory.missing.set(name, { since: known?.since ?? at, isCertain: known !== undefined });
      else memory.missing.delete(name);
    }
  }

  async #change(group: NodeGroupObject, change: NonNullable<GroupPlan['object']>): Promise<{ readonly again: Ms }> {
    const { kube } = this.#options;
    const { name, resourceVersion, finalizers = [] } = group.metadata;
    const others = finalizers.filter((one) => one !== groupFinalizer);
    const patchOf = (): object => {
      switch (change.do) {
        case 'begin':
          return { spec: { desired: change.desired } };
        case 'tidy':
          return { spec: { leaveFirst: change.leaveFirst.length === 0 ? null : change.leaveFirst } };
        case 'hold':
          return { metadata: { finalizers: [...others, groupFinalizer] } };
        case 'release':
          return { metadata: { finalizers: others } };
      }
    };
    const patch = patchOf() as { readonly metadata?: object };
    await kube.merge(nodeGroups, { name }, { ...patch, metadata: { resourceVersion, ...patch.metadata } });
    return atOnce;
  }

  /** @shape whether something was written that a plan follows from */
  async #write(look: GroupLook, memory: GroupMemory, plan: GroupPlan): Promise<boolean> {
    const { kube } = this.#options;
    const { group, at } = look;
    const before = group.status?.members ?? [];
    const time = new Date(at).toISOString();
    const members = applyRecords(before, plan.records, time, () => this.#freshName(look));
    const status = this.#statusOf(look, members, plan, time);
    if (!isSame(status, group.status)) await kube.replace(nodeGroups, { ...group, status }, { subresource: 'status' });
    this.#tell(group, memory, plan);
    if (plan.records.length === 0) return false;
    this.#remember(before, members, memory, plan, at);
    return true;
  }

  #statusOf({ group }: GroupLook, members: readonly GroupMember[], { says }: GroupPlan, time: string): NodeGroupStatus {
    const { nodes } = this.#options;
    const others = (group.status?.conditions ?? []).filter(({ type }) => type !== scaled);
    const status = says.reason === 'AsWanted' ? 'True' : 'False';
    const condition: Omit<Condition, 'lastTransitionTime'> = {
      type: scaled,
      status,
      reason: says.reason,
      message: says.message,
    };
    return {
      machines: members.length,
      ready: members.filter(({ name }) => isReadyNode(nodes.get({ name }))).length,
      selector: `${groupLabel}=${group.metadata.name}`,
      members: [...members],
      conditions: [...others, conditionAfter(group.status?.conditions, condition, time)],
    };
  }

  /** What follows from what is written now. */
  #remember(
    before: readonly GroupMember[],
    members: readonly GroupMember[],
    memory: GroupMemory,
    { records }: GroupPlan,
    at: Instant,
  ): void {
    const known = new Set(before.map(({ name }) => name));
    for (const { name } of members) if (!known.has(name)) memory.mayAsk.add(name);
    for (const record of records) {
      if (record.do === 'ask-again' || record.do === 'move') memory.mayAsk.add(record.member);
      if (record.do === 'forget') forgetMember(memory, record.member);
      if (record.do === 'note-joined') {
        memory.failures = 0;
        memory.pause = undefined;
      }
      if (record.do === 'leave' && failed.has(record.why)) {
        memory.failures++;
        const rest = ms(Math.min(minutes(10), seconds(30) * 2 ** (memory.failures - 2)));
        const says = `${memory.failures} machines in a row did not join, and the next one is made after ${formatMs(rest)}; the last: ${record.says}`;
        memory.pause = memory.failures < 2 ? undefined : { until: (at + rest) as Instant, says };
      }
    }
    memory.shortages = memory.shortages.filter(({ until }) => until > at);
  }

  #tell(group: NodeGroupObject, memory: GroupMemory, { records, says }: GroupPlan): void {
    const { events, note } = this.#options;
    const { name, uid } = group.metadata;
    const regarding = {
      apiVersion: 'isthmus.dev/v1alpha1',
      kind: 'NodeGroup',
      name,
      ...(uid !== undefined && { uid }),
    };
    for (const record of records) {
      note({ group: name, ...record }, 'planning for a group');
      if (record.do !== 'leave') continue;
      const type = record.why === 'ScaledIn' || record.why === 'GroupDeleted' ? 'Normal' : 'Warning';
      events.tell(regarding, { reason: record.why, type, action: scaled }, `${record.member}: ${record.says}`);
    }
    if (memory.told === says.reason) return;
    memory.told = says.reason;
    const type = warned.has(says.reason) ? 'Warning' : 'Normal';
    events.tell(regarding, { reason: says.reason, type, action: scaled }, says.message);
  }

  #begin(group: NodeGroupObject, memory: GroupMemory, act: GroupPlan['acts'][number]): void {
    const { clock, note, wake } = this.#options;
    const member = group.status?.members?.find(({ name }) => name === act.member);
    if (member === undefined || memory.busy.has(act.member)) return;
    const name = group.metadata.name;
    note({ group: name, ...act }, 'performing for a group');
    const work = performAct(this.#options, memory, { group, member, act })
      .catch((e: unknown) => ({ says: messageOf(e), rest: seconds(5) }))
      .then((trouble) => {
        memory.busy.delete(act.member);
        if (trouble === undefined) memory.refusals.delete(act.member);
        else {
          note({ group: name, ...act, fault: trouble.says }, 'performing for a group failed');
          memory.refusals.set(act.member, { says: trouble.says, until: (clock() + trouble.rest) as Instant });
        }
        wake(name);
      });
    memory.busy.set(act.member, work);
  }

  /** Its end is by chance: a name that is recorded is the one by which a machine is known again, and was never used before. */
  #freshName({ group, machines, nodes }: GroupLook): string {
    const taken = new Set([...(machines ?? []).map(({ name }) => name), ...nodes.map(({ metadata }) => metadata.name)]);
    for (;;) {
      const end = Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
      const name = `${group.metadata.name}-${end}`;
      if (!taken.has(name)) return name;
    }
  }
}

/** As Kubernetes ends the names of pods: without vowels and what looks alike. @source k8s.io/apimachinery util/rand */
const letters = 'bcdfghjklmnpqrstvwxz2456789';
const scaled = 'Scaled';
const atOnce = { again: ms(0) };
const failed: ReadonlySet<LeavingReason> = new Set(['NotJoined', 'InstallFailed']);
/** What changes by itself from one second to the next. */
const urgent: ReadonlySet<string> = new Set(['Making', 'Joining', 'Leaving', 'NotReady']);
const warned: ReadonlySet<string> = new Set([
  'Refused',
  'Exhausted',
  'MachinesDoNotJoin',
  'HeldByPods',
  'HeldByBudgets',
  'MachineMissing',
  'CloudUnclear',
]);

function isReadyNode(node: NodeObject | undefined): boolean {
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Whether a write would change nothing. */
function isSame(a: NodeGroupStatus, b: NodeGroupStatus | undefined): boolean {
  return isDeepStrictEqual(a, b);
}
