import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCsiSanity } from '../../../support/csi-sanity.ts';
import { openShareDriver, type ShareDriver } from '../../../support/share-driver.ts';

let driver: ShareDriver;
beforeAll(async () => {
  driver = await openShareDriver();
}, 60_000);
afterAll(() => driver.close());

/** What it leaves out asks for what the driver does not claim: attaching, lists of volumes, capacity, snapshots and copies. */
const atLeast = 41;

test('upstream’s csi-sanity finds no fault with directories of a file share', async () => {
  const share = await driver.makeForeign('sanity-files');
  const { passed, failed, output } = await runCsiSanity(driver, {
    parameters: { share, onDelete: 'delete' },
    size: 2 ** 30,
    grown: 2 ** 31,
  });
  expect(failed, output.slice(-20_000)).toBe(0);
  expect(passed).toBeGreaterThanOrEqual(atLeast);
}, 300_000);

test('nor with whole file shares', async () => {
  const { passed, failed, output } = await runCsiSanity(driver, {
    parameters: { kind: 'advanced' },
    size: 100 * 2 ** 30,
    grown: 200 * 2 ** 30,
  });
  expect(failed, output.slice(-20_000)).toBe(0);
  expect(passed).toBeGreaterThanOrEqual(atLeast);
}, 300_000);
