import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { planUp, type UpSeen, type UpStep, type UpWanted } from './plan-up.ts';

/**
 * `up` walked through a model of the world, and killed at every place. The model leaves out time and all failures but the kill:
 * a step has its whole effect, or the part that it may leave behind when it is cut.
 */
const wanted: UpWanted = {
  controlPlane: 'cp-1',
  cloudMachines: ['cp-1', 'web-1', 'web-2'],
  machines: ['base-1', 'base-2'],
  addresses: new Map(),
};
const at = 1_000 as Instant;
const good = 2_000 as Instant;

interface World {
  seen: UpSeen;
  made: number;
}

function begin(): World {
  return {
    made: 0,
    seen: { at, cloudMachines: [], api: 'none', nodes: [], tokens: [], staleObjects: [], unready: [], routes: [] },
  };
}

/** The effect of a step; with `cut` only what it leaves behind when it is killed in its middle. */
function perform(world: World, step: UpStep, cut: boolean): void {
  const { seen } = world;
  const change = (part: Partial<UpSeen>): void => {
    world.seen = { ...world.seen, ...part };
  };
  const give = (machine: string): void => change({ tokens: [...world.seen.tokens, { machine, expires: good }] });
  switch (step.do) {
    case 'create-cloud-machine':
    case 'replace-cloud-machine': {
      const others = seen.cloudMachines.filter(({ name }) => name !== step.machine);
      if (step.machine !== wanted.controlPlane) give(step.machine);
      const id = `uhost-${world.made++}`;
      change({ cloudMachines: cut ? others : [...others, { name: step.machine, id, state: 'running' }] });
      return;
    }
    case 'start-cloud-machine':
      return;
    case 'make-control-plane':
      if (!cut) change({ api: 'answers', staleObjects: ['all'], nodes: [nodeOf(world, step.machine, false)] });
      return;
    case 'wait-for-api':
      change({ api: 'answers' });
      return;
    case 'forget-node':
      change({ nodes: seen.nodes.filter(({ name }) => name !== step.machine) });
      return;
    case 'apply-objects':
      change({ staleObjects: cut ? ['some'] : [], unready: ['controller'] });
      return;
    case 'join-machine':
      give(step.machine);
      if (!cut) addNode(world, step.machine);
      return;
    case 'wait-for-node':
      addNode(world, step.machine);
      if (!cut)
        change({
          nodes: world.seen.nodes.map((node) => (node.name === step.machine ? { ...node, ready: true } : node)),
        });
      return;
    case 'remove-tokens': {
      const [first, ...rest] = seen.tokens.filter(({ machine }) => machine === step.machine);
      const others = seen.tokens.filter(({ machine }) => machine !== step.machine);
      change({ tokens: cut && first !== undefined ? [...others, ...rest] : others });
      return;
    }
    case 'set-routes':
      change({ routes: cut ? ['lacks one'] : [] });
      return;
    case 'wait-for-workloads':
      if (!cut) change({ unready: [] });
      return;
  }
}

function nodeOf(world: World, name: string, ready: boolean) {
  const id = world.seen.cloudMachines.find((machine) => machine.name === name)?.id;
  return { name, ready, providerId: id === undefined ? `isthmus-site://${name}` : `ucloud://cn-bj2-04/${id}` };
}

function addNode(world: World, name: string): void {
  if (world.seen.nodes.some((node) => node.name === name)) return;
  world.seen = { ...world.seen, nodes: [...world.seen.nodes, nodeOf(world, name, false)] };
}

/** Runs `up` until it is killed in the middle of its `killAt`-th step. @shape how many steps it was given */
function run(world: World, killAt: number): number {
  let taken = 0;
  for (let round = 0; round < 6; round++) {
    const plan = planUp(world.seen, wanted);
    if ('blocked' in plan) throw new Error(plan.blocked);
    const steps = plan.stages.flat();
    if (steps.length === 0) return taken;
    for (const step of steps) {
      const cut = taken++ === killAt;
      perform(world, step, cut);
      if (cut) return taken;
    }
  }
  throw new Error('it does not come to rest');
}

const never = Number.POSITIVE_INFINITY;

test('from nothing it comes to rest, and a second run has nothing to do', () => {
  const world = begin();
  expect(run(world, never)).toBeGreaterThan(10);
  expect(run(world, never)).toBe(0);
  expect(world.seen.nodes.map(({ name, ready }) => `${name} ${ready}`).toSorted()).toEqual([
    'base-1 true',
    'base-2 true',
    'cp-1 true',
    'web-1 true',
    'web-2 true',
  ]);
});

test('killed in the middle of any step and run again, it comes to the same end', () => {
  const whole = run(begin(), never);
  for (let killAt = 0; killAt < whole; killAt++) {
    const world = begin();
    run(world, killAt);
    run(world, never);
    expect(world.seen.cloudMachines.map(({ name }) => name).toSorted()).toEqual(['cp-1', 'web-1', 'web-2']);
    expect(world.seen.tokens).toEqual([]);
    expect(run(world, never)).toBe(0);
  }
});

test('killed again and again at any places, it still comes to the same end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(25), { maxLength: 12 }), (kills) => {
      const world = begin();
      for (const killAt of kills) run(world, killAt);
      run(world, never);
      expect(world.seen.nodes).toHaveLength(5);
      expect(world.seen.tokens).toEqual([]);
      expect(run(world, never)).toBe(0);
    }),
  );
});
