import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { recordAnnotation } from '#balancer/annotations.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { minutes, ms, seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { BalancerWorld, type CallKind, cloudNode, listLag, type Trouble } from '../../support/balancer-world.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'],
    now: Date.parse('2026-11-28T12:00:00Z'),
  });
  vi.advanceTimersByTime(ms(1));
});
afterEach(() => void vi.useRealTimers());

type Spec = NonNullable<ServiceObject['spec']>;

function specOf(ports: readonly number[]): Spec {
  return {
    type: 'LoadBalancer',
    ports: ports.map((port) => ({ port, protocol: 'TCP', nodePort: 30_000 + port })),
    selector: { app: 'web' },
  };
}

/** The controller looks again and again, each time when it said that it would, until nothing more changes. */
async function rest(world: BalancerWorld): Promise<void> {
  for (let turn = 0; turn < 60; turn++) {
    const again = await world.tend();
    if (again === undefined || again > minutes(2)) return;
    vi.advanceTimersByTime(again);
  }
}

function expectServed(world: BalancerWorld, uid: string, ports: readonly number[], isPublic = true): void {
  const [balancer, ...more] = world.ownBalancers(uid);
  expect(more).toEqual([]);
  const machines = world.nodes.flatMap(({ ground, isReady, isExcluded, isLeaving }) =>
    ground.ground === 'cloud' && isReady && !isExcluded && !isLeaving ? [ground.id] : [],
  );
  const served = (balancer?.listeners ?? []).map(({ port, backEnds }): readonly [number, readonly string[]] => [
    port,
    backEnds.map((one) => `${one.machine}:${one.port}`).toSorted(),
  ]);
  expect(served.toSorted(([a], [b]) => a - b)).toEqual(
    ports
      .toSorted((a, b) => a - b)
      .map((port) => [port, machines.map((machine) => `${machine}:${30_000 + port}`).toSorted()]),
  );
  const addresses = world.ownAddresses(uid);
  expect(addresses.map(({ boundTo }) => boundTo)).toEqual(isPublic ? [balancer?.id] : []);
  const ingress = world.service?.status?.loadBalancer?.ingress;
  expect(ingress).toEqual([{ ip: isPublic ? '106.75.0.9' : '10.9.0.9', ipMode: 'VIP' }]);
}

test('a Service gets one balancer with its cloud nodes and one public address, and then the cloud is left alone', async () => {
  const world = new BalancerWorld();
  world.nodes = [
    cloudNode('web-1'),
    cloudNode('web-2'),
    cloudNode('base-1', { ground: { ground: 'site', machine: 'base-1' } }),
  ];
  world.create('u-1', specOf([80, 443]));
  await world.tend();
  expectServed(world, 'u-1', [80, 443]);
  expect(world.service?.status?.conditions).toMatchObject([
    {
      type: 'isthmus.dev/Balancer',
      status: 'True',
      reason: 'Serving',
      message: expect.stringMatching(/sends to 2 cloud nodes/),
    },
  ]);
  const { calls } = world;
  for (let turn = 0; turn < 10; turn++) await world.tend();
  expect(world.calls).toBe(calls);
});

test('a deleted Service leaves neither balancer nor address, and one that changes its type neither', async () => {
  for (const end of ['delete', 'retype'] as const) {
    const world = new BalancerWorld();
    world.create('u-1', specOf([80]));
    await world.tend();
    if (end === 'delete') world.delete();
    else
      world.edit(({ metadata, spec, status }) => ({
        metadata,
        spec: { ...spec, type: 'ClusterIP' },
        ...(status && { status }),
      }));
    await rest(world);
    expect([...world.balancers.keys(), ...world.addresses.keys()]).toEqual([]);
    if (end === 'delete') expect(world.service).toBeUndefined();
    else expect(world.service?.metadata).toMatchObject({ finalizers: [], annotations: {} });
    expect(world.faults).toEqual([]);
  }
});

