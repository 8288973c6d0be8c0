import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { Compute } from '#cloud/compute.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import { recordEvents } from '#kube/events.ts';
import type { KubeObject } from '#kube/kube.ts';
import { namespaces, nodes } from '#kube/resources.ts';
import { faultsOfLies, type LiedTo, lies, playFalseAnswers } from '#lab/play/false-answers.ts';
import { parseNodes } from '#lab/play/world.ts';
import { account, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { runLifeController } from '#node/life/life-controller.ts';
import { type LifePolicy, usualPolicy } from '#node/life/plan-node-life.ts';
import { nodeObjects } from '#node/objects.ts';
import { gibi } from '#unit/bytes.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';

/** The scenario that `isthmus lab play false-answers` plays, against a real API server and the simulated cloud; kubelets are played, and time is short. */
const api = apiServerForTests();
let cloud: TestCloud;
let compute: Compute;
const ids = new Map<string, string>();

beforeAll(async () => {
  await api.kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  cloud = await startTestCloud();
  compute = connectUcloud({ ...account, endpoint: cloud.url, project: account.project.id, poll: ms(20) }).compute;
  for (const name of ['cp-1', 'web-1', 'web-2']) {
    const made = await compute.create(
      {
        name,
        mark: 'shop',
        zone: account.zone,
        image: 'uimage-base',
        vpc: 'uvnet-lab',
        subnet: 'subnet-lab',
        cpu: 2,
        memory: gibi(4),
        bootDisk: gibi(40),
        charge: 'hour',
        elastic: false,
        userData: '#!/bin/sh',
      },
      { within: seconds(20) },
    );
    if (!made.ok) throw new Error(`${name} was not made`);
    ids.set(name, made.value.id);
    await join(name);
  }
  for (const { resource, object } of nodeObjects(exampleFacts)) await api.kube.create(resource, object);
}, minutes(3));

afterAll(() => cloud?.close());

/** As its kubelet. */
async function join(name: string): Promise<void> {
  const labels = {
    'isthmus.dev/ground': 'cloud',
    ...(name === 'cp-1' && { 'node-role.kubernetes.io/control-plane': '' }),
  };
  const providerID = `ucloud://${account.zone}/${ids.get(name)}`;
  await api.kube.create(nodes, { metadata: { name, labels }, spec: { providerID } } as KubeObject);
  await says(name, 'True');
}

function says(name: string, status: 'True' | 'Unknown'): Promise<unknown> {
  return api.kube.apply(
    nodes,
    { metadata: { name }, status: { conditions: [{ type: 'Ready', status, reason: 'Test', message: status }] } },
    { manager: 'kubelet', force: true, subresource: 'status' },
  );
}

function world(said: string[]): LiedTo {
  return {
    nodes: async () => parseNodes(await api.kube.read('/api/v1/nodes')),
    inside: async (machine, script) => {
      if ((await api.kube.get(nodes, { name: machine })) === undefined) await join(machine);
      await says(machine, script.includes('stop') ? 'Unknown' : 'True');
      return '';
    },
    say: (line) => said.push(line),
    cloud: {
      play: async ({ faults = [] }) => faults.map((fault) => cloud.plant(fault)),
      faults: async () => cloud.cloud.faults(),
      clear: async (id) => cloud.cloud.clear(id),
    },
  };
}

/** Runs the controller that decides which Nodes go, while `work` does. */
async function withController<T>(
  policy: Partial<LifePolicy>,
  as: Pick<Compute, 'find' | 'list'>,
  work: () => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const note = (): void => undefined;
  const told = recordEvents(api.kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: note,
  });
  const short = { ...usualPolicy, apart: ms(300), young: ms(0), unclearFor: ms(100), ...policy };
  const running = runLifeController(
    {
      kube: api.kube,
      provider: 'ucloud',
      compute: as as Compute,
      caches: sharedCaches(api.kube, end.signal),
      events: told,
      mark: 'shop',
      policy: short,
      note,
    },
    end.signal,
  );
  running.catch(() => undefined);
  try {
    return await work();
  } finally {
    end.abort(new Error('it ends'));
    await Promise.allSettled([running]);
  }
}

test('whatever the cloud says that is not so, no Node of a machine that runs is deleted, and each lie was heard', async () => {
  const said: string[] = [];
  const outcome = await withController({}, compute, () =>
    playFalseAnswers(world(said), { lasts: ms(2500), every: ms(100) }),
  );
  expect(faultsOfLies(outcome), said.join('\n')).toEqual([]);
  expect(outcome).toMatchObject({
    machine: 'web-2',
    lies: lies.map(({ says: words }) => ({ says: words, deleted: [] })),
  });
  expect(said.join('\n')).toContain('for 2.5 s the cloud lists no machine');
  expect(cloud.cloud.faults()).toEqual([]);
});

test('whoever believes the first not-found deletes the Node, and the scenario says so', async () => {
  // A controller that asks by id alone: the list, which has another node's machine and not this one, never contradicts.
  const byIdAlone = {
    find: (...asked: Parameters<Compute['find']>) => compute.find(...asked),
    list: async () => ({ ok: true, value: [{ id: ids.get('web-1') }] }),
  } as unknown as Compute;
  const outcome = await withController({ notFounds: 1, share: 1 }, byIdAlone, () =>
    playFalseAnswers(world([]), { lasts: ms(2500), every: ms(100) }),
  );
  expect(faultsOfLies(outcome)).toContain(
    'node web-2 was deleted while the cloud says that it does not know the machine (8039), and its machine runs',
  );
});

test('a machine that is really gone loses its Node', async () => {
  await withController({}, compute, async () => {
    await compute.remove(ids.get('web-2') ?? '', 'shop', { within: seconds(20) });
    await says('web-2', 'Unknown');
    const isGone = async (): Promise<boolean> => (await api.kube.get(nodes, { name: 'web-2' })) === undefined;
    await waitFor('the Node to go', isGone, { within: seconds(30) });
  });
});
