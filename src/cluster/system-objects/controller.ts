import type { IDeployment } from 'kubernetes-models/apps/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import { cloudKeysName, settingsName } from './settings.ts';

export const controllerName = 'isthmus-controller';

/** One copy beside the cloud, on the nodes' network: it gives pods their addresses, so it can't wait for one of its own. */
export function controllerDeployment(made: {
  readonly image: string;
  readonly api: { readonly address: string; readonly port: number };
}): IDeployment & { metadata: { name: string } } {
  const labels = { 'app.kubernetes.io/name': controllerName };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: controllerName, namespace: systemNamespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: controllerAccount,
          priorityClassName: 'system-cluster-critical',
          hostNetwork: true,
          dnsPolicy: 'Default',
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          tolerations: [
            { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
            // Nodes become ready by what it does.
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' },
          ],
          containers: [
            {
              name: 'controller',
              image: made.image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', '/app/controller.mjs'],
              // The API server itself: the address of its Service works only once kube-proxy does.
              env: apiEnvironment(made.api),
              resources: { requests: { cpu: '50m', memory: '96Mi' } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: [{ name: 'settings', mountPath: '/etc/isthmus', readOnly: true }],
            },
          ],
          volumes: [
            {
              name: 'settings',
              projected: {
                sources: [
                  { configMap: { name: settingsName } },
                  {
                    secret: {
                      name: cloudKeysName,
                      items: ['publicKey', 'privateKey'].map((key) => ({ key, path: `cloud/${key}` })),
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