test('what is changed by hand in the cloud is put back at the next audit, and told', async () => {
  const world = new BalancerWorld();
  world.create('u-1', specOf([80, 443]));
  await rest(world);
  world.meddle((balancer) => ({ ...balancer, listeners: balancer.listeners.slice(1) }));
  vi.advanceTimersByTime(minutes(11));
  await rest(world);
  expect(
    world
      .ownBalancers('u-1')[0]
      ?.listeners.map(({ port }) => port)
      .toSorted(),
  ).toEqual([443, 80]);
  expect(world.events.filter((event) => event.startsWith('Drift'))).not.toEqual([]);
});

test('a balancer that lost the mark of the cluster is neither removed nor replaced, and the Service says so', async () => {
  const world = new BalancerWorld();
  world.create('u-1', specOf([80]));
  await rest(world);
  world.meddle((balancer) => ({ ...balancer, mark: undefined }));
  vi.advanceTimersByTime(minutes(11));
  await rest(world);
  world.delete();
  await rest(world);
  expect(world.balancers.size).toBe(1);
  expect(world.service?.status?.conditions).toMatchObject([
    { reason: 'MarkLost', message: expect.stringMatching(/set its business group to isthmus-shop/) },
  ]);
});

test('somebody garbles what is noted of a Service on a balancer of somebody else: its listener goes all the same', async () => {
  const world = new BalancerWorld();
  const theirs = { id: 'nlb-theirs', name: 'by hand', mark: undefined, owner: undefined, createdAt: 1, vpc: 'vpc-1' };
  const place = { subnet: 'subnet-1', charge: 'hour', address: ip('10.9.0.77'), listeners: [] } as const;
  world.balancers.set(theirs.id, { ...theirs, ...place });
  world.create('u-1', specOf([80]), { 'isthmus.dev/balancer-id': theirs.id, 'isthmus.dev/balancer-access': 'private' });
  await rest(world);
  const listeners = () => world.balancers.get(theirs.id)?.listeners.map(({ port }) => port);
  expect(listeners()).toEqual([80]);
  // Nobody runs who could put it right.
  world.restart();
  world.edit(({ metadata, ...more }) => ({
    ...more,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [recordAnnotation]: '{"uses":' } },
  }));
  world.delete();
  await rest(world);
  expect([listeners(), world.service]).toEqual([[], undefined]);
});

test('a Service of another class is left alone, also with the finalizer of its own controller', async () => {
  const world = new BalancerWorld();
  world.create('u-1', { ...specOf([80]), loadBalancerClass: 'metallb.io/metallb' });
  world.edit(({ metadata, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, finalizers: ['service.kubernetes.io/load-balancer-cleanup'] },
  }));
  const before = world.service;
  await rest(world);
  world.delete();
  await rest(world);
  expect(world.service?.metadata.finalizers).toEqual(before?.metadata.finalizers);
  expect(world.calls).toBe(0);
});

type Act = (world: BalancerWorld) => Promise<void> | void;

const acts: fc.Arbitrary<readonly [string, Act]> = fc.oneof(
  fc
    .record({
      kind: fc.constantFrom<CallKind>('write', 'make', 'change', 'remove'),
      how: fc.constantFrom<Trouble>('dies-before', 'dies-after', 'refused', 'lost'),
    })
    .map(({ kind, how }): readonly [string, Act] => [`${kind} ${how}`, (world) => void world.trouble.set(kind, how)]),
  fc
    .subarray([80, 443, 8080], { minLength: 1 })
    .map((ports): readonly [string, Act] => [
      `ports ${ports.join()}`,
      (world) => world.edit((service) => ({ ...service, spec: { ...specOf(ports), type: service.spec?.type ?? '' } })),
    ]),
  fc
    .constantFrom('LoadBalancer', 'ClusterIP')
    .map((type): readonly [string, Act] => [
      type,
      (world) => world.edit((service) => ({ ...service, spec: { ...service.spec, type } })),
    ]),
  fc.constantFrom('public', 'private').map((access): readonly [string, Act] => [
    access,
    (world) =>
      world.edit(({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, annotations: { ...metadata.annotations, 'isthmus.dev/balancer-access': access } },
      })),
  ]),
  fc.subarray(['web-1', 'web-2', 'web-3']).map((names): readonly [string, Act] => [
    `nodes ${names.join()}`,
    (world) => {
      world.nodes = names.map((name) => cloudNode(name));
    },
  ]),
  fc.subarray(['web-1', 'web-2', 'web-3']).map((names): readonly [string, Act] => [
    `${names.join()} leave`,
    (world) => {
      world.nodes = world.nodes.map((node) => ({ ...node, isLeaving: names.includes(node.name) }));
    },
  ]),
  fc.constant<readonly [string, Act]>(['delete', (world) => world.delete()]),
  fc.constant<readonly [string, Act]>([
    'tend',
    async (world) => {
      await world.tend();
    },
  ]),
  fc.constant<readonly [string, Act]>(['restart', (world) => world.restart()]),
  fc.constant<readonly [string, Act]>([
    'list without a listener of ours',
    (world) => world.meddle((balancer) => ({ ...balancer, listeners: balancer.listeners.slice(1) })),
  ]),
  fc
    .integer({ min: 0, max: 30 })
    .map((span): readonly [string, Act] => [`${span} s`, () => void vi.advanceTimersByTime(seconds(span))]),
);

