import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '#host/files.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { command } from '../toolchain/command.ts';

/** A file as a block device of this computer's kernel. */
export interface LoopDevice {
  /** `loop3` */
  readonly name: string;
  /** Its number: `7:3`. */
  readonly number: string;
}

/** Makes one more block device of a file. */
export async function attachLoop(file: string): Promise<LoopDevice> {
  const device = (await command('losetup', ['--find', '--show', file])).trim();
  const name = device.replace('/dev/', '');
  return { name, number: (await readFile(`/sys/class/block/${name}/dev`, 'utf8')).trim() };
}

/** @fails WaitedTooLong while somebody holds the device: it goes with its last holder then */
export async function detachLoop(file: string, name: string): Promise<void> {
  await waitFor(
    `nobody to hold ${name}, the block device of ${file}`,
    async () => {
      const isThere = (await loopsOf(file)).includes(name);
      if (isThere) await order('--detach', name);
      return !isThere;
    },
    { within: seconds(10), every: ms(50) },
  );
}

/** The block devices of a file that has grown have the new size. */
export async function growLoops(file: string): Promise<void> {
  for (const name of await loopsOf(file)) await order('--set-capacity', name);
}

/** `loop3` */
export async function loopsOf(file: string): Promise<readonly string[]> {
  const said = await command('losetup', ['--associated', file, '--noheadings', '--output', 'NAME']);
  return said.split('\n').flatMap((line) => (line === '' ? [] : [line.trim().replace('/dev/', '')]));
}

/** It may have gone between the look and the order. */
async function order(what: '--detach' | '--set-capacity', name: string): Promise<void> {
  await command('losetup', [what, `/dev/${name}`]).catch((e: unknown) => {
    if (!/No such device/.test(String(e))) throw e;
  });
}

/** A block device, and where the file behind it lies. */
export interface LoopSeen extends LoopDevice {
  /** As it was called in the mount namespace of who made the device. */
  readonly file: string;
  readonly inode: number;
  /** Of the file system that the file lies on: `0:57`. */
  readonly fileSystem: string;
}

export async function observeLoops(): Promise<readonly LoopSeen[]> {
  const output = ['--output', 'NAME,MAJ:MIN,BACK-INO,BACK-MAJ:MIN,BACK-FILE'];
  return parseLoops(await command('losetup', ['--list', '--json', ...output]));
}

/** What `losetup --json` says: nothing at all when there is none. Which of its values are numbers differs between versions. */
export function parseLoops(text: string): readonly LoopSeen[] {
  if (text.trim() === '') return [];
  const { loopdevices } = JSON.parse(text) as {
    readonly loopdevices: readonly Record<string, string | number | null>[];
  };
  return loopdevices.map((row) => ({
    name: String(row.name).replace('/dev/', ''),
    number: String(row['maj:min']).trim(),
    file: String(row['back-file'] ?? ''),
    inode: Number(row['back-ino']),
    fileSystem: String(row['back-maj:min']).trim(),
  }));
}

/**
 * Block devices that processes of a machine made of its own files and disks, as kubelet does for raw block volumes: unlike its
 * mounts they don't end with it. Which are its, the file systems tell that it had; init.sh writes down their numbers.
 * @shape folder: of the machine; disks: numbers of the block devices that it has, which may have file systems on them; the result: those
 *         that lie on others before these
 */
export async function observeInnerLoops(folder: string, disks: readonly string[]): Promise<readonly string[]> {
  const own = new Set([...((await readIfThere(join(folder, 'file-systems'))) ?? '').split(/\s+/), ...disks]);
  own.delete('');
  const data = join(folder, 'data');
  const dataLiesOn = existsSync(data) ? deviceNumber((await stat(data)).dev) : undefined;
  const inner: string[] = [];
  const loops = await observeLoops();
  for (let found = -1; found !== inner.length; ) {
    found = inner.length;
    for (const loop of loops) {
      if (inner.includes(loop.name) || loop.file.startsWith(`${folder}/`)) continue;
      const isOwn = own.has(loop.fileSystem) || (loop.fileSystem === dataLiesOn && (await hasInode(data, loop)));
      if (!isOwn) continue;
      inner.push(loop.name);
      // It may have a file system, too, with a file of which there is a further one.
      own.add(loop.number);
    }
  }
  return inner.toReversed();
}

/** The file of a device that was made on this computer itself is found under its name. */
async function hasInode(folder: string, { inode, file }: LoopSeen): Promise<boolean> {
  const there = await stat(file).catch(() => undefined);
  if (there?.ino === inode) return false;
  return (await command('find', [folder, '-xdev', '-inum', String(inode), '-print', '-quit'])) !== '';
}

export async function detachInnerLoops(folder: string, disks: readonly string[]): Promise<void> {
  for (const name of await observeInnerLoops(folder, disks)) await order('--detach', name);
}

/**
 * `7:3` of what stat(2) tells.
 * @source glibc sysmacros.h: 12 bits of the major and 20 of the minor number
 */
export function deviceNumber(encoded: number): string {
  return `${(encoded >>> 8) & 0xfff}:${(encoded & 0xff) | ((encoded >>> 12) & 0xfff00)}`;
}
