import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseMounts } from '#host/mounts.ts';
import { dial } from '#rpc/client.ts';
import {
  Controller,
  VolumeCapability_AccessMode_Mode as Mode,
  Node,
  type VolumeCapabilitySchema,
} from '#rpc/gen/csi_pb.js';
import { gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { nameOf } from '../../../support/local-calls.ts';
import { openShareDriver, type ShareDriver } from '../../../support/share-driver.ts';

const opts = { within: seconds(30) };
const many: MessageInitShape<typeof VolumeCapabilitySchema> = {
  accessMode: { mode: Mode.MULTI_NODE_MULTI_WRITER },
  accessType: { case: 'mount', value: {} },
};

let driver: ShareDriver;
let controller: ReturnType<typeof dial<typeof Controller>>;
let node: ReturnType<typeof dial<typeof Node>>;
let share: string;
beforeAll(async () => {
  driver = await openShareDriver();
  controller = dial(driver.socket, Controller);
  node = dial(driver.socket, Node);
  share = await driver.makeForeign('team-files');
}, 60_000);
afterAll(async () => {
  controller.close();
  node.close();
  await driver.close();
});

let count = 0;
let name: string;
beforeEach(() => {
  count += 1;
  name = nameOf(count);
});

function make(parameters: Readonly<Record<string, string>>, size = gibi(1)) {
  const asked = { name, parameters, capacityRange: { requiredBytes: BigInt(size) }, volumeCapabilities: [many] };
  return controller.ask.createVolume(asked, opts);
}

const remove = (volumeId: string) => controller.ask.deleteVolume({ volumeId }, opts);
const files = (...parts: readonly string[]): string => join(driver.filesOf(share), ...parts);

/** What is in the share beside our own records. */
const listed = async (): Promise<readonly string[]> =>
  (await readdir(files())).filter((one) => one !== '.isthmus').toSorted();

async function rootsLeft(): Promise<readonly string[]> {
  const mounts = parseMounts(await driver.machine.inside.mountinfo());
  return mounts.map(({ path }) => path).filter((path) => path.startsWith('/run/isthmus/shares'));
}

test('a directory of a file share is made once, for all users, and no root stays mounted', async () => {
  const made = await make({ share });
  expect(made.volume).toMatchObject({
    volumeId: `${share}/${name}`,
    capacityBytes: BigInt(gibi(1)),
    volumeContext: { server: expect.stringMatching(/^10\.9\.0\.\d+$/) },
    accessibleTopology: [{ segments: { 'isthmus.dev/ground': 'cloud' } }],
  });
  expect((await stat(files(name))).mode & 0o7777).toBe(0o777);
  await writeFile(files(name, 'a'), 'kept');
  expect((await make({ share })).volume).toEqual(made.volume);
  expect(await readFile(files(name, 'a'), 'utf8')).toBe('kept');
  await expect(make({ share }, gibi(2))).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    message: `directory ${name}: it is there already, for ${gibi(1)} bytes`,
  });
  expect(await rootsLeft()).toEqual([]);
});

test.each([
  ['archive', (own: string) => [`archived-${own}`]],
  ['retain', (own: string) => [own]],
  ['delete', () => []],
] as const)('a deleted volume’s directory with onDelete: %s', async (onDelete, left) => {
  const before = await listed();
  const made = await make({ share, onDelete });
  const outside = files('outside');
  await mkdir(outside, { recursive: true });
  await writeFile(join(outside, 'precious'), 'x');
  await mkdir(files(name, 'deep'));
  await symlink(outside, files(name, 'deep', 'link'));
  await remove(made.volume?.volumeId ?? '');
  await remove(made.volume?.volumeId ?? '');
  expect(await listed()).toEqual([...before, ...left(name), 'outside'].toSorted());
  expect(await readdir(outside)).toEqual(['precious']);
  await rm(outside, { recursive: true });
  expect(await readdir(files('.isthmus', 'shop'))).not.toContain(`${name}.json`);
  expect(await rootsLeft()).toEqual([]);
});

const recordOf = (): string => files('.isthmus', 'shop', `${name}.json`);

test.each(['the record', 'the record and the directory', 'and the mounted root'])(
  'a volume whose maker was killed is made by the next call: %s was there',
  async (what) => {
    const size = gibi(1);
    await make({ share });
    const { inode: _, ...record } = JSON.parse(await readFile(recordOf(), 'utf8')) as { readonly inode: string };
    await writeFile(recordOf(), JSON.stringify({ ...record, state: 'making' }));
    if (what === 'the record') await rm(files(name), { recursive: true });
    const again = await make({ share });
    const root = `/run/isthmus/shares/${share}@${again.volume?.volumeContext['server']}`;
    if (what === 'and the mounted root') {
      await driver.machine.must('mount', '-t', 'nfs4', `${again.volume?.volumeContext['server']}:/`, root);
      await make({ share });
    }
    expect(again.volume).toMatchObject({ volumeId: `${share}/${name}`, capacityBytes: BigInt(size) });
    expect((await stat(files(name))).mode & 0o7777).toBe(0o777);
    expect(JSON.parse(await readFile(recordOf(), 'utf8'))).toMatchObject({ state: 'ready' });
    expect(await rootsLeft()).toEqual([]);
  },
);

