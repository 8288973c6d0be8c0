import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { makeMachine, openTestCloud, type TestCloud, until, waitForState } from '../test-cloud.ts';
import { chooseFirewall } from './firewall.ts';
import type { FirewallRecord } from './state.ts';

const rule = 'TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh';

async function makeFirewall({ call }: TestCloud, Name: string, Rule = rule): Promise<string> {
  return String((await call('CreateFirewall', { Name, 'Rule.0': Rule })).FWId);
}

async function firewallsOf(test1: TestCloud, machine: string): Promise<readonly unknown[]> {
  const { DataSet } = await test1.call('DescribeFirewall', { ResourceId: machine });
  return (DataSet as readonly { Name: string }[]).map(({ Name }) => Name);
}

test('a firewall is listed as it was made, and anew after its rules were changed', async () => {
  const test1 = await openTestCloud();
  const FWId = await makeFirewall(test1, 'edge');
  const described = async (): Promise<unknown> => (await test1.call('DescribeFirewall', { FWId })).DataSet;
  const form = {
    FWId,
    GroupId: FWId,
    Name: 'edge',
    Tag: 'Default',
    Remark: '',
    ResourceCount: 0,
    CreateTime: expect.closeTo(Date.now() / 1000, -2) as number,
    Type: 'user defined',
    Rule: [
      {
        ProtocolType: 'TCP',
        DstPort: '22',
        SrcIP: '0.0.0.0/0',
        RuleAction: 'ACCEPT',
        Priority: 'HIGH',
        Remark: 'ssh',
      },
    ],
  };
  expect(await described()).toEqual([form]);
  assert.equal((await test1.call('UpdateFirewall', { FWId, 'Rule.0': 'ICMP||10.0.0.0/8|DROP|LOW' })).RetCode, 0);
  expect(await described()).toEqual([
    {
      ...form,
      Rule: [
        {
          ProtocolType: 'ICMP',
          DstPort: '',
          SrcIP: '10.0.0.0/8',
          RuleAction: 'DROP',
          Priority: 'LOW',
          Remark: '',
        },
      ],
    },
  ]);
});

test('name, tag and remark are changed one by one, and a change of none of them is refused', async () => {
  const test1 = await openTestCloud();
  const FWId = await makeFirewall(test1, 'edge');
  const change = async (change: Record<string, string>): Promise<unknown> => {
    const answer = await test1.call('UpdateFirewallAttribute', { FWId, ...change });
    return answer.RetCode === 0 ? undefined : answer.Message;
  };
  const described = async (): Promise<unknown> => {
    const { DataSet } = await test1.call('DescribeFirewall', { FWId });
    return (DataSet as readonly { Name: string; Tag: string; Remark: string }[]).map((one) => [
      one.Name,
      one.Tag,
      one.Remark,
    ]);
  };
  expect(await change({ Name: 'gate' })).toBeUndefined();
  expect(await described()).toEqual([['gate', 'Default', '']]);
  expect(await change({ Tag: 'shop' })).toBeUndefined();
  expect(await change({ Remark: 'of the shop' })).toBeUndefined();
  expect(await described()).toEqual([['gate', 'shop', 'of the shop']]);
  expect(await change({})).toContain('Name');
  expect(await described()).toEqual([['gate', 'shop', 'of the shop']]);
});

test('rules that are wrong change nothing, and the answer names which of them is', async () => {
  const test1 = await openTestCloud();
  const FWId = await makeFirewall(test1, 'edge');
  const answer = await test1.call('UpdateFirewall', { FWId, 'Rule.0': rule, 'Rule.1': 'TCP' });
  assert.notEqual(answer.RetCode, 0);
  expect(answer.Message).toContain('Rule.1');
  const { DataSet } = await test1.call('DescribeFirewall', { FWId });
  expect(DataSet).toMatchObject([{ Rule: [{ DstPort: '22' }] }]);
  assert.equal((await test1.call('UpdateFirewall', { FWId, 'Rule.0': rule })).FWId, FWId);
});

