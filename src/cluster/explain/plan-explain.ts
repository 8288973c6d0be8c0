import { isLeaving } from '#kube/api/leaving.ts';
import type { EventObject } from '#kube/events.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import { explainHowToStay } from '../leaving.ts';

/** What the conditions of a Node say against it. Those of `isthmus.dev` say so in ways of their own, which their capabilities know. */
export function planExplainNode(node: NodeObject): readonly string[] {
  const { metadata, spec, status } = node;
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const pressures = conditions.filter(
    ({ type, status }) => type !== 'Ready' && !type.startsWith('isthmus.dev/') && status === 'True',
  );
  return [
    ...(ready === undefined ? ['its kubelet has not reported yet'] : []),
    ...(ready !== undefined && ready.status !== 'True'
      ? [`not ready: ${ready.message ?? ready.reason ?? 'no reason given'}`]
      : []),
    ...pressures.map(({ type, message }) => `${type}: ${message ?? 'no message given'}`),
    ...(spec?.unschedulable === true ? ['cordoned: no pods are scheduled to it until kubectl uncordon'] : []),
    ...(isLeaving(node)
      ? [`marked as about to be removed: no load balancer sends to it; ${explainHowToStay(metadata.name, true)}`]
      : []),
  ];
}

/** What the conditions of a Pod say against it. */
export function planExplainPod({ status }: PodObject): readonly string[] {
  if (status?.phase === 'Succeeded') return [];
  return (status?.conditions ?? [])
    .filter((condition) => condition.status === 'False' && condition.message !== undefined)
    .map(({ type, message }) => `${type} is False: ${message}`);
}

/** The newest warnings, each once. */
export function planWarnings(told: readonly EventObject[]): readonly string[] {
  const newest = told
    .filter(({ type }) => type === 'Warning')
    .toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))
    .map(({ reason, note }) => (note === undefined ? String(reason) : `${reason}: ${note.trim()}`));
  return [...new Set(newest)].slice(0, mostWarnings);
}

/** Old writers of Events set no eventTime. */
function timeOf(event: EventObject): string {
  return event.series?.lastObservedTime ?? event.eventTime ?? event.metadata.creationTimestamp ?? '';
}

const mostWarnings = 5;
