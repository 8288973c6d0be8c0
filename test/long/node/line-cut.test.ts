import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, formatOutcome, playLineCut } from '#lab/play/line-cut.ts';
import { faultsOfDeath, playMachineDies } from '#lab/play/machine-dies.ts';
import { withUpstreamEviction } from '#lab/play/upstream-eviction.ts';
import { openWorld, type World } from '#lab/play/world.ts';
import { minutes } from '#unit/clock.ts';
import { labOk } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { raiseGolden } from '../../support/golden-lab.ts';

/** A cluster of two machines of the site and two of the cloud beside its control plane, whose line is cut for ten minutes. */
const name = 'linecut';
let world: World;
keepEvidence(name);

beforeAll(async () => {
  await raiseGolden(name);
  world = await openWorld(name, undefined, (line) => console.log(line));
}, minutes(25));
afterAll(() => labOk('down', '--name', name), minutes(5));

test(
  'a machine of the site that dies is replaced within two minutes',
  async () => {
    const outcome = await playMachineDies(world);
    console.log(outcome);
    expect(faultsOfDeath(outcome)).toEqual([]);
  },
  minutes(15),
);

test(
  'a cut of ten minutes deletes, doubles and restarts no pod of the site, which answer each other all the time; Kubernetes’ own eviction deletes them all',
  async () => {
    const ours = await playLineCut(world, minutes(10));
    console.log(formatOutcome('Isthmus', ours));
    const upstream = await withUpstreamEviction(world, () => playLineCut(world, minutes(7)));
    console.log(formatOutcome("Kubernetes' own eviction", upstream));
    expect(faultsOf(ours)).toEqual([]);
    expect(ours.asked).toBeGreaterThan(100);
    expect(upstream.during.deleted.length).toBe(upstream.pods);
    expect(upstream.during.made.length).toBeGreaterThan(0);
  },
  minutes(40),
);
