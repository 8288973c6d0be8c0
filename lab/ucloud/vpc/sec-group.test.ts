import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Answer, homeOf, makeMachine, openTestCloud, type TestCloud, until, wish } from '../test-cloud.ts';

type Params = Readonly<Record<string, string | number>>;

const web = {
  Direction: 'Ingress',
  IPRange: '10.0.0.0/8',
  Priority: 10,
  ProtocolType: 'TCP',
  DstPort: '80,443-450',
  RuleAction: 'Accept',
  Remark: 'web',
};

const ruleParams = (rule: Params, at = 0): Params =>
  Object.fromEntries(Object.entries(rule).map(([key, value]) => [`Rule.${at}.${key}`, value]));

async function makeGroup({ call }: TestCloud, ...rules: readonly Params[]): Promise<string> {
  const SecGroupId = String((await call('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'web' })).SecGroupId);
  for (const rule of rules)
    assert.equal((await call('CreateSecGroupRule', { SecGroupId, ...ruleParams(rule) })).RetCode, 0);
  return SecGroupId;
}

const inGroups = (...groups: readonly string[]): Params => ({
  SecurityMode: 'SecGroup',
  ...Object.fromEntries(
    groups.flatMap((group, at) => [
      [`SecGroupId.${at}.Id`, group],
      [`SecGroupId.${at}.Priority`, at + 1],
    ]),
  ),
});

const wishes = (...groups: readonly (readonly [string, number])[]): Params =>
  Object.fromEntries(
    groups.flatMap(([group, priority], at) => [
      [`PrioritySecGroup.${at}.SecGroupId`, group],
      [`PrioritySecGroup.${at}.Priority`, priority],
    ]),
  );

interface Described {
  readonly Count: number;
  readonly PermitAssociate: boolean;
  readonly SecGroupInfo: readonly { SecGroupId: string; Priority: number }[];
  readonly ExInfo: { readonly SuperResourceId: string; readonly Uni: readonly { ResourceId: string; Count: number }[] };
}

async function describeResource({ call }: TestCloud, id: string): Promise<Described> {
  const [found] = (await call('DescribeResourceSecGroup', { 'ResourceId.0': id })).DataSet as readonly Described[];
  assert.ok(found);
  return found;
}

async function groupsOf(test1: TestCloud, id: string): Promise<readonly (readonly [string, number])[]> {
  return (await describeResource(test1, id)).SecGroupInfo.map(({ SecGroupId, Priority }) => [SecGroupId, Priority]);
}

const codeOf = async (answer: Promise<Answer>): Promise<unknown> => (await answer).RetCode;

describe('rules of security groups', () => {
  test('a rule is made, told, changed and deleted', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1, web);
    const rules = async () => {
      const { DataSet } = await test1.call('DescribeSecGroup', { 'SecGroupId.0': group });
      return (DataSet as readonly [{ Rule: readonly (typeof web & { RuleId: string })[] }])[0].Rule;
    };
    assert.equal(await codeOf(test1.call('UpdateSecGroup', { 'SecGroupId.0': group })), 220);
    await test1.call('UpdateSecGroup', { 'SecGroupId.0': group, Name: 'shop', Remark: 'of the shop' });
    const [named] = (await test1.call('DescribeSecGroup')).DataSet as readonly { Name: string; Remark: string }[];
    assert.deepEqual([named?.Name, named?.Remark], ['shop', 'of the shop']);
    const [told] = await rules();
    const { RuleId = '', ...rest } = told ?? {};
    assert.deepEqual(rest, { ...web, IPVersion: 'IPv4' });
    const changed = { ...web, RuleId, ProtocolType: 'ALL', DstPort: 'ALL', RuleAction: 'Drop' };
    await test1.call('UpdateSecGroupRule', { SecGroupId: group, ...ruleParams(changed) });
    assert.deepEqual(await rules(), [{ ...changed, IPVersion: 'IPv4' }]);
    await test1.call('DeleteSecGroupRule', { SecGroupId: group, 'RuleId.0': RuleId });
    assert.deepEqual(await rules(), []);
    const again = test1.call('DeleteSecGroupRule', { SecGroupId: group, 'RuleId.0': RuleId });
    assert.equal(await codeOf(again), 8039);
  });

  test('rules that are no rules are refused, and a call with one of them changes nothing', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    const rows: readonly [Params, number][] = [
      [{ Direction: 'Sideways' }, 208605],
      [{ RuleAction: 'ACCEPT' }, 208605],
      [{ ProtocolType: 'GRE' }, 208605],
      [{ ProtocolType: 'ICMPv6', DstPort: 'ALL' }, 208605],
      [{ Priority: 0 }, 208605],
      [{ Priority: 201 }, 208605],
      [{ IPRange: '10.0.0.1/8' }, 208605],
      [{ IPRange: 'pl-abc' }, 208605],
      [{ IPRange: 'secgroup-none' }, 208704],
      [{ DstPort: '' }, 208605],
      [{ DstPort: '450-443' }, 208605],
      [{ DstPort: '80,' }, 208605],
      [{ ProtocolType: 'ICMP', DstPort: '80' }, 208605],
      [{ Priority: 11 }, 208605],
      [{ Colour: 'red' }, 230],
    ];
    for (const [wrong, code] of rows) {
      const params = { ...ruleParams({ ...web, Priority: 11 }), ...ruleParams({ ...web, Priority: 12, ...wrong }, 1) };
      const answer = await test1.call('CreateSecGroupRule', { SecGroupId: group, ...params });
      assert.equal(answer.RetCode, code, `${JSON.stringify(wrong)}: ${String(answer.Message)}`);
    }
    const { DataSet } = await test1.call('DescribeSecGroup', { VPCId: 'uvnet-lab' });
    assert.deepEqual(
      (DataSet as readonly { Rule: unknown }[]).map(({ Rule }) => Rule),
      [[]],
    );
    const many = Array.from({ length: 51 }, (_, n) => ruleParams({ ...web, Priority: n + 1 }, n));
    const tooMany = test1.call('CreateSecGroupRule', { SecGroupId: group, ...Object.assign({}, ...many) });
    assert.equal(await codeOf(tooMany), 4207);
  });

  test('a group is deleted once nothing is bound to it and no rule names it, and then it is 208704', async () => {
    const test1 = await openTestCloud();
    const [group, peer] = [await makeGroup(test1), await makeGroup(test1)];
    const { id } = await makeMachine(test1, inGroups(group));
    const named = ruleParams({ ...web, IPRange: peer });
    await test1.call('CreateSecGroupRule', { SecGroupId: group, ...named });
    const remove = (SecGroupId: string) => codeOf(test1.call('DeleteSecGroup', { 'SecGroupId.0': SecGroupId }));
    assert.equal(await remove(group), 5024);
    assert.equal(await remove(peer), 5024);
    await test1.call('DisassociateSecGroup', { 'ResourceId.0': id, Force: 'true' });
    assert.equal(await remove(group), 0);
    assert.equal(await remove(peer), 0);
    assert.equal(await remove(peer), 208704);
    assert.equal(await codeOf(test1.call('DescribeSecGroup', { 'SecGroupId.0': peer })), 208704);
  });

  test('a group that only its own rule names can go', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    const own = ruleParams({ ...web, IPRange: group });
    assert.equal(await codeOf(test1.call('CreateSecGroupRule', { SecGroupId: group, ...own })), 0);
    assert.equal(await codeOf(test1.call('DeleteSecGroup', { 'SecGroupId.0': group })), 0);
  });

  test('an account has fifty groups: the next is 4207', async () => {
    const test1 = await openTestCloud();
    const make = () => codeOf(test1.call('CreateSecGroup', { VPCID: 'uvnet-lab', Name: 'web' }));
    const codes: unknown[] = [];
    for (let n = 0; n < 51; n++) codes.push(await make());
    assert.deepEqual(codes, [...Array.from({ length: 50 }, () => 0), 4207]);
    const { DataSet } = await test1.call('DescribeSecGroup');
    const [first] = DataSet as readonly { SecGroupId: string }[];
    assert.equal(await codeOf(test1.call('DeleteSecGroup', { 'SecGroupId.0': String(first?.SecGroupId) })), 0);
    assert.equal(await make(), 0);
  });

  test('a rule may name a group of its own VPC, not of another', async () => {
    const test1 = await openTestCloud();
    const [group, near] = [await makeGroup(test1), await makeGroup(test1)];
    const { VPCId } = await test1.call('CreateVPC', { Name: 'other', 'Network.0': '10.20.0.0/16' });
    const { SecGroupId: far } = await test1.call('CreateSecGroup', { VPCID: String(VPCId), Name: 'far' });
    const naming = (peer: unknown) =>
      codeOf(
        test1.call('CreateSecGroupRule', {
          SecGroupId: group,
          ...ruleParams({ ...web, IPRange: String(peer) }),
        }),
      );
    assert.equal(await naming(far), 230);
    assert.equal(await naming(near), 0);
  });
});

