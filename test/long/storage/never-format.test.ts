import { expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import { addUp, formatNeverFormat, tryToFormat } from '../../support/never-format.ts';

/** Machines of their own, beside each other: most of the time is spent on starting the machine's tools. */
const seeds = [20_261_129, 20_261_130, 20_261_201, 20_261_202];

test(
  '10,000 stage calls over devices with data and faults format none that held something',
  async () => {
    const tried = await Promise.allSettled(seeds.map((seed) => tryToFormat({ calls: 10_000 / seeds.length, seed })));
    // Each has put its devices away by now, also where another one failed.
    const failed = tried.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const told = addUp(tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    console.log(formatNeverFormat(told));
    expect(told.wrongs).toEqual([]);
    expect(told).toMatchObject({ calls: 10_000, formattedWithData: 0 });
    expect(Math.min(told.formattedBlank, told.mountedWithData)).toBeGreaterThan(300);
  },
  minutes(120),
);
