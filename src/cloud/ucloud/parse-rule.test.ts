import { expect, test } from 'vitest';
import { actionParams, matchParams, parseRules } from './parse-rule.ts';
import { rules } from './wire/shapes.ts';

const answer = { Type: 'FixedResponse', FixedResponseConfig: { HttpCode: 404, Content: 'no' } };
const own = (path: string) => ({
  RuleId: `rule${path}`,
  RuleConditions: [{ Type: 'Path', HostConfig: {}, PathConfig: { Values: [`^${path}(/.*)?$`] } }],
  RuleActions: [answer],
});
const last = { RuleId: 'rule-last', IsDefault: true, RuleConditions: [], RuleActions: [answer] };

function idsOf(...seen: readonly object[]): readonly string[] {
  return parseRules(rules.parse({ Rules: seen }).Rules).map(({ id }) => id);
}

test('the rule that was added last is the first, whichever end of the list is the old one', () => {
  const newestFirst = ['rule/c', 'rule/b', 'rule/a', 'rule-last'];
  expect(idsOf(last, own('/a'), own('/b'), own('/c'))).toEqual(newestFirst);
  expect(idsOf(own('/c'), own('/b'), own('/a'), last)).toEqual(newestFirst);
  expect(idsOf(last)).toEqual(['rule-last']);
});

test('a rule is told with what it is for and what it does', () => {
  const send = { Type: 'Forward', ForwardConfig: { Targets: [{ Id: 'ars-2' }, { Id: 'ars-1', Weight: 9 }] } };
  const seen = rules.parse({ Rules: [last, { ...own('/a'), RuleActions: [send] }] }).Rules;
  expect(parseRules(seen)).toEqual([
    {
      id: 'rule/a',
      match: { path: { by: 'prefix', text: '/a' } },
      action: {
        do: 'send',
        to: [
          { backEnd: 'ars-1', weight: 9 },
          { backEnd: 'ars-2', weight: 1 },
        ],
      },
    },
    { id: 'rule-last', match: undefined, action: { do: 'answer', status: 404, text: 'no' } },
  ]);
});

test('an action that nobody asked for is told as none of ours', () => {
  const header = { Type: 'InsertHeader', InsertHeaderConfig: { Key: 'a', Value: 'b', ValueType: 'UserDefined' } };
  const seen = rules.parse({ Rules: [{ ...own('/a'), RuleActions: [header, answer] }] }).Rules;
  expect(parseRules(seen)).toMatchObject([{ id: 'rule/a', action: undefined }]);
});

test('a rule has one host and one path, both as expressions', () => {
  const host = { by: 'wildcard', text: '*.shop.example' } as const;
  expect(matchParams({ host, path: { by: 'prefix', text: '/a' } })).toEqual({
    'RuleConditions.0.Type': 'Host',
    'RuleConditions.0.HostConfig.MatchMode': 'Regular',
    'RuleConditions.0.HostConfig.Values.0': '^[^.]+[.]shop[.]example(:[0-9]+)?$',
    'RuleConditions.1.Type': 'Path',
    'RuleConditions.1.PathConfig.Values.0': '^/a(/.*)?$',
  });
  expect(matchParams({ path: { by: 'exact', text: '/' } })).toEqual({
    'RuleConditions.0.Type': 'Path',
    'RuleConditions.0.PathConfig.Values.0': '^/$',
  });
  expect(matchParams({}), 'a rule for everything').toBeUndefined();
  expect(matchParams({ host, path: { by: 'exact', text: 'a' } }), 'half a match').toBeUndefined();
});

test('weights are said but for the rule that has no match', () => {
  const send = { do: 'send', to: [{ backEnd: 'ars-1', weight: 9 }] } as const;
  const said = { 'RuleActions.0.Type': 'Forward', 'RuleActions.0.ForwardConfig.Targets.0.Id': 'ars-1' };
  expect(actionParams(send)).toEqual({ ...said, 'RuleActions.0.ForwardConfig.Targets.0.Weight': 9 });
  expect(actionParams(send, 'unweighted')).toEqual(said);
});
