import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { type Fields, makeApplication, makeHttpListener, untilApplication } from '../../test-application.ts';
import { ok, openFastCloud } from '../../test-balancer.ts';
import { makeCertificate } from '../../test-certificate.ts';
import type { TestCloud } from '../../test-cloud.ts';

async function makeSsl(cloud: TestCloud, name: string): Promise<string> {
  const { chain, key } = await makeCertificate(name);
  return (await ok(cloud, 'CreateSSL', { SSLName: name, SSLContent: `${chain}${key}` })).SSLId as string;
}

async function listedListeners(cloud: TestCloud, id: string, count: number) {
  return (await untilApplication(cloud, id, `${count} listeners`, ({ Listeners }) => Listeners.length === count))
    .Listeners;
}

describe('a listener of an application load balancer', () => {
  test('answers by HTTP on port 80 unless told otherwise, with a rule that forwards everything', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const { ListenerId } = await makeHttpListener(cloud, id);
    assert.match(ListenerId, /^als-/);
    expect(await listedListeners(cloud, id, 1)).toMatchObject([
      {
        ListenerId,
        Name: 'listener',
        ListenerPort: 80,
        ListenerProtocol: 'HTTP',
        TargetProtocol: 'HTTP',
        Scheduler: 'Roundrobin',
        IdleTimeout: 60,
        HealthCheckConfig: { Enabled: true, Type: 'Port', Interval: 2, TimeOut: 1, UpCounts: 3, DownCounts: 3 },
        StickinessConfig: { Enabled: false },
        RedirectEnabled: false,
        Certificates: [],
        State: 'None',
        Rules: [{ IsDefault: true, RuleConditions: [], RuleActions: [{ Type: 'Forward' }] }],
      },
    ]);
  });

  test('is changed in what is sent, and keeps the rest', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id, { Name: 'web', 'HealthCheckConfig.Type': 'HTTP' });
    await ok(cloud, 'UpdateListenerAttribute', {
      ...listener,
      Scheduler: 'Leastconn',
      'HealthCheckConfig.Path': '/healthz',
      'StickinessConfig.Enabled': 'true',
    });
    expect(await listedListeners(cloud, id, 1)).toMatchObject([
      {
        Name: 'web',
        Scheduler: 'Leastconn',
        HealthCheckConfig: { Type: 'HTTP', Path: '/healthz', Method: 'HEAD', ResponseCode: '2xx,3xx' },
        StickinessConfig: { Enabled: true, Type: 'ServerInsert' },
      },
    ]);
  });

  test('is found by its own id, whatever balancer is named besides', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    const { ListenerId } = await makeHttpListener(cloud, id);
    await listedListeners(cloud, id, 1);
    const by = async (params: Fields) => (await ok(cloud, 'DescribeListeners', params)).TotalCount;
    assert.equal(await by({ ListenerId }), 1);
    assert.equal(await by({ ListenerId, LoadBalancerId: 'alb-none' }), 1);
    assert.equal(await by({ ListenerId: 'als-none' }), 0);
    assert.equal((await cloud.call('DescribeListeners')).RetCode, 220);
    assert.equal((await cloud.call('DescribeListeners', { LoadBalancerId: 'alb-none' })).RetCode, 4103);
  });

  test('is one of fifty at the most, each on a port of its own', async () => {
    const cloud = await openFastCloud();
    const LoadBalancerId = await makeApplication(cloud);
    for (let n = 0; n < 50; n++) await makeHttpListener(cloud, LoadBalancerId, { ListenerPort: 8000 + n });
    assert.equal((await cloud.call('CreateListener', { LoadBalancerId, ListenerPort: 9000 })).RetCode, 4207);
    await ok(cloud, 'DeleteListener', {
      LoadBalancerId,
      ListenerId: cloud.cloud.objects().applicationBalancers[0]?.listeners[0]?.id ?? '',
      RelatedRedirectDisabled: 'false',
    });
    assert.equal((await cloud.call('CreateListener', { LoadBalancerId, ListenerPort: 8001 })).RetCode, 4107);
  });

  test('redirects to an HTTPS listener, which is deleted only when the redirect ends with it', async () => {
    const cloud = await openFastCloud();
    const id = await makeApplication(cloud);
    assert.equal((await cloud.call('CreateListener', { LoadBalancerId: id, RedirectEnabled: 'true' })).RetCode, 4088);
    const certificate = await makeSsl(cloud, 'shop.example.com');
    const secured = await makeHttpListener(cloud, id, {
      ListenerPort: 443,
      ListenerProtocol: 'HTTPS',
      'Certificates.0': certificate,
    });
    await makeHttpListener(cloud, id, { RedirectEnabled: 'true' });
    const remove = (RelatedRedirectDisabled?: string) =>
      cloud.call('DeleteListener', {
        ...secured,
        ...(RelatedRedirectDisabled === undefined ? {} : { RelatedRedirectDisabled }),
      });
    assert.equal((await remove()).RetCode, 220);
    expect(await remove('false')).toMatchObject({
      RetCode: 5024,
      Message: expect.stringContaining('redirects to') as string,
    });
    assert.equal((await remove('true')).RetCode, 0);
    expect(await listedListeners(cloud, id, 1)).toMatchObject([{ ListenerPort: 80, RedirectEnabled: false }]);
  });

  test('does not go over to main target and backup while it has targets', async () => {
    const cloud = await openFastCloud();
    const listener = await makeHttpListener(cloud, await makeApplication(cloud));
    const backup = { ...listener, Scheduler: 'Backup' };
    await ok(cloud, 'UpdateListenerAttribute', backup);
    await ok(cloud, 'UpdateListenerAttribute', { ...listener, Scheduler: 'Source' });
    await ok(cloud, 'AddTargets', {
      ...listener,
      'Targets.0.ResourceType': 'IP',
      'Targets.0.VPCId': 'uvnet-lab',
      'Targets.0.SubnetId': 'subnet-lab',
      'Targets.0.ResourceIP': '10.9.0.9',
    });
    assert.equal((await cloud.call('UpdateListenerAttribute', backup)).RetCode, 230);
  });

  const refused: readonly [string, Fields, number][] = [
    ['of TCP', { ListenerProtocol: 'TCP' }, 230],
    ['with port 0', { ListenerPort: 0 }, 230],
    ['of HTTPS without a certificate', { ListenerProtocol: 'HTTPS' }, 220],
    ['with a certificate that does not exist', { ListenerProtocol: 'HTTPS', 'Certificates.0': 'ssl-none' }, 4210],
    ['of HTTP with a certificate', { 'Certificates.0': 'ssl-none' }, 230],
    ['of HTTP with a security policy', { SecurityPolicyId: 'Default' }, 230],
    ['of HTTP with HTTP/2', { HTTP2Enabled: 'true' }, 230],
    ['whose checks are switched off', { 'HealthCheckConfig.Enabled': 'false' }, 230],
    ['whose checks speak GRPC', { 'HealthCheckConfig.Type': 'GRPC' }, 230],
    ['whose targets speak GRPC', { TargetProtocol: 'GRPC' }, 230],
    ['whose checks want a code', { 'HealthCheckConfig.ResponseCode': '200' }, 230],
    ['whose checks ask by POST', { 'HealthCheckConfig.Method': 'POST' }, 230],
    ['whose checks wait longer than until the next', { 'HealthCheckConfig.TimeOut': 2 }, 230],
    [
      'with a cookie without a name',
      { 'StickinessConfig.Enabled': 'true', 'StickinessConfig.Type': 'UserDefined' },
      220,
    ],
    ['with the scheduler of another kind of balancer', { Scheduler: 'RoundRobin' }, 230],
    ['that is idle for no time', { IdleTimeout: 0 }, 230],
    ['on a balancer that does not exist', { LoadBalancerId: 'alb-none' }, 4103],
  ];
  test.each(refused)('%s is refused and not made', async (_, params, code) => {
    const cloud = await openFastCloud();
    const answer = await cloud.call('CreateListener', { LoadBalancerId: await makeApplication(cloud), ...params });
    assert.equal(answer.RetCode, code, String(answer.Message));
    assert.deepEqual(cloud.cloud.objects().applicationBalancers[0]?.listeners, []);
  });
});

