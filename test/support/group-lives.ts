import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ms } from '#unit/clock.ts';
import { authorityIn } from './certificates.ts';
import { type GroupLife, GroupsWorld } from './groups-world.ts';

const anyLife: fc.Arbitrary<GroupLife> = fc.record({
  scales: fc
    .array(fc.record({ at: fc.integer({ min: 0, max: 400 }), desired: fc.integer({ min: 0, max: 4 }) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((scales) => scales.toSorted((a, b) => a.at - b.at)),
  deaths: fc.array(
    fc.record({
      call: fc.integer({ min: 1, max: 60 }),
      done: fc.boolean(),
      rest: fc.integer({ min: 0, max: 40 }),
    }),
    { maxLength: 6 },
  ),
  answers: fc.array(
    fc.constantFrom(
      'made' as const,
      'lost' as const,
      'lost-undone' as const,
      'short' as const,
      'throttled' as const,
      'install-fail' as const,
      'never-joins' as const,
    ),
    { maxLength: 8 },
  ),
  lag: fc.integer({ min: 0, max: 10 }),
  deleteAt: fc.option(fc.integer({ min: 100, max: 500 }), { nil: undefined }),
});

/** Long enough for everything that a life can hold to come to its end: pauses and shortages among it. */
const rest = 3600;

/** Lives of a group, each with deaths of its controller between any two calls. */
export function groupLives(runs: number, within: Ms): void {
  let certificate = '';
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'isthmus-groups-'));
    await authorityIn(folder);
    certificate = readFileSync(join(folder, 'ca.crt'), 'utf8');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const live = async (life: GroupLife): Promise<readonly string[]> => {
    const world = new GroupsWorld(life, {}, certificate);
    await world.run(rest);
    return [...new Set(world.faults)];
  };

  test(
    `no machine is lost, doubled or taken from others in ${runs} lives with deaths between any two calls`,
    async () => {
      await fc.assert(
        fc.asyncProperty(anyLife, async (life) => {
          expect(await live(life)).toEqual([]);
        }),
        { numRuns: runs },
      );
    },
    within,
  );

  test(
    'a controller that dies at each of its calls in turn still ends with two machines, and then with none',
    async () => {
      for (let call = 1; call <= 70; call++)
        for (const done of [false, true]) {
          const life: GroupLife = {
            scales: [
              { at: 0, desired: 2 },
              { at: 200, desired: 0 },
            ],
            deaths: [{ call, done, rest: 0 }],
            answers: [],
            lag: 5,
            deleteAt: undefined,
          };
          const world = new GroupsWorld(life, {}, certificate);
          await world.run(300);
          expect([call, done, ...new Set(world.faults)]).toEqual([call, done]);
        }
    },
    within,
  );

  test(
    'the machine that was named goes and no other, at whatever call the controller dies',
    async () => {
      for (let call = 1; call <= 40; call++)
        for (const done of [false, true]) {
          const life: GroupLife = {
            scales: [{ at: 0, desired: 3 }],
            deaths: [{ call, done, rest: 0 }],
            answers: [],
            lag: 5,
            deleteAt: undefined,
            removeFirstAt: 100,
          };
          const world = new GroupsWorld(life, {}, certificate);
          await world.run(300);
          expect([call, done, ...new Set(world.faults)]).toEqual([call, done]);
        }
    },
    within,
  );
}
