import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { cidr } from '#unit/ip.ts';
import { makeMachine, openTestCloud, type TestCloud, until, waitForState } from '../test-cloud.ts';
import { defaultTableOf } from './route-table.ts';

interface RuleInfo {
  readonly RouteRuleId: string;
  readonly DstAddr: string;
  readonly NexthopType: string;
  readonly NexthopId: string;
  readonly RuleType: number;
}
interface TableInfo {
  readonly RouteTableType: number;
  readonly SubnetIds: readonly string[];
  readonly RouteRules: readonly RuleInfo[];
}

async function makeTable({ call }: TestCloud): Promise<string> {
  return String((await call('CreateRouteTable', { VPCId: 'uvnet-lab' })).RouteTableId);
}

async function describeTable({ call }: TestCloud, RouteTableId: string): Promise<TableInfo> {
  const [table] = (await call('DescribeRouteTable', { RouteTableId })).RouteTables as readonly TableInfo[];
  assert.ok(table);
  return table;
}

async function customRules(test1: TestCloud, table: string): Promise<readonly RuleInfo[]> {
  return (await describeTable(test1, table)).RouteRules.filter(({ RuleType }) => RuleType === 1);
}

describe('route tables', () => {
  test('every VPC has a default one with the routes of the system, which every new subnet follows', async () => {
    const vpc = { id: 'uvnet-lab', name: 'lab', network: cidr('10.20.0.0/16'), subnets: [] };
    const test1 = await openTestCloud({ vpc: { ...vpc, hybrid: [cidr('172.16.0.0/16')] } });
    const { SubnetId } = await test1.call('CreateSubnet', { VPCId: vpc.id, Subnet: '10.20.4.0' });
    const table = await describeTable(test1, 'routetable-lab');
    assert.deepEqual([table.RouteTableType, table.SubnetIds], [1, [SubnetId]]);
    const routes = table.RouteRules.map(({ NexthopType, DstAddr, RuleType }) => [NexthopType, DstAddr, RuleType]);
    assert.deepEqual(routes[0], ['LOCAL', '10.20.0.0/16', 0]);
    assert.deepEqual(routes[1], ['PUBLIC', '100.64.0.0/10', 0]);
    assert.deepEqual(routes.at(-1), ['HYBRIDGW', '172.16.0.0/16', 0]);
  });

  test('a VPC takes its default table with it, and stays while it has others or security groups', async () => {
    const { call } = await openTestCloud();
    const { VPCId } = await call('CreateVPC', { Name: 'x', 'Network.0': '172.20.0.0/16' });
    const { RouteTableId } = await call('CreateRouteTable', { VPCId: String(VPCId) });
    const { SecGroupId } = await call('CreateSecGroup', { VPCID: String(VPCId), Name: 'x' });
    const remove = async () => (await call('DeleteVPC', { VPCId: String(VPCId) })).RetCode;
    assert.equal(await remove(), 5024);
    await call('DeleteRouteTable', { RouteTableId: String(RouteTableId) });
    assert.equal(await remove(), 5024);
    await call('DeleteSecGroup', { 'SecGroupId.0': String(SecGroupId) });
    assert.equal(await remove(), 0);
    assert.equal((await call('DescribeRouteTable', { VPCId: String(VPCId) })).TotalCount, 0);
  });

  test('a rule is added, changed, copied with its table and deleted, and the world follows', async () => {
    const test1 = await openTestCloud();
    const [one, other] = await Promise.all([makeMachine(test1), makeMachine(test1)]);
    const table = await makeTable(test1);
    const modify = async (rule: string) =>
      (await test1.call('ModifyRouteRule', { RouteTableId: table, 'RouteRule.0': rule })).RetCode;
    assert.equal(await modify(`x|10.30.0.0/16|Instance|${one.id}|0|a b|add`), 0);
    const [rule] = await customRules(test1, table);
    assert.deepEqual([rule?.DstAddr, rule?.NexthopType, rule?.NexthopId], ['10.30.0.0/16', 'INSTANCE', one.id]);
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-lab', RouteTableId: table });
    await until('the world to route', () => test1.world.network()?.routes.length === 1);
    const [routes] = test1.world.network()?.routes ?? [];
    assert.deepEqual([...(routes?.ports ?? [])].sort(), [one.id, other.id].sort());
    assert.deepEqual(routes?.rules, [{ destination: '10.30.0.0/16', hop: { port: one.id, ip: one.ip } }]);
    assert.deepEqual(routes?.system.slice(0, 2), ['10.9.0.0/16', '100.64.0.0/10']);

    assert.equal(await modify(`${rule?.RouteRuleId}|10.30.0.0/16|instance|${other.id}|0||update`), 0);
    await until('the world to route elsewhere', () => test1.world.network()?.routes[0]?.rules[0]?.hop?.ip === other.ip);
    const { RouteTableId: copy } = await test1.call('CloneRouteTable', { RouteTableId: table });
    const [copied] = await customRules(test1, String(copy));
    assert.deepEqual([copied?.NexthopId, copied?.RouteRuleId === rule?.RouteRuleId], [other.id, false]);

    assert.equal(await modify(`${rule?.RouteRuleId}|10.30.0.0/16|instance|${other.id}|0||delete`), 0);
    assert.deepEqual(await customRules(test1, table), []);
    await until('the world to route no more', () => test1.world.network()?.routes.length === 0);
  });

  test('what a next hop caught goes nowhere when the machine is gone', async () => {
    const test1 = await openTestCloud();
    const [gone] = await Promise.all([makeMachine(test1), makeMachine(test1)]);
    const table = await makeTable(test1);
    const add = `x|10.30.0.0/16|instance|${gone.id}|0||add`;
    await test1.call('ModifyRouteRule', { RouteTableId: table, 'RouteRule.0': add });
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-lab', RouteTableId: table });
    await test1.call('PoweroffUHostInstance', { UHostId: gone.id });
    await waitForState(test1, gone.id, 'Stopped');
    await test1.call('TerminateUHostInstance', { UHostId: gone.id });
    const rules = () => test1.world.network()?.routes[0]?.rules;
    await until('the world to know', () => rules()?.[0]?.hop === undefined);
    assert.equal(rules()?.[0]?.destination, '10.30.0.0/16');
  });

  test('a table in use and the default one are not deleted, and one that is gone is 8039', async () => {
    const test1 = await openTestCloud();
    const table = await makeTable(test1);
    const remove = async (RouteTableId: string) => (await test1.call('DeleteRouteTable', { RouteTableId })).RetCode;
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-small', RouteTableId: table });
    const { DataSet } = await test1.call('DescribeSubnet', { RouteTableId: table });
    assert.deepEqual(
      (DataSet as readonly { SubnetId: string }[]).map(({ SubnetId }) => SubnetId),
      ['subnet-small'],
    );
    assert.equal(await remove(table), 58119);
    assert.equal(await remove('routetable-lab'), 230);
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-small', RouteTableId: 'routetable-lab' });
    assert.equal(await remove(table), 0);
    assert.equal(await remove(table), 8039);
  });

  test('rules that are no rules are refused, and a call with one of them changes nothing', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    const elsewhere = await test1.call('CreateVPC', { Name: 'x', 'Network.0': '172.20.0.0/16' });
    const { RouteTableId: foreign } = await test1.call('CreateRouteTable', { VPCId: String(elsewhere.VPCId) });
    const table = await makeTable(test1);
    const good = `x|10.30.0.0/16|instance|${id}|0||add`;
    const rows: readonly [string, number, string?][] = [
      ['10.30.0.0/16', 230],
      [`x|10.30.0.1/16|instance|${id}|0||add`, 230],
      [`x|10.31.0.0/16|gateway|${id}|0||add`, 230],
      [`x|10.31.0.0/16|instance|${id}|5||add`, 230],
      [`x|10.31.0.0/16|instance|${id}|0||insert`, 230],
      [`x|10.31.0.0/16|instance|uhost-none|0||add`, 8039],
      [`x|10.31.0.0/16|vip|vip-none|0||add`, 8039],
      [`x|10.30.0.0/16|instance|${id}|0||add`, 5022],
      [`x|10.9.0.0/16|instance|${id}|0||add`, 5022],
      [`x|100.64.0.0/10|instance|${id}|0||add`, 5022],
      [`routerule-none|10.31.0.0/16|instance|${id}|0||update`, 8039],
      [`routerule-none|10.31.0.0/16|instance|${id}|0||delete`, 8039],
      [good, 230, String(foreign)],
      [good, 230, 'routetable-lab'],
      [good, 8039, 'routetable-none'],
    ];
    for (const [rule, code, at] of rows) {
      const answer = await test1.call('ModifyRouteRule', {
        RouteTableId: at ?? table,
        'RouteRule.0': good,
        'RouteRule.1': rule,
      });
      assert.equal(answer.RetCode, code, `${rule}: ${String(answer.Message)}`);
    }
    assert.deepEqual(await customRules(test1, table), []);
    const many = Array.from({ length: 51 }, (_, n) => [`RouteRule.${n}`, `x|10.30.${n}.0/24|instance|${id}|0||add`]);
    const { RetCode } = await test1.call('ModifyRouteRule', { RouteTableId: table, ...Object.fromEntries(many) });
    assert.equal(RetCode, 4207);
  });

  test('tables and groups are the same after a restart, and the world is told at once', async () => {
    const test1 = await openTestCloud();
    const { id } = await makeMachine(test1);
    const table = await makeTable(test1);
    const add = `x|10.30.0.0/16|instance|${id}|0||add`;
    await test1.call('ModifyRouteRule', { RouteTableId: table, 'RouteRule.0': add });
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-lab', RouteTableId: table });
    const before = await describeTable(test1, table);
    const test2 = await openTestCloud({ restore: test1.cloud.snapshot() });
    assert.deepEqual(await describeTable(test2, table), before);
    await until('the world to route', () => test2.world.network()?.routes[0]?.ports[0] === id);
  });
});

