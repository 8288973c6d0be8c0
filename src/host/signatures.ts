import type { Bytes } from '#unit/bytes.ts';

/** What was recognised on a device, by its name among people: `LUKS`, `ext4`. */
export interface Signature {
  readonly what: string;
  /** Bytes from the beginning of the device. */
  readonly at: number;
  /** Of file systems that this program mounts. */
  readonly fileSystem?: FileSystemSeen;
}

export interface FileSystemSeen {
  readonly type: 'ext4' | 'xfs';
  readonly uuid: string;
  readonly size: Bytes;
}

/** Reads exactly so many bytes. @fails Error also when there are fewer */
export type ReadAt = (at: number, length: number) => Promise<Buffer>;

export interface DeviceScan {
  readonly found: readonly Signature[];
  /** The first place among those looked at that is not zero; `undefined` when all of them are. */
  readonly nonZeroAt: number | undefined;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** So much is read at the beginning and at the end: no format that we know of has its first signature further inside. */
const head = 8 * MiB;
const tail = 2 * MiB;

/** Where ext file systems keep copies of their superblock, when blocks have 1, 2 and 4 KiB. @source ext4(5): groups 1, 3, 5, 7, 9, 25, 27 with sparse_super */
const copies = [1, 3, 5, 7, 9, 25, 27].flatMap((group) => [
  group * 8192 * KiB + KiB,
  group * 16_384 * 2 * KiB,
  group * 32_768 * 4 * KiB,
]);

/**
 * Looks for what other programs leave on a device, and for anything else than zeros where they would leave it. Reads only. Written apart from
 * libblkid, whose answer it is held against: a device is blank when both say so.
 * @fails what `read` fails with: a device that cannot be read is not blank
 */
export async function scanDevice(read: ReadAt, size: Bytes): Promise<DeviceScan> {
  const front = await read(0, Math.min(head, size));
  const backAt = Math.max(0, size - tail);
  const back = await read(backAt, size - backAt);
  const inside = [...new Set(copies)].filter((at) => at >= head && at + 4 * KiB <= backAt).sort((a, b) => a - b);
  const found = [...signaturesAtFront(front), ...signaturesAtBack(back, backAt, size)];
  let nonZeroAt = firstNonZero(front, 0);
  for (const at of inside) {
    const place = await read(at, 4 * KiB);
    if (place.readUInt16LE(0x38) === extMagic) found.push({ what: 'a copy of an ext superblock', at });
    nonZeroAt ??= firstNonZero(place, at);
  }
  nonZeroAt ??= firstNonZero(back, backAt);
  return { found, nonZeroAt };
}

function firstNonZero(part: Buffer, from: number): number | undefined {
  // Whole pages first: a blank device has thousands of them.
  for (let page = 0; page < part.length; page += zeros.length) {
    const end = Math.min(page + zeros.length, part.length);
    if (part.compare(zeros, 0, end - page, page, end) === 0) continue;
    for (let at = page; at < end; at++) if (part[at] !== 0) return from + at;
  }
  return undefined;
}
const zeros = Buffer.alloc(64 * KiB);

const extMagic = 0xef53;

/** A text at a place. @source each format's own documentation, and util-linux libblkid/src/superblocks @v2.38 for places */
const texts: readonly (readonly [what: string, text: string, at: number])[] = [
  ['LUKS', 'LUKS\xba\xbe', 0],
  // The second header of version 2: it may be all that is left.
  ...[0x4000, 0x8000, 0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x20_0000, 0x40_0000].map(
    (at) => ['LUKS', 'SKUL\xba\xbe', at] as const,
  ),
  ...[0, 512, 1024, 1536].map((at) => ['LVM physical volume', 'LABELONE', at] as const),
  ...[4 * KiB, 64 * KiB, 8 * KiB, 16 * KiB].flatMap((page) =>
    ['SWAPSPACE2', 'SWAP-SPACE', 'S1SUSPEND'].map((text) => ['swap space', text, page - 10] as const),
  ),
  ['btrfs', '_BHRfS_M', 64 * KiB + 64],
  ['bcachefs or bcache', '\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81', 4 * KiB + 24],
  ['Ceph BlueStore', 'bluestore block device', 0],
  ['F2FS', '\x10\x20\xf5\xf2', 1024],
  ['JFS', 'JFS1', 32 * KiB],
  ['reiserfs', 'ReIsEr', 64 * KiB + 52],
  ['NTFS', 'NTFS    ', 3],
  ['exFAT', 'EXFAT   ', 3],
  ['FAT', 'FAT12   ', 54],
  ['FAT', 'FAT16   ', 54],
  ['FAT', 'FAT32   ', 82],
  ['ISO 9660', 'CD001', 32 * KiB + 1],
  ['UDF', 'BEA01', 32 * KiB + 1],
  ['squashfs', 'hsqs', 0],
  ['EROFS', '\xe2\xe1\xf5\xe0', 1024],
  ['OCFS2', 'OCFSV2', 4 * KiB],
  ['GFS2', '\x01\x16\x19\x70', 64 * KiB],
  ['VMFS', '\x0d\xd0\x01\xc0', MiB],
  ['a GPT partition table', 'EFI PART', 512],
  ['a GPT partition table', 'EFI PART', 4 * KiB],
  ...[0, 4 * KiB].map((at) => ['a member of a Linux software RAID', '\xfc\x4e\x2b\xa9', at] as const),
  ['an Oracle ASM disk', 'ORCLDISK', 32],
];

function signaturesAtFront(front: Buffer): Signature[] {
  const has = (text: string, at: number): boolean =>
    at + text.length <= front.length && front.toString('latin1', at, at + text.length) === text;
  const found: Signature[] = texts.flatMap(([what, text, at]) => (has(text, at) ? [{ what, at }] : []));
  found.push(...extAt(front), ...xfsAt(front), ...zfsAt(front, 0));
  // A boot sector: of a file system when it is one of those above, of a partition table otherwise.
  const isTable = front.length >= 512 && front.readUInt16LE(510) === 0xaa55;
  if (isTable && found.every(({ what }) => !['FAT', 'NTFS', 'exFAT'].includes(what)))
    found.push({ what: 'an MBR partition table', at: 510 });
  return found;
}

/** The file system whose superblock is among the first 4 KiB of a device. */
export function fileSystemIn(front: Buffer): FileSystemSeen | undefined {
  return [...extAt(front), ...xfsAt(front)].find(({ fileSystem }) => fileSystem !== undefined)?.fileSystem;
}

function extAt(front: Buffer): readonly Signature[] {
  const at = KiB;
  if (front.length < at + KiB || front.readUInt16LE(at + 0x38) !== extMagic) return [];
  const blocks = front.readUInt32LE(at + 0x04) + front.readUInt32LE(at + 0x150) * 2 ** 32;
  const size = (blocks * KiB * 2 ** front.readUInt32LE(at + 0x18)) as Bytes;
  const uuid = uuidOf(front.subarray(at + 0x68, at + 0x78));
  // EXTENTS: what ext4 has, and ext2 and ext3 have not.
  const isExt4 = (front.readUInt32LE(at + 0x60) & 0x40) !== 0;
  return [isExt4 ? { what: 'ext4', at, fileSystem: { type: 'ext4', uuid, size } } : { what: 'ext2 or ext3', at }];
}

function xfsAt(front: Buffer): readonly Signature[] {
  if (front.length < 512 || front.toString('latin1', 0, 4) !== 'XFSB') return [];
  const size = (front.readUInt32BE(4) * Number(front.readBigUInt64BE(8))) as Bytes;
  return [{ what: 'xfs', at: 0, fileSystem: { type: 'xfs', uuid: uuidOf(front.subarray(32, 48)), size } }];
}

/** An uberblock of a ZFS label, in either byte order. */
function zfsAt(part: Buffer, from: number): readonly Signature[] {
  for (let at = 128 * KiB; at + 8 <= Math.min(part.length, 2 * MiB); at += KiB) {
    const [low, high] = [part.readUInt32LE(at), part.readUInt32LE(at + 4)];
    if ((low === 0x00ba_b10c && high === 0) || (low === 0 && high === 0x0cb1_ba00))
      return [{ what: 'ZFS', at: from + at }];
  }
  return [];
}

function signaturesAtBack(back: Buffer, from: number, size: Bytes): readonly Signature[] {
  const has = (text: string, at: number): boolean =>
    at >= from && at + text.length <= size && back.toString('latin1', at - from, at - from + text.length) === text;
  const raid = '\xfc\x4e\x2b\xa9';
  // Version 0.90 lies in the last whole 64 KiB, 1.0 in the last 8 KiB. @source md(4)
  const raidAt = [
    Math.floor(size / (64 * KiB)) * 64 * KiB - 64 * KiB,
    Math.floor((size - 8 * KiB) / (4 * KiB)) * 4 * KiB,
  ];
  return [
    ...raidAt.flatMap((at) => (has(raid, at) ? [{ what: 'a member of a Linux software RAID', at }] : [])),
    ...[512, 4 * KiB].flatMap((block) =>
      has('EFI PART', size - block) ? [{ what: 'the second copy of a GPT partition table', at: size - block }] : [],
    ),
    ...(has('\x83\x74\x02\x67', size - 4 * KiB + 60) ? [{ what: 'DRBD', at: size - 4 * KiB }] : []),
    ...zfsAt(back, from),
  ];
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
