import { groundLabel } from '#capability/ground.ts';
import { ownerFor } from '#cloud/disk.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import type { FileShare, FileShareKind, FileShares } from '#cloud/file-share.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import type { Inside } from '#host/inside.ts';
import {
  Controller,
  type ControllerExpandVolumeRequest,
  type CreateVolumeRequest,
  ControllerServiceCapability_RPC_Type as Rpc,
  type ValidateVolumeCapabilitiesRequest,
  type VolumeCapability,
} from '#rpc/gen/csi_pb.js';
import { type Call, RpcError, type Service, service } from '#rpc/rpc.ts';
import { type Ms, seconds, sleep, uptime } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import { type End, endOf, need, sizeAsked, valueOf } from '../controller/asked.ts';
import { chooseSize, isWithin } from '../controller/choose-size.ts';
import { refusal } from '../controller/refusal.ts';
import { removeOwned } from '../controller/remove-owned.ts';
import type { InFlight } from '../in-flight.ts';
import { chooseMountPoint } from './choose-mount-point.ts';
import { serverKey } from './driver.ts';
import { formatShareHandle, parseShareHandle, type ShareHandle } from './handle.ts';
import { parseShareClass, type ShareClassWish } from './parse-share-class.ts';
import { parseShareUse } from './parse-share-use.ts';
import { makeFolder, removeFolder } from './share-folders.ts';
import type { ShareRoots } from './share-roots.ts';

export interface ShareControllerOptions {
  readonly shares: FileShares;
  /** The machine of the cloud that this runs on: it makes and removes directories in shares. */
  readonly inside: Inside;
  readonly roots: ShareRoots;
  readonly flight: InFlight;
  readonly mark: string;
  readonly zone: string;
  /** Where the cluster's cloud machines are. */
  readonly place: { readonly vpc: string; readonly subnet: string };
  /** Pause between two looks at what was asked for. */
  readonly poll: Ms;
  /** Told before each change in a share, with the directory. */
  readonly before: (folder: string, step: string) => void;
}

/**
 * The controller's half of the driver of file shares. It keeps nothing in memory that matters: what the cloud and the share itself tell is enough to
 * finish a call that was cut off at any point.
 */
export function shareController(options: ShareControllerOptions): Service {
  const { alone } = options.flight;
  return service(Controller, {
    createVolume: (asked, call) =>
      alone(ownerFor(need(asked.name, 'name')), 'making', () => createVolume(options, asked, call)),
    deleteVolume: async ({ volumeId }, call) => {
      const handle = parseShareHandle(need(volumeId, 'volume_id'));
      // Not a form that this driver ever gave: there is no such volume.
      if (handle === undefined) return {};
      await alone(handle.folder ?? handle.share, 'deleting', () => deleteVolume(options, handle, call));
      return {};
    },
    controllerExpandVolume: (asked, call) =>
      alone(need(asked.volumeId, 'volume_id'), 'expanding', () => expandVolume(options, asked, call)),
    validateVolumeCapabilities: (asked, call) => validate(options, asked, call),
    controllerGetCapabilities: () => ({
      capabilities: [Rpc.CREATE_DELETE_VOLUME, Rpc.EXPAND_VOLUME, Rpc.SINGLE_NODE_MULTI_WRITER].map((type) => ({
        type: { case: 'rpc' as const, value: { type } },
      })),
    }),
  });
}

async function createVolume(options: ShareControllerOptions, asked: CreateVolumeRequest, call: Call) {
  const doing = `making volume ${asked.name}`;
  const wish = classOf(doing, options.shares, asked);
  const end = endOf(call);
  const made = await (wish.of === 'directory'
    ? makeDirectory(options, asked, wish, end)
    : makeShare(options, asked, wish, end, call));
  return {
    volume: {
      volumeId: formatShareHandle(made.handle),
      capacityBytes: BigInt(made.size),
      volumeContext: { [serverKey]: made.server },
      // Every cloud node reaches it, and no machine of the site.
      accessibleTopology: [{ segments: { [groundLabel]: 'cloud' } }],
    },
  };
}

interface Made {
  readonly handle: ShareHandle;
  readonly size: number;
  readonly server: Ip;
}

