import { expect, test } from 'vitest';
import type { ApplicationRule, RuleAction } from '#cloud/application-balancer.ts';
import type { BackEnd, CloudBackEnd } from '#cloud/balancer.ts';
import { ip } from '#unit/ip.ts';
import { listenerExample } from './listener.example.ts';
import { backEndsIn, idsInRules, planRoutes, type RouteStep } from './plan-routes.ts';
import type { RouteAction } from './wish.ts';

const node = (name: string): BackEnd => ({ machine: `uhost-${name}`, port: 30_080 });
const pod = (name: string): BackEnd => ({
  address: ip(`10.9.0.${name.charCodeAt(0)}`),
  vpc: 'vpc-1',
  subnet: 'subnet-1',
  port: 8080,
});
const seen = (id: string, is: BackEnd, healthy?: boolean): CloudBackEnd => ({ ...is, id, healthy });
const send = (...to: readonly BackEnd[]): RouteAction => ({ do: 'send', to });
const sends = (...ids: readonly string[]): RuleAction => ({
  do: 'send',
  to: ids.map((backEnd) => ({ backEnd, weight: 1 })),
});
const nobody = { do: 'answer', status: 404, text: 'nobody' } as const;

const everyPath = { host: undefined, path: undefined };
const path = (action: RuleAction | undefined): ApplicationRule => ({ id: 'r-1', match: everyPath, action });
const last = (action: RuleAction | undefined): ApplicationRule => ({ id: 'r-0', match: undefined, action });

function planned(backEnds: readonly CloudBackEnd[], now: RuleAction | undefined, wanted: RouteAction): object {
  const there = listenerExample({ backEnds, rules: [path(now), last(nobody)] });
  const route = { of: undefined, match: everyPath, action: wanted };
  return planRoutes(there, { routes: [route], last: nobody }, () => false) ?? { do: 'nothing' };
}
const to = (...ids: readonly string[]): RouteStep => ({ do: 'reroute', rule: 'r-1', wish: { action: sends(...ids) } });
const nothing = { do: 'nothing' };

test.each<[string, readonly CloudBackEnd[], RuleAction | undefined, RouteAction, object]>([
  [
    'in whatever order they are',
    [seen('a', node('a')), seen('b', node('b'))],
    sends('b', 'a'),
    send(node('a'), node('b')),
    nothing,
  ],
  [
    'with the weights that they should have',
    [seen('a', node('a'))],
    { do: 'send', to: [{ backEnd: 'a', weight: 7 }] },
    send(node('a')),
    to('a'),
  ],
  [
    'of two that are the same, the first alone',
    [seen('a-1', node('a')), seen('a-2', node('a'))],
    sends('a-2'),
    send(node('a')),
    to('a-1'),
  ],
  ['only those that the listener has', [seen('a', node('a'))], sends('a'), send(node('a'), node('b')), nothing],
  ['instead of an answer', [seen('a', node('a'))], nobody, send(node('a')), to('a')],
  ['instead of what we never ask for', [seen('a', node('a'))], undefined, send(node('a')), to('a')],
  [
    'no more, but answers',
    [seen('a', node('a'))],
    sends('a'),
    nobody,
    { do: 'reroute', rule: 'r-1', wish: { action: nobody } },
  ],
  [
    'no more, but answers otherwise',
    [],
    { ...nobody, text: 'closed' },
    nobody,
    { do: 'reroute', rule: 'r-1', wish: { action: nobody } },
  ],
  ['and answers as it should', [], nobody, nobody, nothing],
  ['nobody at once when nobody is wanted', [seen('a', node('a'), true)], sends('a'), send(), to()],
  [
    'the nodes before, too, while none of the new ones is well',
    [seen('a', node('a')), seen('b', node('b'), false), seen('c', node('c'))],
    sends('a', 'b'),
    send(node('c')),
    to('a', 'c'),
  ],
  [
    'no node that it did not before',
    [seen('a', node('a'), true), seen('b', node('b'), true), seen('c', node('c'))],
    sends('a'),
    send(node('c')),
    to('a', 'c'),
  ],
  [
    'the new nodes alone when one of them is well',
    [seen('a', node('a'), true), seen('c', node('c'), true)],
    sends('a'),
    send(node('c')),
    to('c'),
  ],
  [
    'new nodes alone only when one of them is well, and not another one',
    [seen('a', node('a'), true), seen('c', node('c'), false)],
    sends('a'),
    send(node('c')),
    to('a', 'c'),
  ],
  [
    'pods that nodes follow, while none of those is well',
    [seen('p', pod('p'), true), seen('a', node('a'))],
    sends('p'),
    send(node('a')),
    to('a', 'p'),
  ],
  [
    'nodes that pods follow, though the checks of the nodes fail',
    [seen('a', node('a'), false), seen('p', pod('p'))],
    sends('a'),
    send(pod('p')),
    to('a', 'p'),
  ],
  [
    'no pod that other pods follow: its address may be that of another soon',
    [seen('p', pod('p'), true), seen('q', pod('q'))],
    sends('p'),
    send(pod('q')),
    to('q'),
  ],
])('a rule sends to back ends: %s', (_title, backEnds, now, wanted, expected) => {
  expect(planned(backEnds, now, wanted)).toEqual(expected);
});

test('the last rule stays as it is when nothing is known of it, or when it is not there', () => {
  const routes = { routes: [], last: undefined };
  expect(planRoutes(listenerExample({ rules: [last(sends('a'))] }), routes, () => false)).toBeUndefined();
  expect(planRoutes(listenerExample(), { ...routes, last: nobody }, () => false)).toBeUndefined();
});

test('what rules need, and what they send to now, is told once each', () => {
  const actions = [send(node('a'), node('b')), nobody, send(node('b'), pod('p'))];
  expect(backEndsIn(actions)).toEqual([node('a'), node('b'), pod('p')]);
  const rules = [path(sends('a', 'b')), path(nobody), path(undefined), last(sends('b', 'c'))];
  expect(idsInRules(listenerExample({ rules }))).toEqual(new Set(['a', 'b', 'c']));
});
