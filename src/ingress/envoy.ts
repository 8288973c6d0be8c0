import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer, IService, IVolumeMount } from 'kubernetes-models/v1';
import { contourName, envoyName, ingressNamespace } from './names.ts';
import { contained, placement } from './placement.ts';

interface Images {
  readonly contour: string;
  readonly envoy: string;
}

const labels = { app: envoyName };
const mounts = {
  config: { name: 'envoy-config', mountPath: '/config' },
  certs: { name: 'envoycert', mountPath: '/certs', readOnly: true },
  admin: { name: 'envoy-admin', mountPath: '/admin' },
} as const satisfies Record<string, IVolumeMount>;
const ports = { http: 8080, https: 8443, metrics: 8002 } as const;

/** What the world talks to. Pods that end first refuse new requests, then wait for the open ones, at most five minutes. */
export function envoyDeployment(
  images: Images,
  scale: { readonly replicas: number; readonly nodes: number },
): IDeployment & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: envoyName, namespace: ingressNamespace, labels },
    spec: {
      replicas: scale.replicas,
      // A new one serves before an old one ends.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...placement(envoyName, scale),
          serviceAccountName: envoyName,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 300,
          initContainers: [initConfig(images)],
          containers: [shutdownManager(images), envoy(images)],
          volumes: [
            { name: mounts.admin.name, emptyDir: {} },
            { name: mounts.config.name, emptyDir: {} },
            { name: mounts.certs.name, secret: { secretName: 'envoycert' } },
          ],
        },
      },
    },
  };
}

/** Writes where Contour is and how it is known. */
function initConfig({ contour }: Images): IContainer {
  return {
    ...contained,
    name: 'envoy-initconfig',
    image: contour,
    command: ['contour', 'bootstrap', '/config/envoy.json'],
    args: [
      `--xds-address=${contourName}`,
      '--xds-port=8001',
      '--xds-resource-version=v3',
      '--resources-dir=/config/resources',
      '--envoy-cafile=/certs/ca.crt',
      '--envoy-cert-file=/certs/tls.crt',
      '--envoy-key-file=/certs/tls.key',
    ],
    env: [{ name: 'CONTOUR_NAMESPACE', value: ingressNamespace }],
    volumeMounts: [mounts.config, mounts.certs],
  };
}

/** Ends Envoy in order: its `shutdown` tells Envoy to close connections after their next request, and waits for the last one. */
function shutdownManager({ contour }: Images): IContainer {
  return {
    ...contained,
    name: 'shutdown-manager',
    image: contour,
    command: ['/bin/contour', 'envoy', 'shutdown-manager'],
    lifecycle: {
      // The delay: until every node has heard that this pod ends, new connections still come.
      preStop: { exec: { command: ['/bin/contour', 'envoy', 'shutdown', '--check-delay=10s'] } },
    },
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
    volumeMounts: [mounts.admin],
  };
}

function envoy(images: Images): IContainer {
  return {
    ...contained,
    name: envoyName,
    image: images.envoy,
    command: ['envoy'],
    args: [
      '-c',
      '/config/envoy.json',
      '--service-cluster',
      ingressNamespace,
      '--service-node',
      '$(ENVOY_POD_NAME)',
      '--log-level',
      'info',
    ],
    env: [{ name: 'ENVOY_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
    resources: { requests: { cpu: '100m', memory: '96Mi' } },
    readinessProbe: { httpGet: { path: '/ready', port: ports.metrics }, initialDelaySeconds: 1, periodSeconds: 2 },
    // It waits until the one beside it says that all is done.
    lifecycle: { preStop: { httpGet: { path: '/shutdown', port: 8090, scheme: 'HTTP' } } },
    volumeMounts: [{ ...mounts.config, readOnly: true }, mounts.certs, mounts.admin],
  };
}

/**
 * With a balancer of ours. `Cluster`, because PROXY protocol tells the client anyway: every cloud node takes connections, and one that
 * ends loses none for its neighbours.
 */
export const envoyService: IService & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: envoyName,
    namespace: ingressNamespace,
    annotations: { 'isthmus.dev/balancer-proxy-protocol': 'true' },
  },
  spec: {
    type: 'LoadBalancer',
    loadBalancerClass: 'isthmus.dev/balancer',
    externalTrafficPolicy: 'Cluster',
    selector: labels,
    ports: [
      { name: 'http', port: 80, targetPort: ports.http, protocol: 'TCP' },
      { name: 'https', port: 443, targetPort: ports.https, protocol: 'TCP' },
    ],
  },
};
