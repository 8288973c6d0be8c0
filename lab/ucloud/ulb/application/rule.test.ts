import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { seconds, waitFor } from '#unit/clock.ts';
import {
  answerWith,
  flat,
  forwardTo,
  hostIs,
  makeApplication,
  makeHttpListener,
  pathIs,
  type ShownRule,
} from '../../test-application.ts';
import { addressTargets, idsOf, ok, openFastCloud } from '../../test-balancer.ts';
import { openTestCloud, type TestCloud, until } from '../../test-cloud.ts';

async function openWithTargets() {
  const cloud = await openFastCloud();
  const id = await makeApplication(cloud);
  const listener = await makeHttpListener(cloud, id, { Scheduler: 'WeightRoundrobin' });
  const ips = ['10.9.0.20', '10.9.0.21'];
  const [one = '', two = ''] = idsOf(await ok(cloud, 'AddTargets', { ...listener, ...addressTargets(ips) }));
  const make = async (RuleConditions: readonly object[], RuleActions: readonly object[], more: object = {}) =>
    (await ok(cloud, 'CreateRule', { ...listener, ...flat({ RuleConditions, RuleActions, ...more }) }))
      .RuleId as string;
  /** Ids of the rules in force and whom each forwards to, the first that counts first. */
  const inForce = () =>
    cloud.world.answering.get(id)?.listeners[0]?.rules.map((rule) => ({
      id: rule.id,
      to: rule.last.type === 'Forward' ? rule.last.targets.map(({ ip, weight }) => `${ip}*${weight}`) : rule.last.code,
    })) ?? [];
  return { cloud, listener, one, two, make, inForce };
}

async function rulesOf(cloud: TestCloud, listener: Readonly<Record<string, string>>): Promise<readonly ShownRule[]> {
  return (await ok(cloud, 'DescribeRules', listener)).Rules as readonly ShownRule[];
}