async function makeDirectory(
  { shares, inside, roots, mark, place, before }: ShareControllerOptions,
  asked: CreateVolumeRequest,
  { share: id, onDelete }: Extract<ShareClassWish, { of: 'directory' }>,
  end: End,
): Promise<Made> {
  const doing = `making volume ${asked.name}`;
  const { required, limit } = sizeAsked(asked.capacityRange);
  if (required < 0 || limit < 0 || (limit > 0 && limit < required))
    throw new RpcError('INVALID_ARGUMENT', `${doing}: no size is at least ${required} and at most ${limit} bytes`);
  const found = await shares.find(id, end());
  if (!found.ok && found.failure.kind === 'gone')
    throw new RpcError('INVALID_ARGUMENT', `${doing}: parameter share: "${id}": there is no such file share here`);
  const share = valueOf(doing, found, 'looking');
  if (share.mark === mark && share.owner !== undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${doing}: parameter share: "${id}": it is a volume of this cluster itself, and goes when that is deleted: use another file share`,
    );
  // Not ours to change: who owns it lets the VPC reach it.
  const points = valueOf(doing, await shares.mountPoints(id, end()), 'looking');
  const server = chooseMountPoint(points, place);
  if (server === undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${doing}: file share ${id} has no mount point in ${place.vpc}: add one for a subnet of it in the provider's console`,
    );
  const folder = ownerFor(asked.name);
  const wish = { least: required, most: limit, onDelete };
  const record = await roots.within({ share: id, server }, (root) =>
    makeFolder(inside, { root, mark, folder, before }, wish),
  );
  return { handle: { share: id, folder }, size: record.size, server };
}

async function makeShare(
  { shares, mark, zone, place, poll }: ShareControllerOptions,
  asked: CreateVolumeRequest,
  { kind, charge, quantity }: Extract<ShareClassWish, { of: 'share' }>,
  end: End,
  call: Call,
): Promise<Made> {
  const doing = `making volume ${asked.name}`;
  const range = sizeAsked(asked.capacityRange);
  const size = chooseSize(range, shares.kinds[kind] as FileShareKind);
  if (!size.ok) throw new RpcError(size.code, `${doing}: ${size.fault}`);
  const owner = ownerFor(asked.name);
  const wish = { mark, owner, name: owner, zone, kind, size: size.size, charge, quantity };
  const share = valueOf(doing, await shares.create(wish, end()), 'making');
  const difference = differenceOf(share, kind) ?? (isWithin(share.size, range) ? undefined : `has ${share.size} bytes`);
  if (difference !== undefined)
    throw new RpcError('ALREADY_EXISTS', `${doing}: file share ${share.id} has this name already, and ${difference}`);
  const server = await openShare({ shares, place, poll }, doing, { id: share.id, name: owner }, end, call);
  return { handle: { share: share.id, folder: undefined }, size: share.size, server };
}

function differenceOf(share: FileShare, kind: string): string | undefined {
  return share.kind === kind ? undefined : `is of kind ${share.kind ?? 'that is not known'}, not ${kind}`;
}

/** Until the cluster's subnet reaches it. Nothing that fails here may be taken for "nothing was made". */
async function openShare(
  { shares, place, poll }: Pick<ShareControllerOptions, 'shares' | 'place' | 'poll'>,
  doing: string,
  { id, name }: { readonly id: string; readonly name: string },
  end: End,
  { signal, within }: Call,
): Promise<Ip> {
  const until = uptime() + within - margin;
  for (;;) {
    const points = await shares.mountPoints(id, end());
    const server = points.ok ? chooseMountPoint(points.value, place) : undefined;
    if (server !== undefined) return server;
    const isAsked = points.ok && points.value.some((one) => one.vpc === place.vpc && one.subnet === place.subnet);
    const opened = isAsked ? points : await shares.open(id, { name, ...place }, end());
    if (!opened.ok && isFinal(opened.failure)) throw refusal(doing, opened.failure, 'changed');
    if (uptime() >= until)
      throw new RpcError('UNAVAILABLE', `${doing}: file share ${id} has no mount point in ${place.subnet} yet`);
    await sleep(poll, signal);
  }
}

/** Before the caller's deadline, so that the reason is heard. */
const margin = seconds(1);

/** A share that is still being made takes no mount point, and no list need show it. */
function isFinal(failure: CloudFailure): boolean {
  return retryAdvice(failure) === 'when-the-world-changes' && failure.kind !== 'gone';
}

