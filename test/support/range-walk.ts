import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Ms } from '#unit/clock.ts';
import { type Ip, ip, ipOf, numberOf } from '#unit/ip.ts';
import { RangeWorld, standStill, type Trouble, warm } from './range-world.ts';

/** Random lives of one cloud node's pod range, from an empty start and from any state whatever; each must come to rest in band. */
export function rangeWalk(runs: number, within: Ms): void {
  beforeEach(standStill);
  afterEach(() => vi.useRealTimers());

  test(
    `in ${runs} random lives of a node no address in use is retired or given back, and each comes to rest in band and stays`,
    async () => {
      const sums = { steps: 0, retires: 0, races: 0, worst: 0 };
      await fc.assert(
        fc.asyncProperty(
          beginning,
          fc.array(event, { minLength: 10, maxLength: 60, size: 'max' }),
          async (start, events) => {
            const world = begin(start);
            for (const one of events) await happen(world, one);
            const turns = await calm(world);
            await staysCalm(world);
            expect(world.faults).toEqual([]);
            sums.steps += world.steps.length;
            sums.retires += world.steps.filter((step) => step.do === 'retire').length;
            sums.races += world.races;
            sums.worst = Math.max(sums.worst, turns);
          },
        ),
        { numRuns: runs },
      );
      console.log(
        `${runs} lives: ${sums.steps} steps, ${sums.retires} marks for giving back, ${sums.races} addresses that the node ` +
          `had just given and so refused, at most ${sums.worst} rounds until in band`,
      );
      expect(sums.retires).toBeGreaterThan(0);
    },
    within,
  );
}

type Event = readonly [number, number];
const event: fc.Arbitrary<Event> = fc.tuple(fc.nat(99), fc.nat(1000));

/** A state that no history need have led to: what ledger, cloud and node say of twelve addresses, each for itself. */
interface Start {
  readonly addresses: readonly {
    readonly state: 'settling' | 'usable' | 'releasing' | 'absent';
    /** Seconds; below 0: dated in the future. */
    readonly age: number;
    readonly inCloud: boolean;
    readonly pod: 'none' | 'told' | 'untold';
  }[];
  readonly waiting: number;
  /** The node has seen this state of its range. */
  readonly answered: boolean;
}

const beginning: fc.Arbitrary<Start> = fc.record({
  addresses: fc.array(
    fc.record({
      state: fc.constantFrom('settling', 'usable', 'usable', 'releasing', 'absent'),
      age: fc.constantFrom(0, 10, 100, 1000, -10, -31_536_000),
      inCloud: fc.nat(5).map((n) => n > 0),
      pod: fc.constantFrom('none', 'none', 'none', 'told', 'untold'),
    }),
    { maxLength: 24, size: 'max' },
  ),
  waiting: fc.constantFrom(0, 0, 1, 20),
  answered: fc.nat(3).map((n) => n > 0),
});

function begin({ addresses, waiting, answered }: Start): RangeWorld {
  const world = new RangeWorld();
  if (addresses.length === 0 && waiting === 0) return world;
  const at = (i: number): Ip => ipOf(numberOf(ip('10.9.0.2')) + i);
  const entries = addresses.flatMap(({ state, age }, i) =>
    state === 'absent' ? [] : [{ ip: at(i), state, since: new Date(Date.now() - age * 1000).toISOString() }],
  );
  world.object = { metadata: { name: 'web-1', generation: 5 }, spec: { ground: 'cloud', addresses: entries } };
  for (const [i, { state, inCloud, pod }] of addresses.entries()) {
    if (inCloud) world.cloud.add(at(i));
    if (pod !== 'none' && state !== 'absent') world.podHas(at(i), pod === 'told');
  }
  for (let i = 0; i < waiting; i++) world.podComes(true);
  if (answered) answer(world);
  return world;
}

