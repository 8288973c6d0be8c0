import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ApplicationListener,
  type ApplicationRule,
  matchKey,
  type RuleAction,
  type RuleMatch,
  type RuleWish,
} from '#cloud/application-balancer.ts';
import { backEndKey } from '#cloud/balancer.ts';
import { listenerExample } from './listener.example.ts';
import { byPrecedence, overlaps } from './match.ts';
import { planRoutes, type RouteStep } from './plan-routes.ts';
import type { RouteAction, WishedRoute } from './wish.ts';

const backEnds = ['a', 'b', 'c', 'd'].map((name, at) => ({
  id: `target-${name}`,
  machine: `uhost-${name}`,
  port: 30_000 + at,
  healthy: true,
}));
const to = (...names: readonly string[]): RouteAction => ({
  do: 'send',
  to: names.map((name) => ({ machine: `uhost-${name}`, port: 30_000 + 'abcd'.indexOf(name) })),
});
const sends = (...names: readonly string[]): RuleAction => ({
  do: 'send',
  to: names.map((name) => ({ backEnd: `target-${name}`, weight: 1 })),
});
const none: RouteAction = { do: 'answer', status: 404, text: 'nobody' };

function match(text: string): RuleMatch {
  const [, host = '', path = '/'] = /^([^/]*)(\/.*)$/.exec(text) ?? [];
  return {
    host: host === '' ? undefined : { by: host.startsWith('*') ? 'wildcard' : 'exact', text: host },
    path: path.startsWith('/=') ? { by: 'exact', text: path.replace('=', '') } : { by: 'prefix', text: path },
  };
}

const route = (text: string, ...names: readonly string[]): WishedRoute => ({
  of: undefined,
  match: match(text),
  action: to(...names),
});
const rule = (id: string, text: string | undefined, action: RuleAction): ApplicationRule => ({
  id,
  match: text === undefined ? undefined : match(text),
  action,
});

const last = rule('rule-0', undefined, none);
const step = (rules: readonly ApplicationRule[], routes: readonly WishedRoute[], keeps = false) =>
  planRoutes(listenerExample({ backEnds, rules: [...rules, last] }), { routes, last: none }, () => keeps);

test.each<[string, readonly ApplicationRule[], readonly WishedRoute[], RouteStep | undefined]>([
  ['nothing is there', [], [route('shop/', 'a')], { do: 'route', wish: { match: match('shop/'), action: sends('a') } }],
  ['all is there', [rule('r-1', 'shop/', sends('a'))], [route('shop/', 'a')], undefined],
  [
    'the rule that is tried last is made first',
    [],
    [route('shop/', 'a'), route('shop/cart', 'b'), route('*.shop/', 'c')],
    { do: 'route', wish: { match: match('*.shop/'), action: sends('c') } },
  ],
  [
    'other back ends',
    [rule('r-1', 'shop/', sends('a'))],
    [route('shop/', 'a', 'b')],
    { do: 'reroute', rule: 'r-1', wish: { action: sends('a', 'b') } },
  ],
  [
    'a rule too many goes last',
    [rule('r-2', 'shop/old', sends('b')), rule('r-1', 'shop/', sends('a'))],
    [route('shop/', 'a')],
    { do: 'unroute', rule: 'r-2' },
  ],
  [
    'a more general path takes the place of the special one, which is made anew before it',
    [rule('r-1', 'shop/cart', sends('b'))],
    [route('shop/', 'a'), route('shop/cart', 'b')],
    { do: 'reroute', rule: 'r-1', wish: { match: match('shop/'), action: sends('a') } },
  ],
  [
    'a path between two takes the place of the special one, which is before the general one',
    [rule('r-1', 'shop/a/b', sends('b')), rule('r-2', 'shop/', sends('a'))],
    [route('shop/', 'a'), route('shop/a', 'c'), route('shop/a/b', 'b')],
    { do: 'reroute', rule: 'r-1', wish: { match: match('shop/a'), action: sends('c') } },
  ],
  [
    'a path between two takes no place behind the general one, where nobody would come to it',
    [rule('r-1', 'shop/', sends('a')), rule('r-2', 'shop/a/b', sends('b'))],
    [route('shop/', 'a'), route('shop/a', 'c'), route('shop/a/b', 'b')],
    { do: 'route', wish: { match: match('shop/a'), action: sends('c') } },
  ],
  [
    'a path takes a place behind a host that shares no request with it',
    [rule('r-1', 'web/', sends('c')), rule('r-2', 'shop/cart', sends('b'))],
    [route('web/', 'c'), route('shop/', 'a'), route('shop/cart', 'b')],
    { do: 'reroute', rule: 'r-2', wish: { match: match('shop/'), action: sends('a') } },
  ],
  [
    'rules of hosts that share no request can stand in any order',
    [rule('r-1', 'web/', sends('b')), rule('r-2', 'shop/', sends('a'))],
    [route('shop/', 'a'), route('web/', 'b')],
    undefined,
  ],
  [
    'a general path that was made too late is made anew as little as its special one is',
    [rule('r-2', 'shop/', sends('a')), rule('r-1', 'shop/cart', sends('b'))],
    [route('shop/', 'a'), route('shop/cart', 'b')],
    { do: 'unroute', rule: 'r-1' },
  ],
])('%s', (_title, rules, routes, wanted) => {
  expect(step(rules, routes)).toEqual(wanted);
});