test('a machine that asks for no firewall gets the one that is recommended for the web', async () => {
  const test1 = await openTestCloud();
  const { id } = await makeMachine(test1);
  const { DataSet } = await test1.call('DescribeFirewall', { ResourceId: id });
  expect(DataSet).toMatchObject([{ Type: 'recommend web', ResourceCount: 1 }]);
  expect((await test1.call('DescribeFirewall', { ResourceId: 'uhost-none' })).DataSet).toEqual([]);
});

test('the firewall that is recommended for the web is found wherever it stands among others', () => {
  const firewall = (id: string, type: FirewallRecord['type']): FirewallRecord => ({
    id,
    type,
    name: id,
    tag: 'Default',
    remark: '',
    rules: [rule],
    createdAt: 0,
    machines: [],
  });
  const web = firewall('firewall-2', 'recommend web');
  const state = { firewalls: [firewall('firewall-1', 'user defined'), web], eips: [] };
  expect(chooseFirewall(undefined, state)).toBe(web);
});

test('a machine has one firewall: the second that it is granted takes the place of the first', async () => {
  const test1 = await openTestCloud();
  const [first, second] = [await makeFirewall(test1, 'first'), await makeFirewall(test1, 'second')];
  const [one, two] = [await makeMachine(test1), await makeMachine(test1)];
  const grant = (FWId: string, ResourceId: string) =>
    test1.call('GrantFirewall', { FWId, ResourceType: 'UHost', ResourceId });
  assert.equal((await grant(first, one.id)).RetCode, 0);
  assert.equal((await grant(first, two.id)).RetCode, 0);
  assert.equal((await grant(second, one.id)).RetCode, 0);
  expect([await firewallsOf(test1, one.id), await firewallsOf(test1, two.id)]).toEqual([['second'], ['first']]);
  const holders = await test1.call('DescribeFirewallResource', { FWId: first });
  expect(holders).toMatchObject({
    TotalCount: 1,
    ResourceSet: [
      {
        ResourceID: two.id,
        ResourceType: 'uhost',
        Name: 'web-1',
        PrivateIP: two.ip,
        Tag: 'isthmus-shop',
        Remark: '',
        Status: 0,
        SubResourceId: '',
        SubResourceName: '',
        SubResourceType: '',
      },
    ],
  });
});

test('a firewall can go once no machine has it, and a machine that was destroyed has none', async () => {
  const test1 = await openTestCloud();
  const FWId = await makeFirewall(test1, 'edge');
  const { id } = await makeMachine(test1, { SecurityGroupId: FWId });
  const used = expect.stringContaining(`firewall ${FWId} is still used`) as string;
  expect(await test1.call('DeleteFirewall', { FWId })).toMatchObject({ RetCode: 4361, Message: used });
  await test1.call('PoweroffUHostInstance', { UHostId: id });
  await waitForState(test1, id, 'Stopped');
  await test1.call('TerminateUHostInstance', { UHostId: id });
  await until('the machine to be gone', () => test1.cloud.objects().machines.every((one) => one.id !== id));
  expect((await test1.call('DescribeFirewall', { FWId })).DataSet).toMatchObject([{ ResourceCount: 0 }]);
  assert.equal((await test1.call('DeleteFirewall', { FWId })).RetCode, 0);
  assert.equal((await test1.call('DescribeFirewall', { FWId })).RetCode, 54002);
});

