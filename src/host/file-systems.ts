import type { Bytes } from '#unit/bytes.ts';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { HostError, type Ran } from './host.ts';
import type { Inside } from './inside.ts';

export const fileSystemTypes = ['ext4', 'xfs'] as const;
export type FileSystemType = (typeof fileSystemTypes)[number];

/** What libblkid sees on a device. */
export type Probe =
  | { readonly sees: 'nothing' }
  | { readonly sees: 'one'; readonly what: string; readonly uuid: string | undefined }
  /** Signatures of several, or one that does not add up. */
  | { readonly sees: 'several' };

/** Times of tools that work on the whole device: nobody else ends them, and a repeat of the call waits for them. */
const forTools: Ms = minutes(10);
const forProbe: Ms = seconds(60);

/**
 * Asks the machine's `blkid` to read the device itself, past its cache.
 * @fails HostError: not installed, out of time, or it could not read the device
 */
export async function probeDevice(inside: Inside, path: string): Promise<Probe> {
  const argv = ['blkid', '--probe', '--info', '--output', 'export', path];
  const { code, stdout, stderr } = await inside.run(argv, { within: forProbe });
  const probe = parseProbe(code, stdout);
  if (probe === undefined)
    throw new HostError(
      'this machine',
      argv.join(' '),
      `exit code ${code}: ${stderr.trim() || 'cannot read the device'}`,
    );
  return probe;
}

/**
 * @shape undefined for an answer that tells nothing for certain. Without `--info` a device that cannot be opened or read has the answer of a
 *        blank one, exit code 2 and not a word (seen with util-linux 2.38.1); with it the size of a sector proves that it was read.
 * @source blkid(8): exit code 8 is an ambivalent result
 */
export function parseProbe(code: number, stdout: string): Probe | undefined {
  if (code === 8) return { sees: 'several' };
  const fields = new Map(stdout.split('\n').map((line) => line.split('=', 2) as [string, string]));
  if (code !== 0 || !fields.has('LOGICAL_SECTOR_SIZE')) return undefined;
  const table = fields.get('PTTYPE');
  const what = fields.get('TYPE') ?? (table === undefined ? undefined : `a partition table (${table})`);
  return what === undefined ? { sees: 'nothing' } : { sees: 'one', what, uuid: fields.get('UUID') };
}

/**
 * Makes a file system on a device: of `size`, and so that nothing behind that is touched. Looks at nothing before.
 * @unit again: over what an earlier try left
 * @fails HostError with the tool's words
 */
export async function makeFileSystem(
  inside: Inside,
  path: string,
  wish: { readonly type: FileSystemType; readonly uuid: string; readonly size: Bytes; readonly again: boolean },
): Promise<void> {
  const kib = `${Math.floor(wish.size / 1024)}k`;
  const argv: Readonly<Record<FileSystemType, readonly string[]>> = {
    // Nothing is discarded: a blank disk has nothing to discard, and it would reach behind the file system.
    ext4: ['mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'nodiscard', '-U', wish.uuid, path, kib],
    // Without -f it refuses by itself a device on which it sees anything: a third look.
    xfs: ['mkfs.xfs', '-q', '-K', ...(wish.again ? ['-f'] : []), '-m', `uuid=${wish.uuid}`, '-d', `size=${kib}`, path],
  };
  await mustSucceed(inside, argv[wish.type]);
}

/**
 * Puts right what an ext4 file system says that it needs, as at the start of a machine. An xfs does that when it is mounted.
 * @shape undefined, or why a person has to repair it
 */
export async function checkFileSystem(inside: Inside, path: string, type: FileSystemType): Promise<string | undefined> {
  if (type !== 'ext4') return undefined;
  const argv = ['e2fsck', '-p', path];
  const { code, stdout, stderr } = await inside.run(argv, { within: forTools });
  // Bits. 1: errors corrected, 2: and the machine should be restarted, 4: errors left. @source e2fsck(8)
  if (code < 4) return undefined;
  const said = (stdout + stderr).trim().split('\n').slice(-4).join(' ');
  if (code < 8) return said;
  throw new HostError('this machine', argv.join(' '), `exit code ${code}: ${said}`);
}

/**
 * Grows a mounted file system to its device.
 * @shape `refused`: the kernel lets nobody here grow an ext4 that is mounted, for want of CAP_SYS_RESOURCE
 * @fails HostError with the tool's words
 */
export async function growFileSystem(
  inside: Inside,
  at: { readonly type: FileSystemType; readonly device: string; readonly path: string },
): Promise<'grown' | 'refused'> {
  const argv = at.type === 'ext4' ? ['resize2fs', at.device] : ['xfs_growfs', '-d', at.path];
  const ran = await inside.run(argv, { within: forTools });
  if (ran.code === 0) return 'grown';
  if (ran.stderr.includes('Permission denied to resize filesystem')) return 'refused';
  throw failed(argv, ran);
}

/** Grows an ext4 file system that is not mounted. @fails HostError with the tool's words */
export async function growUnmounted(inside: Inside, device: string): Promise<void> {
  const check = ['e2fsck', '-f', '-p', device];
  const ran = await inside.run(check, { within: forTools });
  if (ran.code >= 4) throw failed(check, ran);
  await mustSucceed(inside, ['resize2fs', device]);
}

async function mustSucceed(inside: Inside, argv: readonly string[]): Promise<void> {
  const ran = await inside.run(argv, { within: forTools });
  if (ran.code !== 0) throw failed(argv, ran);
}

function failed(argv: readonly string[], { code, stdout, stderr }: Ran): HostError {
  return new HostError('this machine', argv.join(' '), `exit code ${code}: ${(stderr || stdout).trim()}`);
}