/** Whoever removes a machine believes that nobody sends to it when the controller says so. */
function expectToldRightly(world: BalancerWorld): void {
  for (const { ground, isLeaving } of world.nodes)
    if (isLeaving && ground.ground === 'cloud' && world.isOut(ground.id))
      expect(world.isSentTo(ground.id), ground.id).toBe(false);
}

test.each<[string, (world: BalancerWorld) => void]>([
  ['nothing goes wrong', () => undefined],
  ['the cloud refuses for a while', (world) => world.trouble.set('change', 'refused')],
  ['the answer is lost', (world) => world.trouble.set('change', 'lost')],
  ['the controller dies before the call', (world) => world.trouble.set('change', 'dies-before')],
  ['the controller dies after the call', (world) => world.trouble.set('change', 'dies-after')],
])('a node that leaves is told to be out when no balancer sends to it any more: %s', async (_title, plant) => {
  const world = new BalancerWorld();
  world.nodes = [cloudNode('web-1'), cloudNode('web-2')];
  world.create('u-1', specOf([80, 443]));
  await rest(world);
  const machine = world.nodes.flatMap(({ ground }) => (ground.ground === 'cloud' ? ground.id : []))[1] ?? '';
  expect([world.isOut(machine), world.isSentTo(machine)]).toEqual([false, true]);
  world.nodes = [cloudNode('web-1'), { ...cloudNode('web-2'), isLeaving: true }];
  plant(world);
  expect(world.isOut(machine)).toBe(false);
  for (let turn = 0; turn < 60 && !world.isOut(machine); turn++) {
    expectToldRightly(world);
    vi.advanceTimersByTime((await world.tend()) ?? 0);
  }
  expect([world.isOut(machine), world.isSentTo(machine)]).toEqual([true, false]);
});

test(
  'whatever happens, in any order and killed at any call, nothing is made twice and nothing is left behind',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { maxLength: 25 }), fc.integer({ min: 0, max: 14 }), async (walk, lag) => {
        const world = new BalancerWorld();
        world.lag = seconds(lag);
        expect(seconds(lag)).toBeLessThan(listLag);
        world.create('u-1', specOf([80]));
        // As every Service is: it is seen by the controller before anything else happens to it.
        for (const [, act] of walk) {
          await act(world);
          await world.tend();
          expectToldRightly(world);
        }
        world.trouble.clear();
        // At the audit after the next one whatever was changed by hand has been seen.
        for (let audit = 0; audit < 2; audit++) {
          await rest(world);
          vi.advanceTimersByTime(minutes(11));
        }
        await rest(world);
        expect(world.faults).toEqual([]);
        const { service } = world;
        if (service?.spec?.type === 'LoadBalancer') {
          const isPublic = service.metadata.annotations?.['isthmus.dev/balancer-access'] !== 'private';
          expectServed(
            world,
            'u-1',
            (service.spec.ports ?? []).map(({ port }) => port),
            isPublic,
          );
        } else {
          expect([...world.balancers.keys(), ...world.addresses.keys()]).toEqual([]);
          expect(service?.metadata.finalizers ?? []).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  },
  minutes(3),
);
