import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { seconds } from '#unit/clock.ts';
import type { Bundle } from './bundle.ts';
import { checkBundle, formatBundleLines, readBundle } from './bundle-folder.ts';
import { exportBundle, importBundle } from './carry-bundle.ts';

const { signal } = new AbortController();
const contents = { 'bin/kubelet': 'k'.repeat(50_000), 'cni/loopback': 'l'.repeat(20_000), 'images/pause.tar': 'p' };
let at: string;
let folder: string;
let file: string;

beforeEach(() => {
  at = mkdtempSync(join(tmpdir(), 'isthmus-carry-'));
  [folder, file] = [join(at, 'bundle'), join(at, 'bundle.tar')];
  for (const part of ['bin', 'cni', 'images']) mkdirSync(join(folder, part), { recursive: true });
  for (const [path, text] of Object.entries(contents)) writeFileSync(join(folder, path), text);
  writeFileSync(join(folder, 'bundle.json'), JSON.stringify(bundle));
});
afterEach(() => rmSync(at, { recursive: true }));

const entry = (path: keyof typeof contents) => ({
  path,
  digest: `sha256:${createHash('sha256').update(contents[path]).digest('hex')}`,
  size: contents[path].length,
});
const bundle: Bundle = {
  format: 'isthmus-bundle/v1',
  versions: { kubernetes: '1.36.3', etcd: '3.6.8', coredns: '1.14.2', cniPlugins: '1.9.1', isthmus: '0.1.0' },
  bin: [{ ...entry('bin/kubelet'), name: 'kubelet', roles: ['node'] }],
  cni: [{ ...entry('cni/loopback'), name: 'loopback' }],
  images: [{ ...entry('images/pause.tar'), names: ['registry.k8s.io/pause:3'], roles: ['node'] }],
};

const importAs = (digest?: string) => importBundle({ file, folder: join(at, 'carried'), digest }, signal);
/** What there is beside the bundle that every test starts with. */
const left = (): string[] => readdirSync(at).filter((name) => name !== 'bundle');

test('what lies where a bundle would be written and is not of isthmus is neither removed nor written over', async () => {
  await exportBundle(folder, file, signal);
  const photos = join(at, 'carried.part');
  mkdirSync(photos);
  writeFileSync(join(photos, 'photo.jpg'), 'x');
  await expect(importAs()).rejects.toThrow(/carried\.part already exists, and isthmus did not make it/);
  expect(readdirSync(photos)).toEqual(['photo.jpg']);
  const other = join(at, 'other.tar');
  writeFileSync(`${other}.part`, 'my notes, kept for later');
  await expect(exportBundle(folder, other, signal)).rejects.toThrow(/other\.tar\.part already exists/);
  expect(readFileSync(`${other}.part`, 'utf8')).toBe('my notes, kept for later');
});

test('what a run that was killed left is replaced', async () => {
  writeFileSync(`${file}.part`, 'bundle.json\0');
  await exportBundle(folder, file, signal);
  mkdirSync(join(at, 'carried.part/bin'), { recursive: true });
  await importAs();
  expect(left().toSorted()).toEqual(['bundle.tar', 'carried']);
  expect(readdirSync(join(at, 'carried')).toSorted()).toEqual(['bin', 'bundle.json', 'cni', 'images']);
});

test('what was carried is the same bundle, and nothing is left beside it', async () => {
  const { digest } = await exportBundle(folder, file, signal);
  expect((await importAs(digest)).digest).toBe(digest);
  expect((await checkBundle(join(at, 'carried'))).bundle).toEqual(bundle);
  expect(readFileSync(join(at, 'carried/bin/kubelet'), 'utf8')).toBe(contents['bin/kubelet']);
  expect(left()).toEqual(['bundle.tar', 'carried']);
});

test('the same bundle gives the same file', async () => {
  await exportBundle(folder, file, signal);
  await exportBundle(folder, join(at, 'again.tar'), signal);
  expect(readFileSync(join(at, 'again.tar'))).toEqual(readFileSync(file));
});

test('every fault of a bundle is told at once, and such a bundle is not exported', async () => {
  writeFileSync(join(folder, 'bin/kubelet'), 'K'.repeat(50_000));
  writeFileSync(join(folder, 'images/pause.tar'), 'long');
  rmSync(join(folder, 'cni/loopback'));
  symlinkSync('../images/pause.tar', join(folder, 'cni/loopback'));
  const fault = await exportBundle(folder, file, signal).catch((e: Error) => e.message);
  expect(fault).toMatch(/bin\/kubelet: has the digest sha256:\w+ instead of sha256:\w+\n/);
  expect(fault).toMatch(/cni\/loopback: is no plain file\n/);
  expect(fault).toMatch(/images\/pause\.tar: has 4 bytes instead of 1\nmake or copy the bundle again/);
  rmSync(join(folder, 'cni/loopback'));
  await expect(checkBundle(folder)).rejects.toThrow(/cni\/loopback: is missing/);
  expect(left()).toEqual([]);
});

