import { expect, test } from 'vitest';
import { minutes, seconds } from '#unit/clock.ts';
import type { ApplicationListening, RuleWish } from '../../../src/cloud/application-balancer.ts';
import type { BalancerWish } from '../../../src/cloud/balancer.ts';
import { digestOf } from '../../../src/cloud/certificate.ts';
import type { Owned } from '../../../src/cloud/owned.ts';
import { type Parameters, type Reply, refusal, success } from './scripted-api.ts';
import { closeScriptedClouds, scriptedCloud } from './scripted-cloud.ts';

closeScriptedClouds();

const owned: Owned = { mark: 'shop', owner: 'uid-1' };
const wish: BalancerWish = {
  ...owned,
  name: 'shop.default.web',
  vpc: 'uvnet-1',
  subnet: 'subnet-1',
  charge: 'hour',
  quantity: 1,
};
const answering = {
  port: 443,
  scheduler: 'round-robin',
  idleTimeout: minutes(1),
  sticky: { by: 'nothing' },
  check: { by: 'connection' },
} as const;
const secure: ApplicationListening = { ...answering, protocol: 'HTTPS', certificates: ['ssl-1', 'ssl-2', 'ssl-3'] };
const opts = { within: seconds(20) };
const lastRule = { RuleId: 'rule-0', IsDefault: true, RuleActions: [{ Type: 'Forward' }] };

function listed(set: string, ...entries: Record<string, unknown>[]): Reply {
  return { json: { RetCode: 0, TotalCount: entries.length, [set]: entries } };
}

function valuesOf(call: Parameters | undefined, prefix: string): readonly string[] {
  return Object.entries(call ?? {}).flatMap(([key, value]) => (key.startsWith(prefix) ? [value] : []));
}

test('a balancer is of layer 7, and how it is paid is always said', async () => {
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeLoadBalancers: () => listed('LoadBalancers'),
    CreateLoadBalancer: () => ({ json: { RetCode: 0, LoadBalancerId: 'alb-1' } }),
  });
  await applicationBalancers.create(wish, opts);
  await applicationBalancers.create({ ...wish, owner: 'uid-2', charge: 'year', quantity: 2 }, opts);
  const asked = sent('CreateLoadBalancer').map((call) => ['Type', 'ChargeType', 'Quantity', 'Tag'].map((k) => call[k]));
  expect(asked).toEqual([
    ['Application', 'Dynamic', undefined, 'isthmus-shop'],
    ['Application', 'Year', '2', 'isthmus-shop'],
  ]);
  // What is in all of them is not asked for before one is made, and of the new one everything is.
  const looks = sent('DescribeLoadBalancers').slice(0, 2);
  expect(looks.map(({ Type, ShowDetail }) => [Type, ShowDetail])).toEqual([
    ['Application', 'false'],
    ['Application', 'true'],
  ]);
});

test('a balancer whose create was lost is found by mark and owner and asked for once, and a foreign one stays', async () => {
  const ours = { LoadBalancerId: 'alb-1', Tag: 'isthmus-shop', Remark: 'isthmus/uid-1' };
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeLoadBalancers: (turn) =>
      turn < 3
        ? listed('LoadBalancers', { ...ours, LoadBalancerId: 'alb-2', Tag: 'Default' })
        : listed('LoadBalancers', { ...ours, LoadBalancerId: 'alb-2', Tag: 'Default' }, ours),
    CreateLoadBalancer: () => 'cut',
  });
  expect(await applicationBalancers.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'alb-1' } });
  expect(sent('CreateLoadBalancer')).toHaveLength(1);
  expect(await applicationBalancers.remove('alb-2', 'shop', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect(sent('DeleteLoadBalancer')).toEqual([]);
});

test('a listener is made with one certificate, and the others are bound to it', async () => {
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeListeners: () => listed('Listeners'),
    CreateListener: () => ({ json: { RetCode: 0, ListenerId: 'als-1' } }),
    DescribeRules: () => listed('Rules', lastRule),
  });
  expect(await applicationBalancers.listen('alb-1', { ...secure, ...owned }, opts)).toMatchObject({ ok: true });
  expect(valuesOf(sent('CreateListener')[0], 'Certificates.')).toEqual(['ssl-1']);
  expect(valuesOf(sent('AddSSLBinding')[0], 'SSLIds.')).toEqual(['ssl-2', 'ssl-3']);
  expect(sent('CreateListener')[0]).toMatchObject({
    ListenerPort: '443',
    ListenerProtocol: 'HTTPS',
    IdleTimeout: '60',
    'StickinessConfig.Enabled': 'false',
    'HealthCheckConfig.Type': 'Port',
    Remark: 'isthmus-shop/uid-1',
  });
});

