import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import { SliceWorld, size } from '../../support/slice-world.ts';

const runs = 60;
const event = fc.tuple(fc.nat(99), fc.nat(1000), fc.nat(1000));

/** One thing that may happen at any moment, by its share. */
function happen(world: SliceWorld, [kind, which, other]: readonly [number, number, number]): void {
  if (kind < 18) world.plan(which, other);
  else if (kind < 36) world.perform(which);
  else if (kind < 46) world.hear(which, 1 + (other % 8));
  else if (kind < 56) world.take(which);
  else if (kind < 64) world.podAdds(which);
  else if (kind < 72) world.podComes(which);
  else if (kind < 78) world.podGoes(which, other);
  else if (kind < 86) world.say(which);
  else if (kind < 94) world.deliver(which);
  else if (kind < 96) world.kill(which);
  else world.pass(other * 300);
}

test(
  `in ${runs} random lives of machines that share a range, with two controllers and lagging watches, no address is given twice, and each comes to rest`,
  () => {
    const sums = { moves: 0, held: 0, rounds: 0 };
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.array(event, { minLength: 50, maxLength: 250, size: 'max' }),
        (machines, events) => {
          const world = new SliceWorld(machines);
          for (const one of events) happen(world, one);
          sums.rounds = Math.max(sums.rounds, world.calm());
          expect(world.faults).toEqual([]);
          expect(world.doubly).toEqual([]);
          // Whoever waits does so because all addresses are in use.
          if (world.waiting > 0) expect(world.held).toBe(size);
          // And what one machine needs no more is for the others.
          for (let pod = 0; pod < size; pod++) world.podGoes(0, 0);
          for (let pod = 0; pod < size; pod++) world.podComes(1);
          sums.rounds = Math.max(sums.rounds, world.calm());
          expect(world.faults).toEqual([]);
          expect(world.held).toBe(size);
          sums.moves += world.moves;
          sums.held += world.held;
        },
      ),
      { numRuns: runs },
    );
    console.log(
      `${runs} lives: ${sums.held} pods with addresses at the end, ${sums.moves} addresses went to another machine, at most ${sums.rounds} rounds to rest`,
    );
    expect(sums.moves).toBeGreaterThan(0);
  },
  minutes(3),
);
