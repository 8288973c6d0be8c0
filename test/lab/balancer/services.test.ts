import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { explainService, pathOfService } from '#balancer/explain.ts';
import { leaveBalancers } from '#cluster/up/remove-machine.ts';
import type { Condition } from '#kube/api/condition.ts';
import { events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import {
  endpointSlices,
  nodes,
  type PodObject,
  pods,
  type ServiceObject,
  serviceAccounts,
  services,
} from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { mark, type RangesWorld } from '../network/ranges-world.ts';
import {
  leadersOf,
  makeService as makeServiceIn,
  startBalancerWorld,
  untilSaid as untilSaidIn,
} from './services-world.ts';

let world: RangesWorld;
let kube: Kube;
beforeAll(async () => {
  world = await startBalancerWorld();
  kube = world.kube;
});
afterAll(() => world?.close());

const { lead, stopAll } = leadersOf(() => world);
afterEach(stopAll);

const makeService = (name: string, spec: object = {}, annotations: object = {}): Promise<void> =>
  makeServiceIn(world, name, { spec, annotations });

const serviceOf = (name: string): Promise<ServiceObject | undefined> =>
  kube.get(services, { name, namespace: 'default' });

const untilSaid = (name: string, reason: string): Promise<Condition> => untilSaidIn(world, name, reason);

/** What the cloud has on its books for this Service. */
async function inCloud(name: string) {
  const uid = (await serviceOf(name))?.metadata.uid ?? '';
  const isOf = ({ remark }: { readonly remark: string }): boolean => remark === `isthmus/${uid}`;
  const { balancers, eips } = world.testCloud.cloud.objects();
  return { balancers: balancers.filter(isOf), eips: eips.filter(isOf) };
}

async function untilGone(name: string): Promise<void> {
  await waitFor(`Service ${name} to be gone`, async () => (await serviceOf(name)) === undefined, {
    within: seconds(30),
    every: ms(50),
  });
  const { balancers, eips } = world.testCloud.cloud.objects();
  expect({ balancers, eips }).toEqual({ balancers: [], eips: [] });
}

const remove = (name: string): Promise<void> => kube.delete(services, { name, namespace: 'default' });

test('a Service gets a balancer with cloud nodes only and an address, and its deletion leaves nothing', async () => {
  lead();
  await makeService('web');
  const said = await untilSaid('web', 'Serving');
  expect(said).toMatchObject({ status: 'True', message: expect.stringMatching(/sends to 2 cloud nodes/) });
  const service = await serviceOf('web');
  const { balancers, eips } = await inCloud('web');
  expect(balancers).toHaveLength(1);
  expect(eips).toMatchObject([{ resource: balancers[0]?.id, chargeType: 'Dynamic', bandwidth: 2 }]);
  expect(service?.status?.loadBalancer?.ingress).toEqual([{ ip: eips[0]?.ip, ipMode: 'VIP' }]);
  const nodePort = service?.spec?.ports?.[0]?.nodePort;
  const machines = (await kube.list(nodes)).flatMap(({ spec }) => /uhost-.*/.exec(spec?.providerID ?? '')?.[0] ?? []);
  expect(balancers[0]).toMatchObject({ tag: `isthmus-${mark}`, chargeType: 'Dynamic', vpc: 'uvnet-lab' });
  expect(balancers[0]?.listeners).toMatchObject([{ protocol: 'TCP', startPort: 80, endPort: 80 }]);
  const targets = balancers[0]?.listeners[0]?.targets ?? [];
  expect(targets.map(({ resource, port }) => [resource, port])).toEqual(
    expect.arrayContaining(machines.map((machine) => [machine, nodePort])),
  );
  expect(targets).toHaveLength(2);
  const at = { name: 'web', namespace: 'default' };
  expect(await explainService(kube, at)).toEqual([]);
  expect(await pathOfService(kube, at)).toEqual([
    `client: calls ${eips[0]?.ip}`,
    `load balancer: ${balancers[0]?.id}`,
    `listeners: TCP 80 to node port ${nodePort}`,
    'back ends: 2 of 2 cloud nodes',
    'kube-proxy: sends to pods on any node',
    'pods: 1 ready; cloud nodes with ready pods: none; site machines with ready pods: base-1',
  ]);
  await remove('web');
  await untilGone('web');
});

test.each(['timeout-done', 'hang-up-done'] as const)(
  'a controller that is replaced while answers of the cloud are lost (%s) makes nothing twice',
  async (kind) => {
    const name = `lost-${kind}`;
    for (const action of ['CreateNetworkLoadBalancer', 'AllocateEIP', 'CreateNLBListener', 'AddNLBTargets'])
      world.testCloud.plant({ action, kind, times: 1 });
    await makeService(name);
    // As often as a controller can be replaced until it is done.
    for (let turn = 0; turn < 8; turn++) {
      const leader = lead();
      await new Promise((resolve) => setTimeout(resolve, 150));
      await leader.stop();
    }
    lead();
    await untilSaid(name, 'Serving');
    const { balancers, eips } = await inCloud(name);
    expect([balancers.length, eips.length, balancers[0]?.listeners.length]).toEqual([1, 1, 1]);
    expect(balancers[0]?.listeners[0]?.targets).toHaveLength(2);
    await remove(name);
    await untilGone(name);
  },
);

test('a node that is labelled leaves the balancer and comes back, and what was removed by hand is put back', async () => {
  lead();
  await makeService('moves');
  await untilSaid('moves', 'Serving');
  const countOf = async () => (await inCloud('moves')).balancers[0]?.listeners[0]?.targets.length;
  const label = (value: string | null): Promise<unknown> =>
    kube.merge(
      nodes,
      { name: 'web-2' },
      { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } } },
    );
  const untilCount = (count: number): Promise<unknown> =>
    waitFor(`${count} back ends`, async () => (await countOf()) === count, { within: seconds(20), every: ms(50) });
  await label('');
  await untilCount(1);
  await label(null);
  await untilCount(2);
  const [balancer] = (await inCloud('moves')).balancers;
  await new Promise((resolve) => setTimeout(resolve, 600));
  await world.testCloud.call('DeleteNLBListener', {
    NLBId: balancer?.id ?? '',
    ListenerId: balancer?.listeners[0]?.id ?? '',
  });
  await untilCount(2);
  const told = await kube.list(events, { namespace: 'default' });
  expect(told.filter(({ reason, regarding }) => reason === 'Drift' && regarding?.name === 'moves')).not.toEqual([]);
  await remove('moves');
  await untilGone('moves');
});

