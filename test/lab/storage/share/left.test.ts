import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemNamespace } from '#kube/api/settings.ts';
import { events, recordEvents } from '#kube/events.ts';
import type { KubeObject } from '#kube/kube.ts';
import { csiDrivers, namespaces, persistentVolumes, storageClasses } from '#kube/resources.ts';
import { dial } from '#rpc/client.ts';
import { Controller } from '#rpc/gen/csi_pb.js';
import { gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import { fixVolume, observeVolumes } from '../../../../src/storage/doctor/doctor.ts';
import { explainFix, isFixable } from '../../../../src/storage/doctor/plan-doctor.ts';
import { inFlight } from '../../../../src/storage/in-flight.ts';
import { tendCloudOrphans } from '../../../../src/storage/orphans/cloud-orphan-controller.ts';
import { shareRoots } from '../../../../src/storage/share/share-roots.ts';
import { tendLeftFolders } from '../../../../src/storage/share/tend-left-folders.ts';
import { storageStatus } from '../../../../src/storage/status.ts';
import { apiServerForTests } from '../../../support/api-server-for-tests.ts';
import { testMark as mark } from '../../../support/disk-driver.ts';
import { nameOf, onFile } from '../../../support/local-calls.ts';
import { openShareDriver, type ShareDriver } from '../../../support/share-driver.ts';

/** What becomes of directories of file shares whose PersistentVolumes are gone: a real API server, shares with files, and the machine's own mount. */
const api = apiServerForTests();
const place = { vpc: 'uvnet-disks', subnet: 'subnet-disks' };
let driver: ShareDriver;
let share: string;
let controller: ReturnType<typeof dial<typeof Controller>>;

beforeAll(async () => {
  driver = await openShareDriver();
  controller = dial(driver.socket, Controller);
  share = await driver.makeForeign('left-files');
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: systemNamespace } });
  await kube.create(csiDrivers, { metadata: { name: 'ufs.isthmus.dev' }, spec: {} } as KubeObject);
  const parameters = { share, onDelete: 'delete' };
  await kube.create(storageClasses, { metadata: { name: 'team-files' }, provisioner: 'ufs.isthmus.dev', parameters });
}, 120_000);
afterAll(async () => {
  controller.close();
  await driver.close();
});

const files = (...parts: readonly string[]): string => join(driver.filesOf(share), ...parts);
const records = (...parts: readonly string[]): string => files('.isthmus', mark, ...parts);
const { problems, tend } = {
  problems: async () =>
    (await storageStatus({ kube: api.kube, nodes: [], outside: undefined, signal: AbortSignal.timeout(60_000) }))
      .problems,
  tend: (noted: string[] = []) =>
    tendLeftFolders({
      kube: api.kube,
      shares: driver.cloud.cloud.fileShares,
      inside: driver.machine.inside,
      roots: shareRoots(driver.machine.inside, () => {}),
      flight: inFlight(),
      mark,
      place,
      before: () => {},
      note: (facts) => noted.push(JSON.stringify(facts)),
    }),
};

async function make(name: string): Promise<void> {
  const asked = {
    name,
    parameters: { share, onDelete: 'delete' },
    capacityRange: { requiredBytes: BigInt(gibi(2)) },
    volumeCapabilities: [onFile('')],
  };
  await controller.ask.createVolume(asked, { within: seconds(30) });
  await writeFile(files(name, 'photo'), name);
}

/** As if it had been written two hours ago. */
const age = (name: string): Promise<void> => {
  const at = new Date(Date.now() - 7_200_000);
  return utimes(records(`${name}.json`), at, at);
};

async function begun(name: string, state: 'making' | 'removing'): Promise<void> {
  await make(name);
  const record = JSON.parse(await readFile(records(`${name}.json`), 'utf8')) as object;
  await writeFile(records(`${name}.json`), JSON.stringify({ ...record, state }));
  await age(name);
}

