import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { nameOf, onFile } from '../../../support/local-calls.ts';
import { type LocalMachine, type LocalServer, openLocalMachine, pool } from '../../../support/local-machine.ts';

const within = seconds(60);
let machine: LocalMachine;
let server: LocalServer;

beforeAll(async () => {
  machine = await openLocalMachine(gibi(1));
  server = await machine.start();
});
afterAll(() => machine.close());

const make = (n: number) =>
  server.controller.createVolume(
    { name: nameOf(n), capacityRange: { requiredBytes: BigInt(mebi(16)) }, volumeCapabilities: [onFile('ext4')] },
    { within },
  );
const remove = (volumeId: string) => server.controller.deleteVolume({ volumeId }, { within });
const say = (text: string): Promise<string> => machine.must('sh', '-c', text);

test.each([
  ['that is not there', '/srv/none', '', '', 'is not there: make it with mkdir -p /srv/none, or mount its disk'],
  [
    'on tmpfs',
    '/srv/memory',
    'mkdir -p /srv/memory && mount -t tmpfs memory /srv/memory',
    'umount /srv/memory',
    'is on tmpfs, which is empty after each start of the machine; volumes need ext4 or xfs',
  ],
  [
    'on an overlay',
    '/srv/over',
    'mkdir -p /srv/over',
    '',
    'is on an overlay, as containers have; volumes need ext4 or xfs',
  ],
  [
    'behind a link',
    '/srv/link',
    `ln -s ${pool} /srv/link`,
    'rm /srv/link',
    'leads through the symbolic link /srv/link: write the path that it leads to',
  ],
  ['that is a file', '/srv/file', 'touch /srv/file', 'rm /srv/file', 'is no folder'],
  [
    'that is read-only',
    `${pool}/ro`,
    `mkdir ${pool}/ro && mount --bind ${pool}/ro ${pool}/ro && mount -o remount,bind,ro ${pool}/ro`,
    `umount ${pool}/ro && rmdir ${pool}/ro`,
    'is read-only: look at the kernel log for errors of its disk, and mount it writable',
  ],
  [
    'of another machine',
    `${pool}/other`,
    `mkdir ${pool}/other && echo '{"format":"isthmus-local-folder/v1","id":"0123456789","node":"base-9"}' >${pool}/other/.isthmus-folder.json`,
    `rm -r ${pool}/other`,
    'holds volumes of the machine base-9, as its mark .isthmus-folder.json says; give this machine another folder',
  ],
  [
    'of a later version',
    `${pool}/later`,
    `mkdir ${pool}/later && echo '{"format":"isthmus-local-folder/v2"}' >${pool}/later/.isthmus-folder.json`,
    `rm -r ${pool}/later`,
    'has a mark .isthmus-folder.json that is broken or of another version of Isthmus; look at it',
  ],
])('a folder %s takes no volume, and the claim is told why', async (_, path, before, after, fault) => {
  await say(before);
  await machine.give({ directories: [path] });
  await expect(make(1)).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: `base-1 has no room for 16Mi: ${path} ${fault}`,
  });
  expect(await server.controller.getCapacity({}, { within })).toMatchObject({ availableCapacity: 0n });
  await say(after);
});

test('a machine that gives nothing says where to write it', async () => {
  await machine.give({ directories: [] });
  await expect(make(1)).rejects.toMatchObject({
    message: 'base-1 gives no folder to volumes: name one in cluster.yaml, machines[].storage.directories of base-1',
  });
});

test('a volume whose disk is not mounted is neither missing nor made anew, and is there when it is mounted', async () => {
  await machine.give({});
  const volumeId = (await make(2)).volume?.volumeId ?? '';
  const where = (await say(`findmnt -n -o SOURCE ${pool}`)).trim();
  await say(`umount ${pool}`);
  const lost = /is not there|has lost its mark|is on an overlay/;
  await expect(remove(volumeId)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(lost) });
  await expect(make(3)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: expect.stringMatching(lost) });
  await expect(
    server.node.nodeStageVolume(
      { volumeId, stagingTargetPath: '/var/lib/kubelet/s', volumeCapability: onFile('ext4') },
      { within },
    ),
  ).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/^volume pvc-\S+ is on base-1 in \/srv\/volumes, which /),
  });
  await say(`mount ${where} ${pool}`);
  await remove(volumeId);
  expect((await machine.remains()).files).toEqual([]);
});

