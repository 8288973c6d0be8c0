import type { ControllerGiven } from '#capability/controller-part.ts';
import type { Condition } from '#kube/api/condition.ts';
import { type PodRangeObject, podRanges } from '#kube/api/pod-range.ts';
import { minutes, sleep } from '#unit/clock.ts';
import { gauge } from '#unit/metrics.ts';
import { planConditionEvents } from './plan-condition-events.ts';

const faults = gauge('isthmus_pod_range_fault', '1 for each condition of a PodRange that is False, with its reason.', [
  'node',
  'condition',
  'reason',
]);

interface Kept {
  readonly node: string;
  readonly conditions: readonly Condition[];
}

/**
 * Tells what agents and controller publish on PodRanges as Events of the Node, where kubectl describe node shows them, and as a
 * metric. One teller for all, so that agents need no right to write Events.
 */
export async function tellConditions(
  { kube, caches, events }: Pick<ControllerGiven, 'kube' | 'caches' | 'events'>,
  end: AbortSignal,
): Promise<void> {
  const nodes = caches.nodes();
  const ranges = kube.cache(podRanges, {}, end, keep);
  const told = new Map<string, readonly Condition[]>();
  const tell = (node: string, before: readonly Condition[] | undefined): void => {
    const conditions = ranges.get({ name: node })?.conditions;
    const uid = nodes.get({ name: node })?.metadata.uid;
    const regarding = { apiVersion: 'v1', kind: 'Node', name: node, ...(uid !== undefined && { uid }) };
    for (const { note, ...reason } of planConditionEvents(before, conditions ?? []))
      events.tell(regarding, reason, note);
    measure(node, told.get(node) ?? [], conditions ?? []);
    if (conditions === undefined) told.delete(node);
    else told.set(node, conditions);
  };
  faults.reset();
  // An Event that names no uid is shown by nobody.
  await nodes.synced;
  ranges.onChange((node) => tell(node, told.get(node)));
  // What lasts is told again before its Event is forgotten; as after a start, that are faults and nothing else.
  while (!end.aborted) {
    for (const { node } of ranges.list()) tell(node, undefined);
    await sleep(toldAgain, end).catch(() => undefined);
  }
  faults.reset();
}

function keep({ metadata, status }: PodRangeObject): Kept {
  return { node: metadata.name, conditions: status?.conditions ?? [] };
}

function measure(node: string, before: readonly Condition[], after: readonly Condition[]): void {
  for (const { type, reason } of before) faults.remove({ node, condition: type, reason });
  for (const { type, status, reason } of after)
    if (status === 'False') faults.set({ node, condition: type, reason }, 1);
}

/** A series of Events ends after six minutes without news. */
const toldAgain = minutes(5);