test('a directory that no PersistentVolume names is told after an hour, kept by one on request, and never removed', async () => {
  const { kube } = api;
  const [left, named] = [nameOf(1), nameOf(2)];
  for (const name of [left, named]) await make(name);
  await kube.create(persistentVolumes, {
    metadata: { name: named },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteMany'],
      csi: { driver: 'ufs.isthmus.dev', volumeHandle: `${share}/${named}`, volumeAttributes: { server: '10.9.0.7' } },
    },
  } as KubeObject);
  await age(named);
  await tend();
  // It may be on its way to its PersistentVolume.
  expect(await problems()).toEqual([]);
  await age(left);
  await tend();
  expect(await problems()).toEqual([
    `directory ${share}/${left} (2Gi) has no PersistentVolume, so nobody can use it: isthmus doctor storage --fix makes one that keeps it`,
  ]);

  const stop = new AbortController();
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: stop.signal,
    onLost: () => {},
  });
  const none = { list: async () => ok([]) };
  await tendCloudOrphans({ kube, disks: none, shares: none, events: told, mark });
  await told.flush(seconds(5));
  stop.abort();
  expect((await kube.list(events)).flatMap(({ reason, note }) => (reason === 'WithoutVolume' ? [note] : []))).toEqual([
    `no PersistentVolume names directory ${share}/${left} of this cluster: isthmus doctor storage tells what helps`,
  ]);

  // Nobody makes volumes of it any more, and nobody has looked away.
  await kube.delete(storageClasses, { name: 'team-files' });
  await kube.delete(persistentVolumes, { name: named });
  await kube.merge(persistentVolumes, { name: named }, { metadata: { finalizers: null } });
  await age(named);
  await tend();
  expect((await problems()).map((line) => line.split(' ')[1])).toEqual([`${share}/${left}`, `${share}/${named}`]);

  const cloud = {
    disks: { ...none, find: async () => Promise.reject(new Error('no disk is asked for')) },
    shares: { ...none, mountPoints: driver.cloud.cloud.fileShares.mountPoints.bind(driver.cloud.cloud.fileShares) },
    makes: { disks: false, shares: true },
    mark,
    region: driver.cloud.region,
    place,
  };
  const findings = (await observeVolumes(kube, cloud)).filter(isFixable);
  expect(findings.map(explainFix)).toEqual(
    [left, named].map(
      (name) => `make PersistentVolume ${name} for directory ${share}/${name}, with reclaim policy Retain`,
    ),
  );
  for (const finding of findings) await fixVolume(kube, finding);
  expect(await observeVolumes(kube, cloud)).not.toContainEqual(expect.objectContaining({ fault: 'orphan' }));
  await tend();
  expect(await problems()).toEqual([]);
  for (const name of [left, named]) expect(await readFile(files(name, 'photo'), 'utf8')).toBe(name);
});

test('of directories that were never finished, or were being removed, the rest is removed', async () => {
  const [empty, full, removed] = [nameOf(3), nameOf(4), nameOf(5)];
  for (const name of [empty, full]) await begun(name, 'making');
  await begun(removed, 'removing');
  await driver.machine.inside.run(
    ['rm', join(driver.machine.inside.at('/run/isthmus-lab/shares'), share, empty, 'photo')],
    {
      within: seconds(5),
    },
  );
  const noted: string[] = [];
  await tend(noted);
  const [listed, kept] = [await readdir(files()), await readdir(records())];
  expect({ listed: listed.includes(empty), kept: kept.includes(`${empty}.json`) }).toEqual({
    listed: false,
    kept: false,
  });
  expect({ listed: listed.includes(removed), kept: kept.filter((name) => name.startsWith(removed)) }).toEqual({
    listed: false,
    kept: [],
  });
  // Somebody has put something into it: that is looked at by a person.
  expect(await readFile(files(full, 'photo'), 'utf8')).toBe(full);
  expect(noted.join()).toContain(`directory ${full}: another directory or file lies in its place`);
});

test('a share that cannot be looked into keeps what was told of it', async () => {
  const { kube } = api;
  const says =
    'directory ufs-other/pvc-1 (2Gi) has no PersistentVolume, so nobody can use it: isthmus doctor storage --fix makes one that keeps it';
  const annotations = { 'isthmus.dev/directories-left-behind': says };
  const tell = () => kube.merge(csiDrivers, { name: 'ufs.isthmus.dev' }, { metadata: { annotations } });
  await tell();
  // The cloud says that it is gone, with all that was in it.
  await tend();
  expect(await problems()).toEqual([]);
  await tell();
  const noted: string[] = [];
  await tendLeftFolders({
    kube,
    shares: { mountPoints: async () => ok([]) },
    inside: driver.machine.inside,
    roots: shareRoots(driver.machine.inside, () => {}),
    flight: inFlight(),
    mark,
    place,
    before: () => {},
    note: (facts) => noted.push(JSON.stringify(facts)),
  });
  expect(await problems()).toEqual([says]);
  expect(noted.join()).toContain('it has no mount point in uvnet-disks');
});
