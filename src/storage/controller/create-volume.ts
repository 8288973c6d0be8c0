import { type CloudDisk, type DiskKind, type DiskSource, ownerFor, sourceKey } from '#cloud/disk.ts';
import type { CreateVolumeRequest } from '#rpc/gen/csi_pb.js';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { madeBlankKey, ownerKey } from '../driver.ts';
import { type End, endOf, sizeAsked, useOf, valueOf } from './asked.ts';
import { chooseSize } from './choose-size.ts';
import { chooseZone, segmentsOf } from './choose-zone.ts';
import type { DiskControllerOptions } from './options.ts';
import { type ClassWish, parseClass } from './parse-class.ts';
import { type MadeWish, planMade } from './plan-made.ts';
import { settledSnapshot } from './snapshots.ts';

/** Makes a volume, or goes on making it. */
export async function createVolume(options: DiskControllerOptions, asked: CreateVolumeRequest, call: Call) {
  const { cloud, mark, region, intents } = options;
  const doing = `making volume ${asked.name}`;
  const end = endOf(call);
  const parameters = classOf(doing, cloud.disks.kinds, asked);
  const source = await sourceOf(options, asked, end, call);
  const kind = cloud.disks.kinds[parameters.kind] as DiskKind;
  if (source?.kind !== undefined && source.kind !== parameters.kind)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${doing}: a copy has the kind of its source, which is ${source.kind}: use a StorageClass with type: ${source.kind}`,
    );
  const range = sizeAsked(asked.capacityRange);
  const size = chooseSize(range, kind, source?.size);
  if (!size.ok) throw new RpcError(size.code, `${doing}: ${size.fault}`);
  const place = chooseZone(
    {
      preferred: (asked.accessibilityRequirements?.preferred ?? []).map(({ segments }) => segments),
      requisite: (asked.accessibilityRequirements?.requisite ?? []).map(({ segments }) => segments),
    },
    { region, usual: options.zone, only: source?.zone },
  );
  if (!place.ok) throw new RpcError('RESOURCE_EXHAUSTED', `${doing}: ${place.fault}`);
  const owner = ownerFor(asked.name);
  const from: DiskSource = source?.source ?? { from: 'nothing' };
  const { charge, quantity, encryptionKey, snapshotService, claim } = parameters;
  const wish = {
    mark,
    owner,
    zone: place.zone,
    near: kind.hasClusters && claim !== undefined ? await options.machineFor(claim) : undefined,
    kind: parameters.kind,
    size: size.size,
    source: from,
    charge,
    quantity,
    encryptionKey,
    snapshotService,
  };
  await intents.note(owner);
  const made = valueOf(doing, await cloud.disks.create(wish, end()), 'making');
  // What is on a disk that a pod had as a device nobody can tell: it is never formatted, whatever a later PersistentVolume of it says.
  const isForFiles = asked.volumeCapabilities.every(({ accessType }) => accessType.case === 'mount');
  const disk = await untilMade(options, made, { ...wish, asked: range, source: sourceKey(from) }, doing, end);
  return {
    volume: {
      volumeId: disk.id,
      capacityBytes: BigInt(disk.size),
      volumeContext: {
        [ownerKey]: owner,
        ...(from.from === 'nothing' && isForFiles && { [madeBlankKey]: `${disk.size}` }),
      },
      ...(asked.volumeContentSource !== undefined && { contentSource: asked.volumeContentSource }),
      accessibleTopology: [{ segments: segmentsOf(region, disk.zone) }],
    },
  };
}

/** Until the disk is there as it was asked for. Nothing that fails from here on may be taken for "nothing was made". */
async function untilMade(
  { cloud, watch, mark }: DiskControllerOptions,
  made: CloudDisk,
  wish: MadeWish,
  doing: string,
  end: End,
): Promise<CloudDisk> {
  const until = async (what: string, isSo: (disk: CloudDisk) => boolean): Promise<CloudDisk> =>
    valueOf(doing, await watch.until(`${made.id} to be ${what}`, made.id, isSo, end()), 'changed');
  for (let disk = made; ; ) {
    const step = planMade(disk, wish);
    switch (step.do) {
      case 'use':
        return disk;
      case 'refuse':
        throw new RpcError('ALREADY_EXISTS', `${doing}: disk ${disk.id} has this name already, and ${step.difference}`);
      case 'replace':
        valueOf(doing, await cloud.disks.remove(disk.id, mark, end()), 'changed');
        throw new RpcError(
          'UNAVAILABLE',
          `${doing}: the cloud failed to make disk ${disk.id}, which is removed: ask again`,
        );
      case 'wait':
        disk = await until('made', (seen) => planMade(seen, wish).do !== 'wait');
        break;
      case 'grow':
        valueOf(doing, await cloud.disks.grow(disk.id, step.to, end()), 'changed');
        disk = await until('grown', (seen) => planMade(seen, wish).do === 'use');
    }
  }
}

interface SourceSeen {
  readonly source: DiskSource;
  readonly size: number;
  readonly zone: string;
  readonly kind: string | undefined;
}

/** What a volume is to be a copy of; `undefined` for a new one. */
async function sourceOf(
  { cloud }: DiskControllerOptions,
  { volumeContentSource, name }: CreateVolumeRequest,
  end: End,
  call: Call,
): Promise<SourceSeen | undefined> {
  const doing = `making volume ${name}`;
  const from = volumeContentSource?.type;
  if (from?.case === undefined) return undefined;
  if (from.case === 'volume') {
    const { volumeId } = from.value;
    const disk = valueOf(`${doing} as a copy of ${volumeId}`, await cloud.disks.find(volumeId, end()), 'looking');
    return { source: { from: 'disk', disk: volumeId }, size: disk.size, zone: disk.zone, kind: disk.kind };
  }
  const { snapshotId } = from.value;
  const snapshot = await settledSnapshot(cloud, `${doing} of snapshot ${snapshotId}`, snapshotId, end, call);
  if (snapshot.state === 'failed')
    throw new RpcError('FAILED_PRECONDITION', `${doing}: snapshot ${snapshotId} failed: take another one`);
  if (snapshot.state !== 'ready')
    throw new RpcError('UNAVAILABLE', `${doing}: snapshot ${snapshotId} is not ready yet`);
  const { size, zone, kind } = snapshot;
  return { source: { from: 'snapshot', snapshot: snapshotId }, size, zone, kind };
}

function classOf(
  doing: string,
  kinds: Readonly<Record<string, DiskKind>>,
  { parameters, volumeCapabilities }: CreateVolumeRequest,
): ClassWish {
  if (volumeCapabilities.length === 0)
    throw new RpcError('INVALID_ARGUMENT', `${doing}: volume_capabilities are missing`);
  const uses = volumeCapabilities.map((capability) => useOf(doing, capability));
  const parsed = parseClass(parameters, Object.keys(kinds));
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `${doing}: ${parsed.faults.join('; ')}`);
  const { fsType } = parsed.wish;
  const other = uses.find((use) => use.as === 'file-system' && fsType !== undefined && use.type !== fsType);
  if (other?.as === 'file-system')
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${doing}: parameter fsType says ${fsType}, and the volume is to be ${other.type}: let both say the same`,
    );
  return parsed.wish;
}
