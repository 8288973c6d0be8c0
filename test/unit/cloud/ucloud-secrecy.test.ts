import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { makeCertificate } from '#lab/ucloud/test-certificate.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { MachineWish } from '../../../src/cloud/compute.ts';
import { CloudError, explainFailure } from '../../../src/cloud/failure.ts';
import { makeHome } from '../../../src/cloud/ucloud/home.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';
import { type Parameters, type Reply, type ScriptedApi, scriptedApi } from './scripted-api.ts';

const publicKey = 'canary+public/key=one@example.com';
const privateKey = 'canary-private-key-two';
const userData = '#cloud-config\n# canary-token-three\n';

const wish: MachineWish = {
  name: 'web-1',
  mark: 'shop',
  zone: 'z',
  image: 'i',
  vpc: 'v',
  subnet: 's',
  cpu: 1,
  memory: gibi(1),
  bootDisk: gibi(20),
  charge: 'hour',
  elastic: false,
  userData,
};

const opened: ScriptedApi[] = [];
afterAll(() => Promise.all(opened.map((api) => api.close())));

async function apiThat(reply: (call: Parameters) => Reply): Promise<ScriptedApi> {
  const api = await scriptedApi((call) => reply(call));
  opened.push(api);
  return api;
}

/** All that was asked, as a careless server might throw it back. */
function echo(call: Parameters): string {
  const decoded = Buffer.from(call['UserData'] ?? '', 'base64').toString('utf8');
  const { Signature, Password, UserData, PublicKey, ...rest } = call;
  // What is secret comes first, because only the beginning of a message is kept.
  const secret = `${privateKey} ${new URLSearchParams({ PublicKey: PublicKey ?? '' }).toString()} ${PublicKey} ${Signature}`;
  return `${Password} ${UserData} ${decoded} ${secret} ${JSON.stringify(rest)}`;
}

const secretsOf = (call: Parameters): string[] =>
  [
    publicKey,
    encodeURIComponent(publicKey),
    privateKey,
    'canary-token-three',
    call['Signature'],
    call['Password'],
    call['UserData'],
  ].filter((text) => text !== undefined);

test.concurrent.each<[string, (call: Parameters) => Reply]>([
  ['a refusal', (call) => ({ json: { RetCode: 171, Message: echo(call) } })],
  [
    'an unknown code',
    (call) => ({ json: { RetCode: `8${echo(call)}`, Message: echo(call) }, requestId: call['Signature'] ?? '' }),
  ],
  ['throttling', (call) => ({ json: { RetCode: 153, Message: echo(call) } })],
  ['a lost back end', (call) => ({ json: { RetCode: 110, Message: echo(call) } })],
  ['a page of a proxy', (call) => ({ status: 502, body: echo(call) })],
  ['garbage', (call) => ({ status: 200, body: echo(call) })],
  [
    'a wrong shape',
    (call) => ({
      json: { RetCode: 0, UHostSet: echo(call), DataSet: echo(call), IpsInfo: echo(call), ImageSet: echo(call) },
    }),
  ],
  ['a cut connection', () => 'cut'],
  ['no answer', () => 'hang'],
])('no credential and no user data is told after %s', async (_title, reply) => {
  const api = await apiThat(reply);
  const told: unknown[] = [];
  const cloud = connectUcloud({
    endpoint: api.endpoint,
    region: 'cn-bj2',
    zone: 'cn-bj2-05',
    project: 'org-1',
    publicKey,
    privateKey,
    note: (call) => told.push(call),
    poll: ms(20),
  });
  // Time for some attempts, also on a computer that is busy.
  const opts = { within: seconds(5) };
  const home = makeHome({ zone: 'z', vpc: 'v', subnet: 's', object: 'o', mac: '52:54:00:00:00:01' });
  const results = await Promise.all([
    cloud.compute.create(wish, opts),
    cloud.compute.list('shop', opts),
    cloud.compute.remove('uhost-1', 'shop', opts),
    cloud.compute.power('uhost-1', 'off', opts),
    cloud.addresses.extend(home, 2, opts),
    cloud.addresses.list(home, opts),
    cloud.addresses.release(home, ip('10.0.0.9'), opts),
    cloud.network.vpc('v', opts),
    cloud.network.subnet('s', opts),
    cloud.network.image('i', 'z', opts),
  ]);
  expect(results.some((result) => !result.ok)).toBe(true);
  for (const result of results) {
    if (!result.ok) told.push(result.failure, explainFailure(result.failure), new CloudError('trying', result.failure));
  }
  told.push(cloud);

  const text = told
    .map((thing) => `${inspect(thing, { depth: null, showHidden: true })}\n${String(thing)}\n${JSON.stringify(thing)}`)
    .join('\n');
  expect(api.calls.length).toBeGreaterThan(3);
  for (const secret of new Set(api.calls.flatMap(secretsOf))) expect(text).not.toContain(secret);
});