test('a firewall that does not exist is 54002 on a read and 4600 on a change', async () => {
  const test1 = await openTestCloud();
  const FWId = 'firewall-none';
  const { id } = await makeMachine(test1);
  const codes: unknown[] = [];
  for (const [action, params] of [
    ['DescribeFirewall', {}],
    ['DescribeFirewallResource', {}],
    ['UpdateFirewall', { 'Rule.0': rule }],
    ['GrantFirewall', { ResourceType: 'uhost', ResourceId: id }],
    ['DeleteFirewall', {}],
  ] as const) {
    const { RetCode, Message } = await test1.call(action, { FWId, ...params });
    codes.push([action, RetCode, Message]);
  }
  const told = expect.stringContaining('firewall firewall-none does not exist') as string;
  expect(codes).toEqual([
    ['DescribeFirewall', 54002, told],
    ['DescribeFirewallResource', 4600, told],
    ['UpdateFirewall', 4600, told],
    ['GrantFirewall', 4600, told],
    ['DeleteFirewall', 4600, told],
  ]);
});

test('only machines are granted a firewall here', async () => {
  const test1 = await openTestCloud();
  const FWId = await makeFirewall(test1, 'edge');
  const answer = await test1.call('GrantFirewall', { FWId, ResourceType: 'ulb', ResourceId: 'ulb-1' });
  expect(answer).toMatchObject({
    RetCode: 230,
    Message: expect.stringMatching(/ResourceType.*only uhost is simulated/) as string,
  });
});

test.each([
  ['SCTP|22|0.0.0.0/0|ACCEPT|HIGH|', 'the protocol is TCP, UDP, ICMP or GRE'],
  ['XTCP|22|0.0.0.0/0|ACCEPT|HIGH|', 'the protocol is TCP, UDP, ICMP or GRE'],
  ['TCPX|22|0.0.0.0/0|ACCEPT|HIGH|', 'the protocol is TCP, UDP, ICMP or GRE'],
  ['TCP|ssh|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|a22|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|22-|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|0|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|80-22|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|22-65536|0.0.0.0/0|ACCEPT|HIGH|', 'the port is a number from 1 to 65535 or a range of them'],
  ['TCP|22|0.0.0.0/33|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/ 8|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/8 |ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/x8|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/8x|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/8/8|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|anywhere|ACCEPT|HIGH|', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22|0.0.0.0/0|REJECT|HIGH|', 'the action is ACCEPT or DROP'],
  ['TCP|22|0.0.0.0/0|XDROP|HIGH|', 'the action is ACCEPT or DROP'],
  ['TCP|22|0.0.0.0/0|ACCEPTX|HIGH|', 'the action is ACCEPT or DROP'],
  ['TCP|22|0.0.0.0/0|ACCEPT|URGENT|', 'the priority is HIGH, MEDIUM or LOW'],
  ['TCP|22|0.0.0.0/0|ACCEPT|XHIGH|', 'the priority is HIGH, MEDIUM or LOW'],
  ['TCP|22|0.0.0.0/0|ACCEPT|LOWX|', 'the priority is HIGH, MEDIUM or LOW'],
  ['TCP', 'the source is an address or a range such as 0.0.0.0/0'],
  ['TCP|22', 'the source is an address or a range such as 0.0.0.0/0'],
])('the rule "%s" is refused: %s', async (wrong, why) => {
  const test1 = await openTestCloud();
  const answer = await test1.call('CreateFirewall', { Name: 'edge', 'Rule.0': rule, 'Rule.1': wrong });
  expect(answer.Message).toContain(`"${wrong}": ${why}; write TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh`);
  assert.notEqual(answer.RetCode, 0);
  // Those that an account has from the beginning, and no other.
  assert.equal((await test1.call('DescribeFirewall')).TotalCount, 2);
});

test.each([
  'TCP|1-65535|10.9.0.0/16|DROP|MEDIUM|',
  'UDP|53|0.0.0.0/0|ACCEPT|LOW|dns',
  'GRE||10.9.0.12/32|ACCEPT|HIGH|',
  'TCP|22|10.9.0.12|ACCEPT|HIGH|',
  'TCP|65535|0.0.0.0/32|ACCEPT|HIGH|',
])('the rule "%s" is taken', async (good) => {
  const test1 = await openTestCloud();
  assert.equal((await test1.call('CreateFirewall', { Name: 'edge', 'Rule.0': good })).RetCode, 0);
});
