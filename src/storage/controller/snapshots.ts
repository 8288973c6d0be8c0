import { type CloudSnapshot, ownerFor } from '#cloud/disk.ts';
import type { Within } from '#cloud/owned.ts';
import type { CreateSnapshotRequest, ListSnapshotsRequest } from '#rpc/gen/csi_pb.js';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { seconds, sleep } from '#unit/clock.ts';
import { type End, endOf, need, valueOf } from './asked.ts';
import type { DiskControllerOptions } from './options.ts';
import { refusal } from './refusal.ts';

/** Takes a snapshot, or goes on taking it. */
export async function createSnapshot({ cloud, mark }: DiskControllerOptions, asked: CreateSnapshotRequest, call: Call) {
  const { name, sourceVolumeId: disk, parameters } = asked;
  const doing = `taking snapshot ${name} of ${disk}`;
  need(disk, 'source_volume_id');
  const unknown = Object.keys(parameters).find((parameter) => !parameter.startsWith('csi.storage.k8s.io/'));
  if (unknown !== undefined)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${doing}: unknown parameter ${unknown}: this driver's VolumeSnapshotClasses have none`,
    );
  const end = endOf(call);
  const made = await cloud.snapshots.create({ mark, owner: ownerFor(name), disk }, end());
  if (!made.ok && made.failure.kind === 'billing')
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${refusal(doing, made.failure, 'making').message}; snapshots need a service that is paid for with each disk: buy it for ${disk}, or make disks by a StorageClass with snapshotService: "true"`,
    );
  const seen = valueOf(doing, made, 'making');
  if (seen.disk !== disk)
    throw new RpcError('ALREADY_EXISTS', `${doing}: snapshot ${seen.id} has this name already, and is of ${seen.disk}`);
  const snapshot = await settledSnapshot(cloud, doing, seen.id, end, call, seen);
  if (snapshot.state === 'failed') {
    valueOf(doing, await cloud.snapshots.remove(snapshot.id, mark, end()), 'changed');
    throw new RpcError(
      'UNAVAILABLE',
      `${doing}: the cloud failed to take snapshot ${snapshot.id}, which is removed: ask again`,
    );
  }
  return { snapshot: snapshotTold(snapshot) };
}

/** How often a snapshot is looked at. A cloud takes minutes for one. */
const snapshotPause = seconds(1);
/** The answer may say that a snapshot is not ready: so much of the caller's time is left for giving it. */
const rest = seconds(2);

/** The snapshot once it is made, or as it is when the caller's time is nearly over. */
export async function settledSnapshot(
  { snapshots }: DiskControllerOptions['cloud'],
  doing: string,
  id: string,
  end: End,
  { signal }: Call,
  first?: CloudSnapshot,
): Promise<CloudSnapshot> {
  for (let seen = first; ; ) {
    seen ??= valueOf(doing, await snapshots.find(id, end()), first === undefined ? 'looking' : 'changed');
    if (seen.state === 'ready' || seen.state === 'failed' || end().within < rest) return seen;
    seen = undefined;
    await sleep(snapshotPause, signal);
  }
}

/** Snapshots of this cluster, page by page. */
export async function listSnapshots({ cloud, mark }: DiskControllerOptions, asked: ListSnapshotsRequest, call: Call) {
  const all = await snapshotsAsked(cloud, mark, asked, endOf(call)());
  const from = all.findIndex(({ id }) => id === asked.startingToken);
  if (asked.startingToken !== '' && from < 0)
    throw new RpcError('ABORTED', `starting_token ${asked.startingToken} is no longer valid: list from the beginning`);
  const page = all.slice(Math.max(0, from), asked.maxEntries > 0 ? Math.max(0, from) + asked.maxEntries : undefined);
  const next = all[Math.max(0, from) + page.length];
  return { entries: page.map((one) => ({ snapshot: snapshotTold(one) })), nextToken: next?.id ?? '' };
}

async function snapshotsAsked(
  { snapshots }: DiskControllerOptions['cloud'],
  mark: string,
  { snapshotId, sourceVolumeId }: ListSnapshotsRequest,
  within: Within,
): Promise<readonly CloudSnapshot[]> {
  const doing = 'listing snapshots';
  if (snapshotId === '') {
    const all = valueOf(doing, await snapshots.list(mark, within), 'looking');
    return sourceVolumeId === '' ? all : all.filter(({ disk }) => disk === sourceVolumeId);
  }
  const found = await snapshots.find(snapshotId, within);
  if (!found.ok && found.failure.kind === 'gone') return [];
  const one = valueOf(doing, found, 'looking');
  return sourceVolumeId === '' || one.disk === sourceVolumeId ? [one] : [];
}

function snapshotTold({ id, disk, size, createdAt, state }: CloudSnapshot) {
  return {
    snapshotId: id,
    sourceVolumeId: disk,
    sizeBytes: BigInt(size),
    creationTime: { seconds: BigInt(createdAt), nanos: 0 },
    readyToUse: state === 'ready',
  };
}
