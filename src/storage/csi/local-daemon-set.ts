import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IContainer } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { settingsName, systemNamespace } from '#kube/api/settings.ts';
import { localDriver } from '../local/driver.ts';
import { csiLocalName, kubeletFolder, pluginFolder } from './names.ts';
import { contained, sidecarOptions } from './placement.ts';

/**
 * The driver of a physical machine's own disks, on every node of the site. Its provisioner is beside it: a volume is made where it stays, and
 * also while the line is cut nobody else is needed for it but the API server. Of the resizers one works for all, by a Lease; it asks no machine.
 */
export function localDaemonSet({
  image,
  api,
}: Pick<ClusterFacts, 'image' | 'api'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': csiLocalName };
  const probe = { host: '127.0.0.1', port: healthPorts.csiNode };
  const plugin = { name: 'plugin', path: pluginFolder(localDriver) };
  const folders = [{ name: 'registry', path: `${kubeletFolder}/plugins_registry` }, plugin];
  const env = [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }, ...apiEnvironment(api)];
  const sidecar = (name: string, args: readonly string[]): IContainer => ({
    ...contained,
    name,
    image: image(`sig-storage/${name}:`),
    args: [`--csi-address=${plugin.path}/csi.sock`, ...args],
    env: [
      ...env,
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ],
    resources: { requests: { cpu: '5m', memory: '24Mi' } },
    volumeMounts: [{ name: plugin.name, mountPath: plugin.path }],
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: csiLocalName, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: csiLocalName,
          priorityClassName: 'system-node-critical',
          nodeSelector: { 'isthmus.dev/ground': 'site' },
          tolerations: [{ operator: 'Exists' }],
          hostNetwork: true,
          dnsPolicy: 'Default',
          // mkfs, mount and losetup are the machine's own, run in the mount namespace of its process 1.
          hostPID: true,
          containers: [
            {
              name: 'csi-local',
              image: image('isthmus.dev/isthmus:'),
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/csi-local.mjs'],
              env,
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: { requests: { cpu: '10m', memory: '64Mi' } },
              livenessProbe: livenessProbe(probe),
              readinessProbe: { httpGet: { ...probe, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
              startupProbe: { httpGet: { ...probe, path: '/healthz' }, periodSeconds: 1, failureThreshold: 120 },
              securityContext: { privileged: true },
              volumeMounts: [
                ...folders.map(({ name, path }) => ({ name, mountPath: path })),
                { name: 'settings', mountPath: '/etc/isthmus', readOnly: true },
              ],
            },
            sidecar('csi-provisioner', [
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
            sidecar('csi-resizer', [...sidecarOptions, '--handle-volume-inuse-error=false']),
          ],
          volumes: [
            ...folders.map(({ name, path }) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' as const } })),
            { name: 'settings', configMap: { name: settingsName } },
          ],
        },
      },
    },
  };
}