const gate = 'isthmus.dev/balancer';

/** A pod on a node, as its kubelet tells of it, with the gate of balancers. */
async function runPod(name: string, app: string, podIP: string, nodeName: string): Promise<void> {
  const spec = { nodeName, containers: [{ name: 'c', image: 'none' }], readinessGates: [{ conditionType: gate }] };
  await kube.create(pods, { metadata: { name, namespace: 'default', labels: { app } }, spec } as PodObject);
  const status = {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: [{ type: 'ContainersReady', status: 'True' }],
  };
  await kube.merge(pods, { name, namespace: 'default' }, { status }, { subresource: 'status' });
}

async function gateOf(name: string): Promise<string> {
  const pod = await kube.get(pods, { name, namespace: 'default' });
  const said = pod?.status?.conditions?.find(({ type }) => type === gate);
  return `${said?.status}: ${said?.message}`;
}

/** What Kubernetes' own controllers would write: where the pods of a Service are, and which of them are ready. */
async function setEndpoints(
  service: string,
  all: readonly [pod: string, node: string, address: string, ready: boolean][],
) {
  const endpoints = all.map(([name, nodeName, address, ready]) => ({
    addresses: [address],
    nodeName,
    targetRef: { kind: 'Pod', name, namespace: 'default' },
    conditions: { ready },
  }));
  await kube.merge(
    endpointSlices,
    { name: `${service}-1`, namespace: 'default' },
    {
      endpoints,
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    },
  );
}

