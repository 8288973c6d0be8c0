import type { IDeployment } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { controllerWorkload } from './controller-workload.ts';
import { csiShareControllerName } from './names.ts';
import { onControlPlane } from './placement.ts';

/**
 * The half of the driver of file shares that asks the cloud, and makes and removes directories in shares, and the sidecars that call it. Its control
 * plane is a machine of the cloud, which reaches the shares. One process at a time works in a share.
 */
export function shareDeployment(
  facts: Pick<ClusterFacts, 'image' | 'api'>,
): IDeployment & { readonly metadata: { readonly name: string } } {
  return controllerWorkload(facts, {
    name: csiShareControllerName,
    port: healthPorts.csiShareController,
    keysMode: 0o400,
    pod: {
      nodeSelector: { ...onControlPlane.nodeSelector, 'isthmus.dev/ground': 'cloud' },
      // mount and rm are the machine's own, run in the mount namespace of its process 1.
      hostPID: true,
    },
    container: {
      name: 'csi-share-controller',
      imagePullPolicy: 'IfNotPresent',
      command: ['node', '/app/csi-share-controller.mjs'],
      env: apiEnvironment(facts.api),
      terminationMessagePolicy: 'FallbackToLogsOnError',
      resources: { requests: { cpu: '10m', memory: '64Mi' } },
      securityContext: { privileged: true },
    },
    sidecars: [
      // A whole share is made in a minute or two, with its mount point; a large directory is removed in more, and asked for again.
      // @source UCloud API reference, AddUFSVolumeMountPoint: up to 60 looks, 2 s apart
      { name: 'csi-provisioner', args: ['--timeout=180s', '--worker-threads=50', '--extra-create-metadata'] },
      { name: 'csi-resizer', args: ['--timeout=60s', '--workers=20', '--handle-volume-inuse-error=false'] },
    ],
  });
}