test.concurrent.each<[string, (call: Parameters) => Reply]>([
  ['refuses', (call) => ({ json: { RetCode: 8045, Message: echo(call) } })],
  ['loses its back end', (call) => ({ json: { RetCode: 110, Message: echo(call) } })],
  ['answers with garbage', (call) => ({ status: 200, body: echo(call) })],
  ['answers with a page', (call) => ({ status: 400, body: echo(call) })],
  ['answers in a wrong shape', (call) => ({ json: { RetCode: 0, UHostIds: { [echo(call)]: echo(call) } } })],
])('user data and password of a create are not told when the cloud %s and throws them back', async (_title, reply) => {
  const api = await apiThat((call) =>
    call['Action'] === 'CreateUHostInstance' ? reply(call) : { json: { RetCode: 0, TotalCount: 0, UHostSet: [] } },
  );
  const { endpoint } = api;
  const cloud = connectUcloud({ endpoint, region: 'r', zone: 'z', project: 'p', publicKey, privateKey, poll: ms(20) });
  const result = await cloud.compute.create(wish, { within: seconds(30) });
  expect(result.ok).toBe(false);
  const call = api.calls.find((c) => c['Action'] === 'CreateUHostInstance') ?? {};
  expect(secretsOf(call)).toHaveLength(7);
  for (const secret of secretsOf(call)) expect(inspect(result, { depth: null })).not.toContain(secret);
});

test.concurrent.each<[string, (call: Parameters) => Reply]>([
  ['refuses', (call) => ({ json: { RetCode: 4111, Message: echo(call) } })],
  ['loses its back end', (call) => ({ json: { RetCode: 110, Message: echo(call) } })],
  ['answers with a page', (call) => ({ status: 400, body: new URLSearchParams(call).toString() })],
  ['answers in a wrong shape', (call) => ({ json: { RetCode: 0, SSLId: { [echo(call)]: echo(call) } } })],
])('the key of a certificate is not told when the cloud %s and throws it back', async (_title, reply) => {
  const { chain, key } = await makeCertificate('shop.example');
  const api = await apiThat((call) =>
    call['Action'] === 'CreateSSL'
      ? reply({ PrivateKey: call['PrivateKey'] ?? '' })
      : { json: { RetCode: 0, TotalCount: 0, DataSet: [] } },
  );
  const told: unknown[] = [];
  const { endpoint } = api;
  const note = (call: unknown) => void told.push(call);
  const at = { endpoint, region: 'r', zone: 'z', project: 'p', publicKey, privateKey, poll: ms(20), note };
  const wish = { mark: 'shop', owner: 'uid-1', chain, key };
  told.push(await connectUcloud(at).certificates.keep(wish, { within: seconds(30) }));
  expect(api.calls.find((call) => call['Action'] === 'CreateSSL')?.['PrivateKey']).toBe(key);
  const text = inspect(told, { depth: null });
  const lines = key.split('\n').filter((line) => line.length > 8 && !line.startsWith('-----'));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    expect(text).not.toContain(line);
    expect(text).not.toContain(encodeURIComponent(line));
  }
});
