import { expect, test } from 'vitest';
import { z } from 'zod';
import { Refusal } from '../gateway/refusal.ts';
import { checkRules, readRule, ruleShape } from './sec-group-rule.ts';
import type { SecGroupRuleRecord } from './state.ts';

const asked = {
  Direction: 'Ingress',
  IPRange: '10.0.0.0/8,192.168.50.13',
  Priority: 10,
  ProtocolType: 'TCP',
  DstPort: '80,443-450',
  RuleAction: 'Accept',
  Remark: 'web',
  IPVersion: 'IPv4',
};
const record: SecGroupRuleRecord = {
  id: 'secgrouprule-1',
  direction: 'Ingress',
  peers: '10.0.0.0/8,192.168.50.13',
  priority: 10,
  protocol: 'TCP',
  ports: '80,443-450',
  action: 'Accept',
  remark: 'web',
};
const read = (change: Partial<typeof asked>): SecGroupRuleRecord =>
  readRule({ ...asked, ...change }, 0, 'secgrouprule-1');

test('a rule that leaves out its remark and the version of IP has no remark and is for IPv4', () => {
  const { Remark: _remark, IPVersion: _version, ...rest } = asked;
  const shape = z.strictObject(ruleShape);
  // A parameter is a text.
  expect(shape.parse({ ...rest, Priority: '10' })).toEqual({ ...rest, Remark: '', IPVersion: 'IPv4' });
  expect(shape.parse({ ...asked, Priority: '10' })).toEqual(asked);
});

test.each<[string, Partial<typeof asked>, Partial<SecGroupRuleRecord>]>([
  ['as it was asked for', {}, {}],
  ['the other way', { Direction: 'Egress' }, { direction: 'Egress' }],
  ['that drops', { RuleAction: 'Drop' }, { action: 'Drop' }],
  ['for UDP', { ProtocolType: 'UDP', DstPort: '53' }, { protocol: 'UDP', ports: '53' }],
  ['for TCP on every port', { DstPort: 'ALL' }, { ports: 'ALL' }],
  ['for ICMP', { ProtocolType: 'ICMP', DstPort: 'ALL' }, { protocol: 'ICMP', ports: 'ALL' }],
  ['for everything', { ProtocolType: 'ALL', DstPort: 'ALL' }, { protocol: 'ALL', ports: 'ALL' }],
  ['for the members of a group', { IPRange: 'secgroup-a1' }, { peers: 'secgroup-a1' }],
  ['for one address', { IPRange: '10.9.0.12' }, { peers: '10.9.0.12' }],
  ['of the first priority', { Priority: 1 }, { priority: 1 }],
  ['of the last priority', { Priority: 200 }, { priority: 200 }],
  ['from the first port to the last', { DstPort: '1-65535' }, { ports: '1-65535' }],
  ['for a range of one port', { DstPort: '80-80' }, { ports: '80-80' }],
])('a rule %s', (_, change, expected) => {
  expect(read(change)).toEqual({ ...record, ...expected });
});

const direction = 'Direction is Ingress or Egress';
const action = 'RuleAction is Accept or Drop';
const protocol = 'ProtocolType is TCP, UDP, ICMP, ICMPv6 or ALL';
const priority = 'Priority is a number from 1 to 200';
const peers = 'IPRange is ranges such as 10.0.0.0/8,192.168.0.0/16 or one security group';
const ports = 'DstPort is ports such as 80,443-450 for TCP and UDP, else ALL';
test.each<[keyof typeof asked, string | number | undefined, string]>([
  ['Direction', 'In', direction],
  ['Direction', undefined, direction],
  ['RuleAction', 'Reject', action],
  ['RuleAction', undefined, action],
  ['IPVersion', 'IPv6', 'IPv6 is not simulated'],
  ['ProtocolType', 'ICMPv6', 'IPv6 is not simulated'],
  ['ProtocolType', 'GRE', protocol],
  ['ProtocolType', undefined, protocol],
  ['Priority', 0, priority],
  ['Priority', 201, priority],
  ['Priority', undefined, priority],
  ['IPRange', undefined, peers],
  ['IPRange', 'anywhere', peers],
  ['IPRange', '10.0.0.0/8,anywhere', peers],
  ['IPRange', 'secgroup-', peers],
  ['IPRange', 'secgroup-a,secgroup-b', peers],
  ['IPRange', 'a-secgroup-a', peers],
  ['DstPort', undefined, ports],
  ['DstPort', '', ports],
  ['DstPort', 'http', ports],
  ['DstPort', '0', ports],
  ['DstPort', '65536', ports],
  ['DstPort', '90-80', ports],
  ['DstPort', '80-65536', ports],
  ['DstPort', '80,http', ports],
  ['DstPort', 'a80', ports],
  ['DstPort', '80a', ports],
  ['DstPort', '80-', ports],
])('a rule whose %s is %s is not valid', (name, value, why) => {
  const wrong = { ...asked, [name]: value } as typeof asked;
  expect(() => readRule(wrong, 3, 'secgrouprule-1')).toThrow(new Refusal(208605, `Rule.3 is not valid: ${why}`));
});

test.each(['ICMP', 'ALL'])('a rule for %s has no ports', (ProtocolType) => {
  expect(() => read({ ProtocolType, DstPort: '80' })).toThrow(ports);
});

const rulesOf = (way: 'Ingress' | 'Egress', priorities: readonly number[]): readonly SecGroupRuleRecord[] =>
  priorities.map((priority) => ({ ...record, direction: way, priority }));
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1);

test('a group holds fifty rules each way, and one priority each way once', () => {
  expect(() => checkRules([...rulesOf('Ingress', upTo(50)), ...rulesOf('Egress', upTo(50))])).not.toThrow();
});

test.each(['Ingress', 'Egress'] as const)('the 51st %s rule of a group is one too many', (way) => {
  expect(() => checkRules(rulesOf(way, upTo(51)))).toThrow(new Refusal(4207, `a group has at most 50 ${way} rules`));
});

test.each(['Ingress', 'Egress'] as const)('two %s rules of one priority are refused', (way) => {
  expect(() => checkRules(rulesOf(way, [1, 7, 2, 7]))).toThrow(
    new Refusal(208605, `two ${way} rules of one group have the priority 7`),
  );
});
