import { afterAll, beforeAll, expect, test } from 'vitest';
import { burst } from '#burst/capability.ts';
import { exampleFacts } from '#capability/facts.example.ts';
import type { KubeObject } from '#kube/kube.ts';
import { deployments, namespaces, nodes, type PodObject, pods } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startBeside } from '../../support/control-plane.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';

/**
 * On which side the real scheduler places pods, by what is written on them: a real API server with the policies that `isthmus up`
 * makes, and Nodes that are only objects, those of the cloud four times as large as those of the site.
 */
const api = apiServerForTests();
const cronJobs = { group: 'batch', version: 'v1', plural: 'cronjobs', kind: 'CronJob', namespaced: true };
const placement = 'isthmus.dev/placement';
let scheduler: Awaited<ReturnType<typeof startBeside>>;

beforeAll(async () => {
  const { kube, server } = api;
  for (const name of ['web-1', 'web-2']) await makeNode(name, 'cloud', 64);
  for (const name of ['base-1', 'base-2']) await makeNode(name, 'site', 16);
  for (const { resource, object } of burst.objects(exampleFacts)) await kube.create(resource, object);
  await untilPoliciesAreInForce(kube);
  for (const wish of ['cloud-only', 'site-only', 'spread'])
    await kube.create(namespaces, { metadata: { name: wish, annotations: { [placement]: wish } } });
  scheduler = await startBeside(server, (await ensureBinaries()).bin('kube-scheduler'), []);
}, 300_000);

afterAll(async () => {
  await scheduler?.stop();
});

async function makeNode(name: string, ground: 'cloud' | 'site', cpu: number): Promise<void> {
  const { kube } = api;
  const labels = { 'isthmus.dev/ground': ground, 'kubernetes.io/hostname': name };
  await kube.create(nodes, { metadata: { name, labels } });
  const room = { cpu: `${cpu}`, memory: '64Gi', pods: '110' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'as the test says' }];
  await kube.merge(
    nodes,
    { name },
    { status: { capacity: room, allocatable: room, conditions } },
    { subresource: 'status' },
  );
  await kube.merge(nodes, { name }, { spec: { taints: null } });
}

