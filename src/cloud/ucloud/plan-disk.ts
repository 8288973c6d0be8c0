import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { CloudDisk, CloudSnapshot, DiskWish, SnapshotWish } from '../disk.ts';
import type { Owned } from '../owned.ts';
import { diskKinds, gibOf, nameOfKind } from './disk-kinds.ts';
import { chargeNames } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import type { Refusal } from './refusal.ts';
import type { Params } from './wire/sign.ts';

export type DiskStep = { readonly do: 'create'; readonly action: string; readonly params: Params } | Refusal;

/** What a disk is to be filled from, as one look showed it. */
export type SourceSeen =
  | { readonly from: 'disk'; readonly disk: CloudDisk }
  | { readonly from: 'snapshot'; readonly snapshot: CloudSnapshot };

/**
 * The one request that makes this disk, or all that is wrong with the wish.
 * @shape name: as `diskName`; source: what the wish names as its source, `undefined` for nothing; cluster: that of the machine which the
 *         disk must be near
 * @source UCloud API reference, CreateUDisk, CloneUDisk, CloneUDiskSnapshot
 */
export function planDisk(
  wish: DiskWish,
  {
    name,
    source,
    cluster,
  }: { readonly name: string; readonly source: SourceSeen | undefined; readonly cluster: string | undefined },
): DiskStep {
  const faults = [...faultsOf(wish), ...(source === undefined ? [] : faultsOfSource(wish, source))];
  if (faults.length > 0) return { do: 'refuse', kind: 'invalid', why: faults.join('; ') };
  const unready = source && whyUnready(source);
  if (unready !== undefined) return { do: 'refuse', kind: 'state', why: unready };
  const common = {
    Zone: wish.zone,
    Name: name,
    Tag: tagOf(wish.mark),
    // Left out it is a month paid in advance for a clone, and for whatever is larger than 2000 GB.
    ChargeType: chargeNames[wish.charge],
    ...(wish.charge !== 'hour' && { Quantity: wish.quantity }),
    ...(wish.snapshotService && { SnapshotService: 'Yes' }),
    ...(cluster !== undefined && { RdmaClusterId: cluster }),
  };
  const Size = gibOf(wish.size);
  switch (wish.source.from) {
    case 'nothing':
      return {
        do: 'create',
        action: 'CreateUDisk',
        params: {
          ...common,
          Size,
          DiskType: nameOfKind(wish.kind),
          ...(wish.encryptionKey !== undefined && { UKmsMode: 'Yes', CmkId: wish.encryptionKey }),
        },
      };
    case 'disk':
      return { do: 'create', action: 'CloneUDisk', params: { ...common, Size, SourceId: wish.source.disk } };
    case 'snapshot':
      // Of a snapshot of a cloud disk the size is not heeded: the disk comes out as large as the snapshot.
      return { do: 'create', action: 'CloneUDiskSnapshot', params: { ...common, SourceId: wish.source.snapshot } };
  }
}

function faultsOf(wish: DiskWish): string[] {
  return [faultsOfOwned(wish), faultsOfCharge(wish), faultOfSize(wish.kind, wish.size) ?? []].flat();
}

/** What a name of the cloud has no room for. */
function faultsOfOwned({ mark, owner }: Owned): readonly string[] {
  const faults: string[] = [];
  if (!/^[A-Za-z0-9._-]{1,40}$/.test(mark))
    faults.push(`mark "${mark}" is not 1 to 40 of A-Z, a-z, 0-9 and ._-, write shop`);
  if (!/^[A-Za-z0-9-]{6,48}$/.test(owner))
    faults.push(`owner "${owner}" is not 6 to 48 of A-Z, a-z, 0-9 and -, write pvc-1234`);
  return faults;
}

export function faultsOfCharge({ charge, quantity }: Pick<DiskWish, 'charge' | 'quantity'>): readonly string[] {
  if (charge === 'hour' || (Number.isInteger(quantity) && quantity >= 1)) return [];
  return [`quantity ${quantity} of ${charge} is not a whole number from 1, write 1`];
}

/** `undefined` for a size that is sold. */
function faultOfSize(kind: string, size: Bytes): string | undefined {
  const sold = diskKinds[kind];
  if (sold === undefined)
    return `disks of kind "${kind}" are not sold, write one of ${Object.keys(diskKinds).join(', ')}`;
  const { least, most, step } = sold;
  if (size >= least && size <= most && size % step === 0) return undefined;
  const range = `${formatBytes(least)} to ${formatBytes(most)} in steps of ${formatBytes(step)}`;
  return `size ${formatBytes(size)} is not sold for kind ${kind}, only ${range}`;
}

