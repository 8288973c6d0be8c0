import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import type { IVolume, IVolumeMount } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { systemNamespace } from '#kube/api/settings.ts';

export const agentName = 'isthmus-agent';
export const agentAccount = 'isthmus-agent';

/** Folders of the node that the agent works in. */
const folders = [
  { name: 'run', path: '/run/isthmus' },
  // Namespaces of pods appear while it runs.
  { name: 'netns', path: '/run/netns', propagation: 'HostToContainer' },
  { name: 'plugins', path: '/opt/cni/bin' },
  { name: 'state', path: '/var/lib/isthmus' },
] as const;

/**
 * One on every node, whatever its taints: without it the node has no pod network. Its liveness does not depend on the API
 * server, because a cut line is no reason to restart what gives pods their network.
 */
export function agentDaemonSet(made: {
  readonly image: string;
  readonly api: { readonly address: string; readonly port: number };
  /** Bytes. */
  readonly mtu: number;
  readonly metadata: readonly string[];
}): IDaemonSet & { metadata: { name: string } } {
  const labels = { 'app.kubernetes.io/name': agentName };
  const volumes: IVolume[] = folders.map(({ name, path }) => ({
    name,
    hostPath: { path, type: 'DirectoryOrCreate' },
  }));
  const volumeMounts: IVolumeMount[] = folders.map((folder) => ({
    name: folder.name,
    mountPath: folder.path,
    ...('propagation' in folder && { mountPropagation: folder.propagation }),
  }));
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: agentName, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: agentAccount,
          priorityClassName: 'system-node-critical',
          hostNetwork: true,
          dnsPolicy: 'Default',
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'agent',
              image: made.image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/agent.mjs'],
              env: [
                { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                { name: 'NODE_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
                { name: 'ISTHMUS_MTU', value: String(made.mtu) },
                { name: 'ISTHMUS_METADATA', value: made.metadata.join(',') },
                ...apiEnvironment(made.api),
              ],
              // Where pods take all CPUs this is its share beside theirs. 20 ADDs at once beside 8 busy pods of 100m on two cores:
              // p95 1.0 to 1.4 s with 25m, 0.5 s with 100m, 0.1 s with nothing else to do. Measured 2026-11-29 with groups of cgroup v1.
              resources: { requests: { cpu: '100m', memory: '80Mi' } },
              livenessProbe: livenessProbe({ host: '127.0.0.1', port: healthPorts.agent }),
              // It looks at the whole node before it answers.
              startupProbe: {
                httpGet: { host: '127.0.0.1', port: healthPorts.agent, path: '/healthz' },
                periodSeconds: 1,
                failureThreshold: 120,
              },
              // Often: with it a new node is complete, and `isthmus up` waits for that.
              readinessProbe: {
                httpGet: { host: '127.0.0.1', port: healthPorts.agent, path: '/readyz' },
                periodSeconds: 1,
                timeoutSeconds: 5,
              },
              // Links and routes of the node, and namespaces of its pods.
              securityContext: { privileged: true },
              volumeMounts,
            },
          ],
          volumes,
        },
      },
    },
  };
}
