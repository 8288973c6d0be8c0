import { expect } from 'vitest';
import { minutes, seconds } from '#unit/clock.ts';
import type {
  ApplicationBalancer,
  ApplicationListener,
  ApplicationListening,
  RuleMatch,
  RuleWish,
} from '../application-balancer.ts';
import { anyBalancerCases, type Layer, makeBalancer, owned, proxyCases, shown } from './any-balancer.contract.ts';
import { type Cases, type CaseWorld, kindOf, runningMachine, valueOf, within } from './case.ts';

export const layer7: Layer<ApplicationListening, ApplicationListener> = {
  of: ({ applicationBalancers }) => applicationBalancers,
  listening: (port) => ({
    protocol: 'HTTP',
    port,
    redirectTo: undefined,
    scheduler: 'round-robin',
    idleTimeout: minutes(1),
    sticky: { by: 'nothing' },
    check: { by: 'connection' },
  }),
};

/** A balancer with one listener. */
async function opened(world: CaseWorld): Promise<{ readonly id: string; readonly listener: string }> {
  const { id } = await makeBalancer(layer7, world);
  const wish = { ...layer7.listening(80), ...owned };
  const { id: listener } = await valueOf('', world.cloud.applicationBalancers.listen(id, wish, { within }));
  await shown(layer7, world, id, 'its last rule', ({ listeners: [one] }) => one?.rules.length === 1);
  return { id, listener };
}

/** A certificate for each host, kept for the same owner. */
async function kept(world: CaseWorld, ...hosts: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const host of hosts) {
    const content = await world.certificate(host);
    ids.push((await valueOf('', world.cloud.certificates.keep({ ...content, ...owned }, { within }))).id);
  }
  return ids;
}

function secure(port: number, certificates: readonly string[]): ApplicationListening & typeof owned {
  const { scheduler, idleTimeout, sticky, check } = layer7.listening(port);
  const [first = '', ...others] = certificates;
  return { protocol: 'HTTPS', port, scheduler, idleTimeout, sticky, check, certificates: [first, ...others], ...owned };
}

function certificatesOf({ listeners: [listener] }: ApplicationBalancer): readonly string[] {
  return listener?.certificates ?? [];
}

const path = (text: string): RuleMatch => ({ path: { by: 'prefix', text } });
const answering = (match: RuleMatch, status = 404): RuleWish => ({
  match,
  action: { do: 'answer', status, text: 'no' },
});

const matches: readonly RuleMatch[] = [
  { host: { by: 'exact', text: 'shop.example' } },
  { host: { by: 'wildcard', text: '*.shop.example' }, path: { by: 'prefix', text: '/' } },
  { host: { by: 'regex', text: '^www[.][12][.]example$' } },
  { host: { by: 'exact', text: 'a.example' }, path: { by: 'exact', text: '/a.html' } },
  path('/a/b'),
  { path: { by: 'regex', text: '^/img/.*[.]jpg$' } },
];