test('a listener is told with its last rule, which the cloud lists a little later: nobody is to get what no rule is for', async () => {
  const last = { RuleId: 'rule-1', IsDefault: true, RuleConditions: [], RuleActions: [{ Type: 'Forward' }] };
  const { applicationBalancers } = await scriptedCloud({
    DescribeListeners: () => listed('Listeners'),
    CreateListener: () => ({ json: { RetCode: 0, ListenerId: 'als-1' } }),
    DescribeRules: (turn) => listed('Rules', ...(turn < 3 ? [] : [last])),
  });
  expect(await applicationBalancers.listen('alb-1', { ...secure, ...owned }, opts)).toMatchObject({
    ok: true,
    value: { rules: [{ id: 'rule-1', match: undefined, action: { do: 'send', to: [] } }] },
  });
});

test('a listener that a lost answer has left is told with its last rule too, and keeps the rules that it has', async () => {
  const rule = (RuleId: string, IsDefault: boolean) => ({
    RuleId,
    IsDefault,
    RuleConditions: IsDefault ? [] : [{ Type: 'Path', PathConfig: { Values: ['^/a(/.*)?$'] } }],
    RuleActions: [{ Type: 'Forward' }],
  });
  const there = {
    ListenerId: 'als-1',
    ListenerPort: 443,
    ListenerProtocol: 'HTTPS',
    Remark: 'isthmus-shop/uid-1',
    Rules: [rule('rule-2', false)],
  };
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeListeners: () => listed('Listeners', there),
    DescribeRules: (turn) => listed('Rules', rule('rule-2', false), ...(turn < 3 ? [] : [rule('rule-1', true)])),
  });
  expect(await applicationBalancers.listen('alb-1', { ...secure, ...owned }, opts)).toMatchObject({
    ok: true,
    value: { id: 'als-1', rules: [{ id: 'rule-2' }, { id: 'rule-1', match: undefined }] },
  });
  expect(sent('CreateListener')).toEqual([]);
});

test('a further certificate becomes the default one only after it was unbound, and the old default is bound after that', async () => {
  const seen = ['ssl-9', 'ssl-1', 'ssl-2'].map((SSLId, at) => ({ SSLId, IsDefault: at === 0 }));
  const listener = { ListenerId: 'als-1', ListenerPort: 443, ListenerProtocol: 'HTTPS', Certificates: seen };
  const order: string[] = [];
  const note =
    (what: string): ((turn: number, call: Parameters) => Reply) =>
    (_turn, call) => {
      order.push([what, ...valuesOf(call, 'SSLIds.'), ...valuesOf(call, 'Certificates.')].join(' '));
      return success;
    };
  const { applicationBalancers } = await scriptedCloud({
    DescribeListeners: () => listed('Listeners', listener),
    DeleteSSLBinding: note('unbind'),
    UpdateListenerAttribute: note('default'),
    AddSSLBinding: note('bind'),
  });
  const wanted: ApplicationListening = { ...secure, certificates: ['ssl-1', 'ssl-2', 'ssl-9'] };
  expect(await applicationBalancers.change('alb-1', 'als-1', wanted, opts)).toMatchObject({ ok: true });
  expect(order).toEqual(['unbind ssl-1', 'default ssl-1', 'bind ssl-9']);
});

test('a certificate that is bound no longer does not keep another one from being unbound', async () => {
  const seen = ['ssl-1', 'ssl-2', 'ssl-3'].map((SSLId, at) => ({ SSLId, IsDefault: at === 0 }));
  const listener = { ListenerId: 'als-1', ListenerPort: 443, ListenerProtocol: 'HTTPS', Certificates: seen };
  const unbound: string[] = [];
  const { applicationBalancers } = await scriptedCloud({
    DescribeListeners: () => listed('Listeners', listener),
    DeleteSSLBinding(_turn, call) {
      const ids = valuesOf(call, 'SSLIds.');
      if (ids.includes('ssl-2')) return refusal(4210);
      unbound.push(...ids);
      return success;
    },
  });
  const wanted: ApplicationListening = { ...secure, certificates: ['ssl-1'] };
  expect(await applicationBalancers.change('alb-1', 'als-1', wanted, opts)).toMatchObject({ ok: true });
  expect(unbound).toEqual(['ssl-3']);
});

test('a certificate that is refused as bound is success only when a look has shown it there', async () => {
  const listener = (...further: string[]) => {
    const Certificates = ['ssl-1', ...further].map((SSLId, at) => ({ SSLId, IsDefault: at === 0 }));
    return listed('Listeners', { ListenerId: 'als-1', ListenerPort: 443, ListenerProtocol: 'HTTPS', Certificates });
  };
  const wanted: ApplicationListening = { ...answering, protocol: 'HTTPS', certificates: ['ssl-1', 'ssl-2'] };
  const late = await scriptedCloud({
    DescribeListeners: (turn) => (turn < 3 ? listener() : listener('ssl-2')),
    AddSSLBinding: () => refusal(4108),
  });
  expect(await late.applicationBalancers.change('alb-1', 'als-1', wanted, opts)).toMatchObject({ ok: true });
  const never = await scriptedCloud({ DescribeListeners: () => listener(), AddSSLBinding: () => refusal(4108) });
  expect(await never.applicationBalancers.change('alb-1', 'als-1', wanted, opts)).toMatchObject({
    failure: { kind: 'inUse' },
  });
});

