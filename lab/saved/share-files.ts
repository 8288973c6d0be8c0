import { link, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { command } from '../toolchain/command.ts';

/** Below this a file is not worth a look. @unit KiB */
const worthIt = 256;

/**
 * Gives equal large files below a folder one content: five machines have the same programs and the same container images. For
 * folders in which nothing is written to any more.
 */
export async function shareEqualFiles(folder: string): Promise<void> {
  const found = await command('find', [
    folder,
    '-type',
    'f',
    '-size',
    `+${worthIt}k`,
    '-printf',
    '%s %m %U %G %D:%i %p\\0',
  ]);
  const files = found.split('\0').filter((line) => line !== '');
  const alike = Map.groupBy(files.map(parse), ({ kind }) => kind);
  for (const group of alike.values()) await shareGroup(group);
}

interface Found {
  /** Files of another kind need not be compared. */
  readonly kind: string;
  readonly inode: string;
  readonly path: string;
}

function parse(line: string): Found {
  const [size, mode, owner, group, inode = '', ...path] = line.split(' ');
  const whole = path.join(' ');
  return { kind: [size, mode, owner, group, basename(whole)].join(' '), inode, path: whole };
}

async function shareGroup(files: readonly Found[]): Promise<void> {
  const kept: Found[] = [];
  for (const file of files) {
    const same = await findSame(file, kept);
    if (same === undefined) kept.push(file);
    else if (same.inode !== file.inode) {
      await link(same.path, `${file.path}.shared`);
      await rename(`${file.path}.shared`, file.path);
    }
  }
}

async function findSame(file: Found, kept: readonly Found[]): Promise<Found | undefined> {
  for (const other of kept) if (other.inode === file.inode || (await areEqual(other.path, file.path))) return other;
  return undefined;
}

function areEqual(one: string, other: string): Promise<boolean> {
  return command('cmp', ['--silent', one, other]).then(
    () => true,
    () => false,
  );
}
