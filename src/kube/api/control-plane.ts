import type { NodeObject } from '../resources.ts';

/** Whether its machine runs the API server and etcd. */
export function isControlPlane({ metadata }: NodeObject): boolean {
  return 'node-role.kubernetes.io/control-plane' in (metadata.labels ?? {});
}
