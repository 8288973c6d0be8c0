import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { diskDriver } from '../driver.ts';
import { csiNodeName } from './names.ts';
import { nodeName, nodeWorkload } from './node-workload.ts';

/**
 * The half of the driver of cloud disks that works on the machine: on every cloud node and on no other, because kubelet tells the scheduler of
 * the driver where it is. It holds no key of the cloud.
 */
export function nodeDaemonSet({
  image,
  api,
  mostDisks,
}: Pick<ClusterFacts, 'image' | 'api' | 'mostDisks'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  return nodeWorkload({
    name: csiNodeName,
    driver: diskDriver,
    ground: 'cloud',
    port: healthPorts.csiNode,
    container: {
      name: 'csi-node',
      image: image('isthmus.dev/isthmus:'),
      command: ['node', '/app/csi-node.mjs'],
      env: [nodeName, { name: 'ISTHMUS_MOST_DISKS', value: String(mostDisks) }, ...apiEnvironment(api)],
      resources: { requests: { cpu: '10m', memory: '64Mi' } },
    },
  });
}
