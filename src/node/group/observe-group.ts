import { groundOf } from '#capability/ground.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import { isReady } from '#kube/api/condition.ts';
import { isLeaving, outOfBalancers } from '#kube/api/leaving.ts';
import {
  doNotDisrupt,
  type GroupMember,
  groupFinalizer,
  groupLabel,
  type NodeGroupObject,
} from '#kube/api/node-group.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import { connectionsHave, hasToLeave, podKey } from '#machine/leave.ts';
import { explainProgress } from '#machine/track-progress.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import type { GroupMemory } from './memory.ts';
import type { GroupSeen, MemberNode, MemberSeen, Place } from './seen.ts';

/** Everything that a turn looked at. */
export interface GroupLook {
  readonly at: Instant;
  readonly group: NodeGroupObject;
  /** Where machines are made when the group names no zones. */
  readonly home: Pick<Place, 'zone' | 'subnet'>;
  /** Machines with our mark; `undefined`: the cloud was not asked, or did not say. */
  readonly machines: readonly CloudMachine[] | undefined;
  readonly nodes: readonly NodeObject[];
  /** Of the Nodes whose pods were looked at. */
  readonly pods: ReadonlyMap<string, readonly PodObject[]>;
  /** Whether there is a load balancer that may send to nodes. */
  readonly hasBalancers: boolean;
  /** How long a machine that the cloud was asked for may be missing in its lists. */
  readonly settle: Ms;
}

/** What was looked at, as a plan needs it. */
export function groupSeen(look: GroupLook, memory: GroupMemory): GroupSeen {
  const { at, group, home } = look;
  const { spec, metadata, status } = group;
  return {
    at,
    name: metadata.name,
    isDeleted: metadata.deletionTimestamp !== undefined,
    isHeld: (metadata.finalizers ?? []).includes(groupFinalizer),
    bounds: { min: spec.min, max: spec.max, initial: spec.initial, desired: spec.desired },
    leaveFirst: spec.leaveFirst ?? [],
    shapes: spec.shapes,
    zones: spec.zones ?? [home],
    members: (status?.members ?? []).map((member) => memberSeen(member, look, memory)),
    shortages: memory.shortages,
    pause: memory.pause,
  };
}

function memberSeen(recorded: GroupMember, look: GroupLook, memory: GroupMemory): MemberSeen {
  const { at, settle } = look;
  const { name } = recorded;
  const { machine, doubles } = machinesOf(recorded, look, memory);
  const asked = Math.max(Date.parse(recorded.asked), memory.since, memory.unclear.get(name) ?? 0);
  const join = memory.joins.get(name);
  return {
    recorded,
    busy: memory.busy.has(name),
    mayAsk: memory.mayAsk.has(name),
    notMade: memory.notMade.has(name),
    settled: at - asked >= settle,
    refusal: memory.refusals.get(name),
    machine,
    doubles,
    gone: memory.missing.get(name)?.isCertain === true,
    node: nodeOf(recorded, look, memory),
    join: join && { lastProgress: join.tracked.lastProgress, says: explainProgress(join.tracked, at) },
    done: { tokens: memory.tokensRemoved.has(name), machine: memory.ended.has(name) },
  };
}

/**
 * Which machines are this one. All of them carry our mark and have the very name that was recorded for it, with its part by chance; but none is taken
 * that another Node, or another record, knows by its id: somebody may rename machines.
 */
function machinesOf(
  { name, id }: GroupMember,
  { machines, nodes, group }: GroupLook,
  memory: GroupMemory,
): Pick<MemberSeen, 'machine' | 'doubles'> {
  if (machines === undefined) return { machine: 'unknown', doubles: [] };
  const others = new Set([
    ...nodes.filter(({ metadata }) => metadata.name !== name).flatMap((node) => cloudIdOf(node) ?? []),
    ...(group.status?.members ?? []).filter((other) => other.name !== name).flatMap((other) => other.id ?? []),
  ]);
  const named = machines.filter((machine) => machine.name === name && !others.has(machine.id));
  const ownNode = nodes.find(({ metadata }) => metadata.name === name);
  const known = id ?? memory.made.get(name) ?? (ownNode && cloudIdOf(ownNode));
  const own = known === undefined ? named[0] : machines.find((machine) => machine.id === known);
  if (own === undefined) {
    // Its list may be behind what it has just told.
    const made = id === undefined ? memory.made.get(name) : undefined;
    return { machine: made === undefined ? 'absent' : { id: made, state: 'creating' }, doubles: [] };
  }
  const doubles = named.filter((machine) => machine.id !== own.id && cloudIdOf(ownNode) !== machine.id);
  return { machine: { id: own.id, state: own.state }, doubles: doubles.map((machine) => machine.id) };
}

function nodeOf(
  { name, id, leaving }: GroupMember,
  { at, group, nodes, pods, hasBalancers }: GroupLook,
  memory: GroupMemory,
): MemberNode | undefined {
  const node = nodes.find(({ metadata }) => metadata.name === name);
  if (node === undefined || id === undefined || cloudIdOf(node) !== id) return undefined;
  const said = node.status?.conditions?.find(({ type }) => type === outOfBalancers);
  const mayBeSent = leaving !== undefined && hasBalancers && said?.status !== 'True';
  const there = pods.get(name);
  return {
    ready: isReady(node),
    labelled: node.metadata.labels?.[groupLabel] === group.metadata.name,
    cordoned: node.spec?.unschedulable === true,
    marked: isLeaving(node),
    sends: mayBeSent ? (said?.message ?? 'waiting for the controller to take it out of the load balancers') : undefined,
    connections: connectionsHave(node, at),
    since: Date.parse(node.metadata.creationTimestamp ?? '') as Instant,
    pods: there && podsSeen(there, memory.held.get(name) ?? []),
  };
}

function podsSeen(there: readonly PodObject[], refused: readonly string[]): NonNullable<MemberNode['pods']> {
  const leaving = there.filter(hasToLeave);
  const held = leaving.filter(({ metadata }) => metadata.annotations?.[doNotDisrupt] === 'true');
  return { toLeave: leaving.length, held: held.map(podKey).toSorted(), refused };
}

/** The cloud's id of the machine of a Node. */
export function cloudIdOf(node: NodeObject | undefined): string | undefined {
  if (node === undefined) return undefined;
  const ground = groundOf(node);
  return ground.ground === 'cloud' ? ground.id : undefined;
}
