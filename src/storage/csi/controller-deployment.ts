import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { cloudKeysName, settingsName, systemNamespace } from '#kube/api/settings.ts';
import { controllerSocket, csiControllerName } from './names.ts';
import { contained, hardened, onControlPlane, sidecarOptions } from './placement.ts';

/** No user of the node has this number, and no other pod of ours. */
const user = 64_822;

/**
 * The half of the driver of cloud disks that asks the cloud, and the sidecars that call it. On a control plane, whose machine has their images
 * and the cloud's keys anyway; while there is no API server, there is nothing to do for it. Only its own container sees the keys.
 */
export function controllerDeployment({
  image,
  api,
}: Pick<ClusterFacts, 'image' | 'api'>): IDeployment & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': csiControllerName };
  const probe = { host: '127.0.0.1', port: healthPorts.csiController };
  const env = apiEnvironment(api);
  const socket = { name: 'socket', mountPath: '/csi' };
  const sidecar = (name: string, args: readonly string[]): IContainer => ({
    ...contained,
    name,
    image: image(`sig-storage/${name}:`),
    args: [`--csi-address=${controllerSocket}`, ...sidecarOptions, ...args],
    env,
    resources: { requests: { cpu: '5m', memory: '24Mi' } },
    volumeMounts: [socket],
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: csiControllerName, namespace: systemNamespace, labels },
    spec: {
      replicas: 1,
      // The node's network has each port once, so a new one can't start beside the old one.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...onControlPlane,
          ...hardened(user),
          serviceAccountName: csiControllerName,
          // The cloud is reached as the controller reaches it.
          hostNetwork: true,
          dnsPolicy: 'Default',
          containers: [
            {
              ...contained,
              name: 'csi-controller',
              image: image('isthmus.dev/isthmus:'),
              command: ['node', '/app/csi-controller.mjs'],
              env,
              resources: { requests: { cpu: '20m', memory: '80Mi' } },
              ports: [{ name: 'health', containerPort: healthPorts.csiController, hostIP: '127.0.0.1' }],
              livenessProbe: livenessProbe(probe),
              readinessProbe: { httpGet: { ...probe, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
              startupProbe: { httpGet: { ...probe, path: '/healthz' }, periodSeconds: 1, failureThreshold: 120 },
              volumeMounts: [
                socket,
                { name: 'settings', mountPath: '/etc/isthmus', readOnly: true },
                { name: 'keys', mountPath: '/etc/isthmus-cloud', readOnly: true },
              ],
            },
            // A call may take as long as the cloud takes to do it, so that its worker is not free to ask for the next thing while this one goes on: a disk
            // is made in some seconds, and from a snapshot in minutes; attaching and detaching may take three minutes.
            // @source UCloud's terraform provider: its waits for UDisk. The sidecars' defaults are 10 to 15 s.
            sidecar('csi-provisioner', [
              '--timeout=180s',
              '--worker-threads=100',
              '--default-fstype=ext4',
              '--extra-create-metadata',
              // A disk is made where its first pod was put, and nowhere else.
              '--strict-topology',
            ]),
            sidecar('csi-attacher', ['--timeout=200s', '--worker-threads=100', '--default-fstype=ext4']),
            sidecar('csi-resizer', [
              '--timeout=30s',
              '--resize-timeout=120s',
              '--workers=20',
              // An attached disk grows, too.
              '--handle-volume-inuse-error=false',
            ]),
            sidecar('csi-snapshotter', ['--timeout=120s', '--worker-threads=20', '--extra-create-metadata']),
          ],
          volumes: [
            { name: 'socket', emptyDir: {} },
            { name: 'settings', configMap: { name: settingsName } },
            { name: 'keys', secret: { secretName: cloudKeysName, defaultMode: 0o440 } },
          ],
        },
      },
    },
  };
}
