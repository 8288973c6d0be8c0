import type { BlockDevice } from '#host/block-devices.ts';
import type { Inside } from '#host/inside.ts';
import { type Mount, mountAt, observeMounts } from '#host/mounts.ts';
import {
  VolumeHealthErrorType as Health,
  Node,
  type NodeExpandVolumeRequest,
  type NodeGetVolumeHealthRequest,
  type NodeGetVolumeStatsRequest,
  NodeServiceCapability_RPC_Type as Rpc,
  VolumeUsage_Unit as Unit,
} from '#rpc/gen/csi_pb.js';
import { RpcError, type Service, service } from '#rpc/rpc.ts';
import { messageOf } from '#unit/message-of.ts';
import type { InFlight } from '../in-flight.ts';
import { missing, needId, pathOf, useOf } from '../node/asked.ts';
import type { PublishSource } from '../node/plan-publish.ts';
import { conditionOf, deviceFile, publish, statisticsOf, unmountAll, unpublish, usageOf } from '../node/publish.ts';
import { growToDevice, stageDevice } from '../node/stage-device.ts';
import type { Use } from '../parse-capability.ts';
import { nodeKey } from './driver.ts';
import { formatHandle, type Handle, parseHandle } from './handle.ts';
import { type Found, type LocalVolumes, recordIn } from './local-volumes.ts';
import { parseGrowth } from './parse-asked.ts';

/** The node's half of the driver of local volumes. */
export function localNode(volumes: LocalVolumes, inside: Inside, flight: InFlight): Service {
  const alone = <T>(volumeId: string, doing: string, work: (handle: Handle) => Promise<T>): Promise<T> => {
    const handle = handleIn(volumes, volumeId);
    return flight.alone(handle.id, doing, () => work(handle));
  };
  const path = (asked: string, field: string): Promise<string> => pathOf(inside, asked, field);
  return service(Node, {
    // What is missing from a call is told before anything is looked for.
    async nodeStageVolume(asked) {
      needId(asked);
      const staging = await path(asked.stagingTargetPath, 'staging_target_path');
      const use = useOf(asked);
      return alone(asked.volumeId, 'staging', (handle) => stage(volumes, inside, handle, { staging, use }));
    },
    async nodeUnstageVolume(asked) {
      needId(asked);
      const staging = await path(asked.stagingTargetPath, 'staging_target_path');
      return alone(asked.volumeId, 'unstaging', async (handle) => {
        await unmountAll(inside, staging);
        await volumes.release(handle);
        return {};
      });
    },
    async nodePublishVolume(asked) {
      needId(asked);
      const target = await path(asked.targetPath, 'target_path');
      const use = useOf(asked);
      const staging = use.as === 'block' ? '' : await path(asked.stagingTargetPath, 'staging_target_path');
      const wish = { isReadOnly: asked.readonly || use.isReader, isSingle: use.isSingle };
      return alone(asked.volumeId, 'publishing', async (handle) => {
        await publish(inside, await sourceOf(volumes, handle, use, staging), target, wish);
        return {};
      });
    },
    async nodeUnpublishVolume(asked) {
      needId(asked);
      const target = await path(asked.targetPath, 'target_path');
      return alone(asked.volumeId, 'unpublishing', async () => {
        await unpublish(inside, target);
        return {};
      });
    },
    nodeExpandVolume(asked) {
      if (asked.volumePath === '') throw missing('volume_path');
      return alone(asked.volumeId, 'growing', (handle) => expand(volumes, inside, handle, asked));
    },
    nodeGetVolumeStats: (asked) => statistics(volumes, inside, asked),
    nodeGetVolumeHealth: (asked) => health(volumes, inside, asked),
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
      nodeId: volumes.node,
      accessibleTopology: { segments: { [nodeKey]: volumes.node } },
    }),
  });
}

async function stage(
  volumes: LocalVolumes,
  inside: Inside,
  handle: Handle,
  { staging, use }: { readonly staging: string; readonly use: Use },
) {
  const found = await foundOf(volumes, handle);
  const { usage, madeWith } = recordIn(found);
  if (usage.as !== use.as || (usage.as === 'file-system' && use.as === 'file-system' && usage.type !== use.type))
    throw new RpcError(
      'FAILED_PRECONDITION',
      `volume ${handle.id} was made ${usage.as === 'block' ? 'as a block device' : `with ${usage.type}`}, and is to be used otherwise`,
    );
  const sure = await volumes.attach(found);
  if (use.as === 'file-system')
    await stageDevice(inside, sure, {
      volume: formatHandle(handle),
      type: use.type,
      options: use.options,
      isWritable: !use.isReader,
      madeBlank: madeWith,
      staging,
    });
  return {};
}

