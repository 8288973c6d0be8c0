import { expect, test } from 'vitest';
import { inFlight } from './in-flight.ts';

test('a second call for a volume is refused until the first has ended, whichever they are', async () => {
  const { alone } = inFlight();
  const first = Promise.withResolvers<string>();
  const staging = alone('bsr-1', 'staging', () => first.promise);
  await expect(alone('bsr-1', 'publishing', async () => 'no')).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await alone('bsr-2', 'staging', async () => 'another volume')).toBe('another volume');
  first.resolve('done');
  expect(await staging).toBe('done');
  expect(await alone('bsr-1', 'publishing', async () => 'now')).toBe('now');
});

test('one that failed makes way', async () => {
  const { alone } = inFlight();
  await expect(alone('bsr-1', 'staging', () => Promise.reject(new Error('no device')))).rejects.toThrow('no device');
  expect(await alone('bsr-1', 'staging', async () => 'now')).toBe('now');
});
