import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { cidr } from '#unit/ip.ts';
import { makeMachine, openTestCloud, type TestCloud, until, waitForState } from '../test-cloud.ts';

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
