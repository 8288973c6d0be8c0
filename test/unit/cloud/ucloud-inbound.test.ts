import { expect, test } from 'vitest';
import { account, makeMachine, openTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { ms, seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { type Inbound, refuserOf } from '../../../src/cloud/inbound.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

type Params = Readonly<Record<string, string | number>>;

async function makeGroup({ call }: TestCloud, ...rules: readonly Params[]): Promise<string> {
  const id = String((await call('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'web' })).SecGroupId);
  const params = Object.fromEntries(
    rules.flatMap((rule, at) => Object.entries(rule).map(([key, value]) => [`Rule.${at}.${key}`, value])),
  );
  if (rules.length > 0)
    expect(await call('CreateSecGroupRule', { SecGroupId: id, ...params })).toMatchObject({ RetCode: 0 });
  return id;
}

const accept: Params = {
  Direction: 'Ingress',
  IPRange: '10.9.0.0/24,192.168.0.7',
  Priority: 20,
  ProtocolType: 'TCP',
  DstPort: '80,30000-32767',
  RuleAction: 'Accept',
  Remark: '',
};

const inGroups = (...groups: readonly string[]): Params => ({
  SecurityMode: 'SecGroup',
  ...Object.fromEntries(
    groups.flatMap((group, at) => [
      [`SecGroupId.${at}.Id`, group],
      [`SecGroupId.${at}.Priority`, groups.length - at],
    ]),
  ),
});

async function inboundOf({ url }: TestCloud, ...machines: readonly string[]): Promise<ReadonlyMap<string, Inbound>> {
  const cloud = connectUcloud({ ...account, endpoint: url, project: account.project.id, poll: ms(20) });
  const read = await cloud.network.inbound(machines, { within: seconds(10) });
  if (!read.ok) throw new Error(read.failure.raw.message);
  return read.value;
}

function refuser(inbound: Inbound | undefined, port: number, from = '10.9.0.3', protocol: 'TCP' | 'UDP' = 'TCP') {
  if (inbound === undefined) throw new Error('nothing is known of the machine');
  return refuserOf(inbound, { protocol, port, from: ip(from) });
}

test('security groups are read in the order of their priorities, and each of their rules in its own', async () => {
  const cloud = await openTestCloud();
  const drops = { ...accept, Priority: 10, DstPort: '30080', RuleAction: 'Drop' };
  const wide = await makeGroup(cloud, accept, drops);
  const first = await makeGroup(cloud, { ...accept, Direction: 'Egress' }, { ...accept, DstPort: '30081' });
  // The group that is named last has the smallest number, and is asked first.
  const { id: guarded } = await makeMachine(cloud, inGroups(wide, first));
  const { id: open } = await makeMachine(cloud);
  const all = await inboundOf(cloud, guarded, open, 'uhost-none');
  expect([...all.keys()].toSorted()).toEqual([guarded, open].toSorted());
  expect(all.get(open)).toEqual({ guarded: false });
  const inbound = all.get(guarded);
  expect(inbound).toMatchObject({ groups: [first, wide] });
  expect(refuser(inbound, 30_081)).toBeUndefined();
  expect(refuser(inbound, 30_000)).toBeUndefined();
  expect(refuser(inbound, 30_000, '192.168.0.7')).toBeUndefined();
  expect(refuser(inbound, 30_080)).toEqual([wide]);
  expect(refuser(inbound, 81)).toEqual([first, wide]);
  expect(refuser(inbound, 30_000, '10.8.0.3')).toEqual([first, wide]);
  expect(refuser(inbound, 30_000, '10.9.0.3', 'UDP')).toEqual([first, wide]);
});

test('a group without rules lets nothing in, and a rule for another group lets no load balancer in', async () => {
  const cloud = await openTestCloud();
  const empty = await makeGroup(cloud);
  const peers = await makeGroup(cloud, { ...accept, IPRange: empty });
  const { id: one } = await makeMachine(cloud, inGroups(empty));
  const { id: two } = await makeMachine(cloud, inGroups(peers));
  const all = await inboundOf(cloud, one, two);
  expect(refuser(all.get(one), 30_000)).toEqual([empty]);
  expect(refuser(all.get(two), 30_000)).toEqual([peers]);
});

test('with an elastic interface its own groups judge', async () => {
  const cloud = await openTestCloud();
  const group = await makeGroup(cloud, { ...accept, ProtocolType: 'ALL', DstPort: 'ALL' });
  const { id: machine, nic } = await makeMachine(cloud, { ...inGroups(group), 'Features.UNI': 'true' });
  expect(nic).toMatch(/^uni-/);
  const inbound = (await inboundOf(cloud, machine)).get(machine);
  expect(inbound).toMatchObject({ guarded: true, groups: [group] });
  expect(refuser(inbound, 53, '10.9.0.3', 'UDP')).toBeUndefined();
  expect(refuser(inbound, 53, '10.8.0.3', 'UDP')).toEqual([group]);
});

test('of a machine with several interfaces only what all of them refuse is refused', async () => {
  const cloud = await openTestCloud();
  const open = await makeGroup(cloud, accept);
  const shut = await makeGroup(cloud);
  const { id: machine } = await makeMachine(cloud, { ...inGroups(open), 'Features.UNI': 'true' });
  const made = await cloud.call('CreateNetworkInterface', {
    VPCId: 'uvnet-lab',
    SubnetId: 'subnet-lab',
    SecurityMode: 1,
    'PrioritySecGroup.0.Priority': 1,
    'PrioritySecGroup.0.SecGroupId': shut,
  });
  expect(made).toMatchObject({ RetCode: 0 });
  const { InterfaceId } = (made as unknown as { NetworkInterface: { InterfaceId: string } }).NetworkInterface;
  expect(await cloud.call('AttachNetworkInterface', { InterfaceId, InstanceId: machine })).toMatchObject({
    RetCode: 0,
  });
  const read = async () => (await inboundOf(cloud, machine)).get(machine);
  await expect.poll(read, { timeout: 10_000 }).toMatchObject({ guarded: 'by-interface' });
  const inbound = await read();
  expect(refuser(inbound, 30_080)).toBeUndefined();
  expect(refuser(inbound, 22)?.toSorted()).toEqual([open, shut].toSorted());
});

test('more machines than one call takes are read in several', async () => {
  const cloud = await openTestCloud();
  const machines: string[] = [];
  for (let at = 0; at < 22; at++) machines.push((await makeMachine(cloud)).id);
  expect((await inboundOf(cloud, ...machines)).size).toBe(22);
});
