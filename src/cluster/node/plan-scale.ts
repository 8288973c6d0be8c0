import { type GroupMember, machinesWanted, type NodeGroupObject } from '#kube/api/node-group.ts';
import { nearest } from '#unit/nearest.ts';
import { fail, ok, type Result } from '#unit/result.ts';

/** A group of the cluster that is to have another number of machines. */
export interface Scale {
  readonly group: string;
  readonly from: number;
  readonly to: number;
  /** What a person reads before it is done: `node group burst: 3 machines instead of 2 (at most 10)`. */
  readonly says: string;
}

/** @shape why the group may not have so many more, with the cure */
export function planGrowth(
  name: string,
  count: number,
  { groups, ofFile }: { readonly groups: readonly NodeGroupObject[]; readonly ofFile: readonly string[] },
): Result<Scale, string> {
  const group = groups.find(({ metadata }) => metadata.name === name);
  if (group === undefined) return fail(explainUnknown(name, groups, ofFile));
  if (group.metadata.deletionTimestamp !== undefined) return fail(explainDeleted(name));
  const { max } = group.spec;
  const from = machinesWanted(group.spec);
  const to = from + count;
  if (to > max)
    return fail(
      `node group ${name} may have at most ${max} machines and is to have ${from} already, so ${count} more ${count === 1 ? 'is' : 'are'} too many; raise max ${whereToWrite(name, ofFile)}, then run this again`,
    );
  return ok({ group: name, from, to, says: `${saysOf(name, from, to)} (at most ${max})` });
}

/** One machine of a group that is to go, and the group with it one smaller. */
export type Shrinking =
  | { readonly do: 'name' | 'scale'; readonly scale: Scale; readonly leaveFirst: readonly string[] }
  /** It leaves already, or has been named by an earlier run. */
  | { readonly do: 'follow'; readonly group: string };

/**
 * The machine is named before the group is made smaller, so that no other leaves. After each step it is asked again what is next.
 * @shape why the machine may not go, with the cure
 */
export function planShrinking(
  machine: string,
  group: NodeGroupObject,
  ofFile: readonly string[],
): Result<Shrinking, string> {
  const { spec, status, metadata } = group;
  const { name, deletionTimestamp } = metadata;
  const members = status?.members ?? [];
  const isLeaving = members.some((member) => member.name === machine && member.leaving !== undefined);
  if (isLeaving || deletionTimestamp !== undefined) return ok({ do: 'follow', group: name });
  const from = machinesWanted(spec);
  const named = spec.leaveFirst ?? [];
  const staying = members.filter(({ leaving }) => leaving === undefined);
  // As many are too many as are named: an earlier run has made the group smaller for this one too.
  if (named.includes(machine) && staying.length - from >= staying.filter((one) => named.includes(one.name)).length)
    return ok({ do: 'follow', group: name });
  if (from <= spec.min)
    return fail(
      `node group ${name} has its minimum of ${spec.min} ${spec.min === 1 ? 'machine' : 'machines'}; lower min ${whereToWrite(name, ofFile)}, then run this again`,
    );
  const scale = { group: name, from, to: from - 1, says: `${saysOf(name, from, from - 1)} (at least ${spec.min})` };
  const isNamed = named.includes(machine);
  return ok({ do: isNamed ? 'scale' : 'name', scale, leaveFirst: isNamed ? named : [...named, machine] });
}

/** The group that a machine is recorded in. */
export function groupOf(
  machine: string,
  groups: readonly NodeGroupObject[],
): { readonly group: NodeGroupObject; readonly member: GroupMember } | undefined {
  for (const group of groups) {
    const member = group.status?.members?.find(({ name }) => name === machine);
    if (member !== undefined) return { group, member };
  }
  return undefined;
}

/** What a person reads before it is done. */
export function explainShrinking(
  step: Shrinking,
  { group, member }: NonNullable<ReturnType<typeof groupOf>>,
): readonly string[] {
  const who = member.id === undefined ? member.name : `${member.name} (${member.id})`;
  const says = `remove ${who} of node group ${group.metadata.name}: drain its node, end the machine with its disk, delete the node`;
  return step.do === 'follow' ? [`${says}; this has begun already`] : [step.scale.says, says];
}

function saysOf(name: string, from: number, to: number): string {
  return `node group ${name}: ${to} ${to === 1 ? 'machine' : 'machines'} instead of ${from}`;
}

function explainUnknown(name: string, groups: readonly NodeGroupObject[], ofFile: readonly string[]): string {
  if (ofFile.includes(name)) return `the cluster does not have node group ${name} of cluster.yaml yet; run isthmus up`;
  const known = groups.map(({ metadata }) => metadata.name).toSorted();
  const near = nearest(name, known);
  const there =
    known.length === 0 ? 'it has none; docs/guide/node-groups.md tells how to make one' : `it has: ${known.join(', ')}`;
  return `the cluster has no node group ${name}; ${near === undefined ? there : `${there}. Did you mean ${near}?`}`;
}

export function explainDeleted(name: string): string {
  return `node group ${name} is being deleted; its machines leave`;
}

function whereToWrite(name: string, ofFile: readonly string[]): string {
  return ofFile.includes(name) ? 'in cluster.yaml and run isthmus up' : `with kubectl edit nodegroup ${name}`;
}
