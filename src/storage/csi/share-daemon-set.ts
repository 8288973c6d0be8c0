import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { shareDriver } from '../share/driver.ts';
import { csiShareNodeName } from './names.ts';
import { nodeName, nodeWorkload } from './node-workload.ts';

/** The half of the driver of file shares that mounts them: on every cloud node and on no other. It holds no key of the cloud. */
export function shareDaemonSet({
  image,
}: Pick<ClusterFacts, 'image'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  return nodeWorkload({
    name: csiShareNodeName,
    driver: shareDriver,
    ground: 'cloud',
    port: healthPorts.csiShareNode,
    // It asks the API server for nothing.
    pod: { automountServiceAccountToken: false },
    container: {
      name: 'csi-share-node',
      image: image('isthmus.dev/isthmus:'),
      command: ['node', '/app/csi-share-node.mjs'],
      env: [nodeName],
      resources: { requests: { cpu: '5m', memory: '48Mi' } },
    },
  });
}
