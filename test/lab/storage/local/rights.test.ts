import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Kube, KubeObject } from '#kube/kube.ts';
import { namespaces, persistentVolumeClaims, persistentVolumes, storageCapacities } from '#kube/resources.ts';
import { localObjects } from '#storage/csi/objects.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { apiServerForTests } from '../../../support/api-server-for-tests.ts';
import { asProgramOn, refusal } from '../../../support/pod-token.ts';

/** What somebody can do who has taken over a machine of the site, and with it the token of its csi-local: on a real API server with the objects of `isthmus up`. */
const api = apiServerForTests({ flags: ['--allow-privileged=true'] });
let program: Kube;
const storage = { directories: ['/srv/volumes'], disks: [], keepFree: undefined };
const cluster = {
  ...exampleFacts.cluster,
  machines: [{ name: 'base-1', address: '192.168.50.11', storage }],
};
const local = 'local.isthmus.dev';
const growth = 'volume.alpha.kubernetes.io/pre-resize-capacity';
const selected = 'volume.kubernetes.io/selected-node';

interface VolumePlace {
  /** The machine in its handle. */
  readonly on?: string;
  /** The machine that pods with it run on. */
  readonly at?: string;
  readonly driver?: string;
}

function volumeOf(name: string, { on = 'base-1', at = on, driver = local }: VolumePlace = {}): KubeObject {
  const matchExpressions = [{ key: `topology.${local}/node`, operator: 'In', values: [at] }];
  return {
    metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      csi: { driver, volumeHandle: `${on}/0123456789/${name}` },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    },
  } as KubeObject;
}

function claimOf(name: string, annotations: Readonly<Record<string, string>>): KubeObject {
  return {
    metadata: { name, namespace: 'default', annotations },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  } as KubeObject;
}

function roomOf(name: string, on: string): KubeObject {
  return {
    metadata: { name, namespace: systemNamespace },
    storageClassName: 'local',
    nodeTopology: { matchLabels: { [`topology.${local}/node`]: on } },
    capacity: '1Gi',
  } as KubeObject;
}

beforeAll(async () => {
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: systemNamespace } });
  for (const { resource, object } of localObjects({ ...exampleFacts, cluster })) await kube.create(resource, object);
  const waits = { 'volume.kubernetes.io/storage-provisioner': local };
  for (const made of [
    volumeOf('own'),
    volumeOf('other', { on: 'base-2' }),
    // Its name only begins like ours.
    volumeOf('longer', { on: 'base-10' }),
    volumeOf('disk', { driver: 'udisk.csi.ucloud.cn' }),
  ])
    await kube.create(persistentVolumes, made);
  for (const made of [
    claimOf('here', { ...waits, [selected]: 'base-1' }),
    claimOf('there', { ...waits, [selected]: 'base-2' }),
    claimOf('free', waits),
    claimOf('grows', { 'volume.kubernetes.io/storage-resizer': local }),
    claimOf('foreign', { [selected]: 'base-1', 'volume.kubernetes.io/storage-provisioner': 'udisk.csi.ucloud.cn' }),
  ])
    await kube.create(persistentVolumeClaims, made);
  await kube.create(storageCapacities, roomOf('room-1', 'base-1'));
  await kube.create(storageCapacities, roomOf('room-2', 'base-2'));
  program = await asProgramOn(api, 'isthmus-csi-local', 'base-1');
  let turn = 0;
  await waitFor(
    'the policies to hold',
    async () => {
      // Another one each time: what changes nothing is allowed.
      const labels = { turn: `${++turn}` };
      const tries = [
        refusal(program.merge(persistentVolumes, { name: 'other' }, { metadata: { labels } })),
        refusal(program.merge(storageCapacities, room('room-2'), { capacity: '2Gi' })),
        refusal(say('foreign', { status: { capacity: { storage: '9Gi' } } })),
      ];
      return (await Promise.all(tries)).every((answer) => answer === 403);
    },
    { within: seconds(30) },
  );
});
afterAll(() => program.close());

const room = (name: string) => ({ name, namespace: systemNamespace });
const claim = (name: string) => ({ name, namespace: 'default' });
const change = (name: string, patch: object) => program.merge(persistentVolumes, { name }, patch);
const say = (name: string, patch: object) =>
  program.merge(persistentVolumeClaims, claim(name), patch, { subresource: 'status' });

