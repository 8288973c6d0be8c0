import { lstat, mkdir, rmdir, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatDevice, isDevicePresent } from '#host/block-devices.ts';
import { isAbsent } from '#host/files.ts';
import type { Inside } from '#host/inside.ts';
import { bind, type Mount, mountAt, observeMounts, remountReadOnly, unmount } from '#host/mounts.ts';
import { VolumeUsage_Unit as Unit } from '#rpc/gen/csi_pb.js';
import { RpcError } from '#rpc/rpc.ts';
import { isSameFolder, type PublishSource, type PublishWish, planPublish } from './plan-publish.ts';

/**
 * Makes a staged volume visible at a pod's path. Safe to repeat, also after it was killed at any point.
 * @fails RpcError: FAILED_PRECONDITION it is not staged, or another path has it · ALREADY_EXISTS it is there otherwise. HostError
 */
export async function publish(inside: Inside, source: PublishSource, target: string, wish: PublishWish): Promise<void> {
  // Each turn does one thing and looks again.
  for (let turn = 0; turn < 8; turn++) {
    const seen = await observe(inside, source, target);
    const step = planPublish(seen, wish);
    switch (step.do) {
      case 'nothing':
        return;
      case 'refuse':
        throw new RpcError(step.code, step.message);
      case 'clear':
        await unmountOnce(inside, target);
        break;
      case 'tighten':
        await remountReadOnly(inside, target);
        break;
      case 'bind':
        await makePlace(inside, source, target);
        await bind(inside, { source: source.path, target, isReadOnly: wish.isReadOnly });
    }
  }
  throw new Error(`${target}: what is mounted there keeps changing`);
}

async function observe(inside: Inside, source: PublishSource, target: string) {
  const mounts = await observeMounts(inside);
  const staged = source.kind === 'folder' ? mountAt(mounts, source.path) : undefined;
  const mount = mountAt(mounts, target);
  const device = mount === undefined ? undefined : await deviceFile(inside, target);
  const isLost = mount !== undefined && (await hasLostDevice(inside, device === undefined ? mount : { device }));
  const elsewhere = await othersOf(inside, mounts, source, target);
  return { source, staged, target: { path: target, mount, device, isLost }, elsewhere };
}

/** Where else the volume is published. */
async function othersOf(
  inside: Inside,
  mounts: readonly Mount[],
  source: PublishSource,
  target: string,
): Promise<readonly string[]> {
  const others = mounts.filter(
    ({ path }) => path !== target && path !== source.path && !path.includes('/volume-subpaths/'),
  );
  if (source.kind === 'folder') {
    const staged = mountAt(mounts, source.path);
    return others.filter((one) => isSameFolder(one, staged)).map(({ path }) => path);
  }
  const devices = await Promise.all(
    // A device file that is bound elsewhere shows as a part of the file system that holds device files.
    others
      .filter(({ root }) => root !== '/')
      .map(async ({ path }) => ({ path, device: await deviceFile(inside, path) })),
  );
  return devices.filter(({ device }) => device === source.device).map(({ path }) => path);
}

/** The device that a file names; `undefined` when it is none, is not there or cannot be asked. */
export async function deviceFile(inside: Inside, path: string): Promise<string | undefined> {
  try {
    const file = await stat(inside.at(path));
    return file.isBlockDevice() ? formatDevice(file.rdev) : undefined;
  } catch {
    // Of a mount that lost its device.
    return undefined;
  }
}

async function makePlace(inside: Inside, source: PublishSource, target: string): Promise<void> {
  const path = inside.at(target);
  if (source.kind === 'folder') {
    await mkdir(path, { recursive: true, mode: 0o750 });
    return;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  await writeFile(path, '', { flag: 'a', mode: 0o640 });
}

/**
 * Takes a volume from a pod's path, and the path with it. What is not there is done. Nothing that lies in a folder is ever removed.
 * @fails HostError: still in use · Error: something else lies at the path
 */
export async function unpublish(inside: Inside, target: string): Promise<void> {
  await unmountAll(inside, target);
  const path = inside.at(target);
  try {
    const place = await lstat(path);
    if (place.isDirectory()) await rmdir(path);
    else if (place.isFile() && place.size === 0) await unlink(path);
    else throw new Error(`${target} holds something that is no volume; look at it and remove it by hand`);
  } catch (e) {
    if (!isAbsent(e)) throw e;
  }
}

/** Takes away everything that is mounted at a path. */
export async function unmountAll(inside: Inside, path: string): Promise<void> {
  // Killed calls of two versions may have stacked two; more are not ours to guess about.
  for (let turn = 0; turn < 8; turn++) {
    if (mountAt(await observeMounts(inside), path) === undefined) return;
    await unmountOnce(inside, path);
  }
  throw new Error(`${path}: something is mounted there again and again`);
}

/** What has lost its device can't be written back: it only has to disappear. */
async function unmountOnce(inside: Inside, path: string): Promise<void> {
  const mount = mountAt(await observeMounts(inside), path);
  if (mount === undefined) return;
  await unmount(inside, path, (await hasLostDevice(inside, mount)) ? { lazily: true } : {});
}

async function hasLostDevice(inside: Inside, { device }: Pick<Mount, 'device'>): Promise<boolean> {
  // Number 0 are file systems without a device, such as NFS.
  return !device.startsWith('0:') && !(await isDevicePresent(inside, device));
}

export interface VolumeStatistics {
  readonly bytes: Amounts;
  readonly inodes: Amounts;
}
interface Amounts {
  readonly total: number;
  readonly used: number;
  readonly available: number;
}

/** How full a mounted volume is. @fails the file system's error */
export async function statisticsOf(inside: Inside, path: string): Promise<VolumeStatistics> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(inside.at(path));
  return {
    bytes: { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize },
    inodes: { total: files, used: files - ffree, available: ffree },
  };
}

/** The same as CSI tells it. */
export function usageOf({ bytes, inodes }: VolumeStatistics): VolumeUsageTold[] {
  const told = (unit: Unit, { total, used, available }: Amounts): VolumeUsageTold => ({
    unit,
    total: BigInt(total),
    used: BigInt(used),
    available: BigInt(available),
  });
  return [told(Unit.BYTES, bytes), told(Unit.INODES, inodes)];
}
interface VolumeUsageTold {
  unit: Unit;
  total: bigint;
  used: bigint;
  available: bigint;
}

/** What keeps a volume from working as it should. */
export interface VolumeFault {
  readonly reason: string;
  readonly message: string;
  /** Whether nothing of it can be reached. */
  readonly isLost: boolean;
}

export const lost: VolumeFault = {
  reason: 'DiskTaken',
  message: 'the disk was taken from the machine while it was in use: delete the pods that use it on this node',
  isLost: true,
};

const wentReadOnly: VolumeFault = {
  reason: 'FileSystemError',
  message:
    'the file system met an error and went read-only: look at the kernel log, stop the pods that use it and check it',
  isLost: false,
};

/** What is wrong with a mounted volume; `undefined` when nothing is seen. */
export async function conditionOf(inside: Inside, mount: Mount): Promise<VolumeFault | undefined> {
  if (await hasLostDevice(inside, mount)) return lost;
  const isForced = mount.superOptions.includes('ro') && !mount.options.includes('ro');
  return isForced || mount.superOptions.includes('shutdown') ? wentReadOnly : undefined;
}