test('a port is closed although others redirect to it, and a port that redirects says where to', async () => {
  const { applicationBalancers, sent } = await scriptedCloud({ DescribeListeners: () => listed('Listeners') });
  await applicationBalancers.unlisten('alb-1', 'als-1', opts);
  expect(sent('DeleteListener')[0]).toMatchObject({ RelatedRedirectDisabled: 'true' });
  const plain = { ...answering, port: 80, protocol: 'HTTP' } as const;
  await applicationBalancers.change('alb-1', 'als-1', { ...plain, redirectTo: 8443 }, opts);
  await applicationBalancers.change('alb-1', 'als-1', { ...plain, redirectTo: undefined }, opts);
  const asked = sent('UpdateListenerAttribute').map(({ RedirectEnabled, RedirectPort }) => [
    RedirectEnabled,
    RedirectPort,
  ]);
  expect(asked).toEqual([
    ['true', '8443'],
    ['false', undefined],
  ]);
});

test('a rule never hands its requests to the next one, and one whose create was lost is asked for once', async () => {
  const Path = { Type: 'Path', PathConfig: { Values: ['^/a(/.*)?$'] } };
  const rule = { RuleId: 'rule-1', RuleConditions: [Path], RuleActions: [{ Type: 'Forward' }] };
  const last = { RuleId: 'rule-0', IsDefault: true, RuleActions: [{ Type: 'Forward' }] };
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeRules: (turn) => listed('Rules', last, ...(turn < 3 ? [] : [rule])),
    CreateRule: () => 'cut',
  });
  const routed = await applicationBalancers.route(
    'alb-1',
    'als-1',
    { match: { path: { by: 'prefix', text: '/a/' } }, action: { do: 'send', to: [] } },
    opts,
  );
  expect(routed).toMatchObject({ ok: true, value: { id: 'rule-1' } });
  expect(sent('CreateRule')).toHaveLength(1);
  expect(sent('CreateRule')[0]).toMatchObject({ Pass: 'false', 'RuleActions.0.Type': 'Forward' });
});

test('what was removed is not taken for what is wanted next, although the lists still show it', async () => {
  const Path = { Type: 'Path', PathConfig: { Values: ['^/a(/.*)?$'] } };
  const content = { chain: 'chain', key: 'key' };
  const { applicationBalancers, certificates, sent } = await scriptedCloud({
    DescribeLoadBalancers: () =>
      listed('LoadBalancers', { LoadBalancerId: 'alb-1', Tag: 'isthmus-shop', Remark: 'isthmus/uid-1' }),
    DescribeListeners: () =>
      listed('Listeners', {
        ListenerId: 'als-1',
        ListenerPort: 443,
        ListenerProtocol: 'HTTP',
        Remark: 'isthmus-shop/uid-1',
      }),
    DescribeRules: () =>
      listed('Rules', { RuleId: 'rule-1', RuleConditions: [Path], RuleActions: [{ Type: 'Forward' }] }, lastRule),
    DescribeSSLV2: () =>
      listed('DataSet', { SSLId: 'ssl-1', SSLName: `isthmus-shop.uid-1.${digestOf(content)}`, Relations: [] }),
    CreateLoadBalancer: () => ({ json: { RetCode: 0, LoadBalancerId: 'alb-2' } }),
    CreateListener: () => ({ json: { RetCode: 0, ListenerId: 'als-2' } }),
    CreateRule: () => ({ json: { RetCode: 0, RuleId: 'rule-2' } }),
    CreateSSL: () => ({ json: { RetCode: 0, SSLId: 'ssl-2' } }),
  });
  const rule: RuleWish = { match: { path: { by: 'prefix', text: '/a' } }, action: { do: 'send', to: [] } };
  const make = async () => [
    await applicationBalancers.create(wish, opts),
    await applicationBalancers.listen('alb-1', { ...secure, ...owned }, opts),
    await applicationBalancers.route('alb-1', 'als-1', rule, opts),
    await certificates.keep({ ...content, ...owned }, opts),
  ];
  expect(await make()).toMatchObject(['alb-1', 'als-1', 'rule-1', 'ssl-1'].map((id) => ({ ok: true, value: { id } })));
  await applicationBalancers.unroute('alb-1', 'als-1', 'rule-1', opts);
  await applicationBalancers.unlisten('alb-1', 'als-1', opts);
  await applicationBalancers.remove('alb-1', 'shop', opts);
  await certificates.remove('ssl-1', 'shop', opts);
  expect(await make()).toMatchObject(['alb-2', 'als-2', 'rule-2', 'ssl-2'].map((id) => ({ ok: true, value: { id } })));
  expect(sent('CreateRule')).toHaveLength(1);
});

