import { request } from 'node:https';
import { beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import { volumePlaces } from '#kube/api/volume-places.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { admissionPolicies, namespaces, persistentVolumeClaims, storageClasses } from '#kube/resources.ts';
import { storageObjects } from '#storage/objects.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { untilPoliciesAreInForce } from '../../support/policies-in-force.ts';

/** What is told when a pod, or something that makes pods, is written: a real API server with the policies that `isthmus up` makes. */
const api = apiServerForTests();
const cluster = {
  ...exampleFacts.cluster,
  cloudMachines: [{ name: 'cp-1' }, { name: 'web-1' }],
  machines: [
    { name: 'base-1', address: '192.168.50.11' },
    { name: 'base-2', address: '192.168.50.12' },
  ],
};

interface Answer {
  readonly status: number;
  readonly message: string;
  /** Without the header's own words. */
  readonly warnings: readonly string[];
}

function send(path: string, object: object, { dryRun = true, method = 'POST' } = {}): Promise<Answer> {
  const { server } = api;
  return new Promise((resolve, reject) => {
    const asked = request(
      `https://127.0.0.1:${server.port}${path}${dryRun ? '?dryRun=All' : ''}`,
      {
        method,
        ca: server.access.ca,
        headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        answer.on('end', () => {
          const { message = '' } = JSON.parse(body) as { message?: string };
          const warnings = answer.rawHeaders
            .filter((_, at, all) => at % 2 === 1 && all[at - 1]?.toLowerCase() === 'warning')
            .map((warning) => warning.replace(/^299 - "(.*)"$/, '$1').replaceAll('\\"', '"'))
            .map((warning) => warning.replace(/^Validation failed for .*? with binding '[^']*': /, ''));
          resolve({ status: answer.statusCode ?? 0, message, warnings });
        });
      },
    );
    asked.on('error', reject);
    asked.end(JSON.stringify(object));
  });
}

const kinds: Readonly<Record<string, string>> = {
  Pod: '/api/v1',
  ReplicationController: '/api/v1',
  Deployment: '/apis/apps/v1',
  ReplicaSet: '/apis/apps/v1',
  StatefulSet: '/apis/apps/v1',
  DaemonSet: '/apis/apps/v1',
  Job: '/apis/batch/v1',
  CronJob: '/apis/batch/v1',
};
const pathOf = (kind: string, namespace: string): string =>
  `${kinds[kind]}/namespaces/${namespace}/${kind.toLowerCase()}s`;

const using = (...claims: readonly string[]): object => ({
  volumes: claims.map((claimName) => ({ name: `of-${claimName}`, persistentVolumeClaim: { claimName } })),
});

/** The kind with a pod of that spec in its place. */
function made(kind: string, podSpec: object, more: object = {}): object {
  const spec = { containers: [{ name: 'main', image: 'x' }], ...podSpec };
  const labels = { app: 'asked' };
  const template = (restartPolicy: string) => ({ metadata: { labels }, spec: { ...spec, restartPolicy } });
  const body: Readonly<Record<string, object>> = {
    Pod: spec,
    ReplicationController: { selector: labels, template: template('Always') },
    Job: { template: template('Never') },
    CronJob: { schedule: '0 1 * * *', jobTemplate: { spec: { template: template('Never') } } },
  };
  const workload = { selector: { matchLabels: labels }, template: template('Always'), ...more };
  const apiVersion = kinds[kind]?.replace(/^\/apis?\//, '');
  return { apiVersion, kind, metadata: { name: 'asked' }, spec: body[kind] ?? workload };
}

const tryToCreate = (kind: string, podSpec: object, namespace = 'default', more: object = {}): Promise<Answer> =>
  send(pathOf(kind, namespace), made(kind, podSpec, more));

async function makeClaim(
  name: string,
  {
    storageClass = '',
    labels = {},
    annotations = {},
    namespace = 'default',
  }: Partial<{ storageClass: string; labels: object; annotations: object; namespace: string }>,
): Promise<void> {
  await api.kube.create(persistentVolumeClaims, {
    metadata: { name, namespace, labels, annotations },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
      storageClassName: storageClass,
    },
  } as KubeObject);
}

const onSite = { nodeSelector: { 'isthmus.dev/ground': 'site' } };
const affinity = (...terms: readonly object[]): object => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});
const label = (key: string, operator: string, ...values: readonly string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

beforeAll(async () => {
  const { kube } = api;
  const all = storageObjects({ cluster });
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  for (const { resource, object } of all) await kube.create(resource, object);
  for (const [name, provisioner] of [
    ['csi-udisk-rssd', 'udisk.csi.ucloud.cn'],
    ['local', 'local.isthmus.dev'],
    ['nfs', 'nfs.csi.k8s.io'],
  ] as const)
    await kube.create(storageClasses, {
      metadata: {
        name,
        ...(name === 'local' && { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }),
      },
      provisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
  for (const [name, guard] of [
    ['strict', 'refuse'],
    ['silent', 'off'],
  ] as const)
    await kube.create(namespaces, { metadata: { name, labels: { 'isthmus.dev/storage-guard': guard } } });
  await untilPoliciesAreInForce(kube);
  const machine = (name: string, more = {}) => ({
    labels: { 'isthmus.dev/volume-ground': 'site' },
    annotations: { 'isthmus.dev/volume-machine': name, ...more },
  });
  for (const namespace of ['default', 'strict', 'silent'])
    await makeClaim('disk', { storageClass: 'csi-udisk-rssd', namespace });
  await makeClaim('near', { storageClass: 'local' });
  await makeClaim('on-base-1', machine('base-1'));
  await makeClaim('lost', machine('base-9', { 'isthmus.dev/volume-machine-state': 'gone' }));
  await makeClaim('zoned', {
    labels: { 'isthmus.dev/volume-ground': 'cloud' },
    annotations: { 'isthmus.dev/volume-zone': 'cn-bj2-04' },
  });
  await makeClaim('share', { storageClass: 'nfs' });
  await makeClaim('data-asked-0', { storageClass: 'csi-udisk-rssd' });
  await kube.create(
    volumePlaces as Resource<KubeObject>,
    {
      metadata: { name: 'isthmus', namespace: 'default' },
      spec: {
        claims: {
          disk: { ground: 'cloud' },
          zoned: { ground: 'cloud', zone: 'cn-bj2-04' },
          'zoned-else': { ground: 'cloud', zone: 'cn-bj2-05' },
          near: { ground: 'site' },
          'on-base-1': { ground: 'site', machine: 'base-1' },
          'on-base-2': { ground: 'site', machine: 'base-2' },
        },
      },
    } as KubeObject,
  );
  await waitFor(
    'the policies to be in force',
    async () => {
      const tried = [
        await tryToCreate('Pod', { ...onSite, ...using('disk') }),
        await tryToCreate('Pod', { ...onSite, ...using('disk') }, 'strict'),
        await tryToCreate('Pod', using('on-base-1', 'on-base-2')),
        await tryToCreate('StatefulSet', onSite, 'default', { volumeClaimTemplates: [template('csi-udisk-rssd')] }),
      ];
      return tried.every(({ status, warnings }) => status === 422 || warnings.length > 0);
    },
    { within: seconds(30), every: ms(200) },
  );
});

const template = (storageClassName: string | undefined, name = 'data') => ({
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '10Gi' } },
    ...(storageClassName !== undefined && { storageClassName }),
  },
});

