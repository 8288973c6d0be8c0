import { isReady } from '#kube/api/condition.ts';
import type { DaemonSetObject, DeploymentObject, NodeObject, PodObject } from '#kube/resources.ts';

/** One of the cluster's own workloads that does not run in full. */
export interface UnreadyPart {
  /** `Deployment kube-system/coredns-site 1/2` */
  readonly part: string;
  /** What keeps its pods from running, in the words of Kubernetes; `undefined` when nothing says. */
  readonly why: string | undefined;
}

/** `Deployment kube-system/coredns-site 1/2 ready: …` */
export function explainUnready({ part, why }: UnreadyPart): string {
  return `${part} ready${why === undefined ? '' : `: ${why}`}`;
}

/** What runs pods by a selector, as far as it matters here. */
export interface Workload {
  readonly kind: 'Deployment' | 'DaemonSet';
  readonly object: DeploymentObject | DaemonSetObject;
  readonly wanted: number;
  readonly ready: number;
}

export function ofDeployment(object: DeploymentObject): Workload {
  const { spec, status } = object;
  const ready = Math.min(status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0);
  return { kind: 'Deployment', object, wanted: spec?.replicas ?? 1, ready };
}

export function ofDaemonSet(object: DaemonSetObject): Workload {
  const { status } = object;
  const ready = Math.min(status?.numberReady ?? 0, status?.updatedNumberScheduled ?? 0);
  return { kind: 'DaemonSet', object, wanted: status?.desiredNumberScheduled ?? 0, ready };
}

/**
 * Whether not all of it runs. With `tolerate`, what is missing because nodes are not ready, or because there is no node for it, does not
 * count: waiting for it would be waiting for those nodes.
 */
export function isUnready(
  { object, wanted, ready }: Workload,
  nodes: readonly NodeObject[],
  tolerate: 'nothing' | 'nodes-that-are-not-ready',
): boolean {
  const needed = tolerate === 'nothing' ? wanted : possibleOf(object, wanted, nodes);
  return ready < needed || object.status?.observedGeneration !== object.metadata.generation;
}

/** How many of a workload's pods its nodes can run: one fewer for each that is not ready, and none when none is. */
function possibleOf(object: Workload['object'], wanted: number, nodes: readonly NodeObject[]): number {
  const selector = Object.entries(object.spec?.template?.spec?.nodeSelector ?? {});
  const own = nodes.filter(({ metadata }) => selector.every(([key, value]) => metadata.labels?.[key] === value));
  const dead = own.filter((node) => !isReady(node)).length;
  return dead === own.length ? 0 : Math.max(wanted - dead, Math.min(wanted, 1));
}

/** @unit pods: those of its namespace */
export function planUnready({ kind, object, wanted, ready }: Workload, pods: readonly PodObject[]): UnreadyPart {
  const { namespace, name } = object.metadata;
  const labels = Object.entries(object.spec?.selector?.matchLabels ?? {});
  const own = pods.filter(
    ({ metadata }) =>
      labels.length > 0 &&
      metadata.namespace === namespace &&
      labels.every(([key, value]) => metadata.labels?.[key] === value),
  );
  const troubles = own.filter((pod) => !isReady(pod)).flatMap((pod) => troubleOf(pod) ?? []);
  const refused = object.status?.conditions?.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  const told = troubles.length === 0 && refused?.message !== undefined ? [oneLine(refused.message)] : troubles;
  return { part: `${kind} ${namespace}/${name} ${ready}/${wanted}`, why: told.length === 0 ? undefined : few(told) };
}

/** The first two: pods of one workload mostly fail alike. */
function few(troubles: readonly string[]): string {
  const rest = troubles.length - 2;
  return `${troubles.slice(0, 2).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

function troubleOf({ metadata, spec, status }: PodObject): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const place = spec?.nodeName === undefined ? '' : ` on ${spec.nodeName}`;
  const tell = (why: string): string => `${metadata.name}${place}: ${oneLine(why)}`;
  const unscheduled = status?.conditions?.find((one) => one.type === 'PodScheduled' && one.status === 'False');
  if (unscheduled !== undefined) return tell(`not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}`);
  for (const { name, state, lastState } of [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]) {
    const ended = state?.terminated ?? lastState?.terminated;
    const isFailed = ended !== undefined && (ended.exitCode !== 0 || state?.terminated === undefined);
    const detail = ended === undefined ? undefined : `last exit code ${ended.exitCode} (${explainEnd(ended)})`;
    const waits = state?.waiting;
    if (waits?.reason !== undefined && !starting.has(waits.reason))
      return tell(`container ${name}: ${waits.reason}, ${detail ?? waits.message ?? 'no message'}`);
    if (isFailed && detail !== undefined && state?.running === undefined) return tell(`container ${name}: ${detail}`);
  }
  return undefined;
}

/** A container that is in one of these has not been tried yet; why it lasts is told by the node. */
const starting: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing']);

function explainEnd({ reason, message }: { readonly reason?: string; readonly message?: string }): string {
  return [reason ?? 'no reason', ...(message === undefined ? [] : [message])].join(': ');
}

function oneLine(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
