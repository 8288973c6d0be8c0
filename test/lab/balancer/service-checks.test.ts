import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainService, pathOfService } from '#balancer/explain.ts';
import { events } from '#kube/events.ts';
import { endpointSlices, nodes, type ServiceObject, services } from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { addCloudNode, addNode, type RangesWorld, startRangesWorld } from '../network/ranges-world.ts';
import { leadBalancers, makeService, removeService, sliceOf, untilSaid } from './services-world.ts';

let world: RangesWorld;
let machine: string;
let leader: { stop(): Promise<void> };
beforeAll(async () => {
  world = await startRangesWorld();
  machine = await addCloudNode(world, 'web-1');
  await addNode(world.kube, 'base-1', 'isthmus-site://base-1', 'site', '192.168.50.13');
  leader = leadBalancers(world);
});
afterAll(async () => {
  await leader?.stop();
  await world?.close();
});

async function asked(action: string, params: Readonly<Record<string, string | number>>): Promise<object> {
  const answer = await world.testCloud.call(action, params);
  expect([action, answer.RetCode, answer['Message']]).toEqual([action, 0, answer['Message']]);
  return answer;
}

const balancerOf = (id: string) => world.testCloud.cloud.objects().balancers.find((one) => one.id === id);

async function makeByHand(vpc: string, subnet: string): Promise<string> {
  const wish = { VPCId: vpc, SubnetId: subnet, Name: 'by-hand', ChargeType: 'Dynamic' };
  const { NLBId } = (await asked('CreateNetworkLoadBalancer', wish)) as { readonly NLBId: string };
  return NLBId;
}

/** Events are told a moment later than conditions. */
async function untilWarned(name: string, warning: string): Promise<void> {
  await waitFor(`the Event of ${name}`, async () => (await warningsOf(name)).includes(warning), {
    within: seconds(20),
    every: ms(50),
  });
}

async function warningsOf(name: string): Promise<readonly string[]> {
  const all = await world.kube.list(events, { namespace: 'default' });
  return all.flatMap(({ regarding, reason, type, note }) =>
    regarding?.name === name && type === 'Warning' ? `${reason}: ${note}` : [],
  );
}

const using = (id: string) => ({ annotations: { 'isthmus.dev/balancer-id': id } });
const onPort = (port: number) => ({ spec: { ports: [{ port, protocol: 'TCP' }] } });

test('a balancer made by hand is shared by Services with different ports, a clash is told, and it is never deleted', async () => {
  const id = await makeByHand('uvnet-lab', 'subnet-lab');
  const listener = { Protocol: 'TCP', StartPort: 90, EndPort: 90, Remark: 'by hand', 'HealthCheckConfig.Port': 30_090 };
  await asked('CreateNLBListener', { NLBId: id, ...listener });
  await makeService(world, 'first', { ...using(id), ...onPort(80) });
  await makeService(world, 'second', { ...using(id), ...onPort(81) });
  await untilSaid(world, 'first', 'Serving');
  await untilSaid(world, 'second', 'Serving');
  const portsOf = () =>
    balancerOf(id)
      ?.listeners.map(({ startPort }) => startPort)
      .toSorted((a, b) => a - b);
  expect(portsOf()).toEqual([80, 81, 90]);
  await makeService(world, 'third', { ...using(id), ...onPort(80) });
  const clash = new RegExp(`^TCP port 80 of load balancer ${id} is already in use by another Service`);
  expect((await untilSaid(world, 'third', 'PortInUse')).message).toMatch(clash);
  await makeService(world, 'fourth', { ...using(id), ...onPort(90) });
  const { message: taken } = await untilSaid(world, 'fourth', 'PortInUse');
  expect(taken).toMatch(/TCP port 90 .* in use by somebody else/);
  await untilWarned('fourth', `PortInUse: ${taken}`);
  expect((await pathOfService(world.kube, { name: 'fourth', namespace: 'default' })).at(-1)).toMatch(
    /^fails at listeners: TCP port 90 /,
  );
  // The others go on, and a port that is free again is taken.
  await removeService(world, 'first');
  await untilSaid(world, 'third', 'Serving');
  await untilSaid(world, 'second', 'Serving');
  for (const name of ['second', 'third', 'fourth']) await removeService(world, name);
  expect(portsOf()).toEqual([90]);
  await asked('DeleteNetworkLoadBalancer', { NLBId: id });
});

