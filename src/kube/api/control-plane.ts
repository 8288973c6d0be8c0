import type { NodeObject } from '../resources.ts';

/** Label of the Node, and key of its taint, as kubeadm sets them. */
export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane';

/** Whether its machine runs the API server and etcd. */
export function isControlPlane({ metadata }: NodeObject): boolean {
  return controlPlaneLabel in (metadata.labels ?? {});
}
