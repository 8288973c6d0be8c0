import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { cloudKeysName, settingsName, systemNamespace } from '#kube/api/settings.ts';
import { controllerSocket, csiShareControllerName } from './names.ts';
import { contained, onControlPlane, sidecarOptions } from './placement.ts';

/**
 * The half of the driver of file shares that asks the cloud, and makes and removes directories in shares, and the sidecars that call it. On a control
 * plane that is a machine of the cloud: it has the keys anyway, and reaches the shares.
 */
export function shareDeployment({
  image,
  api,
}: Pick<ClusterFacts, 'image' | 'api'>): IDeployment & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': csiShareControllerName };
  const probe = { host: '127.0.0.1', port: healthPorts.csiShareController };
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
    metadata: { name: csiShareControllerName, namespace: systemNamespace, labels },
    spec: {
      replicas: 1,
      // One process at a time works in a share, and the node's network has each port once.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...onControlPlane,
          nodeSelector: { ...onControlPlane.nodeSelector, 'isthmus.dev/ground': 'cloud' },
          serviceAccountName: csiShareControllerName,
          hostNetwork: true,
          dnsPolicy: 'Default',
          // mount and rm are the machine's own, run in the mount namespace of its process 1.
          hostPID: true,
          containers: [
            {
              name: 'csi-share-controller',
              image: image('isthmus.dev/isthmus:'),
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/csi-share-controller.mjs'],
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: { requests: { cpu: '10m', memory: '64Mi' } },
              ports: [{ name: 'health', containerPort: healthPorts.csiShareController, hostIP: '127.0.0.1' }],
              livenessProbe: livenessProbe(probe),
              readinessProbe: { httpGet: { ...probe, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
              startupProbe: { httpGet: { ...probe, path: '/healthz' }, periodSeconds: 1, failureThreshold: 120 },
              securityContext: { privileged: true },
              volumeMounts: [
                socket,
                { name: 'settings', mountPath: '/etc/isthmus', readOnly: true },
                { name: 'keys', mountPath: '/etc/isthmus-cloud', readOnly: true },
              ],
            },
            // A whole share is made in a minute or two, with its mount point; a large directory is removed in more, and asked for again.
            // @source UCloud API reference, AddUFSVolumeMountPoint: up to 60 looks, 2 s apart
            sidecar('csi-provisioner', ['--timeout=180s', '--worker-threads=50', '--extra-create-metadata']),
            sidecar('csi-resizer', ['--timeout=60s', '--workers=20', '--handle-volume-inuse-error=false']),
          ],
          volumes: [
            { name: 'socket', emptyDir: {} },
            { name: 'settings', configMap: { name: settingsName } },
            { name: 'keys', secret: { secretName: cloudKeysName, defaultMode: 0o400 } },
          ],
        },
      },
    },
  };
}