/** As the provisioner does it: the whole object with one thing changed. */
async function rewrite(
  name: string,
  changed: (seen: KubeObject & { readonly spec?: object }) => object,
): Promise<unknown> {
  const seen = await api.kube.get(persistentVolumeClaims, claim(name));
  if (seen === undefined) throw new Error(`there is no claim ${name}`);
  return program.replace(persistentVolumeClaims, { ...seen, ...changed(seen) } as KubeObject);
}

function annotated(name: string, node: string | undefined): Promise<unknown> {
  return rewrite(name, ({ metadata }) => {
    const { [selected]: _, ...others } = metadata.annotations ?? {};
    return { metadata: { ...metadata, annotations: { ...others, ...(node !== undefined && { [selected]: node }) } } };
  });
}

const grown = (to: string) => ({
  metadata: { annotations: { [growth]: '1Gi' } },
  spec: { capacity: { storage: to } },
});

test.each<[string, () => Promise<unknown>]>([
  ['makes a volume of its own', () => program.create(persistentVolumes, volumeOf('new'))],
  ['changes it', () => change('new', { metadata: { finalizers: null } })],
  ['deletes it', () => program.delete(persistentVolumes, { name: 'new' })],
  ['says that a volume of another machine has grown', () => change('other', grown('2Gi'))],
  ['and that it has the size for pods', () => change('other', { metadata: { annotations: { [growth]: null } } })],
  ['gives a claim back to the scheduler', () => annotated('here', undefined)],
  ['takes a claim that nobody chose a machine for', () => annotated('free', 'base-1')],
  ['says that a claim grows', () => say('grows', { status: { capacity: { storage: '2Gi' } } })],
  ['tells its own room', () => program.merge(storageCapacities, room('room-1'), { capacity: '2Gi' })],
])('the driver of a machine of the site %s', async (_what, call) => {
  expect(await refusal(call())).toBe('allowed');
});

test.each<[string, () => Promise<unknown>]>([
  ['make a volume on another machine', () => program.create(persistentVolumes, volumeOf('x', { on: 'base-2' }))],
  [
    'make one that is used on another machine',
    () => program.create(persistentVolumes, volumeOf('x', { at: 'base-2' })),
  ],
  [
    'make one of another driver',
    () => program.create(persistentVolumes, volumeOf('x', { driver: 'udisk.csi.ucloud.cn' })),
  ],
  ['delete one of another machine', () => program.delete(persistentVolumes, { name: 'other' })],
  ['delete one of a machine whose name is longer', () => program.delete(persistentVolumes, { name: 'longer' })],
  ['delete a disk of the cloud', () => program.delete(persistentVolumes, { name: 'disk' })],
  ['have one of another machine deleted', () => change('other', { spec: { persistentVolumeReclaimPolicy: 'Delete' } })],
  [
    'give one of another machine to a claim',
    () => change('other', { spec: { claimRef: { namespace: 'default', name: 'free' } } }),
  ],
  ['let one of another machine go', () => change('other', { metadata: { finalizers: null } })],
  ['annotate one of another machine', () => change('other', { metadata: { annotations: { a: 'b' } } })],
  ['make one of another machine smaller', () => change('other', grown('1Gi'))],
  ['let a disk of the cloud grow', () => change('disk', grown('2Gi'))],
  ['give another machine’s claim back', () => annotated('there', undefined)],
  ['take another machine’s claim', () => annotated('there', 'base-1')],
  ['give a claim to another machine', () => annotated('free', 'base-2')],
  ['change a claim of another driver', () => annotated('foreign', undefined)],
  [
    'say of a claim of another driver that it has grown',
    () => say('foreign', { status: { capacity: { storage: '9Gi' } } }),
  ],
  ['label a claim', () => say('grows', { metadata: { labels: { a: 'b' } } })],
  ['name the volume of a claim', () => rewrite('free', ({ spec }) => ({ spec: { ...spec, volumeName: 'other' } }))],
  ['tell another machine’s room', () => program.merge(storageCapacities, room('room-2'), { capacity: '2Gi' })],
  ['add room to another machine', () => program.create(storageCapacities, roomOf('room-3', 'base-2'))],
  ['take another machine’s room away', () => program.delete(storageCapacities, room('room-2'))],
])('the driver of a machine of the site can’t %s', async (_what, call) => {
  expect(await refusal(call())).toBe(403);
});
