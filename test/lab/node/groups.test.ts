import { afterAll, beforeAll, expect, test } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { Compute } from '#cloud/compute.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import { growGroup, removeFromGroup } from '#cluster/node/scale-group.ts';
import type { Session } from '#cluster/session.ts';
import { clusterRole, clusterRoleBinding } from '#cluster/system-objects/rights.ts';
import { isReady } from '#kube/api/condition.ts';
import { groupLabel, type NodeGroupObject, type NodeGroupSpec, nodeGroups } from '#kube/api/node-group.ts';
import { events, recordEvents } from '#kube/events.ts';
import type { Kube, KubeObject } from '#kube/kube.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  namespaces,
  nodes,
  type PodObject,
  pods,
  secrets,
  serviceAccounts,
} from '#kube/resources.ts';
import { account, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { runGroupController, usualGroupPolicy } from '#node/group/group-controller.ts';
import { groupObjects, nodeGroupCrd } from '#node/group/objects.ts';
import { identityObjects } from '#node/identity/objects.ts';
import { nodeObjects } from '#node/objects.ts';
import { nodeStatus } from '#node/status.ts';
import { ms, now, seconds, sleep, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { budgets, disruptionController } from '../../support/disruption-controller.ts';
import { establishCrds } from '../../support/establish-crds.ts';
import { asProgramOn } from '../../support/pod-token.ts';

/** Groups over a real API server, with the rights that the controller has and no others, and the simulated cloud. */
const api = apiServerForTests({ flags: ['--allow-privileged=true'] });
const disruption = disruptionController(api);
const end = new AbortController();
let cloud: TestCloud;
let compute: Compute;
let asController: Kube;
let controller: { stop(): Promise<void> };
/** Machines whose kubelets never come. */
const silent = new Set<string>();

beforeAll(async () => {
  const { kube } = api;
  await kube.create(namespaces, { metadata: { name: 'isthmus-system' } });
  await kube.create(serviceAccounts, { metadata: { name: 'isthmus-controller', namespace: 'isthmus-system' } });
  await kube.create(configMaps, {
    metadata: { name: 'kube-root-ca.crt', namespace: 'isthmus-system' },
    data: { 'ca.crt': api.server.access.ca ?? '' },
  });
  await establishCrds(kube, [nodeGroupCrd]);
  for (const { resource, object } of [nodeObjects, identityObjects, groupObjects].flatMap((of) => of(exampleFacts)))
    if (object.kind !== 'CustomResourceDefinition') await kube.create(resource, object);
  await kube.create(clusterRoles, clusterRole);
  await kube.create(clusterRoleBindings, clusterRoleBinding);
  await kube.create(nodes, { metadata: { name: 'cp-1' } });
  asController = await asProgramOn(api, 'isthmus-controller', 'cp-1');
  cloud = await startTestCloud();
  compute = connectUcloud({ ...account, endpoint: cloud.url, project: account.project.id, poll: ms(20) }).compute;
  controller = startController();
  kubelets().catch(() => undefined);
});

afterAll(async () => {
  await controller?.stop();
  end.abort(new Error('the tests have ended'));
  await cloud?.close();
  await asController?.close();
});

function startController(): { stop(): Promise<void> } {
  const own = new AbortController();
  const kube = asController;
  const note = (): void => undefined;
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: own.signal,
    onLost: note,
  });
  const { settle: _, ...policy } = {
    ...usualGroupPolicy,
    untilNode: seconds(4),
    apart: seconds(1),
    shortFor: seconds(15),
  };
  const work = runGroupController(
    {
      kube,
      compute,
      caches: sharedCaches(kube, own.signal),
      events: told,
      mark: 'shop',
      vpc: 'uvnet-lab',
      home: { zone: account.zone, subnet: 'subnet-lab' },
      join: {
        cluster: 'shop',
        provider: 'ucloud',
        region: account.region,
        services: '10.96.0.0/16',
        settings: {
          kubernetes: '1.36.3',
          bundle: { url: 'http://store/bundle', digest: `sha256:${'a'.repeat(64)}` },
          api: { address: '10.9.0.2', port: 6443 },
          download: { program: { path: 'bin/isthmus', digest: `sha256:${'b'.repeat(64)}`, size: 1 }, bytes: 1 },
        },
      },
      policy,
      apart: policy.apart,
      shortFor: policy.shortFor,
      settle: ms(500),
      clock: now,
      note,
    },
    own.signal,
  ).catch((e: unknown) => {
    if (!own.signal.aborted) throw e;
  });
  return {
    stop: () => {
      own.abort(new Error('it ends'));
      return work;
    },
  };
}

