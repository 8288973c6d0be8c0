import type { IDeployment } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { controllerWorkload } from './controller-workload.ts';
import { csiControllerName } from './names.ts';
import { contained, hardened } from './placement.ts';

/** No user of the node has this number, and no other pod of ours. */
const user = 64_822;

/** The half of the driver of cloud disks that asks the cloud, and the sidecars that call it. */
export function controllerDeployment(
  facts: Pick<ClusterFacts, 'image' | 'api'>,
): IDeployment & { readonly metadata: { readonly name: string } } {
  return controllerWorkload(facts, {
    name: csiControllerName,
    port: healthPorts.csiController,
    keysMode: 0o440,
    pod: hardened(user),
    container: {
      ...contained,
      name: 'csi-controller',
      command: ['node', '/app/csi-controller.mjs'],
      env: apiEnvironment(facts.api),
      resources: { requests: { cpu: '20m', memory: '80Mi' } },
    },
    sidecars: [
      // As many volumes at once as an account has disks: a call waits for the cloud, and costs next to nothing meanwhile. How many calls of the cloud
      // are under way is the affair of csi-controller. A hundred workers make eleven volumes a second at most, of which each takes 9 s.
      // @source UCloud UDisk manual, quotas: 1000 disks; docs/decision/2026-11-30-many-volumes-at-once.md
      // A call may take as long as the cloud takes to do it, so that its worker is not free to ask for the next thing while this one goes on: a disk
      // is made in some seconds, and from a snapshot in minutes; attaching and detaching may take three minutes.
      // @source UCloud's terraform provider: its waits for UDisk. The sidecars' defaults are 10 to 15 s.
      {
        name: 'csi-provisioner',
        args: [
          '--timeout=180s',
          '--worker-threads=1000',
          '--default-fstype=ext4',
          '--extra-create-metadata',
          // A disk is made where its first pod was put, and nowhere else.
          '--strict-topology',
        ],
      },
      { name: 'csi-attacher', args: ['--timeout=200s', '--worker-threads=1000', '--default-fstype=ext4'] },
      {
        name: 'csi-resizer',
        args: [
          '--timeout=30s',
          '--resize-timeout=120s',
          '--workers=20',
          // An attached disk grows, too.
          '--handle-volume-inuse-error=false',
        ],
      },
      { name: 'csi-snapshotter', args: ['--timeout=120s', '--worker-threads=20', '--extra-create-metadata'] },
    ],
  });
}