let made = 0;
const container = { name: 'app', image: 'app', resources: { requests: { cpu: '1' } } };
function podOf(wish: string | undefined, namespace = 'default', spec: object = {}, more: object = {}): PodObject {
  made += 1;
  const annotations = wish === undefined ? {} : { [placement]: wish };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${made}`, namespace, annotations, labels: { app: 'web' }, ...more },
    spec: { automountServiceAccountToken: false, containers: [container], ...spec },
  } as PodObject;
}

async function sideOf(pod: PodObject): Promise<string> {
  const { kube } = api;
  await kube.create(pods, pod);
  const { name, namespace = '' } = pod.metadata;
  let node = '';
  await waitFor(
    `pod ${name} to be bound`,
    async () => {
      node = (await kube.get(pods, { name, namespace }))?.spec?.nodeName ?? '';
      return node !== '';
    },
    { within: seconds(20), every: ms(50) },
  );
  return node.startsWith('web') ? 'cloud' : 'site';
}

async function sidesOf(count: number, pod: () => PodObject): Promise<readonly string[]> {
  const sides: string[] = [];
  for (let at = 0; at < count; at += 1) sides.push(await sideOf(pod()));
  return sides.toSorted();
}

test.each([
  ['a pod that says cloud-only', 'cloud-only', 'default', ['cloud', 'cloud', 'cloud', 'cloud']],
  ['a pod that says site-only', 'site-only', 'default', ['site', 'site', 'site', 'site']],
  ['pods that say spread', 'spread', 'default', ['cloud', 'cloud', 'site', 'site']],
  ['a pod in a namespace that says cloud-only', undefined, 'cloud-only', ['cloud', 'cloud', 'cloud', 'cloud']],
  ['a pod in a namespace that says site-only', undefined, 'site-only', ['site', 'site', 'site', 'site']],
  ['pods in a namespace that says spread', undefined, 'spread', ['cloud', 'cloud', 'site', 'site']],
  ['a pod that says otherwise than its namespace', 'site-only', 'cloud-only', ['site', 'site', 'site', 'site']],
])('runs where it is wished: %s', async (_title, wish, namespace, sides) => {
  expect(await sidesOf(4, () => podOf(wish, namespace))).toEqual(sides);
});

const ground = (side: string) => ({ key: 'isthmus.dev/ground', operator: 'In', values: [side] });
const preference = (side: string) => ({ weight: 100, preference: { matchExpressions: [ground(side)] } });
const own = { weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['fast'] }] } };
const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }] };
const overBoth = { maxSkew: 1, topologyKey: 'isthmus.dev/ground', whenUnsatisfiable: 'ScheduleAnyway' };
const overNodes = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
const selected = { labelSelector: { matchLabels: { app: 'web' } } };
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution';
const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';

async function given(pod: PodObject): Promise<object> {
  const { nodeSelector, affinity, topologySpreadConstraints } = ((await api.kube.create(pods, pod)) as PodObject)
    .spec as Readonly<Record<string, unknown>>;
  return JSON.parse(JSON.stringify({ nodeSelector, affinity, topologySpreadConstraints })) as object;
}

const taken = {
  matchLabelKeys: ['app'],
  labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
};

test.each<[string, string | undefined, object, object]>([
  ['no wish', undefined, {}, {}],
  ['site first', 'base-first', {}, { affinity: { nodeAffinity: { [preferredTerms]: [preference('site')] } } }],
  ['cloud first', 'cloud-first', {}, { affinity: { nodeAffinity: { [preferredTerms]: [preference('cloud')] } } }],
  [
    'site first, beside what the pod requires',
    'base-first',
    { affinity: { nodeAffinity: { [requiredTerms]: required } } },
    { affinity: { nodeAffinity: { [requiredTerms]: required, [preferredTerms]: [preference('site')] } } },
  ],
  [
    'site first, beside affinity to pods',
    'base-first',
    { affinity: { podAffinity: {} } },
    { affinity: { podAffinity: {}, nodeAffinity: { [preferredTerms]: [preference('site')] } } },
  ],
  [
    'site first, of a pod that prefers nodes by itself',
    'base-first',
    { affinity: { nodeAffinity: { [preferredTerms]: [own] } } },
    { affinity: { nodeAffinity: { [preferredTerms]: [own] } } },
  ],
  ['cloud only', 'cloud-only', {}, { nodeSelector: { 'isthmus.dev/ground': 'cloud' } }],
  [
    'site only, beside its own selector and affinity',
    'site-only',
    { nodeSelector: { disk: 'fast' }, affinity: { nodeAffinity: { [requiredTerms]: required } } },
    {
      nodeSelector: { disk: 'fast', 'isthmus.dev/ground': 'site' },
      affinity: { nodeAffinity: { [requiredTerms]: required } },
    },
  ],
  [
    'site only, of a pod that selects the cloud by itself',
    'site-only',
    { nodeSelector: { 'isthmus.dev/ground': 'cloud' } },
    { nodeSelector: { 'isthmus.dev/ground': 'cloud' } },
  ],
  ['spread', 'spread', {}, { topologySpreadConstraints: [{ ...overBoth, ...taken }] }],
  [
    'spread, beside a constraint over nodes',
    'spread',
    { topologySpreadConstraints: [{ ...overNodes, ...selected }] },
    {
      topologySpreadConstraints: [
        { ...overNodes, ...selected },
        { ...overBoth, ...taken },
      ],
    },
  ],
  [
    'spread, of a pod that is spread over both sides by itself',
    'spread',
    { topologySpreadConstraints: [{ ...overBoth, ...selected }] },
    { topologySpreadConstraints: [{ ...overBoth, ...selected }] },
  ],
])('a pod gets what its placement means and keeps what it says itself: %s', async (_title, wish, spec, expected) => {
  expect(await given(podOf(wish, 'default', spec))).toEqual(expected);
});

test('pods of a DaemonSet and pods that are on a node already are left alone', async () => {
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'log', uid: crypto.randomUUID() }];
  expect(await given(podOf('site-only', 'default', {}, { ownerReferences }))).toEqual({});
  expect(await given(podOf('site-only', 'default', { nodeName: 'web-1' }))).toEqual({});
});

test('replicas of a StatefulSet are spread although each has a label of its own', async () => {
  const labels = { app: 'db', 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0' };
  expect(await given(podOf('spread', 'default', {}, { labels }))).toMatchObject({
    topologySpreadConstraints: [{ matchLabelKeys: ['app'] }],
  });
});

test('a placement that nobody knows is refused where it is written, with those there are', async () => {
  const { kube } = api;
  const says =
    /isthmus\.dev\/placement: "site" is no placement; write one of base-first, cloud-only, site-only, spread, cloud-first, or remove the annotation/;
  const annotations = { [placement]: 'site' };
  const template = { metadata: { labels: { app: 'web' }, annotations }, spec: { containers: [container] } };
  const metadata = { name: 'wrong', namespace: 'default' };
  await expect(kube.create(pods, podOf('site'))).rejects.toThrow(says);
  await expect(kube.create(namespaces, { metadata: { name: 'wrong', annotations } })).rejects.toThrow(says);
  const deployment = { metadata, spec: { selector: { matchLabels: { app: 'web' } }, template } };
  await expect(kube.create(deployments, deployment as KubeObject)).rejects.toThrow(says);
  const job = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } };
  const cronJob = { metadata, spec: { schedule: '0 3 * * *', jobTemplate: { spec: job } } };
  await expect(kube.create(cronJobs, cronJob as KubeObject)).rejects.toThrow(says);
  // What makes the pod is told, and the pod itself still comes.
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: crypto.randomUUID() }];
  const one = podOf('site', 'default', {}, { ownerReferences, annotations });
  expect(await given(one)).toEqual({});
});