/** Machines that run become Nodes that are Ready; pods that are to end do so. */
async function kubelets(): Promise<void> {
  for (; !end.signal.aborted; await sleep(ms(200), end.signal)) {
    const listed = await compute.list('shop', { within: seconds(5) });
    for (const { id, name, zone, state } of listed.ok ? listed.value : [])
      if (state === 'running' && !silent.has(name)) await hear(name, `ucloud://${zone}/${id}`);
    for (const pod of await api.kube.list(pods, { namespace: 'default' }))
      if (pod.metadata.deletionTimestamp !== undefined)
        await api.kube.delete(pods, { name: pod.metadata.name, namespace: 'default' }, { graceSeconds: 0 });
  }
}

async function hear(name: string, providerID: string): Promise<void> {
  if ((await api.kube.get(nodes, { name })) !== undefined) return;
  const labels = { 'isthmus.dev/ground': 'cloud' };
  await api.kube.create(nodes, { metadata: { name, labels }, spec: { providerID } } as KubeObject);
  const conditions = [{ type: 'Ready', status: 'True' }];
  await api.kube.apply(
    nodes,
    { metadata: { name }, status: { conditions } },
    { manager: 'kubelet', force: true, subresource: 'status' },
  );
}

function makeGroup(name: string, spec: Partial<NodeGroupSpec> = {}): Promise<NodeGroupObject> {
  const usual = {
    shapes: [{ cpu: 2, memory: '4Gi' }],
    image: 'uimage-base',
    disk: '40Gi',
    charge: 'hour',
    min: 0,
    max: 5,
  };
  return api.kube.create(nodeGroups, { metadata: { name }, spec: { ...usual, ...spec } } as NodeGroupObject);
}

function scale(name: string, desired: number): Promise<unknown> {
  return api.kube.merge(nodeGroups, { name }, { spec: { desired } });
}

/** Waits until the group says so. @shape the group then */
function until(name: string, reason: string, count?: number): Promise<NodeGroupObject> {
  const look = async (): Promise<NodeGroupObject> => {
    const group = await api.kube.get(nodeGroups, { name });
    const said = group?.status?.conditions?.find(({ type }) => type === 'Scaled');
    const fits = said?.reason === reason && (count === undefined || group?.status?.machines === count);
    if (group === undefined || !fits) throw new Error(`${said?.reason}: ${said?.message} (${group?.status?.machines})`);
    return group;
  };
  return waitFor(`group ${name} to be ${reason}`, look, { within: seconds(100) });
}

async function inCloud(group: string): Promise<readonly string[]> {
  const listed = await compute.list('shop', { within: seconds(5) });
  if (!listed.ok) throw new Error('the cloud does not answer');
  return listed.value.map(({ name }) => name).filter((name) => name.startsWith(`${group}-`));
}

const namesOf = ({ status }: NodeGroupObject): readonly string[] =>
  (status?.members ?? []).map(({ name }) => name).toSorted();
const saidOf = ({ status }: NodeGroupObject): string => status?.conditions?.[0]?.message ?? '';

async function tokensLeft(group: string): Promise<readonly string[]> {
  const all = [
    ...(await api.kube.list(secrets, { namespace: 'kube-system' })),
    ...(await api.kube.list(secrets, { namespace: 'isthmus-system' })),
  ];
  return all
    .flatMap(({ metadata }) => metadata.labels?.['isthmus.dev/machine'] ?? [])
    .filter((name) => name.startsWith(`${group}-`));
}

async function isReadyNode(name: string): Promise<boolean> {
  const node = await api.kube.get(nodes, { name });
  return node !== undefined && isReady(node);
}

