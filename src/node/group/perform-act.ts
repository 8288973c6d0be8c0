import type { MachineWish } from '#cloud/compute.ts';
import { type CloudFailure, explainFailure, explainWithCure } from '#cloud/failure.ts';
import { type GroupMember, groupLabel, type NodeGroupObject } from '#kube/api/node-group.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes, pods } from '#kube/resources.ts';
import { explainHeld } from '#machine/explain-held.ts';
import { removeRecordedToken } from '#machine/join-token.ts';
import { evict, hasToLeave, markLeaving, podKey } from '#machine/leave.ts';
import { gibi, parseBytes } from '#unit/bytes.ts';
import { type Instant, type Ms, minutes, seconds } from '#unit/clock.ts';
import type { GroupOptions } from './group-options.ts';
import { userDataFor } from './join-user-data.ts';
import type { GroupMemory } from './memory.ts';
import { cloudIdOf } from './observe-group.ts';
import type { MemberAct } from './plan-member.ts';

/** Why an act came to nothing, and how long its machine is left alone. */
export interface Trouble {
  readonly says: string;
  readonly rest: Ms;
}

/** One act about one machine that is recorded. Each can be done again. @fails KubeError */
export async function performAct(
  options: GroupOptions,
  memory: GroupMemory,
  { group, member, act }: { readonly group: NodeGroupObject; readonly member: GroupMember; readonly act: MemberAct },
): Promise<Trouble | undefined> {
  const { kube } = options;
  const { name, id = '' } = member;
  switch (act.do) {
    case 'create':
      return create(options, memory, group, member);
    case 'remove-double':
      return remove(options, act.id);
    case 'remove-machine': {
      const trouble = await remove(options, id);
      if (trouble === undefined) memory.ended.add(name);
      return trouble;
    }
    case 'label-node':
      await kube.merge(nodes, { name }, { metadata: { labels: { [groupLabel]: group.metadata.name } } });
      return undefined;
    case 'mark-leaving':
      await markLeaving(kube, name);
      return undefined;
    case 'evict':
      memory.held.set(name, await evictAll(kube, name));
      return undefined;
    case 'delete-node':
      await deleteNode(options, member);
      return undefined;
    case 'remove-tokens':
      await removeRecordedToken(kube, name);
      memory.tokensRemoved.add(name);
      return undefined;
  }
}

async function remove({ compute, mark }: GroupOptions, id: string): Promise<Trouble | undefined> {
  const answer = await compute.remove(id, mark, { within: minutes(5) });
  return answer.ok ? undefined : { says: explainWithCure(answer.failure), rest: seconds(15) };
}

async function create(
  options: GroupOptions,
  memory: GroupMemory,
  group: NodeGroupObject,
  member: GroupMember,
): Promise<Trouble | undefined> {
  const { kube, compute, join, clock, note, shortFor } = options;
  const { name, cpu, memory: amount, zone, subnet } = member;
  const userData = await userDataFor(kube, join, member, group.spec);
  // From here on it may have been asked for.
  memory.mayAsk.delete(name);
  memory.notMade.delete(name);
  const answer = await compute.create(wishFor(options, group, member, userData), { within: seconds(60) });
  if (answer.ok) {
    memory.made.set(name, answer.value.id);
    return undefined;
  }
  const { failure } = answer;
  note({ group: group.metadata.name, machine: name, fault: explainFailure(failure) }, 'creating a machine of a group');
  const means = meaningOf(failure);
  if (typeof means !== 'string') return { says: explainWithCure(failure), rest: means };
  if (means === 'unclear') memory.unclear.set(name, clock());
  else {
    memory.notMade.add(name);
    const until = (clock() + shortFor) as Instant;
    const place = { cpu, memory: amount, zone, subnet };
    memory.shortages = [...memory.shortages, { place, until, says: explainFailure(failure) }];
  }
  return undefined;
}

function wishFor(
  { mark, vpc }: GroupOptions,
  { spec }: NodeGroupObject,
  { name, cpu, memory, zone, subnet }: GroupMember,
  userData: string,
): MachineWish {
  return {
    name,
    mark,
    zone,
    image: spec.image,
    vpc,
    subnet,
    cpu,
    // The API server has checked both.
    memory: parseBytes(memory) ?? gibi(4),
    bootDisk: parseBytes(spec.disk) ?? gibi(40),
    charge: spec.charge,
    elastic: spec.elasticInterfaces ?? false,
    userData,
  };
}

/** @shape `unclear`: it may have been made; `short`: another place may have it; else nothing was made, and how long to leave the cloud alone */
function meaningOf({ kind }: CloudFailure): 'unclear' | 'short' | Ms {
  switch (kind) {
    case 'unknown':
      return 'unclear';
    case 'exhausted':
      return 'short';
    case 'throttled':
    case 'unavailable':
      return seconds(5);
    case 'gone':
    case 'quota':
    case 'state':
    case 'inUse':
    case 'outOfReach':
    case 'denied':
    case 'billing':
    case 'invalid':
      return minutes(1);
  }
}

async function evictAll(kube: Kube, node: string): Promise<readonly string[]> {
  const there = (await kube.list(pods, { fieldSelector: `spec.nodeName=${node}` })).filter(hasToLeave);
  const answers = await Promise.all(there.map(async (pod) => [podKey(pod), await evict(kube, pod)] as const));
  const held = answers.flatMap(([pod, why]) => (why === undefined ? [] : [{ pod, held: why }]));
  // Sorted: a message that says the same is the same.
  return explainHeld(held.toSorted((a, b) => a.pod.localeCompare(b.pod, 'en')));
}

/** Only the Node of this very machine. */
async function deleteNode({ kube }: GroupOptions, { name, id }: GroupMember): Promise<void> {
  const node = await kube.get(nodes, { name });
  const uid = node?.metadata.uid;
  if (uid !== undefined && cloudIdOf(node) === id) await kube.delete(nodes, { name }, { uid });
}