const cloudAlone = 'can only be used on cloud nodes';
const keepsOff = 'keeps the pod off them: remove that, or use a StorageClass of the site';

test.each<[string, object, string]>([
  [
    'a selector for the site',
    { ...onSite, ...using('disk') },
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and nodeSelector isthmus.dev/ground=site ${keepsOff}`,
  ],
  [
    'two selectors for the site',
    { nodeSelector: { 'isthmus.dev/ground': 'site', 'topology.kubernetes.io/zone': 'site' }, ...using('zoned') },
    `volume "of-zoned" (PersistentVolumeClaim zoned) ${cloudAlone} of zone cn-bj2-04, and nodeSelector isthmus.dev/ground=site ${keepsOff}`,
  ],
  [
    'a machine of the site by its name',
    { nodeName: 'base-1', ...using('disk') },
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and nodeName base-1 ${keepsOff}`,
  ],
  [
    'a machine of the site by its label',
    { nodeSelector: { 'kubernetes.io/hostname': 'base-2' }, ...using('disk') },
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and nodeSelector kubernetes.io/hostname=base-2 ${keepsOff}`,
  ],
  [
    'the zone of the site',
    { ...affinity(label('topology.kubernetes.io/zone', 'In', 'site')), ...using('disk') },
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and its node affinity ${keepsOff}`,
  ],
  [
    'another zone than that of the disk',
    { nodeSelector: { 'topology.kubernetes.io/zone': 'cn-bj2-05' }, ...using('zoned') },
    `volume "of-zoned" (PersistentVolumeClaim zoned) ${cloudAlone} of zone cn-bj2-04, and nodeSelector topology.kubernetes.io/zone=cn-bj2-05 ${keepsOff}`,
  ],
  [
    'an affinity of which no alternative works',
    {
      ...affinity(label('isthmus.dev/ground', 'NotIn', 'cloud'), {
        matchFields: [{ key: 'metadata.name', operator: 'In', values: ['base-1'] }],
      }),
      ...using('disk'),
    },
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and its node affinity ${keepsOff}`,
  ],
  [
    'a volume of a machine, and a selector for another one',
    { nodeSelector: { 'kubernetes.io/hostname': 'base-2' }, ...using('on-base-1') },
    'volume "of-on-base-1" (PersistentVolumeClaim on-base-1) is on machine base-1, and nodeSelector kubernetes.io/hostname=base-2 keeps the pod off it: remove that, or move the data',
  ],
  [
    'a volume of a machine, and what users of UCloud select cloud nodes by',
    { ...affinity(label('nodetype', 'In', 'uhost')), ...using('on-base-1') },
    'volume "of-on-base-1" (PersistentVolumeClaim on-base-1) is on machine base-1, and its node affinity keeps the pod off it: remove that, or move the data',
  ],
  [
    'a volume of the site that is yet to be made, and a selector for the cloud',
    { nodeSelector: { 'isthmus.dev/ground': 'cloud' }, ...using('near') },
    'volume "of-near" (PersistentVolumeClaim near) is on a machine of the site, and nodeSelector isthmus.dev/ground=cloud keeps the pod off these: remove that, or use a StorageClass of the cloud',
  ],
  [
    'a volume of a machine that has left',
    using('lost'),
    'volume "of-lost" (PersistentVolumeClaim lost) is on machine base-9, which has left the cluster: join the machine again, or restore the data into a new claim',
  ],
  [
    'volumes of two zones',
    using('zoned', 'zoned-else'),
    'volume "of-zoned" is in zone cn-bj2-04 of the cloud and volume "of-zoned-else" in zone cn-bj2-05 of the cloud: no node can use both; use them in pods of their own, or restore one of them beside the other',
  ],
  [
    'volumes of both sides',
    using('disk', 'near'),
    'volume "of-disk" is in the cloud and volume "of-near" on a machine of the site: no node can use both; use them in pods of their own, or restore one of them beside the other',
  ],
  [
    'volumes of two machines',
    using('on-base-1', 'on-base-2'),
    'volume "of-on-base-1" is on machine base-1 and volume "of-on-base-2" on machine base-2: no node can use both; use them in pods of their own, or restore one of them beside the other',
  ],
])('a pod that can never run is told so in one sentence: %s', async (_title, spec, sentence) => {
  expect(await tryToCreate('Pod', spec)).toEqual({ status: 201, message: '', warnings: [sentence] });
});

test.each<[string, object]>([
  ['no volume at all', onSite],
  ['a cloud disk, and nothing said', using('disk')],
  [
    'a cloud disk on the cloud',
    { nodeSelector: { 'isthmus.dev/ground': 'cloud', nodetype: 'uhost' }, ...using('disk') },
  ],
  ['a cloud disk as users of UCloud write it', { ...affinity(label('nodetype', 'In', 'uhost')), ...using('disk') }],
  ['a cloud disk on a cloud node by its name', { nodeName: 'web-1', ...using('zoned') }],
  [
    'an affinity of which one alternative works',
    { ...affinity(label('isthmus.dev/ground', 'In', 'site'), label('disktype', 'In', 'ssd')), ...using('disk') },
  ],
  [
    'a preference for the site',
    {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: label('isthmus.dev/ground', 'In', 'site') },
          ],
        },
      },
      ...using('disk'),
    },
  ],
  [
    'labels that nothing is known of',
    { nodeSelector: { disktype: 'ssd', 'kubernetes.io/arch': 'amd64' }, ...using('disk') },
  ],
  ['a node that nothing is known of', { nodeSelector: { 'kubernetes.io/hostname': 'burst-7' }, ...using('disk') }],
  [
    'a volume of a machine, on that machine',
    { nodeSelector: { 'kubernetes.io/hostname': 'base-1', 'isthmus.dev/ground': 'site' }, ...using('on-base-1') },
  ],
  ['a volume of a driver that is not ours', { ...onSite, ...using('share') }],
  ['a claim that does not exist yet', { ...onSite, ...using('later') }],
  ['two volumes that one node can use', using('disk', 'zoned')],
])('a pod that can run is taken without a word: %s', async (_title, spec) => {
  expect(await tryToCreate('Pod', spec)).toEqual({ status: 201, message: '', warnings: [] });
});

test.each(Object.keys(kinds))('what makes pods is told as its pods would be: %s', async (kind) => {
  const { status, warnings } = await tryToCreate(kind, { ...onSite, ...using('disk') });
  expect({ status, warnings: warnings.map((warning) => warning.slice(0, 46)) }).toEqual({
    status: 201,
    warnings: ['volume "of-disk" (PersistentVolumeClaim disk) '],
  });
});

test('a StatefulSet is told by the class of its templates, the default one too, and so is a pod with an ephemeral volume', async () => {
  const onCloud = { nodeSelector: { 'isthmus.dev/ground': 'cloud' } };
  const set = (spec: object, claim: object) =>
    tryToCreate('StatefulSet', spec, 'default', { volumeClaimTemplates: [claim] });
  const data =
    'volume "data" (StorageClass csi-udisk-rssd) can only be used on cloud nodes, and nodeSelector isthmus.dev/ground=site keeps the pod off them: remove that, or use a StorageClass of the site';
  // And by the volume that it made when it ran before.
  expect((await set(onSite, template('csi-udisk-rssd'))).warnings.toSorted()).toEqual([
    data.replace('StorageClass csi-udisk-rssd', 'PersistentVolumeClaim data-asked-0'),
    data,
  ]);
  expect((await set(onCloud, template(undefined, 'near'))).warnings).toEqual([
    'volume "near" (StorageClass local) is on a machine of the site, and nodeSelector isthmus.dev/ground=cloud keeps the pod off these: remove that, or use a StorageClass of the cloud',
  ]);
  expect((await set(onSite, template(undefined, 'near'))).warnings).toEqual([]);
  const { metadata: _metadata, ...claim } = template('csi-udisk-rssd');
  const ephemeral = { ...onSite, volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: claim } }] };
  expect((await tryToCreate('Pod', ephemeral)).warnings).toEqual([data]);
});

test('a Namespace may want a refusal, or silence', async () => {
  const spec = { ...onSite, ...using('disk') };
  expect(await tryToCreate('Pod', spec, 'silent')).toEqual({ status: 201, message: '', warnings: [] });
  const refused = await tryToCreate('Deployment', spec, 'strict');
  expect(refused).toMatchObject({ status: 422, warnings: [] });
  expect(refused.message).toContain(
    `volume "of-disk" (PersistentVolumeClaim disk) ${cloudAlone}, and nodeSelector isthmus.dev/ground=site ${keepsOff}`,
  );
  expect((await tryToCreate('Deployment', using('disk'), 'strict')).status).toBe(201);
});

test('what was there before a Namespace wanted refusals can be scaled, and its pods are judged when they change', async () => {
  const path = pathOf('Deployment', 'silent');
  const seen = made('Deployment', { ...onSite, ...using('disk') });
  await send(path, seen, { dryRun: false });
  const guard = (value: string) =>
    api.kube.merge(namespaces, { name: 'silent' }, { metadata: { labels: { 'isthmus.dev/storage-guard': value } } });
  await guard('refuse');
  const scaled = { ...seen, spec: { ...(seen as { spec: object }).spec, replicas: 3 } };
  const changed = made('Deployment', {
    ...onSite,
    ...using('disk'),
    priorityClassName: '',
    terminationGracePeriodSeconds: 5,
  });
  await waitFor(
    'the label to be in force',
    async () => (await send(`${path}/asked`, changed, { method: 'PUT' })).status === 422,
    { within: seconds(20), every: ms(100) },
  );
  expect(await send(`${path}/asked`, scaled, { method: 'PUT' })).toMatchObject({ status: 200, warnings: [] });
  await guard('off');
});

test('a new claim says on which side its volume will be, whatever its author says, and only where we know', async () => {
  const groundOf = async (name: string) =>
    (await api.kube.get(persistentVolumeClaims, { name, namespace: 'default' }))?.metadata.labels?.[
      'isthmus.dev/volume-ground'
    ];
  await makeClaim('liar', { storageClass: 'csi-udisk-rssd', labels: { 'isthmus.dev/volume-ground': 'site' } });
  expect(await Promise.all(['disk', 'near', 'share', 'liar'].map(groundOf))).toEqual([
    'cloud',
    'site',
    undefined,
    'cloud',
  ]);
});

test('the policies are free of expressions that cannot work', async () => {
  const seen = await api.kube.list(admissionPolicies);
  const told = seen.map((policy) => (policy as { status?: { typeChecking?: object } }).status?.typeChecking ?? {});
  expect(told).toEqual(seen.map(() => ({})));
});