test.each([1000, 30_000, 60_000, 72_000])('a file that was cut off after %i bytes is refused', async (length) => {
  await exportBundle(folder, file, signal);
  truncateSync(file, length);
  await expect(importAs()).rejects.toThrow(/bundle\.tar.*; copy the file again/s);
  expect(left()).toEqual(['bundle.tar']);
});

test.each(['bin/kubelet', 'cni/loopback'] as const)('a file in which %s was changed is refused', async (path) => {
  await exportBundle(folder, file, signal);
  const bytes = readFileSync(file);
  bytes[bytes.indexOf(contents[path].slice(0, 10_000)) + 5000] = 0;
  writeFileSync(file, bytes);
  await expect(importAs()).rejects.toThrow(
    new RegExp(`bundle\\.tar: ${path}: has the digest .* instead of .*copy the file again`, 's'),
  );
  expect(left()).toEqual(['bundle.tar']);
});

test('whoever knows the digest gets that bundle and no other', async () => {
  await exportBundle(folder, file, signal);
  await expect(importAs(`sha256:${'0'.repeat(64)}`)).rejects.toThrow(/contains the bundle sha256:\w+, not sha256:0+; /);
  expect(left()).toEqual(['bundle.tar']);
});

test('a file that would write outside of its folder writes nothing', async () => {
  const outside = join(at, 'outside');
  const evil = { ...bundle, bin: [{ ...bundle.bin[0], path: '../outside' }] };
  writeFileSync(join(folder, 'bundle.json'), JSON.stringify(evil));
  copyFileSync(join(folder, 'bin/kubelet'), join(folder, 'evil'));
  await packed('--transform=s,^evil,../outside,', 'bundle.json', 'evil');
  await expect(importAs()).rejects.toThrow(/bundle\.json: is not a bundle of format isthmus-bundle\/v1: bin\.0\.path/);
  // The list is honest and the file isn't: a link stands where a program should.
  writeFileSync(join(folder, 'bundle.json'), JSON.stringify(bundle));
  rmSync(join(folder, 'bin/kubelet'));
  symlinkSync(outside, join(folder, 'bin/kubelet'));
  await packed('bundle.json', 'bin/kubelet', 'cni/loopback', 'images/pause.tar');
  await expect(importAs()).rejects.toThrow(/bin\/kubelet: is no plain file/);
  expect(existsSync(outside)).toBe(false);
  expect(left()).toEqual(['bundle.tar']);
});

test.each([
  ['some other file', 'no archive at all', /bundle\.tar is not a complete bundle: tar: .*copy the file again/s],
  ['nothing', undefined, /bundle\.tar does not exist; give the file/],
])('%s instead of an exported bundle is told', async (_title, text, message) => {
  if (text !== undefined) writeFileSync(file, text);
  await expect(importAs()).rejects.toThrow(message);
});

test('what is there already is left alone', async () => {
  writeFileSync(file, 'mine');
  await expect(exportBundle(folder, file, signal)).rejects.toThrow(/bundle\.tar already exists; /);
  expect(readFileSync(file, 'utf8')).toBe('mine');
  mkdirSync(join(at, 'carried'));
  await expect(importAs()).rejects.toThrow(/carried already exists; /);
});

test('a folder that is no bundle is told with what would be one', async () => {
  await expect(readBundle(join(at, 'none'))).rejects.toThrow(/none\/bundle\.json: no such file; give the folder/);
  writeFileSync(join(folder, 'bundle.json'), '{');
  await expect(readBundle(folder)).rejects.toThrow(/bundle\.json: is not JSON: .*; make or copy/);
});

test('the lines for cluster.yaml name place and digest', () => {
  expect(formatBundleLines('sha256:ab', 'http://192.168.50.2/bundle')).toBe(
    'bundle:\n  url: http://192.168.50.2/bundle\n  digest: sha256:ab\n',
  );
});

async function packed(...args: string[]): Promise<void> {
  await must(localHost('here'), ['tar', '-cf', file, '-C', folder, ...args], { within: seconds(30) });
}
