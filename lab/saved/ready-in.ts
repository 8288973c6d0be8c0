import type { NodeObject, PodObject } from '#kube/resources.ts';
import type { Instant } from '#unit/clock.ts';

/** Nodes by name and pods as `namespace/name`. */
export interface Ready {
  readonly nodes: string[];
  readonly pods: string[];
}

/** What the API server of a cluster knows. */
export interface ClusterSeen {
  readonly nodes: readonly NodeObject[];
  readonly pods: readonly PodObject[];
}

/** Times of Kubernetes have whole seconds. */
const resolution = 1000;

/**
 * What is Ready. With `since`: and has been told so by its node after that moment, a pod by containers that were started after it.
 */
export function readyIn({ nodes, pods }: ClusterSeen, since?: Instant): Ready {
  const isNew = (time: string | null | undefined): boolean =>
    since === undefined || Date.parse(time ?? '') >= since - resolution;
  return {
    nodes: nodes
      .filter((node) => isReady(node) && isNew(readyOf(node)?.lastHeartbeatTime))
      .map(({ metadata }) => metadata.name),
    pods: pods
      .filter((pod) => isReady(pod) && containersOf(pod).every(({ state }) => isNew(state?.running?.startedAt)))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  };
}

function isReady(object: NodeObject | PodObject): boolean {
  return object.metadata.deletionTimestamp === undefined && readyOf(object)?.status === 'True';
}

function readyOf({ status }: NodeObject | PodObject) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function containersOf({ status }: PodObject) {
  return status?.containerStatuses ?? [];
}
