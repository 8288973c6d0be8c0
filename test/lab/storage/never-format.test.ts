import { expect, test } from 'vitest';
import { tryToFormat } from '../../support/never-format.ts';

test('no device that held something is ever formatted, whatever goes wrong', async () => {
  const told = await tryToFormat({ calls: 60, seed: 5 });
  expect(told.wrongs).toEqual([]);
  // Or nothing was tried.
  expect(Math.min(told.formattedBlank, told.mountedWithData, told.refused)).toBeGreaterThan(2);
});