test('the last rule is put right before any other: nobody may get what no Ingress is for', () => {
  const everybody = rule('rule-0', undefined, sends('a', 'b'));
  expect(
    planRoutes(
      listenerExample({ backEnds, rules: [everybody] }),
      { routes: [route('shop/', 'a')], last: none },
      () => false,
    ),
  ).toEqual({
    do: 'reroute',
    rule: 'rule-0',
    wish: { action: none },
  });
});

test('rules that nobody wants stay while somebody who may want them cannot be understood', () => {
  const rules = [rule('r-1', 'shop/', sends('a'))];
  expect(step(rules, [])).toEqual({ do: 'unroute', rule: 'r-1' });
  expect(step(rules, [], true)).toBeUndefined();
});

test('nodes serve on until one of the pods that follow them is well', () => {
  const pod = { address: '10.9.0.7', vpc: 'vpc-1', subnet: 'subnet-1', port: 8080 } as never;
  const wished = {
    routes: [{ of: undefined, match: match('shop/'), action: { do: 'send', to: [pod] } as RouteAction }],
    last: none,
  };
  const at = (healthy: boolean | undefined): ApplicationListener => ({
    ...listenerExample({ backEnds, rules: [rule('r-1', 'shop/', sends('a')), last] }),
    backEnds: [...backEnds, { ...(pod as object), id: 'target-p', healthy } as never],
  });
  const both = { do: 'send', to: ['target-a', 'target-p'].map((backEnd) => ({ backEnd, weight: 1 })) };
  expect(planRoutes(at(undefined), wished, () => false)).toMatchObject({ wish: { action: both } });
  expect(planRoutes(at(true), wished, () => false)).toMatchObject({
    wish: { action: { do: 'send', to: [{ backEnd: 'target-p' }] } },
  });
});

/** What the cloud does with a step. */
function applied(rules: readonly ApplicationRule[], one: RouteStep, serial: number): readonly ApplicationRule[] {
  switch (one.do) {
    case 'route':
      expect(rules.map((other) => keyOf(other))).not.toContain(matchKey(one.wish.match));
      return [{ id: `new-${serial}`, ...one.wish }, ...rules];
    case 'unroute':
      return rules.filter(({ id }) => id !== one.rule);
    case 'reroute':
      return rules.map((other) => (other.id === one.rule ? { ...other, ...(one.wish as RuleWish) } : other));
  }
}

function keyOf({ match: of }: ApplicationRule): string {
  return of === undefined ? 'last' : matchKey(of);
}

const hosts = ['', 'shop.example', 'web.example', '*.example', 'a.shop.example', '*.shop.example'];
const paths = ['/', '/a', '/a/b', '/ab', '/=a', '/=a/b', '/=x'];
const someRoute = fc
  .record({
    host: fc.constantFrom(...hosts),
    path: fc.constantFrom(...paths),
    names: fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }),
  })
  .map(({ host, path, names }) => route(`${host}${path}`, ...names));
const someRoutes = fc.uniqueArray(someRoute, { maxLength: 10, selector: (one) => matchKey(one.match) });

test('from any rules any others are reached, and then each request meets the rule that is meant for it', () => {
  fc.assert(
    fc.property(someRoutes, someRoutes, fc.array(fc.nat(9), { maxLength: 10 }), (before, wanted, shuffle) => {
      let rules: readonly ApplicationRule[] = [
        ...before
          .map((one, at) => ({ id: `old-${at}`, match: one.match, action: sends('a') }))
          .toSorted((a, b) => (shuffle[Number(a.id.slice(4))] ?? 0) - (shuffle[Number(b.id.slice(4))] ?? 0)),
        last,
      ];
      const routes = wanted.toSorted((a, b) => byPrecedence(a.match, b.match));
      let taken = 0;
      for (;;) {
        const next = planRoutes(listenerExample({ backEnds, rules: rules }), { routes, last: none }, () => false);
        if (next === undefined) break;
        rules = applied(rules, next, taken);
        expect(++taken).toBeLessThan(60);
      }
      expect(rules.map(keyOf).toSorted()).toEqual([...routes.map((one) => matchKey(one.match)), 'last'].toSorted());
      const places = new Map(rules.map((one, at) => [keyOf(one), at]));
      routes.forEach((one, index) => {
        for (const two of routes.slice(index + 1))
          if (overlaps(one.match, two.match))
            expect(places.get(matchKey(one.match))).toBeLessThan(places.get(matchKey(two.match)) ?? 0);
        const found = rules[places.get(matchKey(one.match)) ?? 0];
        const names = one.action.do === 'send' ? one.action.to.map(backEndKey) : [];
        expect(found?.action).toMatchObject({ to: names.map(() => ({ weight: 1 })) });
      });
    }),
    { numRuns: 500 },
  );
});
