import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Compute } from '#cloud/compute.ts';
import { recordEvents } from '#kube/events.ts';
import { type NodeObject, nodes, type Taint } from '#kube/resources.ts';
import { explainNode } from '#storage/explain/explain.ts';
import { runFenceController } from '#storage/fence/fence-controller.ts';
import { storageStatus } from '#storage/status.ts';
import { type Ms, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { fail } from '#unit/result.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { addCloudNode, addNode, mark, type RangesWorld, startRangesWorld } from '../network/ranges-world.ts';

/** A real API server, and machines of the simulated cloud. Kubelets and the control loops of Kubernetes are played by hand. */
let world: RangesWorld;
const machines = new Map<string, string>();
let leader: { stop(): Promise<void> } | undefined;

beforeAll(async () => {
  world = await startRangesWorld();
  for (const name of ['web-1', 'web-2', 'web-3']) machines.set(name, await addCloudNode(world, name));
  machines.set('foreign', await addCloudNode(world, 'foreign', 'isthmus-other'));
  await addNode(world.kube, 'base-1', 'isthmus-site://base-1', 'site', '192.168.50.11');
  for (const name of [...machines.keys(), 'base-1']) await says(name, 'True');
});
afterEach(async () => {
  await leader?.stop();
  leader = undefined;
  for (const [name, id] of machines) {
    await power(id, 'start');
    await world.kube.merge(nodes, { name }, { spec: { taints: null } });
    await says(name, 'True');
  }
});
afterAll(() => world.close());

function lead(change: Partial<Compute> = {}, powerOffAfter?: Ms): void {
  const end = new AbortController();
  const { kube, cloud } = world;
  const events = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  const done = runFenceController(
    {
      kube,
      compute: { ...cloud.compute, ...change },
      caches: sharedCaches(kube, end.signal),
      events,
      mark,
      policy: { confirmAfter: ms(300), powerOffAfter },
      note: () => undefined,
      every: ms(100),
    },
    end.signal,
  ).catch((e: unknown) => {
    if (!end.signal.aborted) throw e;
  });
  leader = {
    async stop() {
      end.abort(new Error('the test ends this leader'));
      await done;
    },
  };
}

/** As the kubelet, or, for Unknown, as Kubernetes of a kubelet that is silent. */
async function says(name: string, status: 'True' | 'False' | 'Unknown'): Promise<void> {
  const seen = await world.kube.get(nodes, { name });
  const others = (seen?.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
  await world.kube.merge(
    nodes,
    { name },
    { status: { conditions: [...others, { type: 'Ready', status }] } },
    { subresource: 'status' },
  );
}

async function power(id: string, verb: 'start' | 'off'): Promise<void> {
  const done = await world.cloud.compute.power(id, verb, { within: seconds(10) });
  if (!done.ok) throw new Error(done.failure.raw.message);
  const wanted = verb === 'start' ? 'running' : 'stopped';
  await waitFor(
    `${id} to be ${wanted}`,
    async () => {
      const found = await world.cloud.compute.find(id, { within: seconds(5) });
      return found.ok && found.value.state === wanted;
    },
    { within: seconds(20), every: ms(50) },
  );
}

interface Seen {
  readonly taint: Taint | undefined;
  readonly condition: string | undefined;
}

function seenOf(node: NodeObject | undefined): Seen {
  const condition = node?.status?.conditions?.find(({ type }) => type === 'isthmus.dev/Fenced');
  return {
    taint: node?.spec?.taints?.find(({ key }) => key === 'node.kubernetes.io/out-of-service'),
    condition: condition && `${condition.status} ${condition.reason}`,
  };
}

const ours = { key: 'node.kubernetes.io/out-of-service', value: 'isthmus-machine-off', effect: 'NoExecute' };

function until(name: string, wanted: Seen): Promise<unknown> {
  return waitFor(
    `${name} to have ${JSON.stringify(wanted)}`,
    async () => {
      expect(seenOf(await world.kube.get(nodes, { name }))).toEqual(wanted);
      return true;
    },
    { within: seconds(20), every: ms(30) },
  );
}

/** Long enough for several turns. */
async function stays(name: string, wanted: Seen): Promise<void> {
  await until(name, wanted);
  await sleep(ms(1000));
  await until(name, wanted);
}

const idOf = (name: string): string => machines.get(name) as string;
const well: Seen = { taint: undefined, condition: undefined };

test('a node whose machine is off is put out of service, and taken back when the machine is on again', async () => {
  lead();
  await says('web-1', 'Unknown');
  await stays('web-1', { taint: undefined, condition: 'False MachineRuns' });
  await power(idOf('web-1'), 'off');
  await until('web-1', { taint: ours, condition: 'True MachineOff' });
  const { problems } = await storageStatus({
    kube: world.kube,
    nodes: [],
    outside: undefined,
    signal: AbortSignal.timeout(5000),
  });
  expect(problems).toEqual([
    'node web-1: the cloud says that the machine is switched off: its pods start elsewhere, and their disks are attached there',
  ]);
  expect(await explainNode(world.kube, { name: 'web-1', namespace: 'default' })).toEqual([
    'the cloud says that the machine is switched off: its pods start elsewhere, and their disks are attached there',
  ]);
  await power(idOf('web-1'), 'start');
  await until('web-1', { taint: undefined, condition: 'False MachineRuns' });
  await says('web-1', 'True');
  await until('web-1', well);
});

test('a kubelet that answers takes its node back before the cloud is asked, ready or not', async () => {
  lead();
  await power(idOf('web-1'), 'off');
  await says('web-1', 'Unknown');
  await until('web-1', { taint: ours, condition: 'True MachineOff' });
  await says('web-1', 'False');
  await until('web-1', well);
});

test('what a leader left behind is taken up by the next one, and a taint by a person is left alone', async () => {
  lead();
  await power(idOf('web-1'), 'off');
  await says('web-1', 'Unknown');
  await until('web-1', { taint: ours, condition: 'True MachineOff' });
  await leader?.stop();
  await power(idOf('web-1'), 'start');
  await says('web-1', 'True');
  const byHand = { ...ours, value: 'off' };
  await says('web-2', 'Unknown');
  await world.kube.merge(nodes, { name: 'web-2' }, { spec: { taints: [byHand] } });
  lead();
  await until('web-1', well);
  await stays('web-2', { taint: byHand, condition: undefined });
  await says('web-2', 'True');
  await stays('web-2', { taint: byHand, condition: undefined });
});

test('of few nodes one is put out of service, and a second only by a person', async () => {
  lead();
  await Promise.all(['web-1', 'web-2'].map((name) => power(idOf(name), 'off')));
  // In one moment: whoever decides about one knows what was decided about the other.
  await Promise.all(['web-1', 'web-2'].map((name) => says(name, 'Unknown')));
  const seen = async () =>
    Promise.all(['web-1', 'web-2'].map(async (name) => seenOf(await world.kube.get(nodes, { name })).condition));
  await waitFor('one of them to be out of service', async () => (await seen()).includes('True MachineOff'), {
    within: seconds(20),
  });
  await sleep(ms(1000));
  expect(new Set(await seen())).toEqual(new Set(['True MachineOff', 'False TooManySilent']));
});

test('machines of others, of the site, and such that the cloud is unsure of are left alone', async () => {
  lead();
  await power(idOf('foreign'), 'off');
  await says('foreign', 'Unknown');
  await says('base-1', 'Unknown');
  await stays('foreign', { taint: undefined, condition: 'False NotOurs' });
  await stays('base-1', well);
  await leader?.stop();
  const raw = { action: 'DescribeUHostInstance', code: '0', message: 'not there' };
  const gone = async () => fail({ kind: 'gone', raw } as const);
  await says('foreign', 'True');
  await says('web-3', 'Unknown');
  // Not found, but listed.
  lead({ find: gone });
  await stays('web-3', { taint: undefined, condition: 'False CloudUnclear' });
  await leader?.stop();
  // Neither found nor listed, and nothing else is: keys of another project.
  lead({ find: gone, list: async () => ({ ok: true, value: [] }) });
  await stays('web-3', { taint: undefined, condition: 'False CloudUnclear' });
  await leader?.stop();
  // Neither found nor listed, and others are.
  lead({
    find: gone,
    async list(...asked) {
      const listed = await world.cloud.compute.list(...asked);
      return listed.ok ? { ok: true, value: listed.value.filter(({ id }) => id !== idOf('web-3')) } : listed;
    },
  });
  await until('web-3', { taint: ours, condition: 'True MachineGone' });
});

test('a Node that changes between the question and the write is looked at anew', async () => {
  let asked = 0;
  lead({
    async find(id, opts) {
      const found = await world.cloud.compute.find(id, opts);
      asked++;
      // The machine was started, and its kubelet answers just now.
      if (found.ok && found.value.state === 'stopped' && asked > 3) await says('web-1', 'False');
      return found;
    },
  });
  await power(idOf('web-1'), 'off');
  await says('web-1', 'Unknown');
  await waitFor('several looks', async () => asked > 3, { within: seconds(20), every: ms(20) });
  await stays('web-1', well);
});

test('a cloud that does not answer about one node keeps no other out of service', async () => {
  lead({
    async find(id, opts) {
      if (id === idOf('web-2')) await sleep(seconds(5));
      return world.cloud.compute.find(id, opts);
    },
  });
  await power(idOf('web-1'), 'off');
  for (const name of ['web-1', 'web-2']) await says(name, 'Unknown');
  await until('web-1', { taint: ours, condition: 'True MachineOff' });
  const begun = performance.now();
  await says('web-1', 'True');
  await until('web-1', well);
  expect(performance.now() - begun).toBeLessThan(4000);
});

test('a machine that runs in silence is switched off when that was asked for, and then put out of service', async () => {
  lead({}, seconds(1));
  await says('web-2', 'Unknown');
  await until('web-2', { taint: ours, condition: 'True MachineOff' });
  const found = await world.cloud.compute.find(idOf('web-2'), { within: seconds(5) });
  expect(found.ok && found.value.state).toBe('stopped');
});