describe('a certificate', () => {
  test('is made of one text or of its parts, and is told with its names and without its key', async () => {
    const cloud = await openFastCloud();
    const { chain, key } = await makeCertificate('shop.example.com', '*.shop.example.com');
    const ca = (await makeCertificate('ca')).chain;
    const ids = [
      await ok(cloud, 'CreateSSL', { SSLName: 'whole', SSLType: 'Pem', SSLContent: `${key}${chain}${ca}` }),
      await ok(cloud, 'CreateSSL', { SSLName: 'parts', UserCert: chain, PrivateKey: key, CaCert: ca }),
    ].map(({ SSLId }) => SSLId as string);
    const { TotalCount, DataSet } = await ok(cloud, 'DescribeSSLV2');
    assert.equal(TotalCount, 2);
    const told = {
      SSLType: 'Pem',
      SSLContent: `${chain}${ca}`,
      Domains: 'shop.example.com',
      DNSNames: 'shop.example.com,*.shop.example.com',
      Relations: [],
    };
    expect(DataSet).toMatchObject(ids.map((SSLId) => ({ SSLId, ...told })));
    expect(cloud.cloud.objects().certificates).toMatchObject([{ key }, { key }]);
    await ok(cloud, 'DeleteSSL', { SSLId: ids[0] ?? '' });
    assert.equal((await cloud.call('DeleteSSL', { SSLId: ids[0] ?? '' })).RetCode, 4210);
    assert.equal((await ok(cloud, 'DescribeSSLV2', { SSLId: ids[0] ?? '' })).TotalCount, 0);
  });

  test('is bound to a listener beside its default one, and can not be deleted until it is unbound', async () => {
    const cloud = await openFastCloud();
    const [first, second, third] = [
      await makeSsl(cloud, 'a.test'),
      await makeSsl(cloud, 'b.test'),
      await makeSsl(cloud, 'c.test'),
    ];
    const id = await makeApplication(cloud);
    const listener = await makeHttpListener(cloud, id, { ListenerProtocol: 'HTTPS', 'Certificates.0': first });
    await ok(cloud, 'AddSSLBinding', { ...listener, 'SSLIds.0': second, 'SSLIds.1': third });
    const code = async (action: string, ssl: string) =>
      (await cloud.call(action, action === 'DeleteSSL' ? { SSLId: ssl } : { ...listener, 'SSLIds.0': ssl })).RetCode;
    assert.equal(await code('AddSSLBinding', second), 4108);
    assert.equal(await code('DeleteSSL', second), 4108);
    assert.equal(await code('DeleteSSLBinding', first), 230);
    // Another becomes the default one: it is not bound twice, and the one before it is bound no more.
    await ok(cloud, 'UpdateListenerAttribute', { ...listener, 'Certificates.0': second });
    expect(await listedListeners(cloud, id, 1)).toMatchObject([
      {
        Certificates: [
          { SSLId: second, IsDefault: true },
          { SSLId: third, IsDefault: false },
        ],
      },
    ]);
    const { DataSet } = await ok(cloud, 'DescribeSSLV2', { SSLId: third });
    expect(DataSet).toMatchObject([
      { Relations: [{ LoadBalancerId: id, ListenerId: listener.ListenerId, IsDefault: false }] },
    ]);
    await ok(cloud, 'DeleteSSLBinding', { ...listener, 'SSLIds.0': third });
    assert.equal(await code('DeleteSSLBinding', third), 4210);
    await ok(cloud, 'DeleteSSL', { SSLId: first });
    await ok(cloud, 'DeleteLoadBalancer', { LoadBalancerId: id });
    await ok(cloud, 'DeleteSSL', { SSLId: second });
  });

  test('is one of 25 at the most that a balancer has beside its default ones', async () => {
    const cloud = await openFastCloud();
    const ids = [];
    const { chain, key } = await makeCertificate('a.test');
    for (let n = 0; n < 27; n++)
      ids.push((await ok(cloud, 'CreateSSL', { SSLName: `s-${n}`, UserCert: chain, PrivateKey: key })).SSLId as string);
    const listener = await makeHttpListener(cloud, await makeApplication(cloud), {
      ListenerProtocol: 'HTTPS',
      'Certificates.0': ids[0] ?? '',
    });
    const bind = (some: readonly string[]) =>
      cloud.call('AddSSLBinding', { ...listener, ...Object.fromEntries(some.map((one, at) => [`SSLIds.${at}`, one])) });
    assert.equal((await bind(ids.slice(1))).RetCode, 4207);
    assert.equal((await bind(ids.slice(1, 26))).RetCode, 0);
    assert.equal((await bind(ids.slice(26))).RetCode, 4207);
  });

  test.each([
    ['without anything', {}, 220],
    ['without a key', { UserCert: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----' }, 220],
    ['that is none', { SSLContent: 'hello' }, 230],
    ['of another form than PEM', { SSLType: 'Pkcs12', SSLContent: 'hello' }, 230],
    ['with a remark', { SSLContent: 'hello', Remark: 'mine' }, 230],
  ] as const)('%s is refused', async (_, params, code) => {
    const cloud = await openFastCloud();
    const answer = await cloud.call('CreateSSL', { SSLName: 'odd', ...(params as Fields) });
    assert.equal(answer.RetCode, code, String(answer.Message));
  });

  test('with the key of another one is refused', async () => {
    const cloud = await openFastCloud();
    const [one, other] = [await makeCertificate('a.test'), await makeCertificate('b.test')];
    const answer = await cloud.call('CreateSSL', { SSLName: 'odd', UserCert: one.chain, PrivateKey: other.key });
    expect(answer).toMatchObject({ RetCode: 230, Message: expect.stringContaining('not the one of') as string });
  });
});
