import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { usualPolicy } from '#node/life/plan-node-life.ts';
import { type Ms, minutes, ms } from '#unit/clock.ts';
import { chances } from './chances.ts';
import { callLies, type Lie, viewLies } from './lying-cloud.ts';
import { type AfterRemoval, type Happenings, NodesWorld } from './nodes-world.ts';

const lie = fc.constantFrom<Lie>(...callLies, ...viewLies);
const time = fc.integer({ min: 0, max: 900 });

const happenings: fc.Arbitrary<Happenings> = fc
  .record({
    workers: fc.oneof(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 6, max: 24 })),
    episodes: fc
      .array(
        fc.record({
          lie,
          rest: fc.integer({ min: 0, max: 90 }),
          lasts: fc.integer({ min: 5, max: 400 }),
          share: fc.constantFrom(1, 0.9, 0.5, 0.2),
        }),
        { minLength: 1, maxLength: 5, size: 'max' },
      )
      .map((all) => all.map((one) => (one.lie === 'stale caches' ? { ...one, lasts: Math.min(one.lasts, 120) } : one))),
    silences: fc.array(fc.record({ node: fc.nat(30), from: time, lasts: fc.integer({ min: 1, max: 900 }) }), {
      minLength: 2,
      maxLength: 20,
      size: 'max',
    }),
    removals: fc.array(
      fc.record({
        worker: fc.nat(23),
        from: fc.integer({ min: 0, max: 200 }),
        next: fc.constantFrom<AfterRemoval>('nothing', 'same name', 'in its place'),
      }),
      { maxLength: 2 },
    ),
    arrivals: fc.array(time, { maxLength: 3 }),
    takeovers: fc.array(time, { maxLength: 2 }),
    renamed: fc.array(time, { maxLength: 3 }),
  })
  // Of fewer than twenty nodes one: more than a small share at once stays, and is a person's to decide.
  .map((all) => ({ ...all, removals: all.removals.slice(0, all.workers < 19 ? 1 : 2) }));

/** A second leader takes over from the first one while that confirms that a machine is gone: it counts anew, and deletes the Node all the same. */
const twoTakeovers: [Happenings, number] = [
  {
    workers: 8,
    episodes: [{ lie: 'throttled', rest: 4, lasts: 285, share: 0.5 }],
    silences: [{ node: 1, from: 319, lasts: 372 }],
    removals: [{ worker: 0, from: 63, next: 'nothing' }],
    arrivals: [],
    takeovers: [449, 550],
    renamed: [],
  },
  -720777759,
];

/** The lives show what they are to show: whoever believes the first not-found deletes Nodes of machines that exist. */
export function firstNotFound(within: Ms): void {
  test(
    'whoever believes the first not-found deletes Nodes of machines that exist, and the lives would show it',
    async () => {
      const hasty = { ...usualPolicy, notFounds: 1, young: ms(0), share: 1 };
      const run = await fc.check(
        fc.asyncProperty(happenings, fc.integer(), async (chosen, seed) => {
          const world = new NodesWorld(chosen, chances(seed), hasty);
          await world.run(minutes(5));
          return world.wrongly.length === 0;
        }),
        { numRuns: 200, endOnFailure: true },
      );
      expect(run.failed).toBe(true);
    },
    within,
  );
}

/** Whatever a cloud says that isn't so, no Node of a machine that exists is deleted; and one whose machine is gone does not stay for long. */
export function falseAnswers(runs: number, within: Ms): void {
  test(
    `in ${runs} random lives of a cluster whose cloud gives false answers, no Node is deleted that has a machine, and none stays that has not`,
    async () => {
      const sums = { lies: 0, deleted: 0, minutes: 0 };
      await fc.assert(
        fc.asyncProperty(happenings, fc.integer(), async (chosen, seed) => {
          const world = new NodesWorld(chosen, chances(seed));
          await world.run(minutes(5));
          expect({ wrongly: world.wrongly, late: world.late }).toEqual({ wrongly: [], late: [] });
          sums.lies += world.cloud.lies;
          sums.deleted += world.deleted.size;
          sums.minutes += world.now / 60_000;
        }),
        { numRuns: runs, endOnFailure: true, examples: [twoTakeovers] },
      );
      console.log(
        `${runs} lives, ${Math.round(sums.minutes)} min: ${sums.lies} false answers, ${sums.deleted} Nodes deleted, all of machines that were gone`,
      );
      expect(sums.lies).toBeGreaterThan(runs * 10);
      expect(sums.deleted).toBeGreaterThan(runs / 10);
    },
    within,
  );
}
