import { readdir, unlink } from 'node:fs/promises';
import { type BlockDevice, observeBlockDevices } from '#host/block-devices.ts';
import { readingAlone } from '#host/device-io.ts';
import { probeDevice } from '#host/file-systems.ts';
import { isAbsent, readIfThere, syncFolder, writeWhole } from '#host/files.ts';
import { HostError } from '#host/host.ts';
import { observeMounts } from '#host/mounts.ts';
import { scanDevice } from '#host/signatures.ts';
import { type Bytes, mebi } from '#unit/bytes.ts';
import { minutes } from '#unit/clock.ts';
import { few } from '#unit/few.ts';
import { messageOf } from '#unit/message-of.ts';
import type { SureDevice } from '../node/stage-device.ts';
import { InUse, type Machine, stateFolder } from './machine.ts';
import { type DiskLook, explainDiskFault, planDisk } from './plan-disk.ts';
import type { DiskSeen } from './plan-room.ts';
import { formatRecord, parseRecord, type VolumeRecord } from './volume-record.ts';

const folder = `${stateFolder}/disks`;

export type DiskRecord = VolumeRecord & { readonly place: { readonly in: 'disk' } };

/** The volumes that are whole disks, whether their disks are there or not. @fails Error that names a record which can't be read */
export async function diskRecords({ inside }: Pick<Machine, 'inside'>): Promise<readonly DiskRecord[]> {
  const names = await readdir(inside.at(folder)).catch((e: unknown) => {
    if (isAbsent(e)) return [];
    throw e;
  });
  const records: DiskRecord[] = [];
  for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
    const record = parseRecord((await readIfThere(inside.at(`${folder}/${name}`))) ?? '');
    if (record === undefined || !isOfDisk(record) || `${nameOf(record.place.link)}.json` !== name)
      throw new Error(
        `${folder}/${name} cannot be read: it is broken or of another version of Isthmus. It says whose a disk is; look at it before removing it`,
      );
    records.push(record);
  }
  return records;
}

function isOfDisk(record: VolumeRecord): record is DiskRecord {
  return record.place.in === 'disk';
}

function nameOf(link: string): string {
  return link.slice('/dev/disk/by-id/'.length);
}

/** @fails the file system's error; then the record is as it was */
export async function writeDiskRecord({ inside }: Pick<Machine, 'inside'>, record: DiskRecord): Promise<void> {
  const path = `${folder}/${nameOf(record.place.link)}.json`;
  await writeWhole(inside.at(path), formatRecord(record), { mode: 0o600, folderMode: 0o700 });
}

async function removeDiskRecord({ inside }: Pick<Machine, 'inside'>, record: DiskRecord): Promise<void> {
  await unlink(inside.at(`${folder}/${nameOf(record.place.link)}.json`));
  await syncFolder(inside.at(folder));
}

/** What every disk is that cluster.yaml gives to volumes, or that is one. A free disk is read each time: it is free as long as it is blank. */
export async function observeDisks(
  machine: Machine,
  given: readonly string[],
  records: readonly DiskRecord[],
): Promise<readonly DiskSeen[]> {
  const seen: DiskSeen[] = [];
  for (const link of new Set([...given, ...records.map(({ place }) => place.link)])) {
    const record = records.find(({ place }) => place.link === link);
    if (record !== undefined)
      seen.push(record.state === 'wiping' ? { link, is: 'wiping' } : { link, is: 'taken', volume: record.id });
    else seen.push(await lookAtFreeDisk(machine, link));
  }
  return seen;
}

/** Reads a disk that no volume has. Nothing is written. */
export async function lookAtFreeDisk({ inside }: Pick<Machine, 'inside'>, link: string): Promise<DiskSeen> {
  const place = await placeOf(inside, link);
  const step = planDisk(place);
  if (step.is === 'refused') return { link, is: 'closed', fault: explainDiskFault(step.why, link) };
  const look = await readDisk(inside, step.device);
  const free = planDisk({ ...place, look });
  if (free.is === 'refused') return { link, is: 'closed', fault: explainDiskFault(free.why, link) };
  return { link, is: 'free', size: wholeMebibytes(step.device.size) };
}

function wholeMebibytes(size: Bytes): Bytes {
  return (Math.floor(size / mebi(1)) * mebi(1)) as Bytes;
}

