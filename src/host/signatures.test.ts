import { expect, test } from 'vitest';
import { mebi } from '#unit/bytes.ts';
import { type DeviceScan, fileSystemIn, scanDevice } from './signatures.ts';

const size = mebi(300);
const MiB = 2 ** 20;

/** A device of zeros with some bytes in it. */
async function scan(...written: readonly (readonly [at: number, bytes: string | Buffer])[]): Promise<DeviceScan> {
  return scanDevice(async (at, length) => {
    const part = Buffer.alloc(length);
    for (const [place, bytes] of written) {
      const from = place - at;
      if (from < 0 || from >= length) continue;
      (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes).copy(part, from);
    }
    return part;
  }, size);
}

test('a device of zeros holds nothing', async () => {
  expect(await scan()).toEqual({ found: [], nonZeroAt: undefined });
});

const raid = '\xfc\x4e\x2b\xa9';
test.each([
  ['LUKS', 0, 'LUKS\xba\xbe', 'LUKS'],
  ['the second header of LUKS, when the first is gone', 0x40_0000, 'SKUL\xba\xbe', 'LUKS'],
  ['LVM in the second sector', 512, 'LABELONE', 'LVM physical volume'],
  ['LVM in the fourth sector', 1536, 'LABELONE', 'LVM physical volume'],
  ['swap', 4086, 'SWAPSPACE2', 'swap space'],
  ['btrfs', 65_600, '_BHRfS_M', 'btrfs'],
  ['GPT', 512, 'EFI PART', 'a GPT partition table'],
  ['the copy of a GPT at the end', size - 512, 'EFI PART', 'the second copy of a GPT partition table'],
  ['an MBR', 510, '\x55\xaa', 'an MBR partition table'],
  ['RAID at the beginning', 4096, raid, 'a member of a Linux software RAID'],
  ['RAID at the end, version 1.0', size - 8192, raid, 'a member of a Linux software RAID'],
  ['RAID at the end, version 0.90', size - 65_536, raid, 'a member of a Linux software RAID'],
  ['ZFS', 128 * 1024, '\x0c\xb1\xba\x00\x00\x00\x00\x00', 'ZFS'],
  ['a copy of an ext superblock, when the first is gone', 128 * MiB + 0x38, '\x53\xef', 'a copy of an ext superblock'],
])('recognises %s', async (_title, at, bytes, what) => {
  const seen = await scan([at, bytes]);
  expect(seen.found.map((one) => one.what)).toContain(what);
  expect(seen.nonZeroAt).toBeDefined();
});

test.each([
  ['the beginning', 8 * MiB - 1],
  ['the end', size - 1],
  ['where ext keeps copies of its superblock', 128 * MiB + 100],
])('something unknown at %s is not nothing', async (_title, at) => {
  expect(await scan([at, '\x01'])).toEqual({ found: [], nonZeroAt: at });
});

test('a device that gives less than it has is not blank', async () => {
  await expect(
    scanDevice(async (at) => {
      if (at > 0) throw new Error('ends at byte 8388608');
      return Buffer.alloc(8 * MiB);
    }, size),
  ).rejects.toThrow('ends at byte');
});

test('tells size and UUID of the file systems that it mounts, and knows an ext2', () => {
  const ext = Buffer.alloc(4096);
  ext.writeUInt32LE(65_536, 1024 + 4);
  ext.writeUInt32LE(2, 1024 + 0x18);
  ext.writeUInt16LE(0xef53, 1024 + 0x38);
  expect(fileSystemIn(ext)).toBeUndefined();
  ext.writeUInt32LE(0x40, 1024 + 0x60);
  Buffer.from('6c1fa2a6000040008000000000000001', 'hex').copy(ext, 1024 + 0x68);
  const uuid = '6c1fa2a6-0000-4000-8000-000000000001';
  expect(fileSystemIn(ext)).toEqual({ type: 'ext4', uuid, size: mebi(256) });
  const xfs = Buffer.alloc(4096);
  xfs.write('XFSB');
  xfs.writeUInt32BE(4096, 4);
  xfs.writeBigUInt64BE(65_536n, 8);
  Buffer.from('6c1fa2a6000040008000000000000001', 'hex').copy(xfs, 32);
  expect(fileSystemIn(xfs)).toEqual({ type: 'xfs', uuid, size: mebi(256) });
});