/** `5024 secgroup-1 is still bound to uhost-1` */
const refusalOf = async (answer: Promise<Answer>): Promise<string> => {
  const { RetCode, Message } = await answer;
  return `${RetCode} ${String(Message)}`;
};

describe('security groups in whole answers', () => {
  test('a group is told as it was made, and by its VPC', async () => {
    const test1 = await openTestCloud();
    const { VPCId } = await test1.call('CreateVPC', { Name: 'other', 'Network.0': '10.20.0.0/16' });
    await test1.call('CreateSecGroup', { VPCID: String(VPCId), Name: 'far' });
    const before = Math.floor(test1.clock.now() / 1000);
    const SecGroupId = await makeGroup(test1);
    const { DataSet } = await test1.call('DescribeSecGroup', { VPCId: 'uvnet-lab' });
    const [{ CreateTime, ...told }, ...others] = DataSet as readonly [{ CreateTime: number }];
    assert.ok(CreateTime >= before && CreateTime <= test1.clock.now() / 1000);
    const kind = { Account: 0, Tag: 'Default', Type: 'user defined' };
    assert.deepEqual(
      [told, others],
      [{ SecGroupId, Name: 'web', VPCId: 'uvnet-lab', Remark: '', ...kind, Rule: [] }, []],
    );
  });

  test('several groups are named anew in one call, each by what is given', async () => {
    const test1 = await openTestCloud();
    const groups = { 'SecGroupId.0': await makeGroup(test1), 'SecGroupId.1': await makeGroup(test1) };
    const told = async () =>
      ((await test1.call('DescribeSecGroup')).DataSet as readonly { Name: string; Remark: string }[]).map(
        ({ Name, Remark }) => [Name, Remark],
      );
    assert.equal(await refusalOf(test1.call('UpdateSecGroup', groups)), '220 Missing params [Name]');
    await test1.call('UpdateSecGroup', { ...groups, Remark: 'of the shop' });
    assert.deepEqual(await told(), [
      ['web', 'of the shop'],
      ['web', 'of the shop'],
    ]);
    await test1.call('UpdateSecGroup', { ...groups, Name: 'shop' });
    assert.deepEqual(await told(), [
      ['shop', 'of the shop'],
      ['shop', 'of the shop'],
    ]);
  });

  test('several rules are made, changed and deleted by the ids that were told', async () => {
    const test1 = await openTestCloud();
    const SecGroupId = await makeGroup(test1);
    const three = Object.assign({}, ...[1, 2, 3].map((n, at) => ruleParams({ ...web, Priority: n }, at)));
    const { RuleId } = await test1.call('CreateSecGroupRule', { SecGroupId, ...three });
    const [one, two, last] = RuleId as readonly [string, string, string];
    const rules = async () => {
      const [group] = (await test1.call('DescribeSecGroup')).DataSet as readonly [
        { Rule: readonly { RuleId: string; Priority: number }[] },
      ];
      return group.Rule.map((rule) => [rule.RuleId, rule.Priority]);
    };
    const changed = [one, two].map((id, at) => ruleParams({ ...web, Priority: 11 + at, RuleId: id }, at));
    await test1.call('UpdateSecGroupRule', { SecGroupId, ...Object.assign({}, ...changed) });
    assert.deepEqual(await rules(), [
      [one, 11],
      [two, 12],
      [last, 3],
    ]);
    const unknown = ruleParams({ ...web, RuleId: 'secgrouprule-none' });
    const none = `8039 security group ${SecGroupId} has no rule secgrouprule-none`;
    assert.equal(await refusalOf(test1.call('UpdateSecGroupRule', { SecGroupId, ...unknown })), none);
    const remove = (ids: Params) => refusalOf(test1.call('DeleteSecGroupRule', { SecGroupId, ...ids }));
    assert.equal(await remove({ 'RuleId.0': one, 'RuleId.1': 'secgrouprule-none' }), none);
    await remove({ 'RuleId.0': one, 'RuleId.1': last });
    assert.deepEqual(await rules(), [[two, 12]]);
  });

  test('a refusal names what is in the way', async () => {
    const test1 = await openTestCloud();
    const make = (VPCID: string) => test1.call('CreateSecGroup', { VPCID, Name: 'x' });
    assert.equal(await refusalOf(make('uvnet-none')), '8039 VPC uvnet-none does not exist');
    const { VPCId } = await test1.call('CreateVPC', { Name: 'other', 'Network.0': '10.20.0.0/16' });
    const far = String((await make(String(VPCId))).SecGroupId);
    // Other rules first, which name nobody.
    const [group, peer, free] = [await makeGroup(test1, web), await makeGroup(test1), await makeGroup(test1)];
    const naming = (IPRange: string) =>
      test1.call('CreateSecGroupRule', { SecGroupId: group, ...ruleParams({ ...web, Priority: 20, IPRange }) });
    assert.equal(
      await refusalOf(naming(far)),
      `230 Params [Rule] not available: ${far} is in another VPC than ${group}`,
    );
    assert.equal(await refusalOf(naming('secgroup-none')), '208704 security group secgroup-none does not exist');
    await naming(peer);
    const remove = (...ids: readonly string[]) =>
      refusalOf(test1.call('DeleteSecGroup', Object.fromEntries(ids.map((id, at) => [`SecGroupId.${at}`, id]))));
    assert.equal(await remove(free, peer), `5024 ${peer} is still named by a rule of ${group}`);
    const [one, two] = [await makeMachine(test1, inGroups(group)), await makeMachine(test1, inGroups(group))];
    assert.equal(await remove(free, group), `5024 ${group} is still bound to ${one.id}, ${two.id}`);
    assert.match(await remove(free), /^0 /);
    for (let n = 0; n < 47; n++) await makeGroup(test1);
    assert.equal(await refusalOf(make('uvnet-lab')), '4207 an account has at most 50 security groups');
  });
});