async function sourceOf(volumes: LocalVolumes, handle: Handle, use: Use, staging: string): Promise<PublishSource> {
  const found = await foundOf(volumes, handle);
  if (use.as === 'file-system') return { kind: 'folder', path: staging };
  const { device } = await volumes.attach(found);
  return { kind: 'device', path: `/dev/${device.name}`, device: device.device };
}

async function expand(volumes: LocalVolumes, inside: Inside, handle: Handle, asked: NodeExpandVolumeRequest) {
  const wanted = parseGrowth(asked.capacityRange);
  if (!wanted.ok) throw new RpcError(wanted.failure.code, wanted.failure.message);
  const size = await volumes.grow(handle, wanted.value);
  const found = await foundOf(volumes, handle);
  const { usage } = recordIn(found);
  const device = await volumes.device(found);
  const mount = device === undefined ? undefined : await mountOf(inside, device);
  if (usage.as === 'file-system' && device !== undefined && mount !== undefined && !mount.isReadOnly) {
    const at = { type: usage.type, device: `/dev/${device.name}`, path: mount.path, size: device.size };
    if ((await growToDevice(inside, at)) === 'refused')
      throw new RpcError(
        'FAILED_PRECONDITION',
        `the kernel of ${volumes.node} does not let ${usage.type} grow while it is mounted: delete the pods that use it, and it grows before they start again`,
      );
  }
  return { capacityBytes: BigInt(size) };
}

/** Where the whole of a device's file system can be seen. */
async function mountOf(inside: Inside, { device }: BlockDevice): Promise<Mount | undefined> {
  return (await observeMounts(inside)).find((one) => one.device === device && one.root === '/');
}

async function statistics(volumes: LocalVolumes, inside: Inside, asked: NodeGetVolumeStatsRequest) {
  if (asked.volumePath === '') throw missing('volume_path');
  const handle = handleIn(volumes, asked.volumeId);
  const { device, mount } = await volumeAt(volumes, inside, handle, asked.volumePath);
  if (mount.device !== device.device) return { usage: [{ unit: Unit.BYTES, total: BigInt(device.size) }] };
  return { usage: usageOf(await statisticsOf(inside, mount.path)) };
}

/** @fails RpcError NOT_FOUND: it is not there, or not at this path */
async function volumeAt(volumes: LocalVolumes, inside: Inside, handle: Handle, path: string) {
  const device = await volumes.device(await foundOf(volumes, handle));
  const mount = path.startsWith('/')
    ? mountAt(await observeMounts(inside), await pathOf(inside, path, 'volume_path'))
    : undefined;
  const file = mount === undefined ? undefined : await deviceFile(inside, mount.path);
  if (device === undefined || mount === undefined || (file ?? mount.device) !== device.device)
    throw new RpcError('NOT_FOUND', `volume ${handle.id} is not at ${path}`);
  return { device, mount };
}

async function health(volumes: LocalVolumes, inside: Inside, asked: NodeGetVolumeHealthRequest) {
  const handle = handleIn(volumes, asked.volumeId);
  const fault = await faultOf(volumes, inside, handle);
  return { volumeHealth: { volumeId: asked.volumeId, healthStatuses: fault === undefined ? [] : [fault] } };
}

async function faultOf(volumes: LocalVolumes, inside: Inside, handle: Handle) {
  let device: BlockDevice | undefined;
  try {
    device = await volumes.device(await foundOf(volumes, handle));
  } catch (e) {
    if (e instanceof RpcError && e.code === 'NOT_FOUND') throw e;
    return { status: Health.INACCESSIBLE, reason: 'PlaceMissing', message: messageOf(e) };
  }
  const mount = device === undefined ? undefined : await mountOf(inside, device);
  const seen = mount === undefined ? undefined : await conditionOf(inside, mount);
  if (seen === undefined) return undefined;
  return { status: seen.isLost ? Health.INACCESSIBLE : Health.DEGRADED, reason: seen.reason, message: seen.message };
}

async function foundOf(volumes: LocalVolumes, handle: Handle): Promise<Found> {
  const found = await volumes.find(handle);
  if (found !== undefined && recordIn(found).state === 'ready') return found;
  throw new RpcError('NOT_FOUND', `there is no volume ${handle.id} on ${volumes.node}`);
}

function handleIn(volumes: LocalVolumes, volumeId: string): Handle {
  const handle = parseHandle(needId({ volumeId }));
  if (handle !== undefined) return handle;
  throw new RpcError(
    'NOT_FOUND',
    `"${volumeId}" is no local volume of ${volumes.node}: its handle would begin ${volumes.node}/`,
  );
}
