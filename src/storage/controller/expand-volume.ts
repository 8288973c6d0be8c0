import type { CloudDisk } from '#cloud/disk.ts';
import type { ControllerExpandVolumeRequest } from '#rpc/gen/csi_pb.js';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { endOf, sizeAsked, useOf, valueOf } from './asked.ts';
import { chooseSize } from './choose-size.ts';
import type { DiskControllerOptions } from './options.ts';
import { refusal } from './refusal.ts';

/** Makes a disk larger; its node grows what is on it. */
export async function expandVolume(
  { cloud, watch }: DiskControllerOptions,
  asked: ControllerExpandVolumeRequest,
  call: Call,
) {
  const { volumeId: id, capacityRange, volumeCapability } = asked;
  const doing = `expanding ${id}`;
  if (capacityRange === undefined) throw new RpcError('INVALID_ARGUMENT', 'capacity_range is missing');
  if (volumeCapability !== undefined) useOf(doing, volumeCapability);
  const end = endOf(call);
  const disk = valueOf(doing, await cloud.disks.find(id, end()), 'looking');
  const nodeExpansionRequired = volumeCapability?.accessType.case !== 'block';
  const range = sizeAsked(capacityRange);
  if (disk.size >= range.required) return { capacityBytes: BigInt(disk.size), nodeExpansionRequired };
  const kind = disk.kind === undefined ? undefined : cloud.disks.kinds[disk.kind];
  if (kind === undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${doing}: its kind is not known here: grow it in the provider's console`,
    );
  const size = chooseSize(range, kind, disk.size);
  if (!size.ok) throw new RpcError(size.code, `${doing}: ${size.fault}`);
  const asking = await cloud.disks.grow(id, size.size, end());
  // A cloud refuses a size that the disk is growing to already, because it would not grow: then the disk tells.
  if (!asking.ok && asking.failure.kind !== 'invalid') throw refusal(doing, asking.failure, 'changing');
  const isGrown = (seen: CloudDisk): boolean => seen.size >= size.size;
  const watched = await watch.until(`${id} to be grown`, id, isGrown, end());
  if (!watched.ok && !asking.ok) throw refusal(doing, asking.failure, 'changed');
  const grown = valueOf(doing, watched, 'changed');
  return { capacityBytes: BigInt(grown.size), nodeExpansionRequired };
}
