import { expect, test } from 'vitest';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { restartStorm } from '../../support/restart-storm.ts';

const api = apiServerForTests();

test('a copy of a thousand objects comes whole through five deaths of the API server, with writers going on', async () => {
  const { copy, stored, unheard, written, troubles, memory } = await restartStorm(api.server, {
    objects: 1_000,
    restarts: 5,
  });
  expect(copy).toEqual(stored);
  expect(stored.size).toBeGreaterThan(600);
  expect(unheard).toEqual([]);
  expect(written).toBeGreaterThan(100);
  expect(troubles).toBeGreaterThanOrEqual(5);
  expect(Math.max(...memory) / Math.min(...memory)).toBeLessThan(1.25);
}, 300_000);
