import type { Bytes } from '#unit/bytes.ts';
import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { CloudResult } from './failure.ts';
import type { Charge, Leisurely, Marked, Owned, Within } from './owned.ts';

/** A file system of the cloud that many machines mount by NFS at the same time, as one look showed it. */
export interface FileShare extends Marked {
  readonly id: string;
  readonly name: string;
  /** One of `FileShares.kinds`; `undefined` for a kind that we never ask for. */
  readonly kind: string | undefined;
  readonly size: Bytes;
  /** What is on it, in the cloud's coarse steps; `undefined` where the cloud does not say. */
  readonly used: Bytes | undefined;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  readonly mountPoints: { readonly count: number; readonly most: number };
}

export interface FileShareWish extends Owned {
  /** For people: 6 to 63 of A-Z, a-z, 0-9, - and _. */
  readonly name: string;
  readonly zone: string;
  /** One of `FileShares.kinds`. */
  readonly kind: string;
  /** Within the bounds of the kind, in its steps. */
  readonly size: Bytes;
  readonly charge: Charge;
  /** How many months or years; nothing for `hour`. */
  readonly quantity: number;
}

/** What the cloud sells under one name. */
export interface FileShareKind {
  readonly least: Bytes;
  readonly most: Bytes;
  /** Sizes are multiples of it. */
  readonly step: Bytes;
}

/** Where machines of a VPC reach a file share. It has one in each subnet at most, and any machine that reaches the subnet may mount it. */
export interface MountPoint {
  readonly vpc: string;
  readonly subnet: string;
  /** `undefined` while the cloud has not given it. */
  readonly address: Ip | undefined;
  /** What is mounted there: `/`. */
  readonly path: string;
}

export interface MountPointWish {
  /** For people: 6 to 63 of A-Z, a-z, 0-9, - and _. */
  readonly name: string;
  readonly vpc: string;
  readonly subnet: string;
}

/**
 * File shares of one region and project. No token exists for what is made: a share is found again by mark and owner, a mount point by its
 * subnet. Calls return when the cloud has accepted; progress is read.
 */
export interface FileShares {
  /** By the name that StorageClasses give them. */
  readonly kinds: Readonly<Record<string, FileShareKind>>;
  /** How long a list may lack what was made, or show what was removed. */
  readonly lag: Ms;
  /**
   * Asks for one file share. Safe to repeat: one with this mark and owner is looked for first, and the oldest adopted as it is, however it
   * differs.
   * @fails invalid: the wish names what is not sold or does not exist · quota · exhausted(disks) · billing: not sold by the hour here, or
   *        unpaid · denied · throttled · unavailable · unknown: it may have been made; wait `lag`, then ask again
   */
  create(wish: FileShareWish, opts: Within): Promise<CloudResult<FileShare>>;
  /** All that carry the mark, or all of the project without one, sorted by id. @fails denied · throttled · unavailable · unknown */
  list(mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly FileShare[]>>;
  /** The share with this id, whoever owns it. @fails gone · as list */
  find(id: string, opts: Within): Promise<CloudResult<FileShare>>;
  /** Makes the share as large; one that is as large already is success. @fails invalid: not a size of its kind · gone · as create */
  grow(id: string, to: Bytes, opts: Within): Promise<CloudResult<void>>;
  /**
   * Ends the share with all that is on it, its mount points first: asked again until they are gone. Refuses (`denied`) one that does not carry
   * `mark`.
   * @fails gone is success · inUse: its mount points are still there when the limit is over; ask again · as list
   */
  remove(this: void, id: string, mark: string, opts: Within): Promise<CloudResult<void>>;
  /** Sorted by subnet. @fails gone: the share · as list */
  mountPoints(id: string, opts: Leisurely): Promise<CloudResult<readonly MountPoint[]>>;
  /**
   * Lets a subnet reach the share. One that reaches it already is success.
   * @fails unknown, state: also while the share is being made; ask again · quota: the share has as many as it may · invalid: no such VPC or
   *        subnet · gone: the share · as create
   */
  open(id: string, wish: MountPointWish, opts: Within): Promise<CloudResult<void>>;
  /** Takes a mount point away; one that is gone already is success. @fails as list */
  close(id: string, at: { readonly vpc: string; readonly subnet: string }, opts: Within): Promise<CloudResult<void>>;
}
