import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CloudResult } from '#cloud/failure.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { events, recordEvents } from '#kube/events.ts';
import type { KubeObject } from '#kube/kube.ts';
import { configMaps, csiDrivers, namespaces, persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { joinRecordName } from '#machine/join-report.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import { kubeIntents } from '../../../src/storage/controller/intents.ts';
import { tendOrphans } from '../../../src/storage/controller/orphan-controller.ts';
import { type DoctorCloud, fixVolume, observeVolumes } from '../../../src/storage/doctor/doctor.ts';
import { explainFix, isFixable } from '../../../src/storage/doctor/plan-doctor.ts';
import { tendCloudOrphans } from '../../../src/storage/orphans/cloud-orphan-controller.ts';
import { storageStatus } from '../../../src/storage/status.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { type DiskCloud, openDiskCloud } from '../../support/disk-cloud.ts';
import { testMark as mark } from '../../support/disk-driver.ts';

const api = apiServerForTests();
let cloud: DiskCloud;

beforeAll(async () => {
  cloud = await openDiskCloud({});
  await api.kube.create(namespaces, { metadata: { name: systemNamespace } });
});
afterAll(() => cloud.close());

/** A disk as the driver asks for it: the intent first. */
async function asked(owner: string): Promise<string> {
  const { disks } = cloud.cloud;
  await kubeIntents(api.kube).note(owner);
  const made = await disks.create(
    {
      mark,
      owner,
      zone: cloud.zone,
      near: undefined,
      kind: 'ssd',
      size: gibi(10),
      source: { from: 'nothing' },
      charge: 'hour',
      quantity: 1,
      encryptionKey: undefined,
      snapshotService: false,
    },
    { within: seconds(20) },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.failure));
  const { id } = made.value;
  const isFree = async (): Promise<boolean> => {
    const seen = await disks.find(id, { within: seconds(5) });
    return seen.ok && seen.value.state === 'free';
  };
  await waitFor(`${id} to be free`, isFree, { within: seconds(20), every: ms(20) });
  return id;
}

/** As if every disk had been asked for an hour ago. */
async function makeOld(): Promise<void> {
  const at = new Date(Date.now() - 3_600_000).toISOString();
  for (const { metadata } of await api.kube.list(configMaps, { namespace: systemNamespace }))
    if (metadata.name.startsWith('isthmus-disk-'))
      await api.kube.merge(configMaps, { name: metadata.name, namespace: systemNamespace }, { data: { at } });
}

function names(): readonly string[] {
  return cloud.ucloud
    .objects()
    .udisks.map(({ id }) => id)
    .sort();
}

test('what was asked for and is nobody’s goes; what has a claim, a volume or was attached once stays', async () => {
  const { kube } = api;
  const intents = kubeIntents(kube);
  const tend = async (): Promise<readonly string[]> => {
    const steps = await tendOrphans({ kube, disks: cloud.cloud.disks, intents, mark });
    return steps.map((step) => ('why' in step ? `${step.do} ${step.why}` : step.do)).sort();
  };
  expect(await tend()).toEqual([]);
  const claim = await kube.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
  } as KubeObject);
  const claimed = await asked(`pvc-${claim.metadata.uid}`);
  const bound = await asked('pvc-bound');
  await kube.create(persistentVolumes, {
    metadata: { name: 'pvc-bound' },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: bound },
    },
  } as KubeObject);
  const used = await asked('pvc-used');
  await intents.settle('pvc-used');
  const leaked = await asked('pvc-leaked');
  await intents.note('pvc-never-made');
  expect(names()).toEqual([claimed, bound, used, leaked].sort());
  // Asked for a moment ago, it may be what the provisioner is at.
  expect(await tend()).toEqual(['keep claimed', 'keep young', 'keep young', 'settle has-a-volume']);
  await makeOld();
  expect(await tend()).toEqual(['keep claimed', 'remove', 'settle was-never-made']);
  expect(names()).toEqual([claimed, bound, used].sort());
  await waitFor('the intent of the removed disk to go', async () => !(await tend()).includes('remove'), {
    within: seconds(30),
    every: ms(200),
  });
  expect(await tend()).toEqual(['keep claimed']);
  // A machine with a join token may write this one object, and so say of a disk with data that it was never used.
  await kube.create(configMaps, {
    metadata: {
      name: joinRecordName('web-9'),
      namespace: systemNamespace,
      labels: { 'isthmus.dev/disk-intent': 'true' },
    },
    data: { owner: 'pvc-used', at: new Date(Date.now() - 3_600_000).toISOString() },
  });
  expect(await tend()).toEqual(['keep claimed']);
  expect(names()).toEqual([claimed, bound, used].sort());
});

