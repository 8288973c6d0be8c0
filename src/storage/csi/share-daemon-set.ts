import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { ClusterFacts } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { shareDriver } from '../share/driver.ts';
import { csiShareNodeName, kubeletFolder, pluginFolder } from './names.ts';

/** The half of the driver of file shares that mounts them: on every cloud node, whatever its taints, and on no other. It holds no key of the cloud. */
export function shareDaemonSet({
  image,
}: Pick<ClusterFacts, 'image'>): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': csiShareNodeName };
  const probe = { host: '127.0.0.1', port: healthPorts.csiShareNode };
  const folders = [
    { name: 'registry', path: `${kubeletFolder}/plugins_registry` },
    { name: 'plugin', path: pluginFolder(shareDriver) },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: csiShareNodeName, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: csiShareNodeName,
          // It asks the API server for nothing.
          automountServiceAccountToken: false,
          priorityClassName: 'system-node-critical',
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          tolerations: [{ operator: 'Exists' }],
          hostNetwork: true,
          dnsPolicy: 'Default',
          // mount is the machine's own, run in the mount namespace of its process 1.
          hostPID: true,
          containers: [
            {
              name: 'csi-share-node',
              image: image('isthmus.dev/isthmus:'),
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/csi-share-node.mjs'],
              env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: { requests: { cpu: '5m', memory: '48Mi' } },
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
