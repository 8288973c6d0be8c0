import { createHash } from 'node:crypto';
import type { Bytes } from '#unit/bytes.ts';
import type { Ms } from '#unit/clock.ts';
import type { CloudResult } from './failure.ts';
import type { Charge, Leisurely, Marked, Owned, Within } from './owned.ts';

/** A disk of the cloud that holds data, as one look showed it. Disks that machines boot from are not among them. */
export interface CloudDisk extends Marked {
  readonly id: string;
  /**
   * The serial that the block device has in the machine (`serial` in its folder of /sys/block): the only proof of which disk a device is.
   * A node compares it before it reads or writes anything.
   */
  readonly serial: string;
  readonly zone: string;
  /** One of `Disks.kinds`; `undefined` for a kind that we never ask for. */
  readonly kind: string | undefined;
  readonly size: Bytes;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  readonly state: DiskState;
  /** The machine that has it, or that it is on its way to or from. */
  readonly machine: string | undefined;
  /**
   * The part of the zone that reaches it; `undefined` where all of the zone does. It changes when the cloud moves the disk or a machine:
   * decide by it at once, and never write it down.
   */
  readonly cluster: string | undefined;
  /** What it was made from, as `sourceKey`; `undefined` for a disk that is not ours. */
  readonly source: string | undefined;
  readonly snapshots: {
    readonly count: number;
    /** How many it may have; 0 when the cloud does not say. */
    readonly most: number;
    /** Whether it takes snapshots at all: some clouds sell that with the disk. What a list says of it may be too little. */
    readonly can: boolean;
  };
  /** `undefined` in lists, which are quicker without it, and for a charge that we never ask for. */
  readonly charge: Charge | undefined;
  /** The id of the key that it is encrypted with; `undefined` for a disk in plain. */
  readonly encryptionKey: string | undefined;
}

/**
 * - free: attached to nothing, and can be attached, copied, grown and removed
 * - copying: being filled from what it is made from, or being copied; wait
 * - restoring: being set back to a snapshot by somebody; wait
 * - failed: could not be made, or restored; it can only be removed
 * - unreadable: the cloud does not say, or says what we do not know; look again
 */
export type DiskState =
  | 'creating'
  | 'free'
  | 'attaching'
  | 'attached'
  | 'detaching'
  | 'copying'
  | 'restoring'
  | 'failed'
  | 'unreadable';

/** What a disk holds at first. */
export type DiskSource =
  | { readonly from: 'nothing' }
  | { readonly from: 'snapshot'; readonly snapshot: string }
  | { readonly from: 'disk'; readonly disk: string };

export interface DiskWish extends Owned {
  /** 6 to 48 of A-Z, a-z, 0-9 and -, as `ownerFor` makes them. One owner has one disk under one mark, whatever else is wished. */
  readonly owner: string;
  readonly zone: string;
  /** A machine that must be able to take it; `undefined` for any of the zone. Only kinds that say `hasClusters` need it. */
  readonly near: string | undefined;
  /** One of `Disks.kinds`. A copy has the kind of its source. */
  readonly kind: string;
  /** Within the bounds of the kind, in its steps. A copy may come out as small as its source, and is then grown once it is free. */
  readonly size: Bytes;
  readonly source: DiskSource;
  readonly charge: Charge;
  /** How many months or years; nothing for `hour`. */
  readonly quantity: number;
  /** The cloud's id of a key; `undefined` for a disk in plain. A copy has the key of its source. */
  readonly encryptionKey: string | undefined;
  /** Whether the service is bought with it that lets it have snapshots, where the cloud sells that. It is never bought otherwise. */
  readonly snapshotService: boolean;
}

/** What the cloud sells under one name. */
export interface DiskKind {
  readonly least: Bytes;
  readonly most: Bytes;
  /** Sizes are multiples of it. */
  readonly step: Bytes;
  /** Whether only a part of the zone reaches such a disk: then `near` matters, and not every machine of the zone can take it. */
  readonly hasClusters: boolean;
}

/**
 * Disks of one region and project. No token exists for what is made: a disk is found again by mark and owner. What was removed here is neither
 * found nor adopted any more, although the cloud may show it for as long as `lag`. Calls return when the cloud has accepted; progress is read, for
 * many disks at once by a `diskWatch`.
 */
