import type { Kubectl } from '#lab/demo/proof.ts';
import { seconds } from '#unit/clock.ts';
import { succeeds } from './isthmus.ts';

export interface PodSeen {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly containerStatuses?: readonly { readonly name: string; readonly containerID: string }[] };
}

/** @unit labels: a selector; more: further arguments of kubectl, such as a namespace */
export async function podsOf(
  kubectl: Kubectl,
  labels: string,
  ...more: readonly string[]
): Promise<readonly PodSeen[]> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-l', labels, ...more, '-o', 'json'])) as {
    items: readonly PodSeen[];
  };
  return items;
}

/** Ends the first container of each, or the one of that name, as the kernel would when memory is short. */
export async function killPods(lab: string, pods: readonly PodSeen[], named?: string): Promise<void> {
  for (const { spec, status } of pods) {
    const found = (status.containerStatuses ?? []).find(({ name }) => named === undefined || name === named);
    const container = found?.containerID.replace('containerd://', '') ?? '';
    const kill = ['ctr', '--namespace', 'k8s.io', 'task', 'kill', '--signal', 'SIGKILL', container];
    await succeeds(['lab', 'exec', '--name', lab, spec.nodeName, '--', ...kill], { within: seconds(30) });
  }
}

export const isthmusPods = ['-n', 'isthmus-system'] as const;
export const controllerPods = 'app.kubernetes.io/name=isthmus-controller';
export const agentPods = 'app.kubernetes.io/name=isthmus-agent';
