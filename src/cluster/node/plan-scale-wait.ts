import { machinesWanted, type NodeGroupObject } from '#kube/api/node-group.ts';
import { formatMs, type Instant, minutes, ms } from '#unit/clock.ts';
import { explainDeleted } from './plan-scale.ts';

/** One look at a group that was scaled. */
export interface ScaleSeen {
  readonly at: Instant;
  /** `undefined`: it is gone. */
  readonly group: NodeGroupObject | undefined;
  /** Names of Nodes, and whether each is Ready. */
  readonly nodes: ReadonlyMap<string, boolean>;
}

/** What was seen before, as far as it is needed. */
export interface ScaleMemory {
  /** What the group said at the last look, and since when. */
  readonly said: string;
  readonly since: Instant;
  /** Since when it has said that it can't have the machines. */
  readonly stuck: Instant | undefined;
}

export function beginScaleMemory(at: Instant): ScaleMemory {
  return { said: '', since: at, stuck: undefined };
}

export type ScaleWait =
  | { readonly at: 'waiting'; readonly memory: ScaleMemory }
  | { readonly at: 'there'; readonly nodes: readonly string[] }
  | { readonly at: 'failed'; readonly why: string };

/** The cloud is asked for the same again every minute, and two such answers are no chance. */
const stuckFor = minutes(2);
/** The controller writes what it does every few seconds; silence means that it does not run. */
const silentFor = minutes(5);

/** Whether machines that were added are there: as many as were asked for, and each that was not there before Ready. */
export function planGrowthWait(
  { at, group, nodes }: ScaleSeen,
  asked: { readonly group: string; readonly to: number; readonly before: readonly string[] },
  memory: ScaleMemory,
): ScaleWait {
  if (group === undefined) return { at: 'failed', why: `node group ${asked.group} was deleted meanwhile` };
  if (group.metadata.deletionTimestamp !== undefined) return { at: 'failed', why: explainDeleted(asked.group) };
  const wanted = machinesWanted(group.spec);
  if (wanted < asked.to)
    return { at: 'failed', why: `somebody has scaled node group ${asked.group} to ${wanted} meanwhile` };
  const staying = (group.status?.members ?? []).filter(({ leaving }) => leaving === undefined);
  const fresh = staying.filter(({ name }) => !asked.before.includes(name));
  const isThere = staying.length >= asked.to && fresh.every(({ name }) => nodes.get(name) === true);
  if (isThere) return { at: 'there', nodes: fresh.map(({ name }) => name).toSorted() };
  const { reason, message } = saidBy(group);
  // Machines that did not join have had their time, and another one theirs.
  if (reason === 'MachinesDoNotJoin') return { at: 'failed', why: message };
  const stuck = stuckReasons.has(reason) ? (memory.stuck ?? at) : undefined;
  if (stuck !== undefined && at - stuck >= stuckFor) return { at: 'failed', why: message };
  return waitOn(message, stuck, at, memory);
}

/** Whether the machine and its Node are gone. */
export function planShrinkingWait(
  { at, group, nodes }: ScaleSeen,
  asked: { readonly group: string; readonly machine: string },
  memory: ScaleMemory,
): ScaleWait {
  const member = group?.status?.members?.find(({ name }) => name === asked.machine);
  if (member === undefined && !nodes.has(asked.machine)) return { at: 'there', nodes: [] };
  if (group === undefined || member === undefined)
    return waitOn(`node ${asked.machine} is still there`, undefined, at, memory);
  const { reason, message } = saidBy(group);
  const stuck = heldReasons.has(reason) ? (memory.stuck ?? at) : undefined;
  if (stuck !== undefined && at - stuck >= silentFor) return { at: 'failed', why: message };
  return waitOn(message, stuck, at, memory);
}

function waitOn(said: string, stuck: Instant | undefined, at: Instant, memory: ScaleMemory): ScaleWait {
  const since = said === memory.said ? memory.since : at;
  const still = ms(at - since);
  if (stuck === undefined && still >= silentFor)
    return {
      at: 'failed',
      why: `${said === '' ? 'the group says nothing' : said}, unchanged for ${formatMs(still)}; isthmus status tells whether the controller runs`,
    };
  return { at: 'waiting', memory: { said, since, stuck } };
}

function saidBy({ status }: NodeGroupObject): { readonly reason: string; readonly message: string } {
  return status?.conditions?.find(({ type }) => type === 'Scaled') ?? { reason: '', message: '' };
}

const stuckReasons: ReadonlySet<string> = new Set(['Refused', 'Exhausted', 'CloudUnclear']);
const heldReasons: ReadonlySet<string> = new Set(['HeldByPods', 'HeldByBudgets', 'CloudUnclear']);
