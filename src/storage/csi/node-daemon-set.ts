import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { diskDriver } from '../driver.ts';
import { csiNodeName, kubeletFolder, pluginFolder } from './names.ts';

/**
 * The half of the driver of cloud disks that works on the machine: on every cloud node, whatever its taints, and on no other, because kubelet tells
 * the scheduler of the driver where it is. It holds no key of the cloud.
 */
export function nodeDaemonSet({
  image,
  api,
  mostDisks,
}: Pick<ClusterFacts, 'image' | 'api' | 'mostDisks'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': csiNodeName };
  const probe = { host: '127.0.0.1', port: healthPorts.csiNode };
  const folders = [
    { name: 'registry', path: `${kubeletFolder}/plugins_registry` },
    { name: 'plugin', path: pluginFolder(diskDriver) },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: csiNodeName, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: csiNodeName,
          priorityClassName: 'system-node-critical',
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          tolerations: [{ operator: 'Exists' }],
          // It answers while the node has no pod network, and also when the pod network of a full node is exhausted.
          hostNetwork: true,
          dnsPolicy: 'Default',
          // mkfs, mount and blkid are the machine's own, run in the mount namespace of its process 1.
          hostPID: true,
          containers: [
            {
              name: 'csi-node',
              image: image('isthmus.dev/isthmus:'),
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/csi-node.mjs'],
              env: [
                { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                { name: 'ISTHMUS_MOST_DISKS', value: String(mostDisks) },
                ...apiEnvironment(api),
              ],
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: { requests: { cpu: '10m', memory: '64Mi' } },
              livenessProbe: livenessProbe(probe),
              readinessProbe: { httpGet: { ...probe, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
              startupProbe: { httpGet: { ...probe, path: '/healthz' }, periodSeconds: 1, failureThreshold: 120 },
              securityContext: { privileged: true },
              volumeMounts: folders.map(({ name, path }) => ({ name, mountPath: path })),
            },
          ],
          volumes: folders.map(({ name, path }) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } })),
        },
      },
    },
  };
}
