import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { liveShortly, Mortal, makeBystander } from '../../../support/local-life.ts';
import { type LocalMachine, openLocalMachine } from '../../../support/local-machine.ts';

let machine: LocalMachine;
let bystander: Awaited<ReturnType<typeof makeBystander>>;

beforeAll(async () => {
  machine = await openLocalMachine(gibi(1));
  bystander = await makeBystander(machine);
});
afterAll(() => machine.close());

test('killed before every change of its life, a volume is as it should be, leaves nothing, and touches no other', async () => {
  const digest = await bystander.digest();
  const still = await machine.remains();
  const whole = await Mortal.start(machine);
  await liveShortly({ mortal: whole, n: 0 });
  await whole.stop();
  // The list is what the code tells of itself: a change that is added is killed as well.
  expect(whole.steps.map(({ step }) => step)).toEqual([
    'making its folder',
    'writing its record',
    'making its file',
    'taking its room',
    'recording that it is ready',
    'attaching it',
    'recording its new size',
    'taking more room',
    'showing its new size',
    'detaching it',
    'moving it to the trash',
    'removing its file',
    'removing its record',
    'removing its folder',
  ]);
  for (let dieBefore = 1; dieBefore <= whole.steps.length; dieBefore++) {
    const mortal = await Mortal.start(machine, dieBefore);
    await liveShortly({ mortal, n: dieBefore });
    // What died in the trash is taken from there by the server that comes after.
    await expect.poll(() => machine.remains(), { timeout: 10_000 }).toEqual(still);
    await mortal.stop();
    expect({ dieBefore, deaths: mortal.deaths, told: mortal.told }).toEqual({ dieBefore, deaths: 1, told: [] });
  }
  expect(await bystander.digest()).toBe(digest);
});