test('straight to pods: a pod is ready when the balancer finds it healthy, and a pod on the site leaves all to nodes', async () => {
  lead();
  await kube.create(serviceAccounts, { metadata: { name: 'default', namespace: 'default' } }).catch(() => undefined);
  world.testCloud.world.fall('10.9.0.202', true);
  await makeService('direct', { allocateLoadBalancerNodePorts: false }, { 'isthmus.dev/balancer-targets': 'pods' });
  await setEndpoints('direct', [
    ['direct-1', 'web-1', '10.9.0.201', false],
    ['direct-2', 'web-2', '10.9.0.202', false],
  ]);
  await untilSaid('direct', 'NoEndpoint');
  await runPod('direct-1', 'direct', '10.9.0.201', 'web-1');
  await runPod('direct-2', 'direct', '10.9.0.202', 'web-2');
  await runPod('alone-1', 'alone', '10.9.0.203', 'web-1');
  const until = (what: string, isSo: () => Promise<boolean>) =>
    waitFor(what, isSo, { within: seconds(30), every: ms(50) });
  const targets = async () =>
    ((await inCloud('direct')).balancers[0]?.listeners[0]?.targets ?? [])
      .map(({ type, ip, resource, port }) => `${type} ${type === 'IP' ? ip : resource}:${port}`)
      .toSorted();
  await until('a pod that no Service selects to be let through', async () =>
    (await gateOf('alone-1')).startsWith('True'),
  );
  await until('the healthy pod to be let through', async () => (await gateOf('direct-1')).startsWith('True'));
  expect(await gateOf('direct-2')).toBe(
    'False: waiting until the load balancer of Service default/direct finds this pod healthy',
  );
  expect(await targets()).toEqual(['IP 10.9.0.201:8080', 'IP 10.9.0.202:8080']);
  expect((await inCloud('direct')).balancers[0]?.listeners[0]?.check.port).toBe(8080);
  world.testCloud.world.fall('10.9.0.202', false);
  await until('the other one too', async () => (await gateOf('direct-2')).startsWith('True'));
  await setEndpoints('direct', [
    ['direct-1', 'web-1', '10.9.0.201', true],
    ['direct-2', 'web-2', '10.9.0.202', true],
  ]);
  expect((await untilSaid('direct', 'Serving')).message).toMatch(/sends to 2 pods directly$/);
  const at = { name: 'direct', namespace: 'default' };
  expect(await pathOfService(kube, at)).toEqual([
    expect.stringMatching(/^client: calls /),
    expect.stringMatching(/^load balancer: nlb-/),
    'listeners: TCP 80',
    'back ends: 2 pods, without a node in between',
    'pods: 2 ready; cloud nodes with ready pods: web-1, web-2; site machines with ready pods: none',
  ]);

  // A pod that ends leaves at once, whatever the balancer's checks say.
  await kube.delete(pods, { name: 'direct-2', namespace: 'default' }, { graceSeconds: 0 });
  await setEndpoints('direct', [
    ['direct-1', 'web-1', '10.9.0.201', true],
    ['direct-2', 'web-2', '10.9.0.202', false],
  ]);
  await until('it to leave', async () => (await targets()).join() === 'IP 10.9.0.201:8080');

  // Nodes would have to stand in, and cannot without a node port: said, and the pod goes on.
  await setEndpoints('direct', [
    ['direct-1', 'web-1', '10.9.0.201', true],
    ['direct-3', 'base-1', '172.16.0.9', true],
  ]);
  const stands =
    /cloud nodes must be the back ends \(pod direct-3 is on base-1, which is not in the VPC\), but port 80 has no node port/;
  expect((await untilSaid('direct', 'NodePortMissing')).message).toMatch(stands);
  expect(await targets()).toEqual(['IP 10.9.0.201:8080']);
  await kube.merge(services, at, { spec: { allocateLoadBalancerNodePorts: true } });
  await untilSaid('direct', 'Serving');
  const { spec } = (await serviceOf('direct')) ?? {};
  const [a = '', b = ''] = (await kube.list(nodes))
    .flatMap(({ spec: of }) => /uhost-.*/.exec(of?.providerID ?? '') ?? [])
    .toSorted();
  const nodePort = spec?.ports?.[0]?.nodePort;
  expect(nodePort).toBeGreaterThan(0);
  await until(
    'nodes alone to be back ends',
    async () => (await targets()).join() === `UHost ${a}:${nodePort},UHost ${b}:${nodePort}`,
  );
  expect((await untilSaid('direct', 'Serving')).message).toMatch(
    /sends to 2 cloud nodes, and not straight to pods: pod direct-3 is on base-1, which is not in the VPC$/,
  );
  expect((await inCloud('direct')).balancers[0]?.listeners[0]?.check.port).toBe(10_256);

  // And back.
  await setEndpoints('direct', [['direct-1', 'web-1', '10.9.0.201', true]]);
  await until('the pod alone to be the back end', async () => (await targets()).join() === 'IP 10.9.0.201:8080');
  await remove('direct');
  await untilGone('direct');
});

