import { createHash } from 'node:crypto';
import type { Kube } from '#kube/kube.ts';
import { type PodObject, pods } from '#kube/resources.ts';
import type { Etcd } from '../test/support/etcd.ts';
import type { PodLine } from './report.ts';

export const namespace = 'bench';

/** The text of one pod as a Deployment, the scheduler and kubelet leave it, defaults and field managers included. */
export async function templatePod(kube: Kube): Promise<string> {
  const at = { name: 'template', namespace };
  await kube.apply(pods, { metadata: { ...at, labels, annotations }, spec }, { manager: 'kube-controller-manager' });
  await kube.apply(pods, { metadata: at, status }, { manager: 'kubelet', subresource: 'status' });
  const text = await kube.read(`/api/v1/namespaces/${namespace}/pods/template`);
  await kube.delete(pods, at, { graceSeconds: 0 });
  return text;
}

export interface Pod {
  readonly key: string;
  readonly text: string;
  readonly line: Omit<PodLine, 'resourceVersion'>;
}

/** The `n`-th pod, in its `round`-th state. Everything about it follows from these. */
export function podNumber(template: string, n: number, round: number): Pod {
  const digest = createHash('sha256').update(String(n)).digest('hex');
  const app = `app-${n % 200}`;
  const name = `${app}-${digest.slice(0, 10)}-${n}`;
  const line = {
    namespace,
    name,
    uid: uuid(digest),
    node: `node-${n % 500}`,
    phase: 'Running',
    podIP: `10.${9 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
    labels: { ...labels, app, round: String(round) },
  };
  const pod = JSON.parse(template) as PodObject;
  const { resourceVersion: _, ...metadata } = pod.metadata;
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...pod,
    metadata: { ...metadata, name, uid: line.uid, labels: line.labels },
    spec: { ...pod.spec, nodeName: line.node },
    status: { ...pod.status, podIP: line.podIP, podIPs: [{ ip: line.podIP }] },
  };
  return { key: `/registry/pods/${namespace}/${name}`, text: JSON.stringify(object), line };
}

/**
 * Writes pods as the API server would store them, past the API server: fifty thousand creations through it would take far
 * longer than what is measured. It tells and serves them like any others.
 */
export async function store(etcd: Etcd, some: readonly Pod[]): Promise<readonly PodLine[]> {
  const resourceVersion = await etcd.put(some.map(({ key, text }) => [key, text]));
  return some.map(({ line }) => ({ ...line, resourceVersion }));
}

function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

const labels = { 'pod-template-hash': '6b7c9d4f58', tier: 'web', 'app.kubernetes.io/part-of': 'shop' };
const annotations = {
  'kubectl.kubernetes.io/restartedAt': '2026-11-25T10:00:00Z',
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': '9090',
};

const probe = { httpGet: { path: '/healthz', port: 8080 }, initialDelaySeconds: 5, periodSeconds: 10 };
const container = (name: string): object => ({
  name,
  image: `registry.example.com/shop/${name}:2026.11.3`,
  args: ['--listen=:8080', '--log-format=json', `--name=${name}`],
  ports: [{ name: 'http', containerPort: 8080 }],
  env: [
    ...['DATABASE_HOST', 'CACHE_HOST', 'LOG_LEVEL'].map((variable) => ({
      name: variable,
      value: `${variable}-of-shop`,
    })),
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ],
  resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '512Mi' } },
  volumeMounts: [{ name: 'settings', mountPath: '/etc/shop', readOnly: true }],
  livenessProbe: probe,
  readinessProbe: probe,
});

const spec = {
  containers: [container('server'), container('metrics')],
  volumes: [{ name: 'settings', configMap: { name: 'shop-settings' } }],
  tolerations: ['not-ready', 'unreachable'].map((taint) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  })),
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 100,
          podAffinityTerm: { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' },
        },
      ],
    },
  },
};

const since = '2026-11-25T10:00:05Z';
const status = {
  phase: 'Running',
  hostIP: '10.9.0.12',
  podIP: '10.9.0.13',
  podIPs: [{ ip: '10.9.0.13' }],
  qosClass: 'Burstable',
  startTime: since,
  conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: since,
  })),
  containerStatuses: ['server', 'metrics'].map((name) => ({
    name,
    ready: true,
    started: true,
    restartCount: 0,
    image: `registry.example.com/shop/${name}:2026.11.3`,
    imageID: `registry.example.com/shop/${name}@sha256:${'5e'.repeat(32)}`,
    containerID: `containerd://${'c4'.repeat(32)}`,
    state: { running: { startedAt: since } },
  })),
};
