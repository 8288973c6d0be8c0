import type { IDeployment } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { snapshotControllerName } from './names.ts';
import { contained, hardened, onControlPlane, sidecarOptions } from './placement.ts';

/** No user of the node has this number, and no other pod of ours. */
const user = 64_823;

/** Makes VolumeSnapshotContents from VolumeSnapshots, of every driver. It knows nothing of the cloud, and has rights of its own. */
export function snapshotController({
  image,
  api,
}: Pick<ClusterFacts, 'image' | 'api'>): IDeployment & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': snapshotControllerName };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: snapshotControllerName, namespace: systemNamespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...onControlPlane,
          ...hardened(user),
          serviceAccountName: snapshotControllerName,
          hostNetwork: true,
          dnsPolicy: 'Default',
          containers: [
            {
              ...contained,
              name: 'snapshot-controller',
              image: image('sig-storage/snapshot-controller:'),
              args: [...sidecarOptions],
              env: apiEnvironment(api),
              resources: { requests: { cpu: '5m', memory: '24Mi' } },
            },
          ],
        },
      },
    },
  };
}
