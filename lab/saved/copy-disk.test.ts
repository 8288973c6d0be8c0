import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goesOn, layersBelow } from '../machine/disk.ts';
import { openDisk, saveDisk } from './copy-disk.ts';
import { shareEqualFiles } from './share-files.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'saved-'));
});
afterEach(() => rm(home, { recursive: true }));

const blob = 'data/containerd/io.containerd.content.v1.content/blobs/sha256/1a';
const layer = (n: number): string => `io.containerd.snapshotter.v1.overlayfs/snapshots/${n}/fs`;
const database = 'data/containerd/io.containerd.metadata.v1.bolt/meta.db';

async function makeMachine(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(home, name);
  for (const [path, text] of Object.entries({ 'machine.json': '{}', 'upper/etc/hostname': name, ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

const inode = (path: string): number => statSync(path).ino;

test('a saved disk does not change with the machine; what can never change is not copied', async () => {
  const machine = await makeMachine('base-1', {
    [blob]: 'layer',
    [database]: 'before',
    [`data/containerd/${layer(1)}/bin/program`]: 'program',
    [`data/containerd/${layer(2)}/log`]: 'before',
    'data/etcd/db': 'before',
  });
  const saved = join(home, 'saved');
  await saveDisk(machine, saved, [layer(2)]);
  for (const path of ['upper/etc/hostname', database, `data/containerd/${layer(2)}/log`, 'data/etcd/db']) {
    const was = readFileSync(join(machine, path), 'utf8');
    appendFileSync(join(machine, path), ' and after');
    expect(readFileSync(join(saved, path), 'utf8'), path).toBe(was);
  }
  for (const path of [blob, `data/containerd/${layer(1)}/bin/program`])
    expect(inode(join(saved, path)), path).toBe(inode(join(machine, path)));
});

test('a disk that begins as a saved one lies on its root tree, and on those under it', async () => {
  const saved = await makeMachine('saved', { lower: '/saved/first/upper\n', [blob]: 'layer', [database]: 'saved' });
  const folder = join(home, 'base-1');
  await openDisk(saved, folder);
  expect(await layersBelow(folder)).toEqual([join(saved, 'upper'), '/saved/first/upper']);
  expect(existsSync(join(folder, 'upper/etc/hostname'))).toBe(false);
  expect(inode(join(folder, blob))).toBe(inode(join(saved, blob)));
  appendFileSync(join(folder, database), ' and changed');
  expect(readFileSync(join(saved, database), 'utf8')).toBe('saved');
});

const finished = 'upper/var/lib/cloud/instances/uhost-1/boot-finished';
const script = 'upper/var/lib/cloud/scripts/per-boot/isthmus-join';

test.each([
  ['that cloud-init has set up', { [finished]: '' }, true],
  ['of a machine that still joins', { [finished]: '', [script]: '' }, false],
  ['that was saved before cloud-init had come to its end', { 'upper/var/lib/cloud/seed': '' }, false],
])('a disk %s: whether its machine only goes on', async (_, files, expected) => {
  const folder = join(home, 'web-1');
  await openDisk(await makeMachine('saved', { ...files, [database]: '' }), folder);
  expect(existsSync(goesOn(folder))).toBe(expected);
});

test('equal large files of two machines become one, others stay what they are', async () => {
  const large = 'x'.repeat(300 * 1024);
  for (const [name, other] of [
    ['base-1', `${large}1`],
    ['base-2', `${large}2`],
  ] as const)
    await makeMachine(name, { 'upper/bin/kubelet': large, 'upper/bin/other': other, 'upper/etc/same': 'small' });
  await shareEqualFiles(home);
  const same = (path: string): boolean => inode(join(home, 'base-1', path)) === inode(join(home, 'base-2', path));
  expect(['upper/bin/kubelet', 'upper/bin/other', 'upper/etc/same'].map(same)).toEqual([true, false, false]);
  expect(readFileSync(join(home, 'base-2/upper/bin/other'), 'utf8').at(-1)).toBe('2');
});
