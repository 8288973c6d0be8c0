import assert from 'node:assert/strict';
import { beforeAll, expect, test } from 'vitest';
import { Refusal } from '../gateway/refusal.ts';
import { makeMachine, startTestCloud } from '../test-cloud.ts';
import { modifyRules } from './route-rule.ts';
import type { RouteRuleRecord, RouteTableRecord } from './state.ts';

const example = 'write routerule-1|10.30.0.0/16|instance|uhost-1|0|remark|add';
const region = 'cn-bj2';
let state: Parameters<typeof modifyRules>[2]['state'];
/** A machine's id. */
let hop: string;

beforeAll(async () => {
  const cloud = await startTestCloud();
  await cloud.call('CreateVPC', { Name: 'other', 'Network.0': '172.20.0.0/16' });
  hop = (await makeMachine(cloud)).id;
  state = cloud.cloud.snapshot();
  await cloud.close();
});

function tableWith(rules: readonly RouteRuleRecord[], vpc = 'uvnet-lab'): RouteTableRecord {
  return { id: 'routetable-1', vpc, isDefault: false, name: '', tag: '', remark: '', createdAt: 0, rules };
}

function rule(id: string, destination: string): RouteRuleRecord {
  return { id, destination, hop, remark: '' };
}

function refusalOf(asked: readonly string[], table: RouteTableRecord): string {
  try {
    modifyRules(table, asked, { state, region });
  } catch (e) {
    if (e instanceof Refusal) return `${e.code} ${e.message}`;
    throw e;
  }
  return 'accepted';
}

test('rules are added at the end under ids of their own, changed in their place, and deleted alone', () => {
  const table = tableWith([rule('routerule-a', '10.30.0.0/16'), rule('routerule-b', '10.31.0.0/16')]);
  const ask = (...asked: string[]) => modifyRules(table, asked, { state, region });
  const [, , added] = ask(`routerule-a|10.32.0.0/16|Instance|${hop}|0|a remark|add`);
  assert.match(added?.id ?? '', /^routerule-[0-9a-z]{12}$/);
  assert.deepEqual(added, { id: added?.id, destination: '10.32.0.0/16', hop, remark: 'a remark' });
  assert.deepEqual(ask(`routerule-a|10.40.0.0/16|instance|${hop}|0|moved|update`), [
    { id: 'routerule-a', destination: '10.40.0.0/16', hop, remark: 'moved' },
    rule('routerule-b', '10.31.0.0/16'),
  ]);
  assert.deepEqual(ask(`routerule-b|10.31.0.0/16|instance|${hop}|0||update`), table.rules);
  assert.deepEqual(ask('routerule-a||||0||delete'), [rule('routerule-b', '10.31.0.0/16')]);
  assert.deepEqual(
    ask('routerule-a||||0||delete', `x|10.30.0.0/16|instance|${hop}|0||add`).map(({ destination }) => destination),
    ['10.31.0.0/16', '10.30.0.0/16'],
  );
});

test('the range of another VPC is taken by no route of the system', () => {
  const table = tableWith([]);
  assert.equal(refusalOf([`x|172.20.0.0/16|instance|${hop}|0||add`], table), 'accepted');
});

test('a table holds 50 rules of its own', () => {
  const add = (count: number) => Array.from({ length: count }, (_, n) => `x|10.30.${n}.0/24|instance|${hop}|0||add`);
  assert.equal(modifyRules(tableWith([]), add(50), { state, region }).length, 50);
  assert.equal(refusalOf(add(51), tableWith([])), '4207 a route table has at most 50 rules of its own');
});

test.each([
  [
    '10.30.0.0/16',
    `230 Params [RouteRule.0] not available: "10.30.0.0/16" has not the seven parts of a rule; ${example}`,
  ],
  [
    'x|10.33.0.0/16|instance|HOP|0||add|more',
    `230 Params [RouteRule.0] not available: "x|10.33.0.0/16|instance|HOP|0||add|more" has not the seven parts of a rule; ${example}`,
  ],
  [
    '|10.33.0.0/16|instance|HOP|0||add',
    `230 Params [RouteRule.0] not available: "|10.33.0.0/16|instance|HOP|0||add" has not the seven parts of a rule; ${example}`,
  ],
  [
    'x|10.33.0.0/16|instance|HOP|5||add',
    `230 Params [RouteRule.0] not available: the priority is reserved and must be 0; ${example}`,
  ],
  [
    'x|10.33.0.0/16|instance|HOP|0||insert',
    `230 Params [RouteRule.0] not available: "insert" is none of add, update and delete; ${example}`,
  ],
  [
    'x|10.33.0.1/16|instance|HOP|0||add',
    `230 Params [RouteRule.0] not available: "10.33.0.1/16" is no range; ${example}`,
  ],
  [
    'x|10.33.0.0/16|gateway|HOP|0||add',
    `230 Params [RouteRule.0] not available: the next hop is of type instance or vip; ${example}`,
  ],
  ['x|10.33.0.0/16|VIP|vip-1|0||add', '8039 VIP vip-1 does not exist'],
  ['x|10.33.0.0/16|instance|uhost-none|0||add', '8039 instance uhost-none does not exist'],
  // With the id of the rule that is there: it is another rule all the same.
  ['routerule-a|10.30.0.0/16|instance|HOP|0||add', '5022 there is a rule for 10.30.0.0/16 already'],
  ['routerule-b|10.30.0.0/16|instance|HOP|0||update', '5022 there is a rule for 10.30.0.0/16 already'],
  ['x|10.9.0.0/16|instance|HOP|0||add', '5022 there is a rule for 10.9.0.0/16 already'],
  ['routerule-c|10.33.0.0/16|instance|HOP|0||update', '8039 route table routetable-1 has no rule routerule-c'],
  ['routerule-c|10.33.0.0/16|instance|HOP|0||delete', '8039 route table routetable-1 has no rule routerule-c'],
])('%s is refused', (asked, refusal) => {
  const table = tableWith([rule('routerule-a', '10.30.0.0/16'), rule('routerule-b', '10.31.0.0/16')]);
  expect(refusalOf([asked.replace('HOP', hop)], table)).toBe(refusal.replace('HOP', hop));
});

test('the fault is told of the rule that has it, and a next hop must be in the VPC of the table', () => {
  const good = `x|10.33.0.0/16|instance|${hop}|0||add`;
  assert.match(refusalOf([good, 'none'], tableWith([])), /^230 Params \[RouteRule\.1\]/);
  assert.equal(
    refusalOf([good], tableWith([], 'uvnet-other')),
    `230 Params [RouteRule.0] not available: ${hop} is in uvnet-lab, the table in uvnet-other`,
  );
});
