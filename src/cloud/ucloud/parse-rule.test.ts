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
  expect(idsOf()).toEqual([]);
});

test('a rule is told with what it is for and what it does', () => {
  const send = {
    Type: 'Forward',
    ForwardConfig: { Targets: [{ Id: 'ars-1', Weight: 9 }, { Id: 'ars-3' }, { Id: 'ars-2' }] },
  };
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
          { backEnd: 'ars-3', weight: 1 },
        ],
      },
    },
    { id: 'rule-last', match: undefined, action: { do: 'answer', status: 404, text: 'no' } },
  ]);
});

test('of host and path a rule has either or both, each told by its type', () => {
  const Host = { Type: 'Host', HostConfig: { MatchMode: 'Regular', Values: ['^a[.]example(:[0-9]+)?$'] } };
  const Path = { Type: 'Path', PathConfig: { Values: ['^/a$'] } };
  const host = { by: 'exact', text: 'a.example' };
  const path = { by: 'exact', text: '/a' };
  for (const [conditions, match] of [
    [[Host], { host }],
    [[Path], { path }],
    [[Host, Path], { host, path }],
    [
      // What does not belong to its type counts for nothing.
      [{ ...Path, HostConfig: { MatchMode: 'Regular', Values: ['^b[.]example(:[0-9]+)?$'] } }, Host],
      { host, path },
    ],
    [[{ Type: 'Host' }, { Type: 'Path' }], {}],
    [[], {}],
  ] as const) {
    const seen = rules.parse({
      Rules: [{ RuleId: 'rule-1', RuleConditions: conditions, RuleActions: [answer] }],
    }).Rules;
    expect(parseRules(seen)).toStrictEqual([
      { id: 'rule-1', match, action: { do: 'answer', status: 404, text: 'no' } },
    ]);
  }
});

test.each([
  ['back ends are left out when there are none', [{ Type: 'Forward' }], { do: 'send', to: [] }],
  [
    'an answer needs no text',
    [{ ...answer, FixedResponseConfig: { HttpCode: 503 } }],
    { do: 'answer', status: 503, text: '' },
  ],
  ['an answer needs a code', [{ Type: 'FixedResponse' }], undefined],
  ['an answer of another type is none', [{ ...answer, Type: 'Cors' }], undefined],
  ['nothing is done', [], undefined],
])('%s', (_title, RuleActions, action) => {
  expect(parseRules(rules.parse({ Rules: [{ ...own('/a'), RuleActions }] }).Rules)[0]?.action).toEqual(action);
});

test('an action that nobody asked for is told as none of ours', () => {
  const header = { Type: 'InsertHeader', InsertHeaderConfig: { Key: 'a', Value: 'b', ValueType: 'UserDefined' } };
  for (const RuleActions of [
    [header, answer],
    [answer, header],
  ])
    expect(parseRules(rules.parse({ Rules: [{ ...own('/a'), RuleActions }] }).Rules)[0]?.action).toBeUndefined();
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
  expect(matchParams({ host: { by: 'exact', text: 'a.example' } })).toEqual({
    'RuleConditions.0.Type': 'Host',
    'RuleConditions.0.HostConfig.MatchMode': 'Regular',
    'RuleConditions.0.HostConfig.Values.0': '^a[.]example(:[0-9]+)?$',
  });
  expect(matchParams({}), 'a rule for everything').toBeUndefined();
  expect(matchParams({ host, path: { by: 'exact', text: 'a' } }), 'half a match').toBeUndefined();
  const path = { by: 'exact', text: '/' } as const;
  expect(matchParams({ host: { by: 'exact', text: 'a b' }, path }), 'the other half').toBeUndefined();
  expect(matchParams({ path: { by: 'exact', text: 'a' } }), 'a path alone').toBeUndefined();
});

test('an answer is said with its code and text', () => {
  expect(actionParams({ do: 'answer', status: 404, text: 'no' })).toEqual({
    'RuleActions.0.Type': 'FixedResponse',
    'RuleActions.0.FixedResponseConfig.HttpCode': 404,
    'RuleActions.0.FixedResponseConfig.Content': 'no',
  });
});

test('weights are said but for the rule that has no match', () => {
  const send = { do: 'send', to: [{ backEnd: 'ars-1', weight: 9 }] } as const;
  const said = { 'RuleActions.0.Type': 'Forward', 'RuleActions.0.ForwardConfig.Targets.0.Id': 'ars-1' };
  expect(actionParams(send)).toEqual({ ...said, 'RuleActions.0.ForwardConfig.Targets.0.Weight': 9 });
  expect(actionParams(send, 'unweighted')).toEqual(said);
});
