import { neutralZoneKey, regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { type BlockDevice, observeBlockDevices } from '#host/block-devices.ts';
import { fileSystemTypes } from '#host/file-systems.ts';
import { canonical, type Inside } from '#host/inside.ts';
import { type Mount, mountAt, observeMounts } from '#host/mounts.ts';
import {
  VolumeHealthErrorType as Health,
  Node,
  type NodeExpandVolumeRequest,
  type NodeGetVolumeHealthRequest,
  type NodeGetVolumeStatsRequest,
  type NodePublishVolumeRequest,
  type NodeStageVolumeRequest,
  NodeServiceCapability_RPC_Type as Rpc,
  VolumeUsage_Unit as Unit,
} from '#rpc/gen/csi_pb.js';
import { type Call, RpcError, type Service, service } from '#rpc/rpc.ts';
import type { Bytes } from '#unit/bytes.ts';
import { ms, sleep, uptime } from '#unit/clock.ts';
import { madeBlankKey, serialKey } from '../driver.ts';
import { inFlight } from '../in-flight.ts';
import { missing, needId, pathOf, useOf } from './asked.ts';
import { chooseDevice, isSerialOf } from './choose-device.ts';
import { conditionOf, deviceFile, lost, publish, statisticsOf, unmountAll, unpublish, usageOf } from './publish.ts';
import { growToDevice, type SureDevice, stageDevice } from './stage-device.ts';

/** The cloud machine that this node is. */
export interface NodeFacts {
  /** The cloud's id of it. */
  readonly machine: string;
  readonly region: string;
  readonly zone: string;
  /** How many disks it takes beside those that it was made with. */
  readonly mostVolumes: number;
}

/** The node's half of the driver of cloud disks. It asks no cloud and no API server: what it has to know comes with each call. */
export function diskNode(inside: Inside, about: NodeFacts): Service {
  const { alone } = inFlight();
  return service(Node, {
    nodeStageVolume: (asked, call) => alone(needId(asked), 'staging', () => stage(inside, asked, call)),
    nodeUnstageVolume: (asked) =>
      alone(needId(asked), 'unstaging', async () => {
        await unmountAll(inside, await pathOf(inside, asked.stagingTargetPath, 'staging_target_path'));
        return {};
      }),
    nodePublishVolume: (asked, call) => alone(needId(asked), 'publishing', () => publishDisk(inside, asked, call)),
    nodeUnpublishVolume: (asked) =>
      alone(needId(asked), 'unpublishing', async () => {
        await unpublish(inside, await pathOf(inside, asked.targetPath, 'target_path'));
        return {};
      }),
    nodeExpandVolume: (asked, call) => alone(needId(asked), 'expanding', () => expand(inside, asked, call)),
    nodeGetVolumeStats: (asked) => statistics(inside, asked),
    nodeGetVolumeHealth: (asked) => health(inside, asked),
    nodeGetCapabilities: () => ({
      capabilities: [
        Rpc.STAGE_UNSTAGE_VOLUME,
        Rpc.EXPAND_VOLUME,
        Rpc.GET_VOLUME_STATS,
        Rpc.GET_VOLUME_HEALTH,
        Rpc.SINGLE_NODE_MULTI_WRITER,
      ].map((type) => ({ type: { case: 'rpc' as const, value: { type } } })),
    }),
    nodeGetInfo: () => ({
      nodeId: about.machine,
      maxVolumesPerNode: BigInt(about.mostVolumes),
      accessibleTopology: {
        segments: { [regionKey]: about.region, [zoneKey]: about.zone, [neutralZoneKey]: about.zone },
      },
    }),
  });
}

async function stage(inside: Inside, asked: NodeStageVolumeRequest, call: Call) {
  const staging = await pathOf(inside, asked.stagingTargetPath, 'staging_target_path');
  const use = useOf(asked);
  const sure = await waitForDevice(inside, serialOf(asked), call);
  if (use.as === 'file-system')
    await stageDevice(inside, sure, {
      volume: asked.volumeId,
      type: use.type,
      options: use.options,
      isWritable: !use.isReader,
      madeBlank: madeBlankOf(asked.volumeContext),
      staging,
    });
  return {};
}

async function publishDisk(inside: Inside, asked: NodePublishVolumeRequest, call: Call) {
  const target = await pathOf(inside, asked.targetPath, 'target_path');
  const use = useOf(asked);
  const wish = { isReadOnly: asked.readonly || use.isReader, isSingle: use.isSingle };
  if (use.as === 'block') {
    const { device } = await waitForDevice(inside, serialOf(asked), call);
    const source = { kind: 'device', path: `/dev/${device.name}`, device: device.device } as const;
    await publish(inside, source, target, wish);
    return {};
  }
  const path = await pathOf(inside, asked.stagingTargetPath, 'staging_target_path');
  const staged = mountAt(await observeMounts(inside), path);
  const fault = staged === undefined ? undefined : await conditionOf(inside, staged);
  if (fault?.isLost) throw new RpcError('FAILED_PRECONDITION', `volume ${asked.volumeId}: ${fault.message}`);
  await publish(inside, { kind: 'folder', path }, target, wish);
  return {};
}

async function expand(inside: Inside, asked: NodeExpandVolumeRequest, call: Call) {
  if (asked.volumePath === '') throw missing('volume_path');
  const { device, mount } = await volumeAt(inside, asked.volumeId, asked.volumePath);
  const grown = await waitForSize(
    inside,
    asked.volumeId,
    device,
    Number(asked.capacityRange?.requiredBytes ?? 0n),
    call,
  );
  if (mount !== undefined && !mount.isReadOnly) {
    const type = fileSystemTypes.find((one) => one === mount.type);
    if (type === undefined)
      throw new RpcError(
        'FAILED_PRECONDITION',
        `${mount.path} is a ${mount.type}: only ${fileSystemTypes.join(' and ')} grow`,
      );
    const at = { type, device: `/dev/${grown.name}`, path: mount.path, size: grown.size };
    if ((await growToDevice(inside, at)) === 'refused')
      throw new RpcError(
        'FAILED_PRECONDITION',
        `the kernel of this node does not let ${type} grow while it is mounted: delete the pods that use it, and it grows before they start again`,
      );
  }
  return { capacityBytes: BigInt(grown.size) };
}

async function statistics(inside: Inside, asked: NodeGetVolumeStatsRequest) {
  needId(asked);
  if (asked.volumePath === '') throw missing('volume_path');
  const { mount, device } = await volumeAt(inside, asked.volumeId, asked.volumePath);
  if (mount === undefined) return { usage: [{ unit: Unit.BYTES, total: BigInt(device?.size ?? 0) }] };
  return { usage: usageOf(await statisticsOf(inside, mount.path)) };
}

async function health(inside: Inside, asked: NodeGetVolumeHealthRequest) {
  needId(asked);
  const path = asked.volumePublishPath || asked.stagingTargetPath;
  const { mount, device } = await (path === ''
    ? volumeOf(inside, asked.volumeId)
    : volumeAt(inside, asked.volumeId, path));
  const fault = mount === undefined ? (device === undefined ? lost : undefined) : await conditionOf(inside, mount);
  const healthStatuses =
    fault === undefined
      ? []
      : [
          {
            status: fault.isLost ? Health.INACCESSIBLE : Health.DEGRADED,
            reason: fault.reason,
            message: fault.message,
          },
        ];
  return { volumeHealth: { volumeId: asked.volumeId, healthStatuses } };
}

/** What a path of the machine holds. */
interface VolumeSeen {
  /** `undefined` when the machine has it no longer. */
  readonly device: BlockDevice | undefined;
  /** `undefined` for a block volume. */
  readonly mount: Mount | undefined;
}

/** @fails RpcError NOT_FOUND: nothing is mounted there, or another volume */
async function volumeAt(inside: Inside, volume: string, path: string): Promise<VolumeSeen> {
  const notThere = (why: string): RpcError => new RpcError('NOT_FOUND', `volume ${volume} is not at ${path}: ${why}`);
  if (!path.startsWith('/')) throw notThere('the path is not absolute');
  const mount = mountAt(await observeMounts(inside), await canonical(inside, path));
  if (mount === undefined) throw notThere('nothing is mounted there');
  const file = await deviceFile(inside, mount.path);
  const { devices } = await observeBlockDevices(inside);
  const device = devices.find((one) => one.device === (file ?? mount.device));
  if (device?.serial !== undefined && !isSerialOf(device.serial, volume))
    throw notThere(`disk ${device.serial} is mounted there`);
  return { device, mount: file === undefined ? mount : undefined };
}

/** The volume wherever it is on this machine. */
async function volumeOf(inside: Inside, volume: string): Promise<VolumeSeen> {
  const choice = chooseDevice(await observeBlockDevices(inside), volume);
  if (choice.is !== 'there') throw new RpcError('NOT_FOUND', `volume ${volume} is not on this node: ${choice.why}`);
  return { device: choice.device, mount: undefined };
}

/** So long before the caller's deadline the answer is given, or nobody hears why. */
const margin = ms(500);
const pause = ms(200);

/** @fails RpcError UNAVAILABLE: not there in time · FAILED_PRECONDITION: two devices say that they are it */
async function waitForDevice(inside: Inside, serial: string, { signal, within }: Call): Promise<SureDevice> {
  const end = uptime() + within - margin;
  for (;;) {
    const choice = chooseDevice(await observeBlockDevices(inside), serial);
    if (choice.is === 'there') return { device: choice.device, confirm: () => confirm(inside, serial, choice.device) };
    if (choice.is === 'doubtful') throw new RpcError('FAILED_PRECONDITION', `disk ${serial}: ${choice.why}`);
    if (uptime() >= end)
      throw new RpcError('UNAVAILABLE', `disk ${serial} has not appeared on this node yet: ${choice.why}`);
    await sleep(pause, signal);
  }
}

/** That the same device is still the disk. */
async function confirm(inside: Inside, serial: string, device: BlockDevice): Promise<void> {
  const choice = chooseDevice(await observeBlockDevices(inside), serial);
  const isSame =
    choice.is === 'there' && choice.device.name === device.name && choice.device.sequence === device.sequence;
  if (!isSame)
    throw new Error(`/dev/${device.name} is no longer disk ${serial}: it was taken from the machine meanwhile`);
}

/** The kernel hears of the new size a moment after the cloud has given it. */
async function waitForSize(
  inside: Inside,
  volume: string,
  device: BlockDevice | undefined,
  wanted: number,
  { signal, within }: Call,
): Promise<BlockDevice> {
  const end = uptime() + within - margin;
  for (let seen = device; ; ) {
    if (seen === undefined) throw new RpcError('UNAVAILABLE', `the disk of volume ${volume} is no longer on this node`);
    if (seen.size >= wanted) return seen;
    if (uptime() >= end)
      throw new RpcError('UNAVAILABLE', `/dev/${seen.name} has ${seen.size} bytes, and not ${wanted} yet`);
    await sleep(pause, signal);
    const { devices } = await observeBlockDevices(inside);
    seen = devices.find(({ name, sequence }) => name === seen?.name && sequence === seen.sequence);
  }
}

function serialOf(asked: Pick<NodeStageVolumeRequest, 'volumeId' | 'publishContext'>): string {
  return asked.publishContext[serialKey] ?? asked.volumeId;
}

function madeBlankOf(context: Readonly<Record<string, string>>): Bytes | undefined {
  const text = context[madeBlankKey];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text))
    throw new RpcError('INVALID_ARGUMENT', `volumeAttributes ${madeBlankKey}: "${text}" is not a number of bytes`);
  return Number(text) as Bytes;
}