test('what the cloud refused to remove is still there', async () => {
  const Path = { Type: 'Path', PathConfig: { Values: ['^/a(/.*)?$'] } };
  const { applicationBalancers } = await scriptedCloud({
    DescribeRules: () =>
      listed('Rules', { RuleId: 'rule-1', RuleConditions: [Path], RuleActions: [{ Type: 'Forward' }] }, lastRule),
    DeleteRule: () => refusal(299),
  });
  const rule: RuleWish = { match: { path: { by: 'prefix', text: '/a' } }, action: { do: 'send', to: [] } };
  expect(await applicationBalancers.unroute('alb-1', 'als-1', 'rule-1', opts)).toMatchObject({ ok: false });
  expect(await applicationBalancers.route('alb-1', 'als-1', rule, opts)).toMatchObject({ value: { id: 'rule-1' } });
});

test('what a rule cannot say is refused before anything is asked, in words that name it', async () => {
  const { applicationBalancers, sent } = await scriptedCloud({});
  const match = { path: { by: 'prefix', text: '/a%20b' } } as const;
  const routed = await applicationBalancers.route('alb-1', 'als-1', { match, action: { do: 'send', to: [] } }, opts);
  expect(routed).toMatchObject({
    failure: { kind: 'invalid', raw: { message: expect.stringContaining('prefix /a%20b') as string } },
  });
  expect(sent('CreateRule')).toEqual([]);
});

test('of fifty back ends twenty go in a call, and those that rules send to leave the rules first', async () => {
  const ids = Array.from({ length: 50 }, (_, at) => `ars-${at}`);
  const target = (Id: string) => ({ Id, Weight: 5 });
  const rule = (RuleId: string, path: string, targets: readonly string[]) => ({
    RuleId,
    RuleConditions: [{ Type: 'Path', PathConfig: { Values: [`^${path}$`] } }],
    RuleActions: [{ Type: 'Forward', ForwardConfig: { Targets: targets.map(target) } }],
  });
  const last = { ...rule('rule-0', '/', ids), RuleConditions: [], IsDefault: true };
  let isFree = false;
  const { applicationBalancers, sent } = await scriptedCloud({
    DescribeRules: () => listed('Rules', last, rule('rule-1', '/a', ['ars-3', 'kept']), rule('rule-2', '/b', ['kept'])),
    UpdateRuleAttribute() {
      isFree = true;
      return success;
    },
    RemoveTargets: (_turn, call) => (!isFree && valuesOf(call, 'Ids.').includes('ars-3') ? refusal(4110) : success),
  });
  expect(await applicationBalancers.drop('alb-1', 'als-1', ids, opts)).toMatchObject({ ok: true });
  expect(sent('RemoveTargets').map((call) => valuesOf(call, 'Ids.').length)).toEqual([20, 20, 10, 20]);
  // The rule that sends to all that there are is not touched.
  expect(sent('UpdateRuleAttribute').map(({ RuleId }) => RuleId)).toEqual(['rule-1']);
  expect(valuesOf(sent('UpdateRuleAttribute')[0], 'RuleActions.0.ForwardConfig.Targets.')).toEqual(['kept', '5']);
});

test('a certificate is found again by its name, and one of the same owner with another content is not it', async () => {
  const names: string[] = [];
  const { certificates, sent } = await scriptedCloud({
    DescribeSSLV2: () => listed('DataSet', ...names.map((SSLName, at) => ({ SSLId: `ssl-${at}`, SSLName }))),
    CreateSSL(_turn, call) {
      names.push(call['SSLName'] ?? '');
      return 'cut';
    },
  });
  const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  const content = { chain: `${block('own')}${block('issuer')}`, key: 'a key' };
  expect(await certificates.keep({ ...content, ...owned }, opts)).toMatchObject({ ok: true, value: { id: 'ssl-0' } });
  expect(await certificates.keep({ ...content, ...owned }, opts)).toMatchObject({ ok: true, value: { id: 'ssl-0' } });
  const renewed = { ...content, key: 'another key' };
  expect(await certificates.keep({ ...renewed, ...owned }, opts)).toMatchObject({ ok: true, value: { id: 'ssl-1' } });
  expect(sent('CreateSSL')).toHaveLength(2);
  expect(sent('CreateSSL')[0]).toMatchObject({
    UserCert: block('own').trim(),
    CaCert: block('issuer').trim(),
    PrivateKey: 'a key',
  });
});
