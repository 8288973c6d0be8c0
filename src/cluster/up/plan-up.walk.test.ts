import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { type OutsideSeen, planUp, type UpSeen, type UpStep, type UpWanted } from './plan-up.ts';

/**
 * `up` walked through a model of the world, and killed at every place. The model leaves out time and all failures but the kill:
 * a step has its whole effect, or the part that it may leave behind when it is cut. While the API server is silent, what the
 * cluster has is kept and not shown.
 */
const wanted: UpWanted = {
  controlPlane: 'cp-1',
  cloudMachines: ['cp-1', 'web-1', 'web-2'],
  nodeGroups: [],
  machines: ['base-1', 'base-2'],
  addresses: new Map(),
};
const at = 1_000 as Instant;
const good = 2_000 as Instant;

interface World {
  seen: UpSeen;
  made: number;
}

/** The gateway of the site, which lacks or has too much what is named. */
const gateway = (...difference: readonly string[]): OutsideSeen => ({
  what: 'routes on the gateway',
  follows: { side: 'site', why: 'it needs a route to the pod subnet of each machine' },
  difference,
});

/** A look at the world. */
function look({ seen }: World): UpSeen {
  if (seen.api !== 'silent') return seen;
  return { ...seen, nodes: [], tokens: [], joining: [], staleObjects: [], unready: [], outsides: [gateway()] };
}

function begin(): World {
  return {
    made: 0,
    seen: {
      at,
      cloudMachines: [],
      api: 'none',
      groups: [],
      nodes: [],
      tokens: [],
      joining: [],
      staleObjects: [],
      unready: [],
      outsides: [gateway()],
    },
  };
}

/** The effect of a step; with `cut` only what it leaves behind when it is killed in its middle. */
function perform(world: World, step: UpStep, cut: boolean): void {
  const { seen } = world;
  const change = (part: Partial<UpSeen>): void => {
    world.seen = { ...world.seen, ...part };
  };
  const give = (machine: string): void =>
    change({
      tokens: [...world.seen.tokens, { machine, expires: good }],
      joining: [
        ...world.seen.joining.filter((one) => one.machine !== machine),
        { machine, hasToken: true, amount: undefined, stalledSince: undefined },
      ],
    });
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
      if (!cut)
        change({
          cloudMachines: seen.cloudMachines.map((one) =>
            one.name === step.machine ? { ...one, state: 'running' } : one,
          ),
        });
      return;
    case 'make-control-plane':
      if (!cut) change({ api: 'answers', staleObjects: ['all'], nodes: [nodeOf(world, step.machine, false)] });
      return;
    case 'wait-for-api':
      if (seen.cloudMachines.some(({ name, state }) => name === wanted.controlPlane && state === 'stopped'))
        throw new Error('waits for ever for a control plane that is off');
      if (!cut) change({ api: 'answers' });
      return;
    case 'forget-node':
      change({ nodes: seen.nodes.filter(({ name }) => name !== step.machine) });
      return;
    // What the file names is never removed, and everything in this world is named.
    case 'leave-balancers':
    case 'drain-node':
    case 'reset-machine':
    case 'remove-cloud-machine':
      throw new Error(`removes ${step.machine}, which cluster.yaml names`);
    case 'remove-node-group':
      throw new Error(`removes the group ${step.group}, which nobody has made`);
    case 'apply-objects':
      change({ staleObjects: cut ? ['some'] : [], unready: ['controller'] });
      return;
    case 'renew-token':
      if (!cut) give(step.machine);
      return;
    case 'join-machine':
      give(step.machine);
      if (!cut) addNode(world, step.machine);
      return;
    case 'wait-for-node':
      if (!isNode(world, step.machine) && !seen.tokens.some(({ machine }) => machine === step.machine))
        throw new Error(`waits for ever: ${step.machine} has no token to become a node with`);
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
      if (!cut) change({ joining: seen.joining.filter(({ machine }) => machine !== step.machine) });
      return;
    }
    case 'set-outside':
      change({ outsides: [gateway(...(cut ? ['lacks one'] : []))] });
      return;
    case 'wait-for-workloads':
      if (!cut) change({ unready: [] });
      return;
  }
}

function nodeOf(world: World, name: string, ready: boolean) {
  const id = world.seen.cloudMachines.find((machine) => machine.name === name)?.id;
  return {
    name,
    ready,
    isControlPlane: name === wanted.controlPlane,
    providerId: id === undefined ? `isthmus-site://${name}` : `ucloud://cn-bj2-04/${id}`,
  };
}

function isNode({ seen }: World, name: string): boolean {
  return seen.nodes.some((node) => node.name === name);
}

function addNode(world: World, name: string): void {
  if (isNode(world, name)) return;
  world.seen = { ...world.seen, nodes: [...world.seen.nodes, nodeOf(world, name, false)] };
}

/** Runs `up` until it is killed in the middle of its `killAt`-th step. @shape how many steps it was given */
function run(world: World, killAt: number): number {
  let taken = 0;
  for (let round = 0; round < 6; round++) {
    const plan = planUp(look(world), wanted);
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

const damages = {
  'a node is deleted': ({ seen }: World, name: string) => ({ nodes: seen.nodes.filter((node) => node.name !== name) }),
  'a machine is gone': ({ seen }: World, name: string) => ({
    cloudMachines: seen.cloudMachines.filter((one) => one.name !== name || name === wanted.controlPlane),
  }),
  'a node is not ready': ({ seen }: World, name: string) => ({
    nodes: seen.nodes.map((node) => (node.name === name ? { ...node, ready: false } : node)),
  }),
  'the control plane is off': ({ seen }: World) => ({
    api: 'silent' as const,
    cloudMachines: seen.cloudMachines.map((one) =>
      one.name === wanted.controlPlane ? { ...one, state: 'stopped' as const } : one,
    ),
  }),
  'tokens expire and are swept up': () => ({ tokens: [] }),
  'the API server does not answer': () => ({ api: 'silent' as const }),
} satisfies Record<string, (world: World, machine: string) => Partial<UpSeen>>;

test('after any damage, also with the API server silent, and killed at any places, it comes to the same end', () => {
  const kind = fc.constantFrom(...(Object.keys(damages) as (keyof typeof damages)[]));
  const machine = fc.constantFrom('web-1', 'web-2', 'base-1', 'base-2');
  const damage = fc.array(fc.tuple(kind, machine), { maxLength: 6 });
  const kills = fc.array(fc.nat(15), { maxLength: 5 });
  fc.assert(
    fc.property(damage, kills, (damaged, killed) => {
      const world = begin();
      run(world, never);
      for (const [what, where] of damaged) world.seen = { ...world.seen, ...damages[what](world, where) };
      for (const killAt of killed) run(world, killAt);
      run(world, never);
      expect(world.seen.nodes.filter(({ ready }) => ready)).toHaveLength(5);
      expect(world.seen.cloudMachines.map(({ name }) => name).toSorted()).toEqual(['cp-1', 'web-1', 'web-2']);
      expect(world.seen.tokens).toEqual([]);
      expect(run(world, never)).toBe(0);
    }),
  );
});