async function deleteVolume(
  { shares, inside, roots, mark, place, before }: ShareControllerOptions,
  handle: ShareHandle,
  call: Call,
): Promise<void> {
  const doing = `deleting volume ${formatShareHandle(handle)}`;
  const { share: id, folder } = handle;
  if (folder === undefined) {
    await removeOwned(doing, shares, id, mark, call);
    return;
  }
  // Directories that people have made have no record, wherever they are.
  if (folder.includes('/')) return;
  const points = await shares.mountPoints(id, endOf(call)());
  // With all that was on it.
  if (!points.ok && points.failure.kind === 'gone') return;
  const server = chooseMountPoint(valueOf(doing, points, 'looking'), place);
  if (server === undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${doing}: file share ${id} no longer has a mount point in ${place.vpc}: add one for a subnet of it in the provider's console`,
    );
  await roots.within({ share: id, server }, (root) => removeFolder(inside, { root, mark, folder, before }));
}

async function expandVolume(
  { shares, mark }: ShareControllerOptions,
  asked: ControllerExpandVolumeRequest,
  call: Call,
) {
  const { volumeId, capacityRange, volumeCapability } = asked;
  const doing = `expanding ${volumeId}`;
  if (capacityRange === undefined) throw new RpcError('INVALID_ARGUMENT', 'capacity_range is missing');
  if (volumeCapability !== undefined) checkUse(doing, volumeCapability);
  const range = sizeAsked(capacityRange);
  const end = endOf(call);
  const { share, handle } = await findVolume(shares, doing, volumeId, end);
  const grown = (size: number) => ({ capacityBytes: BigInt(size), nodeExpansionRequired: false });
  // Nothing holds the size of a directory: it has what the share has left.
  if (handle.folder !== undefined) return grown(range.required);
  if (share.size >= range.required) return grown(share.size);
  const kind = share.kind === undefined ? undefined : shares.kinds[share.kind];
  if (share.mark !== mark || kind === undefined)
    throw new RpcError(
      'FAILED_PRECONDITION',
      `${doing}: it was not made by this cluster: grow it in the provider's console`,
    );
  const size = chooseSize(range, kind, share.size);
  if (!size.ok) throw new RpcError(size.code, `${doing}: ${size.fault}`);
  valueOf(doing, await shares.grow(share.id, size.size, end()), 'changing');
  return grown(size.size);
}

async function validate({ shares }: ShareControllerOptions, asked: ValidateVolumeCapabilitiesRequest, call: Call) {
  const { volumeCapabilities, parameters, volumeContext, volumeId } = asked;
  need(volumeId, 'volume_id');
  if (volumeCapabilities.length === 0) throw new RpcError('INVALID_ARGUMENT', 'volume_capabilities are missing');
  await findVolume(shares, `looking for volume ${volumeId}`, volumeId, endOf(call));
  const faults = volumeCapabilities.flatMap((capability) => {
    const parsed = parseShareUse(capability);
    return parsed.ok ? [] : [parsed.fault];
  });
  if (faults.length > 0) return { message: faults.join('; ') };
  return { confirmed: { volumeCapabilities, parameters, volumeContext } };
}

/** The share that a volume is or lies in. @fails RpcError NOT_FOUND */
async function findVolume(
  shares: FileShares,
  doing: string,
  volumeId: string,
  end: End,
): Promise<{ readonly share: FileShare; readonly handle: ShareHandle }> {
  const handle = parseShareHandle(volumeId);
  if (handle === undefined) throw new RpcError('NOT_FOUND', `${doing}: "${volumeId}" is no file share`);
  return { share: valueOf(doing, await shares.find(handle.share, end()), 'looking'), handle };
}

function classOf(
  doing: string,
  shares: FileShares,
  { parameters, mutableParameters, volumeCapabilities, volumeContentSource }: CreateVolumeRequest,
): ShareClassWish {
  if (volumeCapabilities.length === 0)
    throw new RpcError('INVALID_ARGUMENT', `${doing}: volume_capabilities are missing`);
  for (const capability of volumeCapabilities) checkUse(doing, capability);
  if (volumeContentSource !== undefined)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${doing}: a file share cannot begin as a copy: make an empty one and copy with a pod that mounts both`,
    );
  const [mutable] = Object.keys(mutableParameters);
  if (mutable !== undefined)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `${doing}: file shares have nothing that a VolumeAttributesClass could change: "${mutable}"`,
    );
  const parsed = parseShareClass(parameters, Object.keys(shares.kinds));
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `${doing}: ${parsed.faults.join('; ')}`);
  return parsed.wish;
}

function checkUse(doing: string, capability: VolumeCapability): void {
  const parsed = parseShareUse(capability);
  if (!parsed.ok) throw new RpcError('INVALID_ARGUMENT', `${doing}: ${parsed.fault}`);
}