test('a node that is removed is out only when no balancer sends to it, and may come back', async () => {
  await makeService('leaves');
  const said: string[] = [];
  const session = { signal: new AbortController().signal };
  const at = { session, connections: { kube: async () => kube }, say: (line: string) => said.push(line) };
  // Somebody else's taint is there and stays.
  await kube.merge(nodes, { name: 'web-2' }, { spec: { taints: [{ key: 'own', effect: 'NoSchedule' }] } });
  let isDone = false;
  const left = leaveBalancers(at as unknown as Parameters<typeof leaveBalancers>[0], 'web-2').then(() => {
    isDone = true;
  });
  await waitFor('the wait to be told', async () => said.length > 0, { within: seconds(10), every: ms(50) });
  expect(said).toEqual(['waiting for the controller to take it out of the load balancers']);
  const spec = (await kube.get(nodes, { name: 'web-2' }))?.spec;
  expect(spec?.unschedulable).toBe(true);
  expect(spec?.taints?.map(({ key }) => key)).toEqual(
    expect.arrayContaining(['own', 'ToBeDeletedByClusterAutoscaler']),
  );
  expect(isDone).toBe(false);
  lead();
  await left;
  const ids = new Map(
    (await kube.list(nodes)).map(({ metadata, spec: of }) => [metadata.name, of?.providerID?.replace(/.*\//, '')]),
  );
  const targets = async () =>
    (await inCloud('leaves')).balancers[0]?.listeners[0]?.targets.map(({ resource }) => resource) ?? [];
  await untilSaid('leaves', 'Serving');
  expect(await targets()).toEqual([ids.get('web-1')]);
  const outOf = async () =>
    (await kube.get(nodes, { name: 'web-2' }))?.status?.conditions?.find(
      ({ type }) => type === 'isthmus.dev/OutOfBalancers',
    );
  expect(await outOf()).toMatchObject({
    status: 'True',
    reason: 'NoneSends',
    message: 'no load balancer sends to this node',
  });

  await kube.merge(nodes, { name: 'web-2' }, { spec: { taints: null, unschedulable: null } });
  await waitFor('the node to be back', async () => (await targets()).length === 2 && (await outOf()) === undefined, {
    within: seconds(20),
    every: ms(50),
  });
  // From where it has traffic, and with an answer of the cloud lost.
  world.testCloud.plant({ action: 'RemoveNLBTargets', kind: 'timeout-done', times: 1 });
  await leaveBalancers(at as unknown as Parameters<typeof leaveBalancers>[0], 'web-2');
  expect(await targets()).toEqual([ids.get('web-1')]);
  await kube.merge(nodes, { name: 'web-2' }, { spec: { taints: null, unschedulable: null } });
  await waitFor('the node to be back again', async () => (await targets()).length === 2, {
    within: seconds(20),
    every: ms(50),
  });
  await remove('leaves');
  await untilGone('leaves');
});

test('what can not be served says so on the Service with the cure, and is served when it is cured', async () => {
  lead();
  await makeService('bad', {}, { 'isthmus.dev/balancer-acess': 'private' });
  expect((await untilSaid('bad', 'BadAnnotation')).message).toMatch(/unknown annotation isthmus.dev\/balancer-acess/);
  expect((await inCloud('bad')).balancers).toEqual([]);
  const annotate = (annotations: object): Promise<unknown> =>
    kube.merge(services, { name: 'bad', namespace: 'default' }, { metadata: { annotations } });
  world.testCloud.cloud.limit({ balancers: 0 });
  await annotate({ 'isthmus.dev/balancer-acess': null, 'isthmus.dev/balancer-access': 'private' });
  expect((await untilSaid('bad', 'CloudRefuses')).message).toMatch(/quota.*4207/);
  expect(await explainService(kube, { name: 'bad', namespace: 'default' })).toEqual([expect.stringMatching(/4207/)]);
  world.testCloud.cloud.limit({ balancers: null });
  await untilSaid('bad', 'Serving');
  const { balancers, eips } = await inCloud('bad');
  expect((await serviceOf('bad'))?.status?.loadBalancer?.ingress?.[0]?.ip).toBe(balancers[0]?.ip);
  expect(eips).toEqual([]);
  await remove('bad');
  await untilGone('bad');
});

test('with externalTrafficPolicy Local and pods on the site only, the Service says that nothing can reach them', async () => {
  lead();
  await makeService('local', { externalTrafficPolicy: 'Local' });
  expect((await untilSaid('local', 'LocalUnreachable')).message).toMatch(
    /\(base-1\): set externalTrafficPolicy to Cluster/,
  );
  await kube.merge(services, { name: 'local', namespace: 'default' }, { spec: { externalTrafficPolicy: 'Cluster' } });
  await untilSaid('local', 'Serving');
  await remove('local');
  await untilGone('local');
});
