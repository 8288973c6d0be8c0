import { readdir, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Bytes } from '#unit/bytes.ts';
import { readIfThere } from './files.ts';
import type { Inside } from './inside.ts';

/** One whole disk of a machine, as the kernel shows it now. */
export interface BlockDevice {
  /** `vdb`: may be another disk's tomorrow. */
  readonly name: string;
  /** What the disk itself says that it is; `undefined` when it says nothing. */
  readonly serial: string | undefined;
  /** `253:16`. */
  readonly device: string;
  readonly size: Bytes;
  readonly isReadOnly: boolean;
  /**
   * Counts disks since the machine was started: the same name with another number is another disk. `undefined` before Linux 5.14.
   */
  readonly sequence: string | undefined;
  /** What the kernel has put upon it, such as `dm-0` or `md127`, and its partitions, such as `vdb1`. */
  readonly users: readonly string[];
}

export interface BlockDevicesSeen {
  readonly devices: readonly BlockDevice[];
  /** Names under `/dev/disk/by-id` and the devices that udev let them name. */
  readonly links: readonly { readonly name: string; readonly device: string }[];
}

/** All whole disks of the machine. Disks that come or go meanwhile are there or not. */
export async function observeBlockDevices(inside: Inside): Promise<BlockDevicesSeen> {
  const [names, links] = await Promise.all([namesIn(inside.at('/sys/block')), namesIn(inside.at('/dev/disk/by-id'))]);
  const devices = await Promise.all(names.map((name) => observeOne(inside, name)));
  const targets = await Promise.all(
    links.map(async (name) => ({ name, device: await linkTarget(inside.at(`/dev/disk/by-id/${name}`)) })),
  );
  return {
    devices: devices.flatMap((device) => device ?? []),
    links: targets.flatMap(({ name, device }) => (device === undefined ? [] : [{ name, device }])),
  };
}

async function observeOne(inside: Inside, name: string): Promise<BlockDevice | undefined> {
  const folder = inside.at(`/sys/block/${name}`);
  const text = async (file: string): Promise<string | undefined> => (await readIfThere(`${folder}/${file}`))?.trim();
  const [device, sectors, ro, sequence, virtio, other] = await Promise.all(
    ['dev', 'size', 'ro', 'diskseq', 'serial', 'device/serial'].map(text),
  );
  if (device === undefined || sectors === undefined) return undefined;
  const [holders, parts] = await Promise.all([namesIn(`${folder}/holders`), namesIn(folder)]);
  return {
    name,
    serial: virtio || other || undefined,
    device,
    // Sectors of 512 bytes, whatever the disk's own are.
    size: (Number(sectors) * 512) as Bytes,
    isReadOnly: ro === '1',
    sequence,
    users: [...holders, ...parts.filter((part) => part.startsWith(name))].sort(),
  };
}

/** Whether the kernel still has the device with this number. */
export async function isDevicePresent(inside: Inside, device: string): Promise<boolean> {
  return (await readIfThere(inside.at(`/sys/dev/block/${device}/uevent`))) !== undefined;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (e) {
    if (['ENOENT', 'ENOTDIR'].includes((e as NodeJS.ErrnoException).code ?? '')) return [];
    throw e;
  }
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return basename(await readlink(path));
  } catch (e) {
    if (['ENOENT', 'EINVAL'].includes((e as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw e;
  }
}

/** The number of a device as mounts and /sys write it: `253:16`. @source makedev(3): glibc's and the kernel's form */
export function formatDevice(rdev: number): string {
  const n = BigInt(rdev);
  const major = ((n >> 8n) & 0xfffn) | ((n >> 32n) & ~0xfffn);
  const minor = (n & 0xffn) | ((n >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
