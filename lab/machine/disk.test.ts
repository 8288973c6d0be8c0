import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'vitest';
import { makeDisk } from './disk.ts';

let folder: string;
let image: string;
let disk: string;
const spec = { hostname: 'copy', address: '10.9.0.9', firstBoot: 'cloud-init' } as const;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'disk-'));
  [image, disk] = [join(folder, 'image'), join(folder, 'disk')];
  mkdirSync(join(image, 'upper/etc'), { recursive: true });
  mkdirSync(join(image, 'data/etcd'), { recursive: true });
  writeFileSync(join(folder, 'outside'), 'untouched');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (path: string): string => readFileSync(join(disk, path), 'utf8');

test('a disk that is a copy has what the other had, and its own name', async () => {
  writeFileSync(join(image, 'upper/etc/hostname'), 'original\n');
  writeFileSync(join(image, 'upper/etc/by-hand'), 'kept');
  writeFileSync(join(image, 'data/etcd/by-hand'), 'kept');
  await makeDisk(disk, { ...spec, copyOf: image });
  assert.deepEqual(['upper/etc/by-hand', 'data/etcd/by-hand', 'upper/etc/hostname'].map(read), [
    'kept',
    'kept',
    'copy\n',
  ]);
});

test('a link that a guest left in place of a file is replaced, and not followed out of the disk', async () => {
  symlinkSync(join(folder, 'outside'), join(image, 'upper/etc/hosts'));
  await makeDisk(disk, { ...spec, copyOf: image });
  assert.equal(readFileSync(join(folder, 'outside'), 'utf8'), 'untouched');
  assert.match(read('upper/etc/hosts'), /10\.9\.0\.9 copy/);
});

test('a link that a guest left in place of a folder is refused with its name, and there is no disk', async () => {
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync(join(folder, 'elsewhere'), join(image, 'upper/etc/ssh'));
  await assert.rejects(makeDisk(disk, { ...spec, copyOf: image }), /copied \/etc\/ssh is no folder; make it one/);
  assert.deepEqual(readdirSync(join(folder, 'elsewhere')), []);
  assert.throws(() => read('upper/etc/hostname'), /ENOENT/);
});
