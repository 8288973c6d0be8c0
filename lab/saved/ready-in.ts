import type { Instant } from '#unit/clock.ts';

/** Nodes by name and pods as `namespace/name`. */
export interface Ready {
  readonly nodes: string[];
  readonly pods: string[];
}

/** `kubectl get nodes,pods -A -o json`, as far as it is read. */
export interface KubeList {
  readonly items: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string; readonly deletionTimestamp?: string };
    readonly status: {
      readonly conditions?: readonly {
        readonly type: string;
        readonly status: string;
        readonly lastHeartbeatTime?: string | null;
      }[];
      readonly containerStatuses?: readonly { readonly state: { readonly running?: { readonly startedAt: string } } }[];
    };
  }[];
}

/** Times of Kubernetes have whole seconds. */
const resolution = 1000;

/**
 * What is Ready. With `since`: and has been told so by its node after that moment, a pod by containers that were started after it.
 */
export function readyIn({ items }: KubeList, since?: Instant): Ready {
  const isNew = (time: string | null | undefined): boolean =>
    since === undefined || Date.parse(time ?? '') >= since - resolution;
  const ready = items.filter(({ metadata, status }) => {
    const condition = status.conditions?.find(({ type }) => type === 'Ready');
    return metadata.deletionTimestamp === undefined && condition?.status === 'True';
  });
  return {
    nodes: ready
      .filter(({ kind }) => kind === 'Node')
      .filter(({ status }) => isNew(status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime))
      .map(({ metadata }) => metadata.name),
    pods: ready
      .filter(({ kind }) => kind === 'Pod')
      .filter(({ status }) => (status.containerStatuses ?? []).every(({ state }) => isNew(state.running?.startedAt)))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  };
}
