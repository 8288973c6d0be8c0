import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IContainer } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { settingsName } from '#kube/api/settings.ts';
import { localDriver } from '../local/driver.ts';
import { csiLocalName, pluginFolder } from './names.ts';
import { nodeName, nodeWorkload } from './node-workload.ts';
import { sidecar, sidecarOptions } from './placement.ts';

/**
 * The driver of a physical machine's own disks, on every node of the site. Its provisioner is beside it: a volume is made where it stays, and
 * also while the line is cut nobody else is needed for it but the API server. Of the resizers one works for all, by a Lease; it asks no machine.
 */
export function localDaemonSet({
  image,
  api,
}: Pick<ClusterFacts, 'image' | 'api'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const env = [nodeName, ...apiEnvironment(api)];
  const folder = pluginFolder(localDriver);
  const beside = (name: string, args: readonly string[]): IContainer =>
    sidecar(name, {
      image,
      args: [`--csi-address=${folder}/csi.sock`, ...args],
      env: [
        ...env,
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      ],
      volumeMounts: [{ name: 'plugin', mountPath: folder }],
    });
  return nodeWorkload({
    name: csiLocalName,
    driver: localDriver,
    ground: 'site',
    port: healthPorts.csiNode,
    container: {
      name: 'csi-local',
      image: image('isthmus.dev/isthmus:'),
      command: ['node', '/app/csi-local.mjs'],
      env,
      resources: { requests: { cpu: '10m', memory: '64Mi' } },
      volumeMounts: [{ name: 'settings', mountPath: '/etc/isthmus', readOnly: true }],
    },
    sidecars: [
      beside('csi-provisioner', [
        // Each for its own node, so that none is elected.
        ...sidecarOptions.filter((option) => option !== '--leader-election'),
        '--node-deployment',
        '--strict-topology',
        '--immediate-topology=false',
        '--enable-capacity',
        // With the pod goes what it said of its machine.
        '--capacity-ownerref-level=0',
        '--extra-create-metadata',
        '--default-fstype=ext4',
        // A file is taken whole before the answer, and a disk is looked through.
        '--timeout=120s',
      ]),
      beside('csi-resizer', [...sidecarOptions, '--handle-volume-inuse-error=false']),
    ],
    volumes: [{ name: 'settings', configMap: { name: settingsName } }],
  });
}
