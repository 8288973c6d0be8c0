import { mkdir } from 'node:fs/promises';
import { groundLabel } from '#capability/ground.ts';
import type { Inside } from '#host/inside.ts';
import { mountAt, observeMounts } from '#host/mounts.ts';
import {
  Node,
  type NodeGetVolumeStatsRequest,
  type NodePublishVolumeRequest,
  type NodeStageVolumeRequest,
  NodeServiceCapability_RPC_Type as Rpc,
} from '#rpc/gen/csi_pb.js';
import { RpcError, type Service, service } from '#rpc/rpc.ts';
import { parseIp } from '#unit/ip.ts';
import { inFlight } from '../in-flight.ts';
import { missing, needId, pathOf } from '../node/asked.ts';
import { publish, statisticsOf, unmountAll, unpublish, usageOf } from '../node/publish.ts';
import { serverKey } from './driver.ts';
import { parseShareHandle } from './handle.ts';
import { mountOptions } from './mount-options.ts';
import { mountShare } from './mount-share.ts';
import { parseShareUse, type ShareUse } from './parse-share-use.ts';

/** The node's half of the driver of file shares: it mounts by the machine's own tools, and asks neither the cloud nor the API server. */
export function shareNode(inside: Inside, node: string): Service {
  const { alone } = inFlight();
  return service(Node, {
    nodeStageVolume: (asked) => alone(needId(asked), 'staging', () => stage(inside, asked)),
    nodeUnstageVolume: (asked) =>
      alone(needId(asked), 'unstaging', async () => {
        await unmountAll(inside, await pathOf(inside, asked.stagingTargetPath, 'staging_target_path'));
        return {};
      }),
    nodePublishVolume: (asked) => alone(needId(asked), 'publishing', () => publishShare(inside, asked)),
    nodeUnpublishVolume: (asked) =>
      alone(needId(asked), 'unpublishing', async () => {
        await unpublish(inside, await pathOf(inside, asked.targetPath, 'target_path'));
        return {};
      }),
    nodeGetVolumeStats: (asked) => statistics(inside, asked),
    nodeGetCapabilities: () => ({
      capabilities: [Rpc.STAGE_UNSTAGE_VOLUME, Rpc.GET_VOLUME_STATS, Rpc.SINGLE_NODE_MULTI_WRITER].map((type) => ({
        type: { case: 'rpc' as const, value: { type } },
      })),
    }),
    nodeGetInfo: () => ({ nodeId: node, accessibleTopology: { segments: { [groundLabel]: 'cloud' } } }),
  });
}

async function stage(inside: Inside, asked: NodeStageVolumeRequest) {
  const staging = await pathOf(inside, asked.stagingTargetPath, 'staging_target_path');
  const { options } = useOf(asked);
  const source = sourceOf(asked);
  const there = mountAt(await observeMounts(inside), staging);
  if (there !== undefined) {
    if (there.type.startsWith('nfs') && there.source !== source)
      throw new RpcError(
        'ALREADY_EXISTS',
        `volume ${asked.volumeId}: ${there.source} is mounted at ${staging}, and not ${source}`,
      );
    return {};
  }
  await mkdir(inside.at(staging), { recursive: true, mode: 0o750 });
  await mountShare(inside, { source, target: staging, options: mountOptions(options) });
  return {};
}

async function publishShare(inside: Inside, asked: NodePublishVolumeRequest) {
  const target = await pathOf(inside, asked.targetPath, 'target_path');
  const use = useOf(asked);
  const path = await pathOf(inside, asked.stagingTargetPath, 'staging_target_path');
  const wish = { isReadOnly: asked.readonly || use.isReader, isSingle: use.isSingle };
  await publish(inside, { kind: 'folder', path }, target, wish);
  return {};
}

/** Of a directory the figures are those of the whole share: nothing holds its size. */
async function statistics(inside: Inside, asked: NodeGetVolumeStatsRequest) {
  needId(asked);
  if (asked.volumePath === '') throw missing('volume_path');
  const notThere = new RpcError('NOT_FOUND', `volume ${asked.volumeId} is not at ${asked.volumePath}`);
  if (!asked.volumePath.startsWith('/')) throw notThere;
  const path = await pathOf(inside, asked.volumePath, 'volume_path');
  if (mountAt(await observeMounts(inside), path) === undefined) throw notThere;
  return { usage: usageOf(await statisticsOf(inside, path)) };
}

/** What `mount` is told, from the handle and the volume's context. */
function sourceOf({ volumeId, volumeContext }: NodeStageVolumeRequest): string {
  const handle = parseShareHandle(volumeId);
  if (handle === undefined)
    throw new RpcError(
      'NOT_FOUND',
      `"${volumeId}" is no file share: volumeHandle is the id of one, such as ufs-1a2b3c, or ufs-1a2b3c/directory`,
    );
  const server = parseIp(volumeContext[serverKey] ?? '');
  if (server === undefined)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `volume ${volumeId}: volumeAttributes ${serverKey}: "${volumeContext[serverKey] ?? ''}" is not an IP address: write that of the share's mount point, such as 10.9.0.7`,
    );
  return `${server}:/${handle.folder ?? ''}`;
}

function useOf(asked: Pick<NodeStageVolumeRequest, 'volumeId' | 'volumeCapability'>): ShareUse {
  const parsed = parseShareUse(asked.volumeCapability);
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `volume ${asked.volumeId}: ${parsed.fault}`);
  return parsed.use;
}