/** One thing that happens, told by a number of a hundred; the second number says how. */
async function happen(world: RangeWorld, [which, how]: Event): Promise<void> {
  const likely: readonly (readonly [number, () => void | Promise<void>])[] = [
    [28, () => world.tend()],
    [38, () => world.pass((how % 40) * 1000 + 100)],
    [46, () => repeated(how % 8, () => world.podComes(how % 3 > 0))],
    [56, () => repeated(how % 8, () => world.podAdds())],
    [64, () => repeated(how % 6, () => world.podGoes(how))],
    [68, () => world.take()],
    [72, () => world.say()],
    [76, () => world.deliver()],
    [84, () => answer(world)],
    [88, () => world.tellPods()],
    [92, () => plant(world, how)],
    [94, () => world.kill()],
    [96, () => void (world.lag = (how % 40) * 1000)],
    [98, () => world.rob(how)],
    // A clock that is set forwards or backwards, by up to a year.
    [100, () => void vi.setSystemTime(Date.now() + (how - 500) * 60_000_000)],
  ];
  const [, act] = likely.find(([below]) => which < below) ?? [0, () => undefined];
  await act();
}

function answer(world: RangeWorld): void {
  world.take();
  world.say();
  world.deliver();
}

function plant(world: RangeWorld, how: number): void {
  const kinds = ['write', 'extend', 'release'] as const;
  const troubles: readonly Trouble[] = ['dies-before', 'dies-after', 'refused', 'lost', 'short', 'exhausted'];
  const kind = kinds[how % 3] ?? 'write';
  world.trouble.set(kind, troubles[how % troubles.length] ?? 'refused');
}

function repeated(times: number, act: () => void): void {
  for (let i = 0; i < times; i++) act();
}

/** Everything works again and everybody answers: how many rounds until nothing is left to do. */
async function calm(world: RangeWorld): Promise<number> {
  world.trouble.clear();
  world.lag = 0;
  for (let round = 1; round <= 60; round++) {
    const done = world.steps.length;
    await round5s(world);
    const quiet = world.steps.slice(done).every((step) => step.do === 'hold');
    if (quiet && isInBand(world) && round > 1) return round;
  }
  throw new Error(`not in band after 60 rounds: ${describe(world)}`);
}

/** Minutes in which nothing happens: nothing is done. */
async function staysCalm(world: RangeWorld): Promise<void> {
  // What rests when the band is reached is free a moment later, and may be above it once.
  for (let round = 0; round < 20; round++) await round5s(world);
  const done = world.steps.length;
  for (let round = 0; round < 30; round++) await round5s(world);
  const restless = world.steps.slice(done).filter((step) => step.do !== 'hold');
  if (restless.length > 0 || !isInBand(world))
    throw new Error(`does not stay in band: ${JSON.stringify(restless)} ${describe(world)}`);
}

async function round5s(world: RangeWorld): Promise<void> {
  await world.tend();
  world.take();
  repeated(64, () => world.podAdds());
  world.say();
  world.deliver();
  world.tellPods();
  world.pass(5000);
}

function isInBand(world: RangeWorld): boolean {
  const entries = world.object?.spec.addresses ?? [];
  const apart = entries.filter((a) => a.state === 'usable' && !world.cloud.has(ip(a.ip)));
  // Only what the cloud took from under a pod may be on its way out for as long as the pod lives.
  const stuck = entries.filter((a) => a.state !== 'usable' && (world.cloud.has(ip(a.ip)) || !world.isHeld(ip(a.ip))));
  const leaked = [...world.cloud].filter((address) => !entries.some((a) => a.ip === address));
  const calmly = apart.length + stuck.length + leaked.length === 0 && world.waiting === 0;
  return calmly && world.free >= warm.low && world.free <= warm.high;
}

function describe(world: RangeWorld): string {
  const { object, cloud, waiting, free, steps } = world;
  return JSON.stringify({ free, waiting, cloud: [...cloud], object, last: steps.slice(-12) });
}
