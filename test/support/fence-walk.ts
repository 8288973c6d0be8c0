import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planFence } from '#storage/fence/plan-fence.ts';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { chances } from './chances.ts';
import { type Decide, FenceWorld, type Happening } from './fence-world.ts';

const policy = { confirmAfter: seconds(10), powerOffAfter: undefined };
const happenings: readonly Happening[] = [
  'switch-off',
  'power-fails',
  'start',
  'start',
  'reboot',
  'cut',
  'heal',
  'cloud-fails',
  'cloud-answers',
  'leader-dies',
  'controller-manager-dies',
  'controller-manager-returns',
];
const schedule = fc.array(fc.tuple(fc.constantFrom(...happenings), fc.nat(2), fc.nat(90)), {
  minLength: 5,
  maxLength: 30,
  size: 'max',
});

/** Random lives of three cloud nodes: no volume ever has two writers, whatever is switched, cut or dies, and at whatever moment. */
export function fenceWalk(runs: number, within: Ms): void {
  test(
    `in ${runs} random lives of cloud nodes a pod never runs on two machines at once`,
    () => {
      const sums = { fences: 0, moves: 0, refused: 0 };
      fc.assert(
        fc.property(schedule, fc.integer(), fc.boolean(), (events, seed, isPoweringOff) => {
          const world = live(events, seed, planFence, isPoweringOff);
          expect(world.faults).toEqual([]);
          for (const key of ['fences', 'moves', 'refused'] as const) sums[key] += world.counts[key];
        }),
        { numRuns: runs, endOnFailure: true },
      );
      console.log(
        `${runs} lives: ${sums.fences} times out of service, ${sums.moves} starts of the pod, ${sums.refused} writes refused because the Node had changed`,
      );
      expect(sums.fences).toBeGreaterThan(runs / 10);
    },
    within,
  );
}

/** The walk sees what it is to see: whoever takes silence for death makes two writers. */
export function guessWalk(within: Ms): void {
  test(
    'a fence by guess would make two writers, and the walk would see it',
    () => {
      const guess: Decide = (node, fleet, chosen) =>
        planFence(
          node.look.says === 'on' ? { ...node, look: { says: 'off' }, offFor: node.onFor } : node,
          fleet,
          chosen,
        );
      const run = fc.check(
        fc.property(schedule, fc.integer(), (events, seed) => live(events, seed, guess, false).faults.length === 0),
        { numRuns: 500 },
      );
      expect(run.failed).toBe(true);
    },
    within,
  );
}

function live(
  events: readonly (readonly [Happening, number, number])[],
  seed: number,
  decide: Decide,
  isPoweringOff: boolean,
): FenceWorld {
  const chosen = isPoweringOff ? { ...policy, powerOffAfter: minutes(2) } : policy;
  const world = new FenceWorld(chances(seed), chosen, decide);
  world.run(seconds(20));
  for (const [what, machine, pause] of events) {
    world.happen(what, machine);
    world.run(seconds(pause));
  }
  world.run(minutes(3));
  return world;
}