test('a pod can end while the disk of its volume is away, and the volume works again with the disk', async () => {
  const volumeId = (await make(30)).volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: '/var/lib/kubelet/s', volumeCapability: onFile('ext4') };
  await say('mkdir -p /var/lib/kubelet/s');
  await server.node.nodeStageVolume(staged, { within });
  await say('echo kept >/var/lib/kubelet/s/file');
  const where = (await say(`findmnt -n -o SOURCE ${pool}`)).trim();
  await say(`umount --lazy ${pool}`);
  await server.node.nodeUnstageVolume(staged, { within });
  expect(await say('findmnt -n /var/lib/kubelet/s || true')).toBe('');
  await expect(server.node.nodeStageVolume(staged, { within })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await say(`mount ${where} ${pool}`);
  await server.node.nodeStageVolume(staged, { within });
  expect(await say('cat /var/lib/kubelet/s/file')).toBe('kept\n');
  await server.node.nodeUnstageVolume(staged, { within });
  await remove(volumeId);
  expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
});

test('another disk under the same path is told by its mark', async () => {
  await make(4);
  await say(`mv ${pool}/.isthmus-folder.json ${pool}/kept`);
  await expect(make(5)).rejects.toMatchObject({
    message: expect.stringContaining('has lost its mark .isthmus-folder.json'),
  });
  await say(`sed 's/"id":"[0-9a-f]*"/"id":"0123456789"/' ${pool}/kept >${pool}/.isthmus-folder.json`);
  await expect(make(5)).rejects.toMatchObject({ message: expect.stringContaining('is another folder than before') });
  await say(`mv ${pool}/kept ${pool}/.isthmus-folder.json`);
  await remove((await make(4)).volume?.volumeId ?? '');
});

test('a folder that was taken out of cluster.yaml takes no new volume, and those in it live on', async () => {
  const volumeId = (await make(6)).volume?.volumeId ?? '';
  await machine.give({ directories: [] });
  await expect(make(7)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
  await say('mkdir -p /var/lib/kubelet/s');
  await server.node.nodeStageVolume(
    { volumeId, stagingTargetPath: '/var/lib/kubelet/s', volumeCapability: onFile('ext4') },
    { within },
  );
  await server.node.nodeUnstageVolume({ volumeId, stagingTargetPath: '/var/lib/kubelet/s' }, { within });
  await remove(volumeId);
  await machine.give({});
  expect((await machine.remains()).files).toEqual([]);
});

test.each([
  ['a link in its place', (at: string) => `mv ${at} ${pool}/aside && ln -s ${pool}/aside ${at}`, /is no folder/],
  [
    'a link for its file',
    (at: string) => `mv ${at}/image ${pool}/aside && ln -s ${pool}/aside ${at}/image`,
    /has image, which is no plain file/,
  ],
  [
    'a second name for its file',
    (at: string) => `ln ${at}/image ${pool}/aside`,
    /has image, which is no plain file of its own/,
  ],
  [
    'a file of somebody else beside it',
    (at: string) => `echo precious >${at}/notes`,
    /holds "notes", which is not of a volume/,
  ],
  [
    'the record of another folder',
    (at: string) => `sed -i 's/"pool": "[0-9a-f]*"/"pool": "0123456789"/' ${at}/record.json`,
    /of another folder/,
  ],
  [
    'the record of another machine',
    (at: string) => `sed -i 's/"node": "base-1"/"node": "base-9"/' ${at}/record.json`,
    /of the machine base-9/,
  ],
  ['a torn record', (at: string) => `truncate -s 100 ${at}/record.json`, /has no record, or one that is broken/],
  ['no record', (at: string) => `rm ${at}/record.json`, /has no record/],
])('what can not be proven to be a volume of ours is not removed: %s', async (_, meddle, told) => {
  const volumeId = (await make(8)).volume?.volumeId ?? '';
  const at = `${pool}/volumes/${nameOf(8)}`;
  await say(`cp -a ${at} ${pool}/copy && ${meddle(at)}`);
  const before = await say(
    `cd ${pool} && find volumes trash aside copy 2>/dev/null | sort; sha256sum ${at}/* 2>/dev/null`,
  );
  await expect(remove(volumeId)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringMatching(told) });
  expect(
    await say(`cd ${pool} && find volumes trash aside copy 2>/dev/null | sort; sha256sum ${at}/* 2>/dev/null`),
  ).toBe(before);
  // Its room is still counted, and others are made and removed beside it.
  await remove((await make(9)).volume?.volumeId ?? '');
  await say(`rm -rf ${at} ${pool}/aside && mv ${pool}/copy ${at}`);
  await remove(volumeId);
  expect((await machine.remains()).files).toEqual([]);
});

