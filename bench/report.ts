import { createHash } from 'node:crypto';

/** What both followers print, one JSON object a line, when the first copy is complete and when the last change has come. */
export interface FollowReport {
  readonly phase: 'synced' | 'changed';
  readonly objects: number;
  /** Of `digestOf`. */
  readonly digest: string;
  /** User and system time of this phase. */
  readonly cpuMs: number;
  /** The process after a full collection of garbage. */
  readonly rssKiB: number;
  /** The most that the process ever had. */
  readonly peakKiB: number;
  readonly heapKiB: number;
}

/** The fields of a pod by which copies are compared. */
export interface PodLine {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly node: string;
  readonly phase: string;
  readonly podIP: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** SHA-256 of one line a pod, sorted; informer/main.go makes the same. */
export function digestOf(pods: readonly PodLine[]): string {
  return createHash('sha256').update(pods.map(line).sort().join('\n')).digest('hex');
}

function line({ namespace, name, uid, resourceVersion, node, phase, podIP, labels }: PodLine): string {
  const sorted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [`${namespace}/${name}`, uid, resourceVersion, node, phase, podIP, sorted.sort().join(',')].join(' ');
}