export interface Disks {
  /** By the name that StorageClasses give them. */
  readonly kinds: Readonly<Record<string, DiskKind>>;
  /** How many disks one machine takes. */
  readonly mostPerMachine: number;
  /** How long a list may lack what was made, or show what was removed. */
  readonly lag: Ms;
  /**
   * Asks for one disk. Safe to repeat: one with this mark and owner is looked for first, and the oldest adopted as it is, however it differs:
   * who cares compares zone, kind, size, source, key and charge.
   * @shape the disk as first seen, usually `creating` or `copying`
   * @fails invalid: the wish names what is not sold or does not exist · gone: its source · state: its source is being made, or attached where
   *        the cloud copies only what is free · quota · exhausted(disks): none left in the zone · billing · denied · throttled · unavailable ·
   *        unknown: it may have been made; wait `lag`, then ask again
   */
  create(wish: DiskWish, opts: Within): Promise<CloudResult<CloudDisk>>;
  /** All that carry the mark, or all of the project without one, sorted by id. @fails denied · throttled · unavailable · unknown */
  list(mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly CloudDisk[]>>;
  /** The disk with this id, whoever owns it. @fails gone · as list */
  find(id: string, opts: Within): Promise<CloudResult<CloudDisk>>;
  /** Those that this machine could take now as far as its place goes, whoever owns them; sorted by id. @fails gone: the machine · as list */
  attachable(machine: string, opts: Leisurely): Promise<CloudResult<readonly CloudDisk[]>>;
  /**
   * Attaches the disk to this machine and to no other. One that is attached to it, or on its way to it, is success.
   * @unit across: whether a machine outside the disk's cluster will do, where the cloud can do that
   * @fails inUse: another machine has it, and is named · outOfReach: the machine is elsewhere · state: it is being made, copied, or on its
   *        way from a machine; look again · quota: the machine has as many as it takes · gone: the disk, or the machine · as create
   */
  attach(disk: string, machine: string, opts: Within & { readonly across: boolean }): Promise<CloudResult<void>>;
  /**
   * Takes the disk from this machine, never from another one: one that this machine does not have, or that is gone, is success. Whatever the
   * machine has not written by then is lost, so its mounts go first; of a machine that does not answer the power goes first.
   * @fails inUse: the machine still uses it; asked again within the limit · state: it is on its way to the machine; look again · as list
   */
  detach(disk: string, machine: string, opts: Within): Promise<CloudResult<void>>;
  /**
   * Makes the disk as large; one that is as large already is success. What is on it does not grow by itself.
   * @fails invalid: not a size of its kind · state: it can't be grown as it is now · gone · as create
   */
  grow(disk: string, to: Bytes, opts: Within): Promise<CloudResult<void>>;
  /**
   * Ends the disk with all that is on it. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · inUse: a machine has it · state: it is being made or copied; look again · as list
   */
  remove(this: void, disk: string, mark: string, opts: Within): Promise<CloudResult<void>>;
}

/** What a disk held at one moment. */
export interface CloudSnapshot extends Marked {
  readonly id: string;
  /** The disk it was taken of, which may be gone. */
  readonly disk: string;
  readonly zone: string;
  /** Of the disk: a disk that is made from it is at least as large. */
  readonly size: Bytes;
  /** Of the disk; `undefined` for a kind that we never ask for. */
  readonly kind: string | undefined;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  /** Only one that is `ready` can be made a disk of. */
  readonly state: 'creating' | 'ready' | 'failed' | 'unreadable';
  readonly encryptionKey: string | undefined;
}

export interface SnapshotWish extends Owned {
  /** As that of a disk. One owner has one snapshot under one mark. */
  readonly owner: string;
  readonly disk: string;
}

/** Snapshots of disks of one region and project. Made, found again and told as disks are; lists lag as theirs do. */
export interface Snapshots {
  /**
   * Asks for a snapshot of a disk, which may be attached. Safe to repeat: one with this mark and owner is looked for first, and the oldest
   * adopted as it is, of whichever disk.
   * @fails billing: the disk has not the service that snapshots need, which is not bought here · quota: the disk has as many as it may ·
   *        state: the disk is being made or copied · gone: the disk · denied · throttled · unavailable · unknown: it may have been made; wait
   *        `lag`, then ask again
   */
  create(wish: SnapshotWish, opts: Within): Promise<CloudResult<CloudSnapshot>>;
  /** All that carry the mark, or all of the project without one, sorted by id. @fails denied · throttled · unavailable · unknown */
  list(mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly CloudSnapshot[]>>;
  /** The snapshot with this id, whoever owns it. @fails gone · as list */
  find(id: string, opts: Within): Promise<CloudResult<CloudSnapshot>>;
  /**
   * Ends one. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · state: it is being made, or a disk is being made of it; look again · as list
   */
  remove(this: void, id: string, mark: string, opts: Within): Promise<CloudResult<void>>;
}

/**
 * Any text as an owner: as it is where clouds can keep it, and by its digest where not.
 * @example ownerFor('pvc-6f1c6f3c-1a2b-4d5e-8f90-123456789abc') // => the same
 */
export function ownerFor(text: string): string {
  const isKept = /^[A-Za-z0-9-]{6,48}$/.test(text) && !text.startsWith(digestPrefix);
  return isKept ? text : `${digestPrefix}${digestOf(text, 32)}`;
}

const digestPrefix = 'sha-';

/** Two disks with one key were made from the same. @shape 12 characters of a-f and 0-9, or empty for a disk that was made empty */
export function sourceKey(source: DiskSource): string {
  switch (source.from) {
    case 'nothing':
      return '';
    case 'snapshot':
      return digestOf(`snapshot ${source.snapshot}`, 12);
    case 'disk':
      return digestOf(`disk ${source.disk}`, 12);
  }
}

function digestOf(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