/** A file share of the cluster, as the driver makes it. */
async function share(owner: string): Promise<string> {
  const { fileShares } = cloud.cloud;
  const size = gibi(100);
  const made = await fileShares.create(
    { mark, owner, name: owner, zone: cloud.zone, kind: 'advanced', size, charge: 'hour', quantity: 1 },
    { within: seconds(20) },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.failure));
  const { id } = made.value;
  const place = { name: owner, vpc: 'uvnet-disks', subnet: 'subnet-disks' };
  const isReached = async (): Promise<boolean> => {
    await fileShares.open(id, place, { within: seconds(5) });
    const points = await fileShares.mountPoints(id, { within: seconds(5) });
    return points.ok && points.value.some(({ address }) => address !== undefined);
  };
  await waitFor(`${id} to have a mount point`, isReached, { within: seconds(20), every: ms(20) });
  return id;
}

/** The same cloud as it is two hours later. */
function later(): DoctorCloud {
  const { disks, fileShares } = cloud.cloud;
  const aged = <T extends { readonly createdAt: number }>(listed: CloudResult<readonly T[]>) =>
    listed.ok ? ok(listed.value.map((one) => ({ ...one, createdAt: one.createdAt - 7200 }))) : listed;
  return {
    disks: {
      find: (id, opts) => disks.find(id, opts),
      list: async (of, opts) => aged(await disks.list(of, opts)),
    },
    shares: {
      list: async (of, opts) => aged(await fileShares.list(of, opts)),
      mountPoints: (id, opts) => fileShares.mountPoints(id, opts),
    },
    makes: { disks: true, shares: true },
    mark,
    region: cloud.region,
    place: { vpc: 'uvnet-disks', subnet: 'subnet-disks' },
  };
}

test('a disk and a file share that no PersistentVolume names are told after an hour, and kept by one when a person agrees', async () => {
  const { kube } = api;
  for (const name of ['udisk.csi.ucloud.cn', 'ufs.isthmus.dev'])
    await kube.create(csiDrivers, { metadata: { name }, spec: {} } as KubeObject);
  const left = await share('pvc-left');
  const named = await share('pvc-named');
  await kube.create(persistentVolumes, {
    metadata: { name: 'pvc-named' },
    spec: {
      capacity: { storage: '100Gi' },
      accessModes: ['ReadWriteMany'],
      csi: { driver: 'ufs.isthmus.dev', volumeHandle: named, volumeAttributes: { server: '10.9.0.7' } },
    },
  } as KubeObject);
  // Made by the test before, attached once, and without a PersistentVolume.
  const used = cloud.ucloud.objects().udisks.find(({ name }) => name === 'pvc-used')?.id ?? '';
  const stop = new AbortController();
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: stop.signal,
    onLost: () => {},
  });
  const tend = ({ disks, shares }: Pick<DoctorCloud, 'disks' | 'shares'>) =>
    tendCloudOrphans({ kube, disks, shares, events: told, mark });
  const signal = AbortSignal.timeout(60_000);
  const problems = async () => (await storageStatus({ kube, nodes: [], outside: undefined, signal })).problems;

  await tend({ disks: cloud.cloud.disks, shares: cloud.cloud.fileShares });
  expect(await problems()).toEqual([]);
  await tend(later());
  const cure =
    "belongs to this cluster and no PersistentVolume names it, so nobody can use it and it is billed: isthmus doctor storage --fix makes a PersistentVolume that keeps it; or remove it in the provider's console when nothing on it is needed";
  expect(await problems()).toEqual([
    `disk ${used} of the cloud (10Gi, made for pvc-used) ${cure}`,
    `file share ${left} of the cloud (100Gi, made for pvc-left) ${cure}`,
  ]);
  await told.flush(seconds(5));
  const notes = (await kube.list(events)).flatMap(({ reason, note }) => (reason === 'WithoutVolume' ? [note] : []));
  const toldAs = (what: string): string =>
    `no PersistentVolume names ${what} of this cluster, which the cloud bills: isthmus doctor storage tells what helps`;
  expect(new Set(notes)).toEqual(new Set([toldAs(`disk ${used}`), toldAs(`file share ${left}`)]));

  const findings = (await observeVolumes(kube, later())).filter(isFixable).filter(({ fault }) => fault === 'orphan');
  expect(findings.map(explainFix)).toEqual([
    `make PersistentVolume pvc-used for disk ${used}, with reclaim policy Retain`,
    `make PersistentVolume pvc-left for file share ${left}, with reclaim policy Retain`,
  ]);
  for (const finding of findings) await fixVolume(kube, finding);
  expect((await observeVolumes(kube, later())).filter(({ fault }) => fault === 'orphan')).toEqual([]);
  await tend(later());
  expect(await problems()).toEqual([]);
  expect(await kube.get(persistentVolumes, { name: 'pvc-left' })).toMatchObject({
    spec: { persistentVolumeReclaimPolicy: 'Retain', csi: { volumeHandle: left } },
  });
  stop.abort();
});