test.each(['noted', 'moved away', 'emptied'])(
  'a volume whose removal was killed is removed by the next call: its directory was %s',
  async (what) => {
    const before = await listed();
    const { volume } = await make({ share, onDelete: 'delete' });
    await writeFile(files(name, 'a'), 'x');
    const record = JSON.parse(await readFile(recordOf(), 'utf8')) as object;
    await writeFile(recordOf(), JSON.stringify({ ...record, state: 'removing' }));
    const trash = files('.isthmus', 'shop', `${name}.removing`);
    if (what !== 'noted') await rename(files(name), trash);
    if (what === 'emptied') await rm(trash, { recursive: true });
    await remove(volume?.volumeId ?? '');
    expect(await listed()).toEqual(before);
    expect((await readdir(files('.isthmus', 'shop'))).filter((one) => one.startsWith(name))).toEqual([]);
  },
);

test.each(['another directory', 'a link'] as const)(
  '%s in the place of a volume’s directory is left alone',
  async (what) => {
    const made = await make({ share, onDelete: 'delete' });
    const other = files(`other-${count}`);
    await mkdir(other);
    await writeFile(join(other, 'precious'), 'x');
    await rename(files(name), files(`moved-${count}`));
    if (what === 'a link') await symlink(other, files(name));
    else await rename(other, files(name));
    await expect(remove(made.volume?.volumeId ?? '')).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('so nothing is touched'),
    });
    expect(await readdir(files(name))).toEqual(['precious']);
  },
);

test('a directory without a record is no volume of ours, and stays', async () => {
  await mkdir(files('theirs'), { recursive: true });
  await remove(`${share}/theirs`);
  expect(await listed()).toContain('theirs');
});

test('our records are never looked for through a link', async () => {
  const linked = await driver.makeForeign('linked-files');
  const elsewhere = join(driver.machine.shared, 'elsewhere');
  await mkdir(elsewhere);
  await symlink(elsewhere, join(driver.filesOf(linked), '.isthmus'));
  await expect(make({ share: linked })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('not a directory with our records: move it away'),
  });
  expect(await readdir(elsewhere)).toEqual([]);
});

test('pods of one node read and write a directory, and one that may only read can’t write', async () => {
  const { volume } = await make({ share, onDelete: 'delete' });
  const volumeId = volume?.volumeId ?? '';
  const stagingTargetPath = `/var/lib/kubelet/stage-${count}`;
  const staged = { volumeId, stagingTargetPath, volumeCapability: many, volumeContext: volume?.volumeContext ?? {} };
  const paths = ['a', 'b'].map((pod) => `/var/lib/kubelet/pods/${count}-${pod}`);
  const [writer = '', reader = ''] = paths;
  for (let again = 0; again < 2; again++) {
    await node.ask.nodeStageVolume(staged, opts);
    await node.ask.nodePublishVolume({ ...staged, targetPath: writer }, opts);
    await node.ask.nodePublishVolume({ ...staged, targetPath: reader, readonly: true }, opts);
  }
  await driver.machine.must('sh', '-c', `echo hello > ${writer}/file`);
  expect(await driver.machine.must('cat', `${reader}/file`)).toBe('hello\n');
  await expect(driver.machine.must('touch', `${reader}/file`)).rejects.toThrow('Read-only file system');
  const { usage } = await node.ask.nodeGetVolumeStats({ volumeId, volumePath: writer }, opts);
  expect(usage.every(({ total }) => total > 0n)).toBe(true);
  for (const targetPath of paths) await node.ask.nodeUnpublishVolume({ volumeId, targetPath }, opts);
  await node.ask.nodeUnstageVolume({ volumeId, stagingTargetPath }, opts);
  await remove(volumeId);
  expect(await listed()).not.toContain(name);
});

test('a whole file share is made once with its mount point, grows, and goes with its volume', async () => {
  const { fileShares } = driver.cloud.cloud;
  const { volume } = await make({ kind: 'advanced' }, gibi(150));
  const volumeId = volume?.volumeId ?? '';
  expect(volume).toMatchObject({ volumeId: expect.stringMatching(/^ufs-/), capacityBytes: BigInt(gibi(200)) });
  expect((await make({ kind: 'advanced' }, gibi(150))).volume).toEqual(volume);
  expect(await fileShares.list('shop', opts)).toMatchObject({ ok: true, value: [{ id: volumeId, owner: name }] });
  await expect(make({ kind: 'basic' }, gibi(500))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  const grown = await controller.ask.controllerExpandVolume(
    { volumeId, capacityRange: { requiredBytes: BigInt(gibi(201)) } },
    opts,
  );
  expect(grown).toMatchObject({ capacityBytes: BigInt(gibi(300)), nodeExpansionRequired: false });
  expect(await fileShares.find(volumeId, opts)).toMatchObject({ ok: true, value: { size: gibi(300) } });
  await expect(make({ share: volumeId })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('it is a volume of this cluster itself'),
  });
  await remove(volumeId);
  await remove(volumeId);
  expect(await fileShares.list('shop', opts)).toEqual({ ok: true, value: [] });
});

test('a file share of others is never removed or grown', async () => {
  await expect(remove(share)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('it was not made by this cluster'),
  });
  const wish = { volumeId: share, capacityRange: { requiredBytes: BigInt(gibi(500)) } };
  await expect(controller.ask.controllerExpandVolume(wish, opts)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('it was not made by this cluster'),
  });
  expect(await driver.cloud.cloud.fileShares.find(share, opts)).toMatchObject({ ok: true, value: { size: gibi(100) } });
});

test.each([
  [{ share: 'ufs-none' }, gibi(1), 'INVALID_ARGUMENT', 'parameter share: "ufs-none": there is no such file share here'],
  [{ kind: 'gold' }, gibi(100), 'INVALID_ARGUMENT', 'parameter kind: "gold": write one of basic, advanced'],
  [{ kind: 'advanced' }, gibi(30_000), 'OUT_OF_RANGE', 'is more than'],
] as const)('what can’t be made is told: %o', async (parameters, size, code, message) => {
  await expect(make(parameters, size)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});