describe('route tables in whole answers', () => {
  const of = { AccountId: 0, DstPort: 0, OriginAddr: '', Priority: 0, SrcAddr: '', SrcPort: 0, VNetId: 'uvnet-lab' };
  const system = (table: string) => {
    const own = { ...of, RouteTableId: table, RuleType: 0, InstanceType: '', Remark: '' };
    const id = (at: number) => `${table.replace('routetable', 'routerule')}-${at}`;
    return [
      { ...own, RouteRuleId: id(0), DstAddr: '10.9.0.0/16', NexthopType: 'LOCAL', NexthopId: 'LOCAL' },
      { ...own, RouteRuleId: id(1), DstAddr: '100.64.0.0/10', NexthopType: 'PUBLIC', NexthopId: 'PUBLIC' },
    ];
  };

  test('a table is told with the routes of the system and its own, and briefly without', async () => {
    const test1 = await openTestCloud();
    await test1.call('CreateVPC', { Name: 'other', 'Network.0': '172.20.0.0/16' });
    const { id } = await makeMachine(test1);
    const before = Math.floor(test1.clock.now() / 1000);
    const table = await makeTable(test1);
    await test1.call('ModifyRouteRule', {
      RouteTableId: table,
      'RouteRule.0': `x|10.30.0.0/16|instance|${id}|0|to it|add`,
    });
    await test1.call('AssociateRouteTable', { SubnetId: 'subnet-small', RouteTableId: table });
    const { RouteRules, CreateTime, ...told } = (await describeTable(test1, table)) as TableInfo & {
      CreateTime: number;
    };
    assert.ok(CreateTime >= before && CreateTime <= test1.clock.now() / 1000);
    const lab = { VPCId: 'uvnet-lab', VPCName: 'lab' };
    assert.deepEqual(told, {
      RouteTableId: table,
      RouteTableType: 0,
      SubnetCount: 1,
      SubnetIds: ['subnet-small'],
      ...lab,
      Tag: 'Default',
      Remark: '',
    });
    assert.deepEqual(RouteRules.slice(0, 2), system(table));
    const own = RouteRules.at(-1);
    assert.match(own?.RouteRuleId ?? '', /^routerule-[0-9a-z]{12}$/);
    const hop = { DstAddr: '10.30.0.0/16', NexthopType: 'INSTANCE', NexthopId: id, InstanceType: 'UHOST' };
    const ids = { RouteTableId: table, RouteRuleId: own?.RouteRuleId };
    assert.deepEqual(own, { ...of, ...ids, RuleType: 1, ...hop, Remark: 'to it' });
    const brief = await test1.call('DescribeRouteTable', { RouteTableId: table, Brief: 'true' });
    assert.deepEqual((brief.RouteTables as readonly TableInfo[])[0]?.RouteRules, []);
    const { RouteTableId: copy } = await test1.call('CloneRouteTable', { RouteTableId: table });
    const [copied] = await customRules(test1, String(copy));
    assert.match(copied?.RouteRuleId ?? '', /^routerule-[0-9a-z]{12}$/);
  });

  test('a rule to an interface says so', async () => {
    const test1 = await openTestCloud();
    const at = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };
    const { NetworkInterface } = await test1.call('CreateNetworkInterface', at);
    const { InterfaceId } = NetworkInterface as { InterfaceId: string };
    const { id } = await makeMachine(test1);
    await test1.call('AttachNetworkInterface', { InterfaceId, InstanceId: id });
    const table = await makeTable(test1);
    const add = `x|10.30.0.0/16|instance|${InterfaceId}|0||add`;
    assert.equal((await test1.call('ModifyRouteRule', { RouteTableId: table, 'RouteRule.0': add })).RetCode, 0);
    const [rule] = (await customRules(test1, table)) as readonly (RuleInfo & { InstanceType: string })[];
    assert.deepEqual([rule?.NexthopId, rule?.InstanceType], [InterfaceId, 'UNI']);
  });

  test('tables are listed by VPC, by tag and by page, and the default one is told as such', async () => {
    const test1 = await openTestCloud();
    const { VPCId: other } = await test1.call('CreateVPC', { Name: 'other', 'Network.0': '172.20.0.0/16' });
    await makeTable(test1);
    const { RouteTableId: tagged } = await test1.call('CreateRouteTable', { VPCId: 'uvnet-lab', Tag: 'shop' });
    const listed = async (params: Readonly<Record<string, string | number>>) =>
      (await test1.call('DescribeRouteTable', params)).RouteTables as readonly (TableInfo & { RouteTableId: string })[];
    assert.deepEqual(
      (await listed({ BusinessId: 'shop' })).map(({ RouteTableId }) => RouteTableId),
      [tagged],
    );
    assert.equal((await listed({ VPCId: 'uvnet-lab' })).length, 3);
    assert.equal((await listed({ VPCId: 'uvnet-lab', OffSet: 1 })).length, 2);
    assert.equal((await listed({})).length, 4);
    const [{ RouteTableId, ...told }] = (await listed({ VPCId: String(other), Brief: 'true' })) as readonly [
      TableInfo & { RouteTableId: string; CreateTime?: number },
    ];
    delete told.CreateTime;
    assert.equal(RouteTableId, String(other).replace('uvnet', 'routetable'));
    const names = { VPCId: other, VPCName: 'other', Tag: 'Default', Remark: '' };
    assert.deepEqual(told, { RouteTableType: 1, SubnetCount: 0, SubnetIds: [], ...names, RouteRules: [] });
  });

  test('the name, the tag and the remark of a table are changed each by itself', async () => {
    const test1 = await openTestCloud();
    const table = await makeTable(test1);
    const kept = () => {
      const found = test1.cloud.snapshot().routeTables.find(({ id }) => id === table);
      return [found?.name, found?.tag, found?.remark];
    };
    assert.deepEqual(kept(), ['RouteTable', 'Default', '']);
    const change = (params: Readonly<Record<string, string>>) =>
      test1.call('UpdateRouteTableAttribute', { RouteTableId: table, ...params });
    await change({ Name: 'shop' });
    await change({ Tag: 'web' });
    await change({ Remark: 'of the shop' });
    await change({});
    assert.deepEqual(kept(), ['shop', 'web', 'of the shop']);
  });

  test('what a new VPC is followed by is named after it', () => {
    const made = defaultTableOf({ id: 'uvnet-uvnet-1', createdAt: 5 });
    assert.deepEqual(made, {
      id: 'routetable-uvnet-1',
      vpc: 'uvnet-uvnet-1',
      isDefault: true,
      name: 'Default',
      tag: 'Default',
      remark: '',
      createdAt: 5,
      rules: [],
    });
  });

  test('a refusal names what is in the way', async () => {
    const test1 = await openTestCloud();
    const { VPCId } = await test1.call('CreateVPC', { Name: 'other', 'Network.0': '172.20.0.0/16' });
    const refused = async (action: string, params: Readonly<Record<string, string>>) => {
      const { RetCode, Message } = await test1.call(action, params);
      return `${RetCode} ${String(Message)}`;
    };
    const table = await makeTable(test1);
    const { RouteTableId: far } = await test1.call('CreateRouteTable', { VPCId: String(VPCId) });
    assert.equal(await refused('CreateRouteTable', { VPCId: 'uvnet-none' }), '8039 VPC uvnet-none does not exist');
    assert.equal(
      await refused('AssociateRouteTable', { SubnetId: 'subnet-small', RouteTableId: String(far) }),
      `230 Params [SubnetId] not available: subnet-small is in uvnet-lab, the table in ${String(VPCId)}`,
    );
    assert.equal(
      await refused('DeleteRouteTable', { RouteTableId: 'routetable-none' }),
      '8039 route table routetable-none does not exist',
    );
    assert.equal(
      await refused('DeleteRouteTable', { RouteTableId: 'routetable-lab' }),
      "230 Params [RouteTableId] not available: routetable-lab is the default table of uvnet-lab, which can't be changed",
    );
    for (const SubnetId of ['subnet-lab', 'subnet-small'])
      await test1.call('AssociateRouteTable', { SubnetId, RouteTableId: table });
    assert.equal(
      await refused('DeleteRouteTable', { RouteTableId: table }),
      `58119 ${table} is still associated with subnet-lab, subnet-small`,
    );
  });
});