test('handles of other machines, of other drivers and of nobody are told apart', async () => {
  await expect(remove('base-9/0123456789/pvc-1')).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: 'volume pvc-1 is on the machine base-9, and this is base-1',
  });
  await expect(remove('bsr-12345')).resolves.toBeDefined();
  await expect(remove('base-1/0123456789/pvc-1')).resolves.toBeDefined();
  await expect(remove('base-1/0123456789/../../../etc')).resolves.toBeDefined();
});

test('a topology of another machine is refused so that the pod is placed anew', async () => {
  const asked = (node: string) => ({
    name: nameOf(20),
    volumeCapabilities: [onFile('ext4')],
    capacityRange: { requiredBytes: BigInt(mebi(16)) },
    accessibilityRequirements: { requisite: [{ segments: { 'topology.local.isthmus.dev/node': node } }] },
  });
  await expect(server.controller.createVolume(asked('base-9'), { within })).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: 'the volume is to be on base-9, and this is base-1',
  });
  const { volume } = await server.controller.createVolume(asked('base-1'), { within });
  expect(volume?.accessibleTopology).toMatchObject([{ segments: { 'topology.local.isthmus.dev/node': 'base-1' } }]);
  await remove(volume?.volumeId ?? '');
});

test.each([
  [
    'a folder that is not there',
    ['/srv/none'],
    {
      status: 'False',
      reason: 'FolderUnusable',
      message: '/srv/none is not there: make it with mkdir -p /srv/none, or mount its disk',
    },
  ],
  [
    'how much room there is',
    [pool],
    { status: 'True', reason: 'Usable', message: expect.stringMatching(/^\/srv\/volumes has room for \d/) },
  ],
  ['nothing when nothing is given', [], 'nothing'],
])('the driver says of its machine %s', async (_, directories, wanted) => {
  await machine.give({ directories });
  server = await machine.start();
  await waitFor('the driver to have looked', () => Promise.resolve(server.said.length > 0), { within: seconds(20) });
  expect(server.said[0]).toEqual(wanted);
});

test('a volume whose PersistentVolume has gone is told by its machine, and is deleted like another one when it has one again', async () => {
  await machine.give({ directories: [pool] });
  server = await machine.start();
  const [kept, left] = [await make(20), await make(21)].map(({ volume }) => volume?.volumeId ?? '');
  const record = `${pool}/volumes/${nameOf(21)}/record.json`;
  await say(`sed -i 's/"made": "[^"]*"/"made": "2020-01-01T00:00:00Z"/' ${pool}/volumes/*/record.json`);
  const lastSaid = async (named: readonly string[]): Promise<unknown> => {
    server = await machine.start({ named });
    await waitFor('the driver to have looked', () => Promise.resolve(server.said.length > 0), { within: seconds(20) });
    return server.said[0];
  };
  expect(await lastSaid([kept ?? ''])).toEqual({
    status: 'False',
    reason: 'LeftBehind',
    message: `volume ${left} (16Mi, ext4) has no PersistentVolume, so nobody can use it and its room is taken: isthmus doctor storage --fix makes one that keeps it`,
  });
  expect(await say(`cat ${record}`)).toContain('"state": "ready"');
  expect(await lastSaid([kept ?? '', left ?? ''])).toMatchObject({ status: 'True', reason: 'Usable' });
  for (const volumeId of [kept, left]) await remove(volumeId ?? '');
  expect(await say(`ls ${pool}/volumes`)).toBe('');
});
