import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import { labOk, makeBundle, removeBundle } from '../lab/lab-tools.ts';
import { cyclePower, grownSince, holdingsOf } from '../lab/power-cycles.ts';
import { keepEvidence } from '../support/evidence.ts';

const name = 'cycles';
let bundle: string;
keepEvidence(name);

beforeAll(async () => {
  bundle = await makeBundle(0);
  await labOk('down', '--name', name);
  await labOk('up', '--name', name, '--machines', 'base-1', '--bundle', bundle);
});

afterAll(async () => {
  await labOk('down', '--name', name);
  await removeBundle(bundle);
});

test(
  'a machine that was switched on and off a hundred times leaves nothing more on this computer than once',
  async () => {
    await cyclePower(name, 'base-1', 1);
    const before = await holdingsOf(name);
    await cyclePower(name, 'base-1', 100);
    expect(await grownSince(before, name)).toEqual([]);
  },
  minutes(30),
);