describe('a rule', () => {
  test('forwards to targets of its listener, and of two rules the one that was made later counts', async () => {
    const { cloud, listener, one, two, make, inForce } = await openWithTargets();
    const api = await make([hostIs('www.[123].demo.com'), pathIs('^/api')], [forwardTo(one)]);
    const shop = await make(
      [hostIs('*.shop.test', 'Wildcard')],
      [{ Type: 'Forward', ForwardConfig: { Targets: [{ Id: two, Weight: 7 }] } }],
    );
    await until('the rules to be in force', () => inForce()[0]?.to.toString() === '10.9.0.21*7');
    assert.deepEqual(
      inForce().map(({ id, to }) => [id, to]),
      [
        [shop, ['10.9.0.21*7']],
        [api, ['10.9.0.20*1']],
        [inForce()[2]?.id, ['10.9.0.20*1', '10.9.0.21*1']],
      ],
    );
    expect(await rulesOf(cloud, listener)).toMatchObject([
      { RuleId: shop, IsDefault: false, Pass: true, RuleConditions: [hostIs('*.shop.test', 'Wildcard')] },
      {
        RuleId: api,
        RuleConditions: [hostIs('www.[123].demo.com'), pathIs('^/api')],
        RuleActions: [{ Type: 'Forward', ForwardConfig: { Targets: [{ Id: one, Weight: 1 }] } }],
      },
      { IsDefault: true },
    ]);
  });

  test('is listed a little after it was made', async () => {
    const cloud = await openTestCloud({ speed: 1 });
    const LoadBalancerId = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, LoadBalancerId);
    cloud.clock.stand();
    const wanted = flat({ RuleConditions: [pathIs('/')], RuleActions: [answerWith(404)] });
    const { RuleId } = await ok(cloud, 'CreateRule', { ...listener, ...wanted });
    assert.ok(!(await rulesOf(cloud, listener)).some((rule) => rule.RuleId === RuleId));
    cloud.clock.go();
    await waitFor(
      'the rule to be listed',
      async () => (await rulesOf(cloud, listener)).some((rule) => rule.RuleId === RuleId),
      { within: seconds(20) },
    );
  });

  test('is passed over while it has no target, unless it says otherwise', async () => {
    const { cloud, listener, make, inForce } = await openWithTargets();
    const passed = await make([pathIs('/a')], [forwardTo()]);
    const kept = await make([pathIs('/b')], [{ Type: 'Forward' }], { Pass: false });
    await until('the rules to be in force', () => inForce().length === 2 && inForce()[1]?.to.toString() !== '');
    assert.deepEqual([inForce()[0]?.id, inForce()[0]?.to], [kept, []]);
    await ok(cloud, 'UpdateRuleAttribute', { ...listener, RuleId: passed, Pass: 'false' });
    await until('the other to be in force, too', () => inForce().length === 3);
  });

  test('is changed in what is sent, and keeps its place', async () => {
    const { cloud, listener, one, make, inForce } = await openWithTargets();
    const first = await make([pathIs('/a')], [forwardTo(one)]);
    const second = await make([pathIs('/b')], [forwardTo(one)]);
    await ok(cloud, 'UpdateRuleAttribute', { ...listener, RuleId: first, ...flat({ RuleActions: [answerWith(503)] }) });
    await until('the change to be in force', () => inForce()[1]?.to === 503);
    assert.deepEqual(
      inForce()
        .map(({ id }) => id)
        .slice(0, 2),
      [second, first],
    );
    await ok(cloud, 'DeleteRule', { ...listener, RuleId: second });
    assert.equal((await cloud.call('DeleteRule', { ...listener, RuleId: second })).RetCode, 4210);
    assert.equal((await cloud.call('UpdateRuleAttribute', { ...listener, RuleId: first })).RetCode, 220);
  });

  test('by default forwards to every target until it is given some, and stays what it is', async () => {
    const { cloud, listener, one, two, inForce } = await openWithTargets();
    const RuleId = (await rulesOf(cloud, listener)).find(({ IsDefault }) => IsDefault)?.RuleId ?? '';
    const update = (change: object) => cloud.call('UpdateRuleAttribute', { ...listener, RuleId, ...flat(change) });
    assert.equal((await update({ RuleActions: [forwardTo(two)] })).RetCode, 0);
    await until('requests to go there', () => inForce()[0]?.to.toString() === '10.9.0.21*1');
    assert.equal((await update({ Pass: true })).RetCode, 230);
    assert.equal((await update({ RuleConditions: [pathIs('/')] })).RetCode, 230);
    assert.equal((await cloud.call('DeleteRule', { ...listener, RuleId })).RetCode, 230);
    assert.equal((await cloud.call('RemoveTargets', { ...listener, 'Ids.0': two })).RetCode, 4110);
    assert.equal((await cloud.call('RemoveTargets', { ...listener, 'Ids.0': one })).RetCode, 0);
  });

  test('holds its targets in the listener', async () => {
    const { cloud, listener, one, make } = await openWithTargets();
    const RuleId = await make([pathIs('/a')], [forwardTo(one)]);
    expect(await cloud.call('RemoveTargets', { ...listener, 'Ids.0': one })).toMatchObject({
      RetCode: 4110,
      Message: expect.stringContaining(RuleId) as string,
    });
    await ok(cloud, 'DeleteRule', { ...listener, RuleId });
    await ok(cloud, 'RemoveTargets', { ...listener, 'Ids.0': one });
  });

  test('does things to headers in the order of their numbers, before it forwards', async () => {
    const { cloud, one, make } = await openWithTargets();
    await make(
      [pathIs('/a')],
      [
        forwardTo(one),
        { Type: 'RemoveHeader', Order: 9, RemoveHeaderConfig: { Key: 'X-Forwarded-Proto' } },
        { Type: 'InsertHeader', Order: 2, InsertHeaderConfig: { Key: 'x-a', ValueType: 'UserDefined', Value: '1' } },
        { Type: 'Cors', Order: 5, CorsConfig: { AllowOrigin: ['https://*.shop.test'] } },
      ],
    );
    const [rule] = cloud.cloud.objects().applicationBalancers[0]?.listeners[0]?.rules.slice(1) ?? [];
    assert.deepEqual(
      rule?.actions.map(({ type }) => type),
      ['InsertHeader', 'Cors', 'RemoveHeader', 'Forward'],
    );
  });

  test('is one of a hundred at the most that a balancer has', async () => {
    const { cloud, listener, make } = await openWithTargets();
    for (let n = 0; n < 100; n++) await make([pathIs(`/${n}`)], [answerWith(200)]);
    const more = { ...listener, ...flat({ RuleConditions: [pathIs('/x')], RuleActions: [answerWith(200)] }) };
    assert.equal((await cloud.call('CreateRule', more)).RetCode, 4207);
  });

  const insert = (Key: string, ValueType: string, Value: string) => ({
    Type: 'InsertHeader',
    Order: 1,
    InsertHeaderConfig: { Key, ValueType, Value },
  });
  const end = answerWith(200);
  const refused: readonly [string, readonly object[], readonly object[], number][] = [
    ['without a condition', [], [end], 220],
    ['without an action', [pathIs('/')], [], 220],
    ['that only changes headers', [pathIs('/')], [insert('x-a', 'UserDefined', '1')], 230],
    ['that forwards and answers', [pathIs('/')], [end, forwardTo()], 230],
    ['that forwards to what is no target', [pathIs('/')], [forwardTo('ars-none')], 4093],
    ['with two values of a condition', [{ Type: 'Path', PathConfig: { Values: ['/a', '/b'] } }], [end], 230],
    ['with two conditions of a type', [pathIs('/a'), pathIs('/b')], [end], 230],
    ['with a condition of an unknown type', [{ Type: 'Header' }], [end], 230],
    ['with a condition without a value', [{ Type: 'Host' }], [end], 63030],
    ['with a path that escapes', [pathIs('/a\\.b')], [end], 63031],
    ['with a path that is no pattern', [pathIs('/(a')], [end], 63031],
    ['with a path of 256 characters', [pathIs(`/${'a'.repeat(255)}`)], [end], 63031],
    ['with a host of a long label', [hostIs('a'.repeat(64))], [end], 63031],
    ['with two stars in a host', [hostIs('*.a.*', 'Wildcard')], [end], 63031],
    ['with a whole host as a wildcard', [hostIs('shop.test', 'Wildcard')], [end], 63031],
    ['with a star within a wildcard host', [hostIs('a.*.test.', 'Wildcard')], [end], 63031],
    ['that answers with 302', [pathIs('/')], [answerWith(302)], 230],
    ['that answers with a dollar', [pathIs('/')], [answerWith(200, '$1')], 230],
    ['that inserts the host', [pathIs('/')], [insert('Host', 'UserDefined', 'a'), end], 230],
    ['that inserts what the system does not know', [pathIs('/')], [insert('x-a', 'SystemDefined', 'Time'), end], 230],
    [
      'with two actions of one number',
      [pathIs('/')],
      [insert('x-a', 'UserDefined', '1'), insert('x-b', 'UserDefined', '1'), end],
      230,
    ],
    [
      'that removes a header that is not the balancer’s',
      [pathIs('/')],
      [{ Type: 'RemoveHeader', Order: 1, RemoveHeaderConfig: { Key: 'Cookie' } }, end],
      230,
    ],
    [
      'with an origin without a scheme',
      [pathIs('/')],
      [{ Type: 'Cors', Order: 1, CorsConfig: { AllowOrigin: ['shop.test'] } }, end],
      230,
    ],
  ];
  test.each(refused)('%s is refused and not made', async (_, RuleConditions, RuleActions, code) => {
    const { cloud, listener } = await openWithTargets();
    const answer = await cloud.call('CreateRule', { ...listener, ...flat({ RuleConditions, RuleActions }) });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.equal(cloud.cloud.objects().applicationBalancers[0]?.listeners[0]?.rules.length, 1);
  });
});