async function placeOf(inside: Machine['inside'], link: string): Promise<Omit<DiskLook, 'look'>> {
  const { devices, links } = await observeBlockDevices(inside);
  const target = links.find(({ name }) => name === nameOf(link))?.device;
  const device = devices.find(({ name }) => name === target);
  const mounts = await observeMounts(inside);
  return { target, device, mountedAt: mounts.filter((one) => one.device === device?.device).map(({ path }) => path) };
}

async function readDisk(inside: Machine['inside'], { name, size }: BlockDevice): Promise<DiskLook['look']> {
  try {
    const probe = await probeDevice(inside, `/dev/${name}`);
    const scan = await readingAlone(inside.at(`/dev/${name}`), (read) => scanDevice(read, size));
    return { is: 'read', probe, scan };
  } catch (e) {
    const isBusy = (e as NodeJS.ErrnoException).code === 'EBUSY';
    return isBusy ? { is: 'busy' } : { is: 'unreadable', why: messageOf(e) };
  }
}

/** What makes a disk the one that a volume was made of. */
export function identityOf(device: Pick<BlockDevice, 'serial'>, link: string): DiskRecord['place'] {
  return { in: 'disk', link, ...(device.serial !== undefined && { serial: device.serial }) };
}

/**
 * The device that a volume is, by the name that udev gave it for what it tells of itself, and by that itself.
 * @fails Error when it is not there, or another disk has its name
 */
export async function deviceOfRecord({ inside }: Pick<Machine, 'inside'>, record: DiskRecord): Promise<SureDevice> {
  const device = await sureDevice(inside, record);
  return {
    // In messages a person knows it by its volume.
    device: { ...device, serial: `${record.node}/${record.id}` },
    confirm: async () => {
      const again = await sureDevice(inside, record);
      if (again.name !== device.name || again.sequence !== device.sequence)
        throw new Error(
          `/dev/${device.name} is no longer ${record.place.link}: the disk was taken from the machine meanwhile`,
        );
    },
  };
}

async function sureDevice(inside: Machine['inside'], { place, size, id }: DiskRecord): Promise<BlockDevice> {
  const { device } = await placeOf(inside, place.link);
  if (device === undefined)
    throw new Error(
      `the disk ${place.link} of volume ${id} is not in the machine: put it back; when it is gone for good, remove ${folder}/${nameOf(place.link)}.json`,
    );
  if (place.serial !== undefined && device.serial !== place.serial)
    throw new Error(
      `${place.link} leads to a disk that says it is ${device.serial}, and volume ${id} is on ${place.serial}`,
    );
  if (device.size < size)
    throw new Error(`${place.link} has ${device.size} bytes, and volume ${id} on it has ${size}: it is another disk`);
  return device;
}

/** @fails InUse · Error: the disk is not there */
export async function checkUnused(machine: Pick<Machine, 'inside'>, record: DiskRecord): Promise<SureDevice> {
  const { inside } = machine;
  const { link } = record.place;
  const sure = await deviceOfRecord(machine, record);
  const { mountedAt } = await placeOf(inside, link);
  const users = [...mountedAt, ...sure.device.users];
  if (users.length > 0) throw new InUse(`the disk ${link} of volume ${record.id} is in use: ${few(users)}`);
  try {
    await readingAlone(inside.at(`/dev/${sure.device.name}`), () => Promise.resolve());
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'EBUSY') throw e;
    throw new InUse(`the disk ${link} of volume ${record.id} is in use by another program`);
  }
  return sure;
}

/** So much is overwritten by one command. */
const chunk = mebi(1024);

/**
 * Overwrites the disk of a volume that was deleted, so that it is blank for the next one and tells it nothing. Each part is written only when the
 * disk is still that disk and nobody has it open. When it is killed it begins anew.
 * @fails Error: the disk is not there, or in use
 */
export async function wipeDisk(machine: Machine, record: DiskRecord, stop: AbortSignal): Promise<void> {
  const { inside } = machine;
  const { device, confirm } = await checkUnused(machine, record);
  machine.before(record.id, 'overwriting its disk');
  for (let at = 0; at < device.size; at += chunk) {
    stop.throwIfAborted();
    await confirm();
    const length = Math.min(chunk, device.size - at);
    // It opens the device for itself alone, or fails.
    const argv = ['blkdiscard', '--zeroout', '--offset', `${at}`, '--length', `${length}`, `/dev/${device.name}`];
    const { code, stderr } = await inside.run(argv, { within: minutes(10), signal: stop });
    if (code !== 0) throw new HostError(machine.node, argv.join(' '), stderr.trim());
  }
  machine.before(record.id, 'removing its record');
  await removeDiskRecord(machine, record);
}