test('a balancer that does not exist, is in another VPC or was made for a Service is told with what would work', async () => {
  await makeService(world, 'lost', using('nlb-none'));
  expect((await untilSaid(world, 'lost', 'BalancerUnknown')).message).toMatch(
    /^there is no load balancer nlb-none in this region and project: name another one/,
  );
  const { VPCId } = (await asked('CreateVPC', { Name: 'other', 'Network.0': '10.7.0.0/16' })) as { VPCId: string };
  const subnet = { VPCId, Subnet: '10.7.0.0', Netmask: 24, SubnetName: 'other' };
  const { SubnetId } = (await asked('CreateSubnet', subnet)) as { SubnetId: string };
  const id = await makeByHand(VPCId, SubnetId);
  await makeService(world, 'far', using(id));
  expect((await untilSaid(world, 'far', 'BalancerUnknown')).message).toBe(
    `load balancer ${id} is in the VPC ${VPCId}, and the nodes are in uvnet-lab`,
  );
  // Named rightly, each of them is served; and the Service beside them was all the time.
  await makeService(world, 'beside', {});
  await untilSaid(world, 'beside', 'Serving');
  const made = world.testCloud.cloud.objects().balancers.find(({ name }) => name.includes('beside'))?.id ?? '';
  const annotate = (name: string, to: string | null): Promise<unknown> =>
    world.kube.merge(
      services,
      { name, namespace: 'default' },
      { metadata: { annotations: { 'isthmus.dev/balancer-id': to } } },
    );
  await annotate('lost', made);
  await waitFor(
    'the balancer of another Service to be refused',
    async () => (await untilSaid(world, 'lost', 'BalancerUnknown')).message.includes('was made for a Service'),
    { within: seconds(20), every: ms(50) },
  );
  await annotate('lost', null);
  await untilSaid(world, 'lost', 'Serving');
  for (const name of ['lost', 'far', 'beside']) await removeService(world, name);
  expect(world.testCloud.cloud.objects().balancers.map((one) => one.id)).toEqual([id]);
  await asked('DeleteNetworkLoadBalancer', { NLBId: id });
});

test('all that is wrong in one Service is told at once, with field, value and what would work', async () => {
  const annotations = {
    'isthmus.dev/balancer-bandwith': '20',
    'isthmus.dev/balancer-access': 'internal',
    'isthmus.dev/balancer-sticky': '30',
    'isthmus.dev/balancer-charge': 'month',
    'service.beta.kubernetes.io/ucloud-load-balancer-paymode': 'dynamic',
  };
  await makeService(world, 'wrong', { annotations, spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } });
  const { message } = await untilSaid(world, 'wrong', 'BadAnnotation');
  for (const part of [
    'unknown annotation isthmus.dev/balancer-bandwith: did you mean isthmus.dev/balancer-bandwidth?',
    'isthmus.dev/balancer-access is "internal": write public, private',
    'isthmus.dev/balancer-sticky is "30": write 0, or seconds from 60 to 900',
    'isthmus.dev/balancer-charge is "month" but service.beta.kubernetes.io/ucloud-load-balancer-paymode is "dynamic": leave one of them out',
    'spec.loadBalancerSourceRanges 10.0.0.0/8 cannot be enforced',
  ])
    expect(message).toContain(part);
  await untilWarned('wrong', `BadAnnotation: ${message}`);
  await removeService(world, 'wrong');
});

test('a selector that matches nothing and a port that no pod has are told apart, and both are put right by the pods alone', async () => {
  await makeService(world, 'ports', { spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 'web' }] } });
  await untilSaid(world, 'ports', 'Serving');
  const at = { name: 'ports-1', namespace: 'default' };
  const service = { name: 'ports', namespace: 'default' };
  await world.kube.merge(endpointSlices, at, { endpoints: [] });
  expect((await untilSaid(world, 'ports', 'NoEndpoint')).message).toMatch(/^its selector app=ports matches no running/);
  expect((await pathOfService(world.kube, service)).at(-1)).toMatch(/^fails at pods: its selector app=ports/);
  await world.kube.merge(endpointSlices, at, { endpoints: sliceOf('ports').endpoints, ports: [] });
  expect((await untilSaid(world, 'ports', 'PortUnanswered')).message).toMatch(/targetPort "web" is the name of no/);
  expect(await explainService(world.kube, service)).toEqual([expect.stringMatching(/^no ready pod answers port 80/)]);
  await world.kube.merge(endpointSlices, at, { ports: sliceOf('ports').ports });
  await untilSaid(world, 'ports', 'Serving');
  await removeService(world, 'ports');
});

