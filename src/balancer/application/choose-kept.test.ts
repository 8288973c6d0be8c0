import { expect, test } from 'vitest';
import { type ApplicationListener, type ApplicationRule, matchKey } from '#cloud/application-balancer.ts';
import type { BackEnd } from '#cloud/balancer.ts';
import { seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { askedExample } from '../seen.example.ts';
import { chooseKept, chooseOwners, type OwnersOfRules } from './choose-kept.ts';
import { listenerExample } from './listener.example.ts';
import { type ParsedIngress, parseIngress } from './parse-ingress.ts';
import type { ApplicationWish } from './wish.ts';

const matchOf = (path: string) =>
  ({ host: { by: 'exact', text: 'shop' }, path: { by: 'prefix', text: path } }) as const;
const keyOf = (path: string): string => matchKey(matchOf(path));
const pod = (last: number): BackEnd => ({
  address: ip(`10.9.0.${last}`),
  vpc: 'vpc-1',
  subnet: 'subnet-1',
  port: 8080,
});
const node: BackEnd = { machine: 'uhost-a', port: 30_080 };

type Action = ApplicationRule['action'];
const answer: Action = { do: 'answer', status: 404, text: 'nobody' };
/** To back ends by their place among those of the port. */
const sendTo = (to: readonly number[]): Action => ({
  do: 'send',
  to: to.map((one) => ({ backEnd: `target-${one}`, weight: 1 })),
});

/** A port whose rules are for these paths, each with what it does. */
function listener(
  all: readonly BackEnd[],
  rules: Readonly<Record<string, Action>>,
  last: Action = answer,
): ApplicationListener {
  return listenerExample({
    backEnds: all.map((one, at) => ({ ...one, id: `target-${at}`, healthy: true })),
    rules: [
      ...Object.entries(rules).map(([path, action], at) => ({ id: `rule-${at}`, match: matchOf(path), action })),
      { id: 'rule-last', match: undefined, action: last },
    ],
  });
}

function ingress(paths: Readonly<Record<string, string>>): ParsedIngress {
  return parseIngress({
    metadata: { name: 'any' },
    spec: {
      rules: [
        {
          host: 'shop',
          http: {
            paths: Object.entries(paths).map(([path, name]) => ({
              pathType: 'Prefix',
              path,
              backend: { service: { name, port: { number: 80 } } },
            })),
          },
        },
      ],
    },
  });
}

/** A group that wishes this path on port 80. */
function wishFor(path: string): ApplicationWish {
  return {
    ...askedExample,
    layer: 'application',
    listeners: [
      {
        protocol: 'HTTP',
        port: 80,
        scheduler: 'round-robin',
        idleTimeout: seconds(60),
        sticky: { by: 'nothing' },
        check: { by: 'connection' },
        redirectTo: undefined,
        certificates: [],
        routes: [{ of: 'shop/other', service: 'web', match: matchOf(path), action: { do: 'send', to: [node] } }],
        last: { do: 'answer', status: 404, text: 'nobody' },
      },
    ],
  };
}

const nothing = { wish: undefined, kept: new Map() } as const;
const owned = (of: string, service: string) => ({ of, backend: { service, port: 80 } });
/** Pods of the Service `web` are 10.9.0.7 now. */
const now = {
  targetsOf: (of: string, { service }: { readonly service: string }) =>
    of === 'shop/web' && service === 'web' ? [pod(7)] : [],
  isPod: (address: string) => address === '10.9.0.5',
};

test('a path that an Ingress no longer has while it cannot be understood follows the pods of its Service', () => {
  const there = [listener([pod(3), pod(4)], { '/old': sendTo([0, 1]) })];
  const owners: OwnersOfRules = new Map([[keyOf('/old'), owned('shop/web', 'web')]]);
  expect(chooseKept(there, { ...nothing, refused: new Set(['shop/web']) }, owners, now)).toEqual({
    actions: new Map([[keyOf('/old'), { do: 'send', to: [pod(7)] }]]),
    left: new Set(),
  });
});

test('a path that another Ingress of the group gave up goes, although one cannot be understood', () => {
  const there = [listener([pod(3)], { '/old': sendTo([0]) })];
  const owners: OwnersOfRules = new Map([[keyOf('/old'), owned('shop/other', 'web')]]);
  expect(chooseKept(there, { ...nothing, refused: new Set(['shop/web']) }, owners, now)).toEqual({
    actions: new Map(),
    left: new Set([keyOf('/old')]),
  });
});

test('of a rule that nobody knows nodes go on, and a pod only while some Service has it: its address may be another’s', () => {
  const others = [pod(6), { ...node, machine: 'uhost-b' }];
  const there = [listener([node, pod(5), ...others], { '/old': sendTo([0, 1, 2]) })];
  const { actions } = chooseKept(there, { ...nothing, refused: new Set(['shop/web']) }, new Map(), now);
  expect([...actions]).toMatchObject([[keyOf('/old'), { do: 'send', to: [node, pod(5)] }]]);
});

test('a rule that nobody knows and that sends to nobody we know of is not followed', () => {
  const there = [listener([pod(5)], { '/answer': answer, '/strange': undefined }, sendTo([0]))];
  expect(chooseKept(there, { ...nothing, refused: new Set(['shop/web']) }, new Map(), now)).toEqual({
    actions: new Map(),
    left: new Set(),
  });
});

test('what is wished, or kept for a path that the Ingress still has, is not judged here', () => {
  const there = [listener([pod(5)], { '/kept': sendTo([0]), '/wished': sendTo([0]) })];
  const kept = new Map([[keyOf('/kept'), { do: 'send', to: [pod(9)] } as const]]);
  expect(chooseKept(there, { wish: wishFor('/wished'), kept, refused: new Set(['shop/web']) }, new Map(), now)).toEqual(
    {
      actions: new Map(),
      left: new Set(),
    },
  );
});

test('whose a rule is is seen while its Ingress can be understood, and remembered as long as the rule is there', () => {
  const there = [listener([pod(3)], { '/old': sendTo([0]) })];
  const first = chooseOwners(new Map(), there, new Map([['shop/web', ingress({ '/old': 'web' })]]), new Set());
  expect([...first]).toEqual([[keyOf('/old'), owned('shop/web', 'web')]]);
  const changed = new Map([['shop/web', ingress({ '/new': 'web' })]]);
  const second = chooseOwners(first, there, changed, new Set(['shop/web']));
  expect([...second]).toEqual([...first]);
  expect([...chooseOwners(second, [listener([], {})], changed, new Set(['shop/web']))]).toEqual([]);
});
