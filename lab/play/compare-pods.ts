/** A pod as the API server has it. */
export interface PlayPod {
  readonly uid: string;
  readonly name: string;
  readonly node: string;
  readonly address: string;
  readonly isReady: boolean;
  readonly isGoing: boolean;
  /** Of all its containers, sorted. */
  readonly containers: readonly string[];
  readonly restarts: number;
}

/** What has become of pods. */
export interface Change {
  /** Those of before that are gone, or about to go. */
  readonly deleted: readonly string[];
  /** Those that were not there before. */
  readonly made: readonly string[];
  /** Those whose containers are others than before, or were started again. */
  readonly restarted: readonly string[];
}

export function comparePods(before: readonly PlayPod[], now: readonly PlayPod[]): Change {
  const then = new Map(before.map((pod) => [pod.uid, pod]));
  const current = new Map(now.map((pod) => [pod.uid, pod]));
  return {
    deleted: before.filter(({ uid }) => current.get(uid)?.isGoing ?? true).map(({ name }) => name),
    made: now.filter(({ uid }) => !then.has(uid)).map(({ name }) => name),
    restarted: now.flatMap((pod) => {
      const old = then.get(pod.uid);
      const same =
        old === undefined || (old.restarts === pod.restarts && old.containers.join() === pod.containers.join());
      return same ? [] : pod.name;
    }),
  };
}

/** As `kubectl get pods -o json` prints them. */
export function parsePods(text: string): readonly PlayPod[] {
  const { items } = JSON.parse(text) as { readonly items: readonly KubePod[] };
  return items.map(({ metadata, spec, status }) => {
    const containers = status.containerStatuses ?? [];
    return {
      uid: metadata.uid,
      name: metadata.name,
      node: spec.nodeName ?? '',
      address: status.podIP ?? '',
      isReady: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
      isGoing: metadata.deletionTimestamp !== undefined,
      containers: containers.map(({ containerID = '' }) => containerID.replace('containerd://', '')).toSorted(),
      restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    };
  });
}

interface KubePod {
  readonly metadata: { readonly uid: string; readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string; readonly restartCount: number }[];
  };
}
