import { expect, test } from 'vitest';
import { runCsiSanity } from '../../support/csi-sanity.ts';
import { openDiskDriver } from '../../support/disk-driver.ts';

/** What it leaves out asks for what the driver does not claim: lists of volumes, capacity, groups of snapshots, changes of attributes. */
const atLeast = 74;

test('upstream’s csi-sanity finds no fault with the driver of cloud disks', async () => {
  const driver = await openDiskDriver();
  try {
    const { passed, failed, output } = await runCsiSanity(driver, {
      parameters: { type: 'ssd', fsType: 'ext4', snapshotService: 'true' },
      size: 10 * 2 ** 30,
      grown: 20 * 2 ** 30,
    });
    expect(failed, output.slice(-20_000)).toBe(0);
    expect(passed).toBeGreaterThanOrEqual(atLeast);
  } finally {
    await driver.close();
  }
}, 300_000);
