import type { IDeployment } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { livenessProbe } from '#capability/liveness-probe.ts';
import { controlPlaneLabel } from '#kube/api/control-plane.ts';
import { cloudKeysName, controllerAccount, settingsName, systemNamespace } from '#kube/api/settings.ts';

export const controllerName = 'isthmus-controller';

/** No user of the node has this number, and no other pod of ours. */
const controllerUser = 64_821;

/**
 * Beside the cloud, on the nodes' network: it gives pods their addresses, so it can't wait for one of its own. Two replicas on two
 * nodes, of which the lease lets one work: the other takes over within seconds.
 */
export function controllerDeployment(made: {
  readonly image: string;
  readonly api: { readonly address: string; readonly port: number };
  /** Of settings and keys: other ones make other pods, so that a change is in use when the Deployment is complete. */
  readonly digest: string;
  /** How many nodes it may run on. */
  readonly nodes: number;
  /** The names of the cloud's keys. */
  readonly keys: readonly string[];
}): IDeployment & { metadata: { name: string } } {
  const labels = { 'app.kubernetes.io/name': controllerName };
  const probe = { host: '127.0.0.1', port: healthPorts.controller };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: controllerName, namespace: systemNamespace, labels },
    spec: {
      replicas: Math.max(1, Math.min(2, made.nodes)),
      // Two on one node would want the same port, so a new one can't start beside the old one.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { 'isthmus.dev/settings': made.digest } },
        spec: {
          serviceAccountName: controllerAccount,
          priorityClassName: 'system-cluster-critical',
          hostNetwork: true,
          dnsPolicy: 'Default',
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          // It evicts pods from dead nodes, its own too: while one replica is beside the API server, somebody does as long as there is an API server.
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 100,
                  preference: { matchExpressions: [{ key: controlPlaneLabel, operator: 'Exists' }] },
                },
              ],
            },
          },
          securityContext: {
            runAsNonRoot: true,
            runAsUser: controllerUser,
            runAsGroup: controllerUser,
            // It may read its account's token and the cloud's keys; nobody else on the node may.
            fsGroup: controllerUser,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          tolerations: [
            { key: controlPlaneLabel, operator: 'Exists', effect: 'NoSchedule' },
            // Nodes become ready by what it does.
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' },
            { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' },
          ],
          containers: [
            {
              name: 'controller',
              image: made.image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/controller.mjs'],
              // The API server itself: the address of its Service works only once kube-proxy does.
              env: [
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                ...apiEnvironment(made.api),
              ],
              resources: { requests: { cpu: '50m', memory: '96Mi' } },
              // Named so that the scheduler keeps two of them off one node.
              ports: [{ name: 'health', containerPort: healthPorts.controller, hostIP: '127.0.0.1' }],
              livenessProbe: livenessProbe(probe),
              readinessProbe: { httpGet: { ...probe, path: '/readyz' }, periodSeconds: 5, timeoutSeconds: 5 },
              startupProbe: {
                httpGet: { ...probe, path: '/healthz' },
                periodSeconds: 1,
                failureThreshold: 120,
                timeoutSeconds: 5,
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'settings', mountPath: '/etc/isthmus', readOnly: true }],
            },
          ],
          volumes: [
            {
              name: 'settings',
              projected: {
                defaultMode: 0o440,
                sources: [
                  { configMap: { name: settingsName } },
                  {
                    secret: {
                      name: cloudKeysName,
                      items: made.keys.map((key) => ({ key, path: `cloud/${key}` })),
                    },
                  },
                ],
              },
            },
          ],
        },
      },
    },
  };
}