async function runPod(
  node: string,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  metadata: Partial<PodObject['metadata']> = {},
): Promise<void> {
  const spec = { nodeName: node, containers: [{ name: 'c', image: 'none' }], terminationGracePeriodSeconds: 1 };
  await api.kube.create(pods, {
    metadata: { name, namespace: 'default', annotations, ...metadata },
    spec,
  } as PodObject);
  await api.kube.merge(
    pods,
    { name, namespace: 'default' },
    { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
    { subresource: 'status' },
  );
}

test('what a group may not say is refused by name, with the cure', async () => {
  const refused = (name: string, spec: Partial<NodeGroupSpec>): Promise<string> =>
    makeGroup(name, spec).then(
      () => 'taken',
      (e: unknown) => (e as Error).message,
    );
  expect(await refused('low', { min: 3, max: 2 })).toContain(
    'spec.min: Invalid value: min is above max: lower min or raise max',
  );
  expect(await refused('first', { initial: 9 })).toContain(
    'spec.initial: Invalid value: initial is outside min and max',
  );
  expect(await refused('many', { desired: 6 })).toContain(
    'spec.desired: Invalid value: desired is above max: scale to max or less, or raise max',
  );
  expect(await refused('few', { desired: 0, min: 1 })).toContain(
    'desired is below min: scale to min or more, or lower min',
  );
  expect(await refused('none', { shapes: [] })).toContain('spec.shapes');
  expect(await refused('unit', { shapes: [{ cpu: 2, memory: '4' }] })).toContain(
    'is no amount with its unit, write 4Gi',
  );
  expect(await refused('paid', { charge: 'week' as 'hour' })).toContain('spec.charge: Unsupported value: "week"');
  expect(await refused('label', { labels: { 'kubernetes.io/role': 'x' } })).toContain(
    'keys of kubernetes.io, k8s.io and isthmus.dev are not its own',
  );
  expect(await refused(`long-${'x'.repeat(40)}`, {})).toContain('metadata.name must be at most 40 characters');
});

test('machines are made, join by a token of their own, and are told apart by the label of their group', async () => {
  await makeGroup('burst', { initial: 3 });
  const group = await until('burst', 'AsWanted', 3);
  expect(group.spec.desired).toBe(3);
  expect(await inCloud('burst')).toEqual(namesOf(group));
  for (const name of namesOf(group))
    expect((await api.kube.get(nodes, { name }))?.metadata.labels?.[groupLabel]).toBe('burst');
  await waitFor('the tokens to go', async () => (await tokensLeft('burst')).length === 0, { within: seconds(60) });
  const scaled = JSON.parse(await api.kube.read('/apis/isthmus.dev/v1alpha1/nodegroups/burst/scale')) as object;
  expect(scaled).toMatchObject({
    spec: { replicas: 3 },
    status: { replicas: 3, selector: 'isthmus.dev/node-group=burst' },
  });
  expect(group.status).toMatchObject({ machines: 3, ready: 3 });
});

test('a pod that is not to be disturbed holds scale-in and is told, and the others of its group go first', async () => {
  const before = namesOf(await until('burst', 'AsWanted', 3));
  const [kept = '', ...others] = before;
  await runPod(kept, 'job', { 'isthmus.dev/do-not-disrupt': 'true' });
  await runPod(others[0] ?? '', 'web');
  await scale('burst', 0);
  const held = await until('burst', 'HeldByPods', 1);
  expect(namesOf(held)).toEqual([kept]);
  expect(saidOf(held)).toBe(
    `1 of 0 machines are Ready; ${kept} stays because of pod default/job, which says isthmus.dev/do-not-disrupt`,
  );
  expect((await api.kube.get(nodes, { name: kept }))?.spec?.unschedulable).toBeUndefined();
  expect(
    (await nodeStatus({ kube: api.kube, nodes: [], outside: undefined, signal: end.signal })).problems,
  ).toContainEqual(expect.stringContaining('node group burst: 1 of 0 machines are Ready'));
  await api.kube.merge(
    pods,
    { name: 'job', namespace: 'default' },
    { metadata: { annotations: { 'isthmus.dev/do-not-disrupt': null } } },
  );
  await until('burst', 'AsWanted', 0);
  expect(await inCloud('burst')).toEqual([]);
  for (const name of before) expect(await api.kube.get(nodes, { name })).toBeUndefined();
});

test('a cloud that has none left is told in its own words, and asked again', async () => {
  cloud.cloud.limit({ stock: cloud.cloud.limits().used['stock'] ?? 0 });
  await makeGroup('short', {
    initial: 1,
    shapes: [
      { cpu: 2, memory: '4Gi' },
      { cpu: 4, memory: '8Gi' },
    ],
  });
  const told = await until('short', 'Exhausted');
  expect(saidOf(told)).toContain('the cloud has no machine of any shape in any zone of the group');
  expect(told.status?.members).toHaveLength(1);
  cloud.cloud.limit({ stock: null });
  await until('short', 'AsWanted', 1);
  await scale('short', 0);
  await until('short', 'AsWanted', 0);
});

test('an image that the cloud does not have is told on the group', async () => {
  await makeGroup('wrong', { image: 'uimage-none', initial: 1 });
  expect(saidOf(await until('wrong', 'Refused'))).toContain('uimage-none');
  await scale('wrong', 0);
  await until('wrong', 'AsWanted', 0);
  expect(await tokensLeft('wrong')).toEqual([]);
});

test('a machine that does not join is replaced, and why is kept', async () => {
  await makeGroup('mute', { initial: 1 });
  const first = await waitFor('the first machine', async () => namesOf(await until('mute', 'Making'))[0], {
    within: seconds(20),
    every: ms(20),
  });
  silent.add(first);
  const group = await waitFor(
    'another one to be there',
    async () => {
      const seen = await until('mute', 'AsWanted', 1);
      return namesOf(seen).includes(first) ? undefined : seen;
    },
    { within: seconds(100) },
  );
  expect(await inCloud('mute')).toEqual(namesOf(group));
  const notes = async (): Promise<readonly string[] | undefined> => {
    const told = await api.kube.list(events, { namespace: 'default' });
    const found = told.filter(({ reason }) => reason === 'NotJoined').map(({ note = '' }) => note);
    return found.length > 0 ? found : undefined;
  };
  const told = await waitFor('the Event', notes, { within: seconds(60) });
  expect(told).toEqual([
    expect.stringMatching(
      new RegExp(
        `^${first}: ${first} \\(uhost-.*\\) has not joined, without progress for .*: the cloud says that it is running; it has not reported any progress yet$`,
      ),
    ),
  ]);
});

test('a controller that is ended while machines are made leaves neither too many nor too few to the next one', async () => {
  await makeGroup('crash', { initial: 4 });
  for (let times = 0; times < 4; times++) {
    await sleep(ms(150));
    await controller.stop();
    controller = startController();
  }
  const group = await until('crash', 'AsWanted', 4);
  expect(await inCloud('crash')).toEqual(namesOf(group));
});

test('a group that is deleted is gone when its machines are', async () => {
  await api.kube.delete(nodeGroups, { name: 'crash' });
  await waitFor('the group to go', async () => (await api.kube.get(nodeGroups, { name: 'crash' })) === undefined, {
    within: seconds(40),
  });
  expect(await inCloud('crash')).toEqual([]);
  expect(
    (await api.kube.list(nodes)).map(({ metadata }) => metadata.name).filter((name) => name.startsWith('crash')),
  ).toEqual([]);
});

test('spot machines are bought as such and spread over the zones, and one that the cloud switches off is replaced', async () => {
  const zones = [account.zone, 'cn-bj2-05'].map((zone) => ({ zone, subnet: 'subnet-lab' }));
  await makeGroup('spot', { charge: 'spot', zones, initial: 2 });
  const first = await until('spot', 'AsWanted', 2);
  const bought = async (): Promise<readonly string[]> => {
    const { UHostSet } = await cloud.call('DescribeUHostInstance', { Limit: 100, Zone: '' });
    return (UHostSet as readonly Record<string, string>[])
      .filter(({ Name = '' }) => Name.startsWith('spot-'))
      .map(({ Zone, ChargeType }) => `${Zone} ${ChargeType}`)
      .toSorted();
  };
  expect(await bought()).toEqual(['cn-bj2-04 Preemptive', 'cn-bj2-05 Preemptive']);

  const { name = '', id = '', zone = '' } = first.status?.members?.find((member) => member.zone === 'cn-bj2-05') ?? {};
  silent.add(name);
  expect((await cloud.call('PoweroffUHostInstance', { UHostId: id, Zone: zone })).RetCode).toBe(0);
  const conditions = [{ type: 'Ready', status: 'Unknown' }];
  const off = { metadata: { name }, status: { conditions } };
  await api.kube.apply(nodes, off, { manager: 'kubelet', force: true, subresource: 'status' });
  const another = async (): Promise<boolean> => !namesOf(await until('spot', 'AsWanted', 2)).includes(name);
  await waitFor('another machine in its place', another, { within: seconds(100) });
  expect(await bought()).toEqual(['cn-bj2-04 Preemptive', 'cn-bj2-05 Preemptive']);
  expect(await api.kube.get(nodes, { name })).toBeUndefined();
  await scale('spot', 0);
  await until('spot', 'AsWanted', 0);
});

/** What `isthmus node` needs of an operator at work. */
function operator(): Session {
  const report = {
    say: () => undefined,
    step: (_title: string, _why: string, work: (say: () => void) => unknown) => work(() => undefined),
    look: (_what: string, work: () => unknown) => work(),
  };
  return {
    config: { name: 'shop', nodeGroups: [] },
    state: { kubeAccess: async () => api.server.access },
    report,
    signal: end.signal,
  } as unknown as Session;
}
const yes = async (): Promise<boolean> => true;

test('machines that an operator adds to a group are Ready when that is told, and the one that is removed by name goes alone', async () => {
  await makeGroup('hand', { initial: 1 });
  const before = namesOf(await until('hand', 'AsWanted', 1));
  const added = await growGroup(operator(), { group: 'hand', count: 2 }, yes);
  if (added === 'declined') throw new Error('nobody has declined');
  const grown = await until('hand', 'AsWanted', 3);
  expect(namesOf(grown)).toEqual([...before, ...added].toSorted());
  for (const name of added) expect(await isReadyNode(name)).toBe(true);

  // The oldest, with a pod: by itself the group would let it go last.
  const [oldest = ''] = before;
  await runPod(oldest, 'shop-1');
  const asked: string[] = [];
  const removed = await removeFromGroup(operator(), { machine: oldest, pods: [] }, async (lines) => {
    asked.push(...lines);
    return true;
  });
  expect(removed).toEqual({ group: 'hand' });
  expect(asked[0]).toBe('node group hand: 2 machines instead of 3 (at least 0)');
  const shrunk = await until('hand', 'AsWanted', 2);
  expect(namesOf(shrunk)).toEqual([...added].toSorted());
  expect(shrunk.spec.desired).toBe(2);
  expect(await inCloud('hand')).toEqual(namesOf(shrunk));
  expect(await api.kube.get(nodes, { name: oldest })).toBeUndefined();
  expect(await api.kube.get(pods, { name: 'shop-1', namespace: 'default' })).toBeUndefined();
  const tidied = async (): Promise<boolean> =>
    (await api.kube.get(nodeGroups, { name: 'hand' }))?.spec.leaveFirst === undefined;
  await waitFor('its name to be taken out of the group', tidied, { within: seconds(20) });
});

test('a PodDisruptionBudget that keeps a group from scaling in is named on the group, in an Event and to whoever removes the machine; when it allows, the group goes on', async () => {
  const [held = '', other = ''] = namesOf(await until('hand', 'AsWanted', 2));
  const metadata = { labels: { app: 'shop' } };
  await runPod(held, 'shop-2', {}, metadata);
  await api.kube.create(budgets, {
    metadata: { name: 'shop-stays', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: metadata.labels } },
  });
  const counted = async (): Promise<boolean> => {
    await disruption.assertAlive();
    const budget = await api.kube.get(budgets, { name: 'shop-stays', namespace: 'default' });
    return budget?.status?.currentHealthy === 1;
  };
  await waitFor('the budget to be counted', counted, { within: seconds(60) });

  const removing = removeFromGroup(operator(), { machine: held, pods: [] }, yes);
  const says = `PodDisruptionBudget default/shop-stays (needs 1 healthy pods, has 1) holds back default/shop-2`;
  const group = await until('hand', 'HeldByBudgets', 2);
  expect(saidOf(group)).toContain(`${held} cannot leave yet: ${says}`);
  const notes = async (): Promise<readonly string[]> =>
    (await api.kube.list(events, { namespace: 'default' }))
      .filter(({ reason, regarding }) => reason === 'HeldByBudgets' && regarding?.name === 'hand')
      .map(({ note = '' }) => note);
  const told = await waitFor('the Event', async () => ((await notes()).length > 0 ? notes() : undefined), {
    within: seconds(30),
  });
  expect(told[0]).toContain(says);
  // It is cordoned and nothing else has happened to it.
  await sleep(seconds(6));
  expect((await api.kube.get(nodes, { name: held }))?.spec?.unschedulable).toBe(true);
  expect(await inCloud('hand')).toEqual([held, other].toSorted());
  expect((await api.kube.get(pods, { name: 'shop-2', namespace: 'default' }))?.metadata.deletionTimestamp).toBe(
    undefined,
  );

  await runPod(other, 'shop-3', {}, metadata);
  expect(await removing).toEqual({ group: 'hand' });
  const done = await until('hand', 'AsWanted', 1);
  expect(namesOf(done)).toEqual([other]);
  expect(await inCloud('hand')).toEqual([other]);
  expect(await api.kube.get(pods, { name: 'shop-3', namespace: 'default' })).toBeDefined();
});

test('the controller writes no Secret of kube-system but tokens by which machines join', async () => {
  const made = asController.create(secrets, {
    metadata: { name: 'mine', namespace: 'kube-system' },
    type: 'Opaque',
    data: {},
  } as KubeObject);
  await expect(made).rejects.toThrow('the controller writes only tokens by which machines join');
});
