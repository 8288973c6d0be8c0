import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import {
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageCapacities,
  storageClasses,
} from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { fixVolume, observeVolumes } from '#storage/doctor/doctor.ts';
import { isFixable } from '#storage/doctor/plan-doctor.ts';
import { runGuardController } from '#storage/guard/guard-controller.ts';
import { volumePlacesCrd } from '#storage/objects.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startBeside } from '../../support/control-plane.ts';
import { whereDisksAre } from '../../support/doctor-cloud.ts';
import { establishCrds } from '../../support/establish-crds.ts';

/**
 * Where the real scheduler sends pods with volumes of the cloud, beside a machine of the site that is idle and ten times as large. No selector is
 * written anywhere: the pods' authors know nothing of the two sides.
 */
const api = apiServerForTests();
const zoneKey = 'topology.udisk.csi.ucloud.cn/zone';
const drivers = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };
const namespace = 'default';
/** Every disk that is asked about is there. */
const end = new AbortController();
let scheduler: Awaited<ReturnType<typeof startBeside>>;

beforeAll(async () => {
  const { kube, server } = api;
  await establishCrds(kube, [volumePlacesCrd]);
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  await makeNode(kube, 'web-1', 'ucloud://cn-bj2-04/uhost-1', 2, {
    'isthmus.dev/ground': 'cloud',
    [zoneKey]: 'cn-bj2-04',
    'topology.udisk.csi.ucloud.cn/region': 'cn-bj2',
  });
  await makeNode(kube, 'base-1', 'isthmus-site://base-1', 64, { 'isthmus.dev/ground': 'site' });
  // The second as UK8S's driver is: it counts nothing, so the scheduler asks nothing.
  for (const [name, provisioner, storageCapacity] of [
    ['csi-udisk-rssd', 'udisk.csi.ucloud.cn', true],
    ['uncounted', 'uncounted.example.com', false],
  ] as const) {
    await kube.create(drivers, { metadata: { name: provisioner }, spec: { storageCapacity } } as KubeObject);
    const volumeBindingMode = 'WaitForFirstConsumer';
    await kube.create(storageClasses, { metadata: { name }, provisioner, volumeBindingMode });
  }
  const caches = sharedCaches(kube, end.signal);
  const events = { tell: () => undefined, flush: async () => undefined };
  runGuardController({ kube, caches, events, note: () => undefined }, end.signal).catch(() => undefined);
  const { bin } = await ensureBinaries();
  scheduler = await startBeside(server, bin('kube-scheduler'), []);
});
afterAll(async () => {
  end.abort(new Error('the tests are over'));
  await scheduler.stop();
});

async function makeNode(kube: Kube, name: string, providerID: string, cpus: number, labels: object): Promise<void> {
  const hostname = { 'kubernetes.io/hostname': name };
  const node = { metadata: { name, labels: { ...labels, ...hostname } }, spec: { providerID } } as KubeObject;
  await kube.create(nodes, node);
  const capacity = { cpu: String(cpus), memory: `${cpus}Gi`, pods: '110' };
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { capacity, allocatable: capacity, conditions };
  await kube.merge(nodes, { name }, { status }, { subresource: 'status' });
  await kube.merge(nodes, { name }, { spec: { taints: null } });
}

async function makePod(name: string): Promise<void> {
  await api.kube.create(
    pods as Resource<KubeObject>,
    {
      metadata: { name, namespace },
      spec: {
        containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '100m' } } }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      },
    } as KubeObject,
  );
}

async function makeClaim(name: string, storageClassName: string, volumeName?: string): Promise<string> {
  const isBound = volumeName !== undefined;
  const made = await api.kube.create(persistentVolumeClaims, {
    metadata: { name, namespace, ...(isBound && { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
      storageClassName,
      ...(isBound && { volumeName }),
    },
  } as KubeObject);
  return made.metadata.uid ?? '';
}

/** Where the scheduler wants the volume of the claim to be made. */
function chosenFor(name: string): Promise<string> {
  return waitFor(
    `the scheduler to choose a node for ${name}`,
    async () => {
      await scheduler.assertAlive();
      const claim = await api.kube.get(persistentVolumeClaims, { name, namespace });
      return claim?.metadata.annotations?.['volume.kubernetes.io/selected-node'];
    },
    { within: seconds(30), every: ms(50) },
  );
}

test('a pod whose disk is yet to be made goes to a cloud node, though nothing says so but the driver', async () => {
  await waitFor(
    'the scheduler to be told where disks can be made',
    async () => (await api.kube.list(storageCapacities)).length === 1,
    { within: seconds(20), every: ms(50) },
  );
  const names = Array.from({ length: 8 }, (_, i) => `disk-${i}`);
  for (const name of names) {
    await makeClaim(name, 'csi-udisk-rssd');
    await makePod(name);
  }
  expect(await Promise.all(names.map(chosenFor))).toEqual(names.map(() => 'web-1'));
});

test('without that the scheduler would take the machine of the site', async () => {
  await makeClaim('uncounted', 'uncounted');
  await makePod('uncounted');
  expect(await chosenFor('uncounted')).toBe('base-1');
});

test('an old disk without topology draws its pod to the site until isthmus doctor storage --fix has mended it', async () => {
  const { kube } = api;
  const bound = async (name: string): Promise<void> => {
    await kube.create(persistentVolumes, {
      metadata: { name },
      spec: {
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'csi-udisk-rssd',
        csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: `of-${name}` },
      },
    } as KubeObject);
    const uid = await makeClaim(name, 'csi-udisk-rssd', name);
    await kube.merge(persistentVolumes, { name }, { spec: { claimRef: { namespace, name, uid } } });
  };
  const nodeOf = (name: string): Promise<string> =>
    waitFor(`pod ${name} to be bound`, async () => (await kube.get(pods, { name, namespace }))?.spec?.nodeName, {
      within: seconds(30),
      every: ms(50),
    });
  await bound('old-1');
  await makePod('old-1');
  expect(await nodeOf('old-1')).toBe('base-1');
  await bound('old-2');
  for (const finding of await observeVolumes(kube, whereDisksAre))
    if (isFixable(finding)) await fixVolume(kube, finding);
  await makePod('old-2');
  expect(await nodeOf('old-2')).toBe('web-1');
});

test('what the scheduler is told is put right when somebody changes or removes it, and goes with its class', async () => {
  const { kube } = api;
  const at = { name: 'isthmus-csi-udisk-rssd', namespace: 'isthmus-system' };
  const until = (what: string, isSo: (capacity: string | undefined) => boolean): Promise<unknown> =>
    waitFor(what, async () => isSo((await kube.get(storageCapacities, at))?.capacity), { within: seconds(20) });
  await kube.merge(storageCapacities, at, { capacity: '1Gi' });
  await until('the capacity to be put right', (capacity) => capacity === '1Ei');
  await kube.delete(storageCapacities, at);
  await until('the capacity to be there again', (capacity) => capacity === '1Ei');
  const seen = await kube.get(storageCapacities, at);
  expect(seen?.metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'StorageClass csi-udisk-rssd',
  ]);
});
