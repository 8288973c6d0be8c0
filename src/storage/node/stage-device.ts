import type { BlockDevice } from '#host/block-devices.ts';
import { readBeside, readingAlone, writeAlone } from '#host/device-io.ts';
import {
  checkFileSystem,
  type FileSystemType,
  growFileSystem,
  growUnmounted,
  makeFileSystem,
  probeDevice,
} from '#host/file-systems.ts';
import type { Inside } from '#host/inside.ts';
import { mount, mountAt, observeMounts } from '#host/mounts.ts';
import { fileSystemIn, type ReadAt, scanDevice } from '#host/signatures.ts';
import { RpcError } from '#rpc/rpc.ts';
import type { Bytes } from '#unit/bytes.ts';
import {
  type FormatMark,
  formatMarkBytes,
  type MarkSeen,
  markLength,
  markPlace,
  parseMark,
  reserved,
} from './format-mark.ts';
import { type DeviceLook, type FormatWish, planFormat } from './plan-format.ts';
import { planStaging } from './plan-staging.ts';
import { unmountAll } from './publish.ts';

export interface StageWish extends FormatWish {
  readonly staging: string;
  readonly options: readonly string[];
}

/** A device that is known for certain to be the volume's. */
export interface SureDevice {
  readonly device: BlockDevice;
  /** @fails Error when the name means another device by now */
  readonly confirm: () => Promise<void>;
}

/**
 * Brings the file system of a volume to its staging path, and makes it first where that destroys nothing. Safe to repeat, also after it was
 * killed at any point.
 * @fails RpcError FAILED_PRECONDITION: the device holds something else, or it can't be told what · ALREADY_EXISTS: staged otherwise. Error
 *        when it could not be looked at or mounted: to be asked again
 */
export async function stageDevice(inside: Inside, sure: SureDevice, wish: StageWish): Promise<void> {
  const { name, device } = sure.device;
  const path = `/dev/${name}`;
  const isReadOnly = !wish.isWritable;
  const options = [...wish.options, ...(isReadOnly ? ['ro'] : []), ...(wish.type === 'xfs' ? ['nouuid'] : [])];
  for (let turn = 0; turn < 4; turn++) {
    const mounts = await observeMounts(inside);
    const elsewhere = mounts.filter((one) => one.device === device && one.root === '/').map((one) => one.path);
    const seen = { mount: mountAt(mounts, wish.staging), device, elsewhere };
    const step = planStaging(seen, { type: wish.type, isReadOnly, options: wish.options });
    if (step.do === 'refuse') throw new RpcError(step.code, `disk ${sure.device.serial} (${path}): ${step.message}`);
    if (step.do === 'clear') {
      await unmountAll(inside, wish.staging);
      continue;
    }
    if (step.do === 'mount') {
      await prepare(inside, sure, wish);
      await mount(inside, { source: path, target: wish.staging, type: wish.type, options: [...new Set(options)] });
    }
    if (!wish.isWritable) return;
    const at = { type: wish.type, device: path, path: wish.staging, size: sure.device.size };
    if ((await growToDevice(inside, at)) !== 'refused') return;
    // No pod has it yet.
    await unmountAll(inside, wish.staging);
    await growUnmounted(inside, path);
  }
  throw new Error(`${wish.staging}: what is mounted there keeps changing`);
}

/** Until the device holds a file system that can be mounted. */
async function prepare(inside: Inside, sure: SureDevice, wish: StageWish): Promise<void> {
  const path = `/dev/${sure.device.name}`;
  const step = planFormat(await lookAtDevice(inside, sure.device, wish.madeBlank), wish);
  // What was read may be another disk's when this one was taken away meanwhile.
  await sure.confirm();
  switch (step.do) {
    case 'refuse':
      throw new RpcError('FAILED_PRECONDITION', `disk ${sure.device.serial} (${path}) ${step.message}`);
    case 'format':
      return makeFirst(inside, sure, wish, step.why === 'never-finished' ? step.uuid : undefined);
    case 'mount': {
      const fault = wish.isWritable ? await checkFileSystem(inside, path, wish.type) : undefined;
      if (fault === undefined) return;
      throw new RpcError(
        'FAILED_PRECONDITION',
        `the file system of disk ${sure.device.serial} (${path}) is damaged, and needs a person: run "e2fsck ${path}" on this node (${fault})`,
      );
    }
  }
}

/** Everything that can be known of a device without writing to it. @fails Error when any of it could not be read to its end */
export async function lookAtDevice(
  inside: Inside,
  { name, size, isReadOnly, users }: BlockDevice,
  madeBlank: Bytes | undefined,
): Promise<DeviceLook> {
  const path = `/dev/${name}`;
  const probe = await probeDevice(inside, path);
  const { scan, mark } = await readingAlone(inside.at(path), async (read) => ({
    scan: await scanDevice(read, size),
    mark: await readMark(read, size, madeBlank),
  }));
  return { size, isReadOnly, users, probe, scan, mark };
}

async function readMark(read: ReadAt, size: Bytes, madeBlank: Bytes | undefined): Promise<MarkSeen> {
  if (madeBlank === undefined || madeBlank > size) return { is: 'absent' };
  return parseMark(await read(markPlace(madeBlank), markLength));
}

/**
 * The mark goes first and its end last: until then whoever looks knows that nothing here is anybody's.
 * @param earlier the uuid of a try that was killed
 */
async function makeFirst(
  inside: Inside,
  sure: SureDevice,
  wish: StageWish,
  earlier: string | undefined,
): Promise<void> {
  const { volume, type, madeBlank } = wish;
  if (madeBlank === undefined) return;
  const path = `/dev/${sure.device.name}`;
  const uuid = earlier ?? crypto.randomUUID();
  await writeMark(inside, path, madeBlank, { state: 'begun', volume, type, uuid });
  await makeFileSystem(inside, path, {
    type,
    uuid,
    size: (madeBlank - reserved) as Bytes,
    again: earlier !== undefined,
  });
  const probe = await probeDevice(inside, path);
  if (probe.sees !== 'one' || probe.what !== type || probe.uuid !== uuid)
    throw new Error(`${path} was formatted, and the file system cannot be seen there`);
  await sure.confirm();
  await writeMark(inside, path, madeBlank, { state: 'done', volume, type, uuid });
}

async function writeMark(inside: Inside, path: string, madeBlank: Bytes, mark: FormatMark): Promise<void> {
  await writeAlone(inside.at(path), markPlace(madeBlank), formatMarkBytes(mark));
}

/** A file system ends up to so much before its device: what is reserved at first, and what is less than a group of blocks. */
const slack = 2 * reserved;

/**
 * Grows a mounted file system when its device has become larger.
 * @shape `refused`: it can only be grown unmounted here
 */
export async function growToDevice(
  inside: Inside,
  at: { readonly type: FileSystemType; readonly device: string; readonly path: string; readonly size: Bytes },
): Promise<'fits' | 'grown' | 'refused'> {
  if (at.size - (await sizeOf(inside, at.device)) <= slack) return 'fits';
  return growFileSystem(inside, at);
}

/** As its superblock tells, which is right also while it is mounted. */
async function sizeOf(inside: Inside, device: string): Promise<number> {
  const front = await readBeside(inside.at(device), (read) => read(0, 4096));
  const seen = fileSystemIn(front);
  if (seen === undefined) throw new Error(`the superblock of ${device} cannot be read`);
  return seen.size;
}