function faultsOfSource(wish: DiskWish, source: SourceSeen): readonly string[] {
  const seen = source.from === 'disk' ? source.disk : source.snapshot;
  const faults: string[] = [];
  if (wish.zone !== seen.zone) faults.push(`zone ${wish.zone} is not that of ${seen.id}, write ${seen.zone}`);
  if (wish.size < seen.size)
    faults.push(`size ${formatBytes(wish.size)} is less than that of ${seen.id}, write ${formatBytes(seen.size)}`);
  if (seen.kind !== undefined && wish.kind !== seen.kind)
    faults.push(`kind ${wish.kind} is not that of ${seen.id}, write ${seen.kind}`);
  if (wish.encryptionKey !== undefined && wish.encryptionKey !== seen.encryptionKey)
    faults.push(
      `a copy of ${seen.id} is encrypted as ${seen.id} is, with ${seen.encryptionKey ?? 'no key'}: leave the key out`,
    );
  return faults;
}

/** Why no disk can be made of it now; `undefined` when one can. */
function whyUnready(source: SourceSeen): string | undefined {
  if (source.from === 'snapshot')
    return source.snapshot.state === 'ready' ? undefined : `snapshot ${source.snapshot.id} is ${source.snapshot.state}`;
  const { id, state, machine } = source.disk;
  if (state === 'free') return undefined;
  const where = machine === undefined ? '' : ` (${machine})`;
  return `disk ${id} is ${state}${where}, and only a free disk is cloned: detach it, or take a snapshot and restore that`;
}

export type AttachStep = { readonly do: 'attach' | 'done' } | Refusal;

/** What is left to do to have the disk at this machine and at no other. */
export function planAttach(disk: CloudDisk, machine: string): AttachStep {
  const { id, state } = disk;
  if (state === 'free') return { do: 'attach' };
  if ((state !== 'attaching' && state !== 'attached') || disk.machine === undefined) return unready(disk);
  if (disk.machine === machine) return { do: 'done' };
  return { do: 'refuse', kind: 'inUse', why: `disk ${id} is ${state} to ${disk.machine}` };
}

export type DetachStep = { readonly do: 'detach' | 'done' } | Refusal;

/** What is left to do to have the disk no longer at this machine. What another machine has is never touched. */
export function planDetach(disk: CloudDisk, machine: string): DetachStep {
  if (disk.machine !== machine) return disk.machine === undefined && isHeld(disk) ? unready(disk) : { do: 'done' };
  switch (disk.state) {
    case 'attached':
      return { do: 'detach' };
    case 'detaching':
    case 'free':
      return { do: 'done' };
    case 'creating':
    case 'attaching':
    case 'copying':
    case 'restoring':
    case 'failed':
    case 'unreadable':
      return unready(disk);
  }
}

/** Some machine has it, although the cloud may not say which. */
function isHeld({ state }: CloudDisk): boolean {
  return state === 'attaching' || state === 'attached' || state === 'unreadable';
}

export type GrowStep = { readonly do: 'grow' | 'done' } | Refusal;

export function planGrow(disk: CloudDisk, to: Bytes): GrowStep {
  if (disk.size >= to) return { do: 'done' };
  const fault = disk.kind === undefined ? undefined : faultOfSize(disk.kind, to);
  if (fault !== undefined) return { do: 'refuse', kind: 'invalid', why: fault };
  return disk.state === 'free' || disk.state === 'attached' ? { do: 'grow' } : unready(disk);
}

export type RemovalOfDisk = { readonly do: 'remove' } | Refusal;

/** Whether the disk can be ended now. */
export function planRemovalOfDisk(disk: CloudDisk): RemovalOfDisk {
  switch (disk.state) {
    case 'free':
    case 'failed':
      return { do: 'remove' };
    case 'attaching':
    case 'attached':
      return { do: 'refuse', kind: 'inUse', why: `disk ${disk.id} is ${disk.state} to ${disk.machine ?? 'a machine'}` };
    case 'creating':
    case 'detaching':
    case 'copying':
    case 'restoring':
    case 'unreadable':
      return unready(disk);
  }
}

export type SnapshotStep = { readonly do: 'create'; readonly params: Params } | Refusal;

/** The one request that makes this snapshot. What the cloud sells for it beside is never bought here. @shape name: as `snapshotName` */
export function planSnapshot(wish: SnapshotWish, disk: CloudDisk, name: string): SnapshotStep {
  const faults = faultsOfOwned(wish);
  if (faults.length > 0) return { do: 'refuse', kind: 'invalid', why: faults.join('; ') };
  if (disk.state !== 'free' && disk.state !== 'attached') return unready(disk);
  if (!disk.snapshots.can) {
    const why = `disk ${disk.id} has no snapshot service, which is paid for each disk: switch it on in the console, or make disks with it`;
    return { do: 'refuse', kind: 'billing', why };
  }
  return { do: 'create', params: { Zone: disk.zone, UDiskId: disk.id, Name: name } };
}

function unready({ id, state, machine }: CloudDisk): Refusal {
  const where = machine === undefined ? '' : ` (${machine})`;
  return { do: 'refuse', kind: 'state', why: `disk ${id} is ${state}${where}` };
}
