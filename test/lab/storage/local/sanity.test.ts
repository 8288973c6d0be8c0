import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { runCsiSanity } from '../../../support/csi-sanity.ts';
import { type LocalMachine, openLocalMachine } from '../../../support/local-machine.ts';

let machine: LocalMachine;

beforeAll(async () => {
  machine = await openLocalMachine(gibi(1));
  await machine.start();
});
afterAll(() => machine.close());

test.each([
  // By so little that ext4 need not grow: a lab's kernel lets it grow only unmounted.
  ['mount' as const, mebi(65)],
  ['block' as const, mebi(96)],
])("upstream's csi-sanity finds nothing wrong with volumes for %s", async (access, grown) => {
  const asked = { parameters: {}, size: mebi(64), grown, access };
  const { passed, failed, output } = await runCsiSanity({ machine, socket: machine.socket }, asked);
  expect(failed, output).toBe(0);
  expect(passed).toBeGreaterThanOrEqual(45);
  expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
});