test('a security group that closes the node port, or the port of a pod, is told with the rule that helps, and the Service serves when it is added', async () => {
  const group = (await asked('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'narrow' })) as { SecGroupId: string };
  const { SecGroupId } = group;
  await makeService(world, 'closed', {});
  await untilSaid(world, 'closed', 'Serving');
  await asked('SwitchToSecGroup', {
    ProjectId: 'org-lab',
    ResourceId: machine,
    IsRemoveFirewall: 'false',
    'PrioritySecGroup.0.SecGroupId': SecGroupId,
    'PrioritySecGroup.0.Priority': 1,
  });
  const { message } = await untilSaid(world, 'closed', 'PortClosed');
  const nodePort = (await world.kube.get(services, { name: 'closed', namespace: 'default' }))?.spec?.ports?.[0]
    ?.nodePort;
  expect(message).toMatch(
    new RegExp(
      `^the security group ${SecGroupId} closes TCP port ${nodePort} of ${machine} to the load balancer \\(10\\.9\\.0\\.\\d+\\): add a rule that accepts TCP 30000-32767 from subnet subnet-lab$`,
    ),
  );
  expect((await pathOfService(world.kube, { name: 'closed', namespace: 'default' })).at(-1)).toBe(
    `fails at back ends: ${message}`,
  );
  const open = (ports: string, priority: number): Promise<object> =>
    asked('CreateSecGroupRule', {
      SecGroupId,
      'Rule.0.Direction': 'Ingress',
      'Rule.0.IPRange': '10.9.0.0/24',
      'Rule.0.Priority': priority,
      'Rule.0.ProtocolType': 'TCP',
      'Rule.0.DstPort': ports,
      'Rule.0.RuleAction': 'Accept',
      'Rule.0.Remark': '',
    });
  await open('30000-32767', 1);
  await untilSaid(world, 'closed', 'Serving');
  // A pod has the groups of its machine.
  await makeService(world, 'direct', { annotations: { 'isthmus.dev/balancer-targets': 'pods' } });
  const pod = { addresses: ['10.9.0.201'], nodeName: 'web-1', conditions: { ready: true } };
  const ports = [{ name: '', port: 8080, protocol: 'TCP' }];
  await world.kube.merge(endpointSlices, { name: 'direct-1', namespace: 'default' }, { endpoints: [pod], ports });
  expect((await untilSaid(world, 'direct', 'PortClosed')).message).toMatch(
    new RegExp(`^the security group ${SecGroupId} closes TCP port 8080 of ${machine} .* accepts TCP 8080 from subnet`),
  );
  await open('8080', 2);
  await untilSaid(world, 'direct', 'Serving');
  // What can't be read does not stand in the way.
  world.testCloud.plant({ action: 'DescribeResourceSecGroup', kind: 'refuse', code: 299, times: 5 });
  await makeService(world, 'unread', {});
  await untilSaid(world, 'unread', 'Serving');
  for (const name of ['closed', 'direct', 'unread']) await removeService(world, name);
}, 60_000);

const targetsOf = (name: string): readonly string[] =>
  world.testCloud.cloud
    .objects()
    .balancers.filter((one) => one.name.endsWith(`-${name}`))
    .flatMap(({ listeners }) => listeners.flatMap(({ targets }) => targets.map(({ resource }) => resource)))
    .toSorted();

const untilTargets = (name: string, ...machines: readonly string[]): Promise<unknown> =>
  waitFor(
    `back ends of ${name}`,
    async () => {
      if (targetsOf(name).join() !== machines.toSorted().join()) throw new Error(targetsOf(name).join());
      return true;
    },
    { within: seconds(20), every: ms(50) },
  );

const exclude = 'node.kubernetes.io/exclude-from-external-load-balancers';
const label = (name: string, value: string | null): Promise<unknown> =>
  world.kube.merge(nodes, { name }, { metadata: { labels: { [exclude]: value } } });

const ingressOf = async (name: string): Promise<string | undefined> =>
  (await world.kube.get(services, { name, namespace: 'default' }))?.status?.loadBalancer?.ingress?.[0]?.ip;

test('a live Service that is changed to what cannot be served keeps balancer and address, follows its nodes, and says so', async () => {
  await makeService(world, 'steady', {});
  await untilSaid(world, 'steady', 'Serving');
  const annotate = (name: string, value: string | null): Promise<unknown> =>
    world.kube.merge(
      services,
      { name: 'steady', namespace: 'default' },
      { metadata: { annotations: { [`isthmus.dev/balancer-${name}`]: value } } },
    );
  const objects = () => {
    const { balancers, eips } = world.testCloud.cloud.objects();
    return { balancers: balancers.map(({ id }) => id), eips: eips.map(({ id }) => id) };
  };
  const before = { ...objects(), ip: await ingressOf('steady') };
  await annotate('acess', 'private');
  expect((await untilSaid(world, 'steady', 'BadAnnotation')).message).toBe(
    `unknown annotation isthmus.dev/balancer-acess: did you mean isthmus.dev/balancer-access?; load balancer ${before.balancers[0]} serves as before`,
  );
  const second = await addCloudNode(world, 'web-2');
  await untilTargets('steady', machine, second);
  await label('web-2', '');
  await untilTargets('steady', machine);
  await label('web-2', null);
  await annotate('acess', null);
  await untilSaid(world, 'steady', 'Serving');
  await annotate('id', 'nlb-none');
  expect((await untilSaid(world, 'steady', 'BalancerUnknown')).message).toMatch(
    /^there is no load balancer nlb-none .*; load balancer nlb-\S+ serves as before$/,
  );
  expect({ ...objects(), ip: await ingressOf('steady') }).toEqual(before);
  await annotate('id', null);
  await untilSaid(world, 'steady', 'Serving');

  // The label never takes the last one out, and says so at both ends.
  await label('web-2', '');
  await untilTargets('steady', machine);
  await label('web-1', '');
  const { message } = await untilSaid(world, 'steady', 'OnlyExcluded');
  expect(message).toMatch(/the load balancer goes on sending to web-1, so that clients are answered/);
  await untilWarned('steady', `OnlyExcluded: ${message}`);
  expect(targetsOf('steady')).toEqual([machine]);
  const said = (await world.kube.get(nodes, { name: 'web-1' }))?.status?.conditions?.find(
    ({ type }) => type === 'isthmus.dev/OutOfBalancers',
  );
  expect(said).toMatchObject({ status: 'False', reason: 'StillSending' });
  // One that is new has nothing to keep.
  await makeService(world, 'young', {});
  expect((await untilSaid(world, 'young', 'NoCloudNode')).message).toMatch(/web-1: it carries the label/);
  await label('web-2', null);
  await untilTargets('steady', second);
  await untilSaid(world, 'young', 'Serving');
  await label('web-1', null);
  await untilTargets('steady', machine, second);
  for (const name of ['steady', 'young']) await removeService(world, name);
  await world.kube.delete(nodes, { name: 'web-2' });
}, 90_000);

test('a cluster without a cloud node, and one with more than a balancer takes, say so', async () => {
  const node = await world.kube.get(nodes, { name: 'web-1' });
  const { spec: { providerID = '' } = {}, status } = node ?? {};
  await world.kube.delete(nodes, { name: 'web-1' });
  await makeService(world, 'alone', {});
  expect((await untilSaid(world, 'alone', 'NoCloudNode')).message).toBe(
    'there is no cloud node, and only cloud nodes can be back ends: add one under cloudMachines',
  );
  const at = { name: 'alone', namespace: 'default' };
  expect((await pathOfService(world.kube, at)).at(-1)).toMatch(/^fails at back ends: there is no cloud node/);
  await leader.stop();
  leader = leadBalancers(world, { most: { listeners: 5, backEnds: 1 } });
  await addNode(world.kube, 'web-1', providerID, 'cloud', status?.addresses?.[0]?.address ?? '');
  await untilSaid(world, 'alone', 'Serving');
  const second = await addCloudNode(world, 'web-2');
  await waitFor(
    'the node that is left out to be told',
    async () =>
      (await untilSaid(world, 'alone', 'Serving')).message.endsWith(
        'to no more: it takes 1 back ends for each port, and there are 1 more',
      ),
    { within: seconds(20), every: ms(50) },
  );
  expect(targetsOf('alone')).toEqual([[machine, second].toSorted()[0]]);
  await removeService(world, 'alone');
  await world.kube.delete(nodes, { name: 'web-2' });
  await leader.stop();
  leader = leadBalancers(world);
}, 90_000);

test('nodes that do not take the check of the balancer are told, with where to look', async () => {
  const address = (await world.kube.get(nodes, { name: 'web-1' }))?.status?.addresses?.[0]?.address ?? '';
  world.testCloud.world.fall(address, true);
  await makeService(world, 'unchecked', {});
  expect((await untilSaid(world, 'unchecked', 'ChecksFail')).message).toMatch(
    /^no back end of TCP port 80 passes the check of the load balancer on port 10256: let the nodes accept that port/,
  );
  world.testCloud.world.fall(address, false);
  await untilSaid(world, 'unchecked', 'Serving');
  await removeService(world, 'unchecked');
}, 60_000);

test('a family that no load balancer has, and SCTP, never serve: the first is refused by the API server, the second is told', async () => {
  const spec = { type: 'LoadBalancer', ports: [{ port: 80 }], ipFamilies: ['IPv6'] };
  await expect(
    world.kube.create(services, { metadata: { name: 'six', namespace: 'default' }, spec } as ServiceObject),
  ).rejects.toThrow(/ipFamilies.*IPv6/);
  await makeService(world, 'sctp', { spec: { ports: [{ port: 80, protocol: 'SCTP' }] } });
  expect((await untilSaid(world, 'sctp', 'NotSupported')).message).toMatch(/^port 80 is SCTP/);
  await removeService(world, 'sctp');
});