describe('the groups of a machine', () => {
  test('are judged in their order from its first packet on, and what they say is what the world filters by', async () => {
    const test1 = await openTestCloud();
    const second = await makeGroup(test1, { ...web, Priority: 1, IPRange: '10.9.0.0/24,10.1.2.3', RuleAction: 'Drop' });
    const first = await makeGroup(
      test1,
      { ...web, Priority: 7, Direction: 'Egress', ProtocolType: 'ALL', DstPort: 'ALL', IPRange: '0.0.0.0/0' },
      { ...web, Priority: 9 },
      { ...web, Priority: 8, ProtocolType: 'ICMP', DstPort: 'ALL' },
    );
    const letBoot = test1.world.hold('boot');
    const { UHostIds } = await test1.call('CreateUHostInstance', { ...wish, ...inGroups(first, second) });
    const [id = ''] = UHostIds as readonly string[];
    await until('it to be switched on', () => test1.world.told.includes(`boot ${id}`));
    const [guard] = test1.world.network()?.guards ?? [];
    const [tcp, icmp] = [
      { protocol: 'TCP', ports: ['80', '443-450'] },
      { protocol: 'ICMP', ports: [] },
    ];
    assert.deepEqual(guard, {
      port: id,
      ingress: [
        { admits: true, peers: ['10.0.0.0/8'], ...icmp },
        { admits: true, peers: ['10.0.0.0/8'], ...tcp },
        { admits: false, peers: ['10.9.0.0/24', '10.1.2.3'], ...tcp },
      ],
      egress: [{ admits: true, peers: ['0.0.0.0/0'], protocol: 'ALL', ports: [] }],
    });
    letBoot();
    const { UHostSet } = await test1.call('DescribeUHostInstance');
    const [told] = UHostSet as readonly { NetFeatureTag: string; SecGroupInstance: boolean }[];
    assert.deepEqual([told?.NetFeatureTag, told?.SecGroupInstance], ['SecGroup', true]);
  });

  test('a machine does not boot where its filter can not be made, and says why', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    test1.world.failAt('shape', 'no room for rules');
    const { UHostIds } = await test1.call('CreateUHostInstance', { ...wish, ...inGroups(group) });
    const [id = ''] = UHostIds as readonly string[];
    const machine = () => test1.cloud.objects().machines.find((one) => one.id === id);
    await until('it to fail', () => machine()?.trouble === 'install: no room for rules');
    assert.equal(test1.world.booted.has(id), false);
  });

  test('a filter that can not be made is tried again until it can', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    await makeMachine(test1, inGroups(group));
    test1.world.failAt('shape', 'no room for rules');
    await test1.call('CreateSecGroupRule', { SecGroupId: group, ...ruleParams(web) });
    const failed = () => test1.log.some((entry) => entry.kind === 'world' && entry.error === 'no room for rules');
    await until('it to fail', failed);
    test1.world.failAt('shape', undefined);
    await until('it to succeed', () => test1.world.network()?.guards[0]?.ingress.length === 1);
  });

  test('a group as a peer stands for every address of its members', async () => {
    const test1 = await openTestCloud();
    const clients = await makeGroup(test1);
    const servers = await makeGroup(test1, { ...web, IPRange: clients });
    const [client, server] = await Promise.all([
      makeMachine(test1, inGroups(clients)),
      makeMachine(test1, inGroups(servers)),
    ]);
    const peers = () => test1.world.network()?.guards.find(({ port }) => port === server.id)?.ingress[0]?.peers;
    await until('the client to be known', () => peers()?.join() === client.ip);
    await test1.call('AllocateSecondaryIp', { ...homeOf(client), Ip: '10.9.0.77' });
    await until('its pod to be known', () => peers()?.join() === `${client.ip},10.9.0.77`);
    await test1.call('DisassociateSecGroup', { 'ResourceId.0': client.id, 'SecGroupId.0': clients, Force: 'true' });
    await until('it to be forgotten', () => peers()?.length === 0);
  });

  test('are bound, given another priority and taken off, and one stays unless by force', async () => {
    const test1 = await openTestCloud();
    const [a, b] = [await makeGroup(test1), await makeGroup(test1)];
    const [one, other] = await Promise.all([makeMachine(test1, inGroups(a)), makeMachine(test1, inGroups(a))]);
    const associate = (params: Params) => codeOf(test1.call('AssociateSecGroup', params));
    assert.equal(await associate({ 'ResourceId.0': one.id, 'ResourceId.1': other.id, ...wishes([b, 2]) }), 0);
    assert.deepEqual(await groupsOf(test1, other.id), [
      [a, 1],
      [b, 2],
    ]);
    assert.equal(await associate({ 'ResourceId.0': one.id, ...wishes([a, 2], [b, 1]) }), 0);
    assert.deepEqual(await groupsOf(test1, one.id), [
      [b, 1],
      [a, 2],
    ]);
    const take = (params: Params) => codeOf(test1.call('DisassociateSecGroup', params));
    assert.equal(await take({ 'SecGroupId.0': a, 'ResourceId.0': one.id }), 0);
    assert.equal(await take({ 'SecGroupId.0': b }), 230);
    assert.equal(await take({ 'ResourceId.0': one.id }), 230);
    assert.equal(await take({}), 220);
    assert.deepEqual(await groupsOf(test1, one.id), [[b, 1]]);
    assert.equal(await take({ 'SecGroupId.0': b, Force: 'true' }), 0);
    assert.deepEqual([await groupsOf(test1, one.id), await groupsOf(test1, other.id)], [[], [[a, 1]]]);
  });

  test('what can not be bound is refused', async () => {
    const test1 = await openTestCloud();
    const { VPCId } = await test1.call('CreateVPC', { Name: 'x', 'Network.0': '172.20.0.0/16' });
    const { SecGroupId: foreign } = await test1.call('CreateSecGroup', { VPCID: String(VPCId), Name: 'x' });
    const groups = await Promise.all(Array.from({ length: 6 }, () => makeGroup(test1)));
    const [a = '', b = ''] = groups;
    const [guarded, plain, uni] = await Promise.all([
      makeMachine(test1, inGroups(a)),
      makeMachine(test1),
      makeMachine(test1, { ...inGroups(a), 'Features.UNI': 'true' }),
    ]);
    const rows: readonly [string, Params, number][] = [
      ['a machine in firewall mode', { 'ResourceId.0': plain.id, ...wishes([a, 1]) }, 230],
      ['a machine that has an interface', { 'ResourceId.0': uni.id, ...wishes([a, 1]) }, 230],
      ['two kinds at once', { 'ResourceId.0': uni.nic, 'ResourceId.1': guarded.id, ...wishes([b, 2]) }, 230],
      ['many to many', { 'ResourceId.0': guarded.id, 'ResourceId.1': plain.id, ...wishes([a, 1], [b, 2]) }, 230],
      ['a machine that is not there', { 'ResourceId.0': 'uhost-none', ...wishes([a, 1]) }, 8039],
      ['a group that is not there', { 'ResourceId.0': guarded.id, ...wishes(['secgroup-none', 2]) }, 208704],
      ['a group of another VPC', { 'ResourceId.0': guarded.id, ...wishes([String(foreign), 2]) }, 230],
      ['a priority twice', { 'ResourceId.0': guarded.id, ...wishes([b, 1]) }, 230],
      ['a priority beyond 5', { 'ResourceId.0': guarded.id, ...wishes([b, 6]) }, 230],
    ];
    for (const [what, params, code] of rows) {
      const answer = await test1.call('AssociateSecGroup', params);
      assert.equal(answer.RetCode, code, `${what}: ${String(answer.Message)}`);
    }
    const creations: readonly [Params, number][] = [
      [{ SecurityMode: 'SecGroup' }, 220],
      [{ 'SecGroupId.0.Id': a, 'SecGroupId.0.Priority': 1 }, 230],
      [inGroups('secgroup-none'), 208704],
    ];
    for (const [params, code] of creations)
      assert.equal(await codeOf(test1.call('CreateUHostInstance', { ...wish, ...params })), code);
  });

  test('a machine with an elastic interface carries them there', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    const { id, nic } = await makeMachine(test1, { ...inGroups(group), 'Features.UNI': 'true' });
    const machine = await describeResource(test1, id);
    assert.deepEqual([machine.Count, machine.PermitAssociate], [0, false]);
    assert.deepEqual(
      machine.ExInfo.Uni.map(({ ResourceId, Count }) => [ResourceId, Count]),
      [[nic, 1]],
    );
    const uni = await describeResource(test1, nic);
    assert.deepEqual([uni.Count, uni.ExInfo.SuperResourceId], [1, id]);
    const listed = await test1.call('DescribeResourceSecGroup', { ResourceType: 'uni' });
    assert.equal(listed.TotalCount, 1);
    assert.equal((await test1.call('DescribeResourceSecGroup', { 'ResourceId.0': 'uhost-none' })).TotalCount, 0);
  });

  test('a machine goes over from its firewall to security groups and back', async () => {
    const test1 = await openTestCloud();
    const group = await makeGroup(test1);
    const { FWId } = await test1.call('CreateFirewall', { Name: 'edge', 'Rule.0': 'TCP|22|0.0.0.0/0|ACCEPT|HIGH|' });
    const [plain, uni] = await Promise.all([
      makeMachine(test1, { SecurityGroupId: String(FWId) }),
      makeMachine(test1, { 'Features.UNI': 'true' }),
    ]);
    const toGroups = (ResourceId: string, params: Params) =>
      codeOf(test1.call('SwitchToSecGroup', { ResourceId, IsRemoveFirewall: 'true', ...params }));
    assert.equal(await toGroups(plain.id, {}), 220);
    assert.equal(await toGroups(plain.id, { 'PrioritySecGroup.0': 'web' }), 230);
    assert.equal(await toGroups(plain.id, { 'PrioritySecGroup.0': `{"SecGroupId":"${group}","Priority":1}` }), 0);
    assert.equal(await toGroups(plain.id, wishes([group, 1])), 230);
    assert.deepEqual(await groupsOf(test1, plain.id), [[group, 1]]);
    assert.equal(await codeOf(test1.call('DeleteFirewall', { FWId: String(FWId) })), 0);
    const map = JSON.stringify({ [uni.nic]: [{ SecGroupId: group, Priority: 2 }] });
    assert.equal(await toGroups(uni.id, { UniToPrioritySecGroup: map }), 0);
    assert.deepEqual(await groupsOf(test1, uni.nic), [[group, 2]]);
    await until('the world to filter', () => test1.world.network()?.guards.length === 2);
    const bound = await test1.call('DescribeSecGroupResource', { SecGroupId: group });
    const members = bound.DataSet as readonly { ResourceId: string; SubResourceId: string }[];
    assert.deepEqual(
      new Map(members.map(({ ResourceId, SubResourceId }) => [ResourceId, SubResourceId])),
      new Map([
        [plain.id, ''],
        [uni.id, uni.nic],
      ]),
    );
    const back = (ResourceId: string) => codeOf(test1.call('SwitchToFirewall', { ResourceId }));
    assert.deepEqual([await back(plain.id), await back(uni.id), await back(uni.id)], [0, 0, 230]);
    await until('the world to filter no more', () => test1.world.network()?.guards.length === 0);
    assert.equal((await test1.call('DescribeSecGroupResource', { SecGroupId: group })).TotalCount, 0);
  });
});
