import { expect, test } from 'vitest';
import { formatNeverFormat, tryToFormat } from '../../support/never-format.ts';

test('10,000 stage calls over devices with data and faults format none that held something', async () => {
  const told = await tryToFormat({ calls: 10_000, seed: 20261129 });
  console.log(formatNeverFormat(told));
  expect(told.wrongs).toEqual([]);
  expect(told.formattedWithData).toBe(0);
  expect(Math.min(told.formattedBlank, told.mountedWithData)).toBeGreaterThan(300);
}, 7_200_000);
