import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IService } from 'kubernetes-models/v1';
import { contourName, ingressNamespace } from './names.ts';
import { contained, placement } from './placement.ts';

const labels = { app: contourName };
const xds = 8001;
const metrics = 8000;
const replicas = 2;

/** Reads Ingress, HTTPProxy, Services and Secrets, and tells Envoy. Two: one leads in writing status, both serve Envoy. */
export function contourDeployment(
  image: string,
  nodes: number,
): IDeployment & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: contourName, namespace: ingressNamespace, labels },
    spec: {
      replicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '50%' } },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...placement(contourName, { replicas, nodes }),
          serviceAccountName: contourName,
          containers: [
            {
              ...contained,
              name: contourName,
              image,
              command: ['contour'],
              args: [
                'serve',
                '--incluster',
                '--xds-address=0.0.0.0',
                `--xds-port=${xds}`,
                '--contour-cafile=/certs/ca.crt',
                '--contour-cert-file=/certs/tls.crt',
                '--contour-key-file=/certs/tls.key',
                // The balancer replaces the source address, and tells it in front of each connection.
                '--use-proxy-protocol',
              ],
              env: [
                { name: 'CONTOUR_NAMESPACE', value: ingressNamespace },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              ports: [
                { name: 'xds', containerPort: xds },
                { name: 'metrics', containerPort: metrics },
              ],
              resources: { requests: { cpu: '50m', memory: '64Mi' } },
              livenessProbe: { httpGet: { path: '/healthz', port: metrics } },
              readinessProbe: { tcpSocket: { port: xds }, periodSeconds: 2 },
              volumeMounts: [{ name: 'contourcert', mountPath: '/certs', readOnly: true }],
            },
          ],
          volumes: [{ name: 'contourcert', secret: { secretName: 'contourcert' } }],
        },
      },
    },
  };
}

/** Where Envoy asks Contour. */
export const contourService: IService & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: contourName, namespace: ingressNamespace },
  spec: { selector: labels, ports: [{ name: 'xds', port: xds, targetPort: xds, protocol: 'TCP' }] },
};
