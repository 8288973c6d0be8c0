import { expect, test } from 'vitest';
import { chooseRule } from '#lab/fabric/balancer/choose-rule.ts';
import { openFastCloud } from '#lab/ucloud/test-balancer.ts';
import { account } from '#lab/ucloud/test-cloud.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import type { ApplicationListening, RuleMatch, RuleWish } from '../../../src/cloud/application-balancer.ts';
import { valueOf } from '../../../src/cloud/contract/case.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

const within = seconds(30);
const exact = { by: 'exact', text: 'shop.example' } as const;
const wildcard = { by: 'wildcard', text: '*.shop.example' } as const;
const prefix = (text: string) => ({ by: 'prefix', text }) as const;

/** From the rule that is to be tried last, each with the status that tells that it was chosen. */
const wanted: readonly (readonly [RuleMatch, number])[] = [
  [{ path: prefix('/') }, 200],
  [{ path: prefix('/any') }, 201],
  [{ host: wildcard, path: prefix('/') }, 202],
  [{ host: exact, path: prefix('/') }, 203],
  [{ host: exact, path: prefix('/a') }, 204],
  [{ host: exact, path: { by: 'exact', text: '/a/b.c' } }, 205],
  [{ host: exact, path: { by: 'regex', text: '^/img/.*[.]jpg$' } }, 206],
];

const requests: readonly (readonly [string, string, number])[] = [
  ['shop.example', '/', 203],
  ['shop.example', '/a', 204],
  ['shop.example', '/a/', 204],
  ['shop.example', '/ab', 203],
  ['shop.example', '/a/b.c', 205],
  ['shop.example', '/a/bxc', 204],
  ['shop.example', '/img/x/y.jpg', 206],
  ['shop.example:8080', '/a', 204],
  ['SHOP.example', '/a', 204],
  ['www.shop.example', '/a', 202],
  ['a.b.shop.example', '/a', 200],
  ['shop-example', '/any/thing', 201],
  ['10.9.0.2', '/anything', 200],
];

test('requests are for the rules that were meant, as the simulated balancer reads them', async () => {
  const lab = await openFastCloud();
  const { region, zone, publicKey, privateKey, project } = account;
  const at = { endpoint: lab.url, region, zone, project: project.id, publicKey, privateKey };
  const { applicationBalancers } = connectUcloud({ ...at, poll: ms(20) });
  const place = { vpc: 'uvnet-lab', subnet: 'subnet-lab', charge: 'hour', quantity: 1 } as const;
  const owned = { mark: 'shop', owner: 'uid-1' };
  const { id } = await valueOf(
    'creating',
    applicationBalancers.create({ ...owned, ...place, name: 'shop' }, { within }),
  );
  const listening: ApplicationListening = {
    protocol: 'HTTP',
    port: 80,
    redirectTo: undefined,
    scheduler: 'round-robin',
    idleTimeout: minutes(1),
    sticky: { by: 'nothing' },
    check: { by: 'connection' },
  };
  const listener = await valueOf('opening', applicationBalancers.listen(id, { ...listening, ...owned }, { within }));
  for (const [match, status] of wanted) {
    const wish: RuleWish = { match, action: { do: 'answer', status, text: '' } };
    await valueOf('routing', applicationBalancers.route(id, listener.id, wish, { within }));
  }
  const rules = await waitFor(
    'the balancer to have all rules',
    async () => {
      const seen = lab.world.answering.get(id)?.listeners[0]?.rules ?? [];
      if (seen.length <= wanted.length) throw new Error(`${seen.length} rules`);
      return seen;
    },
    { within, every: ms(20) },
  );
  const chosen = requests.map(([host, path]) => {
    const last = chooseRule(rules, { host, path })?.last;
    return [host, path, last?.type === 'FixedResponse' ? last.code : undefined];
  });
  expect(chosen).toEqual(requests);
});
