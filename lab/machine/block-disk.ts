import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../toolchain/command.ts';
import { deviceNumber, type LoopDevice, observeLoops } from './loop-device.ts';
import type { ProcessMark } from './process-mark.ts';

/** A block device as a machine has it. */
export interface ShownDisk {
  /** `/dev/vdb` */
  readonly device: string;
  readonly loop: LoopDevice;
  /** What the machine reads as its serial number. */
  readonly id: string;
}

/** Shows a block device in a running machine, or hides it: by the program that init.sh put there. */
export async function showDisk(what: 'show' | 'hide', init: ProcessMark, disk: ShownDisk): Promise<void> {
  const inside = ['--mount', '--pid', '--target', String(init.pid)];
  await command('nsenter', [...inside, '/run/isthmus-lab/disk-node.sh', what, '', ...words(disk)]);
}

/** A line of the file that init.sh reads at a start. */
export function formatShown(disk: ShownDisk): string {
  return `${words(disk).join(' ')}\n`;
}

function words({ device, loop, id }: ShownDisk): readonly string[] {
  return [device.replace('/dev/', ''), loop.name, loop.number, id];
}

/** Where a process has mounted a block device. */
interface DiskMount {
  readonly pid: number;
  /** As that process sees it. */
  readonly path: string;
}

/** Every mount of a block device, once for each mount namespace of these processes. @shape number: `7:3` */
export function observeMounts(pids: readonly number[], number: string): readonly DiskMount[] {
  return oneEach(pids, 'ns/mnt').flatMap((pid) =>
    parseMounts(read(`/proc/${pid}/mountinfo`), number).map((path) => ({ pid, path })),
  );
}

/**
 * The mount points of a device among the lines of mountinfo.
 * @source proc_pid_mountinfo(5): the third field is the device's number, the fifth the mount point with spaces and the like as octal numbers
 */
export function parseMounts(mountinfo: string, number: string): readonly string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[2] === number)
    .map((fields) =>
      (fields[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

/**
 * Everything that these processes have written to a file that is a block device is in that file afterwards, as long as they write
 * nothing more.
 */
export async function flushDisk(pids: readonly number[], loop: LoopDevice): Promise<void> {
  // As the process sees it, by this computer's own program: a container may have none, and the process itself may stand still.
  for (const { pid, path } of observeMounts(pids, loop.number))
    await command('sync', ['--file-system', `/proc/${pid}/root${path}`]);
  await command('blockdev', ['--flushbufs', `/dev/${loop.name}`]);
}

/** Whether a machine has made a further block device of this one, as kubelet does for raw block volumes. */
export async function isUnderLoop(init: ProcessMark, device: string): Promise<boolean> {
  const node = await stat(`/proc/${init.pid}/root${device}`).catch(() => undefined);
  if (node === undefined) return false;
  const [inode, fileSystem] = [node.ino, deviceNumber(node.dev)];
  return (await observeLoops()).some((loop) => loop.inode === inode && loop.fileSystem === fileSystem);
}

/** Whether one of these processes holds the block device open. */
export function isHeldOpen(pids: readonly number[], number: string): boolean {
  return pids.some((pid) => {
    const folder = `/proc/${pid}/fd`;
    return list(folder).some((fd) => link(join(folder, fd)).startsWith('/') && numberOf(join(folder, fd)) === number);
  });
}

/** `7:3` of a block device, empty for anything else. */
function numberOf(path: string): string {
  try {
    const seen = statSync(path);
    return seen.isBlockDevice() ? deviceNumber(seen.rdev) : '';
  } catch (e) {
    return whenGone(e);
  }
}

/** One process for each namespace. */
function oneEach(pids: readonly number[], namespace: string): readonly number[] {
  return [...new Map(pids.map((pid) => [link(`/proc/${pid}/${namespace}`), pid])).values()];
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch (e) {
    return whenGone(e);
  }
}

function list(folder: string): readonly string[] {
  try {
    return existsSync(folder) ? readdirSync(folder) : [];
  } catch (e) {
    whenGone(e);
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (e) {
    return whenGone(e);
  }
}

/** Processes end while they are looked at. */
function whenGone(e: unknown): '' {
  if (['ENOENT', 'ESRCH', 'EINVAL', 'EACCES'].includes((e as NodeJS.ErrnoException).code ?? '')) return '';
  throw e;
}