/** What a provider owes for balancers of layer 7. */
export const applicationBalancerCases: Cases = {
  ...anyBalancerCases(layer7),
  ...proxyCases(layer7),

  async 'a listener is changed in everything but its port, and back'(world) {
    const { applicationBalancers } = world.cloud;
    const { id, listener } = await opened(world);
    const usual = layer7.listening(80);
    const other: ApplicationListening = {
      ...usual,
      scheduler: 'weighted-round-robin',
      idleTimeout: seconds(90),
      sticky: { by: 'cookie', name: 'session' },
      check: { by: 'http', method: 'GET', path: '/healthz', host: 'shop.example' },
    };
    const head = { by: 'http', method: 'HEAD', path: '/', host: 'a.example' } as const;
    for (const wish of [other, { ...other, sticky: { by: 'own-cookie' }, check: head } as const, usual]) {
      await valueOf('', applicationBalancers.change(id, listener, wish, { within }));
      const { sticky } = wish;
      const seen = await shown(layer7, world, id, `sticky by ${sticky.by}`, ({ listeners: [one] }) => {
        return one?.sticky?.by === sticky.by;
      });
      expect(seen.listeners).toMatchObject([{ ...owned, ...wish }]);
    }
  },

  async 'an HTTPS listener has a default certificate and others, and both are changed'(world) {
    const { applicationBalancers } = world.cloud;
    const [a = '', b = '', c = ''] = await kept(world, 'a.example', 'b.example', 'c.example');
    const { id } = await makeBalancer(layer7, world);
    const made = await valueOf('', applicationBalancers.listen(id, secure(443, [a, b]), { within }));
    const becomes = async (...wanted: readonly string[]) => {
      await shown(
        layer7,
        world,
        id,
        `certificates ${wanted.join(' ')}`,
        (one) => certificatesOf(one).join(' ') === wanted.join(' '),
      );
    };
    // What a lost answer left is adopted as it is, and then says so.
    expect([[a, b], [a]]).toContainEqual(made.certificates);
    for (const wanted of [[a, b], [b, c].toSorted(), [c, a], [a], [a, ...[b, c].toSorted()]]) {
      await valueOf('', applicationBalancers.change(id, made.id, secure(443, wanted), { within }));
      await becomes(...wanted);
    }
  },

  async 'an HTTP port sends to an HTTPS port, and no longer when that is closed'(world) {
    const { applicationBalancers } = world.cloud;
    const certificates = await kept(world, 'a.example');
    const { id, listener } = await opened(world);
    const tls = await valueOf('', applicationBalancers.listen(id, secure(8443, certificates), { within }));
    const redirect = { ...layer7.listening(80), protocol: 'HTTP', redirectTo: 8443 } as const;
    await valueOf('', applicationBalancers.change(id, listener, redirect, { within }));
    await shown(layer7, world, id, 'a redirect', ({ listeners }) => listeners[0]?.redirectTo === 8443);
    expect(await kindOf(applicationBalancers.unlisten(id, tls.id, { within }))).toBe('ok');
    const left = await shown(layer7, world, id, 'one listener', ({ listeners }) => listeners.length === 1);
    expect(left.listeners[0]).toMatchObject({ id: listener, redirectTo: undefined });
  },

  async 'a certificate that a listener has is not removed before the listener is'(world) {
    const { applicationBalancers, certificates } = world.cloud;
    const [one = ''] = await kept(world, 'a.example');
    const { id } = await makeBalancer(layer7, world);
    await valueOf('', applicationBalancers.listen(id, secure(443, [one]), { within }));
    expect(await kindOf(certificates.remove(one, 'shop', { within }))).toBe('inUse');
    expect(await valueOf('', certificates.list('shop', { within }))).toMatchObject([{ id: one, isUsed: true }]);
    await shown(layer7, world, id, 'listed', () => true);
    await valueOf('', applicationBalancers.remove(id, 'shop', { within }));
    expect(await kindOf(certificates.remove(one, 'shop', { within }))).toBe('ok');
  },

  async 'a new rule is tried before those that are there, and the last rule has no match'(world) {
    const { applicationBalancers } = world.cloud;
    const { id, listener } = await opened(world);
    for (const match of matches)
      await valueOf('', applicationBalancers.route(id, listener, answering(match), { within }));
    const seen = await shown(layer7, world, id, 'all rules', ({ listeners: [one] }) => {
      return one?.rules.length === matches.length + 1;
    });
    const rules = seen.listeners[0]?.rules ?? [];
    expect(rules.map(({ match }) => match)).toEqual([...matches.toReversed(), undefined]);
    expect(rules[0]?.action).toEqual({ do: 'answer', status: 404, text: 'no' });
  },

  async 'a rule made again for one match is one, also when its answer was lost'(world) {
    const { applicationBalancers } = world.cloud;
    const { id, listener } = await opened(world);
    world.trouble('answersLost');
    const wish = answering(path('/a'));
    const asked = await world.once.applicationBalancers.route(id, listener, wish, { within });
    if (!asked.ok) expect(asked.failure.kind).toBe('unknown');
    world.trouble(undefined);
    const { parts } = await world.ledger();
    const made = parts.filter(({ of }) => of === listener).length;
    await shown(layer7, world, id, 'what was made', ({ listeners: [one] }) => one?.rules.length === made + 1);
    const rule = await valueOf('', applicationBalancers.route(id, listener, wish, { within }));
    expect(asked.ok ? asked.value.id : rule.id).toBe(rule.id);
    const twice = [1, 2].map(() => applicationBalancers.route(id, listener, answering(path('/b')), { within }));
    const both = await Promise.all(twice.map((one) => valueOf('', one)));
    expect(new Set(both.map((one) => one.id)).size).toBe(1);
  },

  async 'a rule is changed where it stands, and removed twice'(world) {
    const { applicationBalancers } = world.cloud;
    const { id, listener } = await opened(world);
    const first = await valueOf('', applicationBalancers.route(id, listener, answering(path('/a')), { within }));
    const second = await valueOf('', applicationBalancers.route(id, listener, answering(path('/b')), { within }));
    const other = answering({ host: { by: 'exact', text: 'shop.example' } }, 503);
    await valueOf('', applicationBalancers.reroute(id, listener, first.id, other, { within }));
    const changed = await shown(layer7, world, id, 'the change', ({ listeners: [one] }) => {
      return one?.rules[1]?.match?.host !== undefined;
    });
    const rules = changed.listeners[0]?.rules ?? [];
    expect(rules.slice(0, 2)).toEqual([{ ...second }, { id: first.id, ...other }]);
    for (let time = 0; time < 2; time++)
      expect(await kindOf(applicationBalancers.unroute(id, listener, first.id, { within }))).toBe('ok');
    await shown(layer7, world, id, 'two rules', ({ listeners: [one] }) => one?.rules.length === 2);
  },

  async 'what no rule is for goes where the last rule says'(world) {
    const { applicationBalancers } = world.cloud;
    const { id: machine } = await runningMachine(world);
    const { id, listener } = await opened(world);
    const wanted = [1, 2].map((at) => ({ machine, port: 30_000 + at }));
    const added = await valueOf('', applicationBalancers.add(id, listener, wanted, { within }));
    const seen = await shown(layer7, world, id, 'its last rule', ({ listeners: [one] }) => one?.rules.length === 1);
    const last = seen.listeners[0]?.rules[0]?.id ?? '';
    const to = [{ backEnd: added[1]?.id ?? '', weight: 1 }];
    for (const action of [{ do: 'answer', status: 404, text: 'no' } as const, { do: 'send', to } as const]) {
      await valueOf('', applicationBalancers.reroute(id, listener, last, { action }, { within }));
      await shown(layer7, world, id, action.do, ({ listeners: [one] }) => {
        return JSON.stringify(one?.rules[0]?.action) === JSON.stringify(action);
      });
    }
  },

  async 'a rule sends to back ends with weights, and one that is taken out leaves the rules'(world) {
    const { applicationBalancers } = world.cloud;
    const { id: machine } = await runningMachine(world);
    const { id, listener } = await opened(world);
    const wanted = [1, 2].map((at) => ({ machine, port: 30_000 + at }));
    const added = await valueOf('', applicationBalancers.add(id, listener, wanted, { within }));
    const to = added
      .map((one, at) => ({ backEnd: one.id, weight: 10 * (at + 1) }))
      .toSorted((a, b) => (a.backEnd < b.backEnd ? -1 : 1));
    for (const text of ['/a', '/b'])
      await valueOf(
        '',
        applicationBalancers.route(id, listener, { match: path(text), action: { do: 'send', to } }, { within }),
      );
    const both = await shown(layer7, world, id, 'two rules', ({ listeners: [one] }) => one?.rules.length === 3);
    expect(both.listeners[0]?.rules[0]?.action).toEqual({ do: 'send', to });
    const [leaving] = to;
    for (let time = 0; time < 2; time++)
      expect(await kindOf(applicationBalancers.drop(id, listener, [leaving?.backEnd ?? ''], { within }))).toBe('ok');
    const seen = await shown(layer7, world, id, 'one back end', ({ listeners: [one] }) => one?.backEnds.length === 1);
    for (const rule of seen.listeners[0]?.rules.slice(0, 2) ?? [])
      expect(rule.action).toEqual({ do: 'send', to: to.slice(1) });
  },

  async 'a rule for what no rule can say, and one to a back end that is gone, are refused'(world) {
    const { applicationBalancers } = world.cloud;
    const { id, listener } = await opened(world);
    const strange = answering({ path: { by: 'exact', text: '/a b' } });
    expect(await kindOf(applicationBalancers.route(id, listener, strange, { within }))).toBe('invalid');
    const to = [{ backEnd: 'none', weight: 1 }];
    const gone = applicationBalancers.route(
      id,
      listener,
      { match: path('/a'), action: { do: 'send', to } },
      { within },
    );
    expect(await kindOf(gone)).toBe('gone');
  },
};
