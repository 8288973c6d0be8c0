import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer as createTcp, type Server } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer, text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCertificate } from '../../ucloud/test-certificate.ts';
import { webAnswers } from '../../ucloud/ulb/application/world.example.ts';
import type {
  WorldApplicationBalancer,
  WorldApplicationListener,
  WorldApplicationTarget,
  WorldRule,
} from '../../ucloud/ulb/application/world.ts';

/** The process on this computer's loopback, between clients and targets that tell what they see. */
const snatIps = ['127.0.0.2', '127.0.0.3'];
const servers: Server[] = [];
let proxy: ChildProcess;
let done: AsyncIterator<string>;
let [a, b]: WorldApplicationTarget[] = [];
let port = 0;

beforeAll(async () => {
  proxy = spawn(process.execPath, [join(import.meta.dirname, 'http-proxy.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  done = createInterface({ input: proxy.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  [a, b] = [await startTarget('a'), await startTarget('b')];
});

beforeEach(async () => {
  port = await freePort();
});

afterAll(() => {
  proxy.stdin?.end();
  for (const server of servers) server.close();
});

async function listenOn(server: Server, ip = '127.0.0.1'): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createTcp();
  const free = await listenOn(server, '0.0.0.0');
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** What a target tells of a request. */
interface Told {
  readonly who: string;
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Tells what it sees; `/page` is a long page, `/login` sets a cookie, `/slow` never answers; says everything again after an upgrade. */
async function startTarget(who: string): Promise<WorldApplicationTarget> {
  const answer = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers, socket } = asked;
    if (url === '/slow') return;
    if (url === '/page') return void response.writeHead(200, { 'content-type': 'text/html' }).end('page '.repeat(1000));
    if (url === '/login') response.setHeader('set-cookie', ['sid=secret; Path=/', 'other=1']);
    const told: Told = { who, from: socket.remoteAddress ?? '', method, url, headers, body: await text(asked) };
    response.writeHead(200, { 'content-type': 'application/json', 'x-who': who }).end(JSON.stringify(told));
  };
  const server = createServer((asked, response) => void answer(asked, response));
  server.on('upgrade', ({ headers }, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${headers.upgrade}\r\n\r\n`);
    socket.pipe(socket);
  });
  return { id: `ars-${who}`, ip: '127.0.0.1', port: await listenOn(server), weight: 1 };
}

const forwardTo = (...targets: readonly (WorldApplicationTarget | undefined)[]): WorldRule['last'] => ({
  type: 'Forward',
  targets: targets.filter((target) => target !== undefined),
});
const [usual] = webAnswers.rules as readonly [WorldRule];
const rule = (change: Partial<WorldRule>): WorldRule => ({ ...usual, last: forwardTo(a), ...change });

async function order(...listeners: readonly Partial<WorldApplicationListener>[]): Promise<void> {
  const place = { id: 'alb-1', ip: '127.0.0.1', prefixLength: 8, gateway: '127.0.0.1', publicIps: [] };
  const wanted: WorldApplicationBalancer = {
    ...place,
    snatIps,
    listeners: listeners.map((one, at) => ({
      ...webAnswers,
      id: `als-${port}-${at}`,
      port,
      rules: [rule({})],
      ...one,
    })),
  };
  proxy.stdin?.write(`${JSON.stringify(wanted)}\n`);
  assert.equal((await done.next()).value, 'done');
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly told: Told;
}

function ask(
  path: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: IncomingHttpHeaders; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (said) => {
      buffer(said).then((raw) => {
        const isTold = said.headers['x-who'] !== undefined && raw.length > 0;
        const told = (isTold ? JSON.parse(raw.toString()) : {}) as Told;
        resolve({ status: said.statusCode ?? 0, headers: said.headers, raw, told });
      }, reject);
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

describe('the process of an application load balancer', () => {
  test('carries requests to targets in turn, from its own addresses in turn, and tells who asked', async () => {
    await order({ rules: [rule({ last: forwardTo(a, b) })] });
    const seen = [];
    for (let n = 0; n < 4; n++) seen.push((await ask('/x?y=1', { headers: { host: 'shop.test' } })).told);
    assert.deepEqual(seen.map(({ who }) => who).join(''), 'abab');
    assert.deepEqual(new Set(seen.map(({ from }) => from)), new Set(snatIps));
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/x?y=1' });
    expect(seen[0]?.headers).toMatchObject({
      host: 'shop.test',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-srcport': expect.stringMatching(/^\d+$/) as string,
    });
  });

  test('carries bodies of known and of unknown length, and what was forwarded to it before', async () => {
    await order({});
    const long = 'x'.repeat(100_000);
    assert.equal(
      (await ask('/', { method: 'POST', body: long, headers: { 'content-length': '100000' } })).told.body,
      long,
    );
    const chunked = await ask('/', {
      method: 'DELETE',
      body: 'part',
      headers: {
        'transfer-encoding': 'chunked',
        'x-forwarded-for': '1.2.3.4',
        connection: 'close, x-mine',
        'x-mine': '1',
      },
    });
    assert.equal(chunked.told.body, 'part');
    assert.equal(chunked.told.headers['x-forwarded-for'], '1.2.3.4, 127.0.0.1');
    assert.equal(chunked.told.headers['x-mine'], undefined);
    const head = await ask('/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['x-who'], head.raw.length], [200, 'a', 0]);
  });

  test('follows rules by host and path, and does to headers what they say', async () => {
    const asks = [
      rule({
        id: 'rule-api',
        host: { mode: 'Wildcard', value: '*.test' },
        path: '^/api',
        headers: [
          { type: 'InsertHeader', order: 1, key: 'X-Rule', kind: 'SystemDefined', value: 'RuleID' },
          { type: 'InsertHeader', order: 2, key: 'X-Copy', kind: 'ReferenceHeader', value: 'x-id' },
          { type: 'InsertHeader', order: 3, key: 'X-Fix', kind: 'UserDefined', value: 'yes' },
          { type: 'RemoveHeader', order: 4, key: 'X-Forwarded-Proto' },
        ],
      }),
      rule({ last: forwardTo(b) }),
    ];
    await order({ rules: asks });
    const { told } = await ask('/api/v1', { headers: { host: 'shop.test', 'x-id': '7', 'x-fix': 'no' } });
    expect(told).toMatchObject({ who: 'a', headers: { 'x-rule': 'rule-api', 'x-copy': '7', 'x-fix': 'yes' } });
    assert.equal(told.headers['x-forwarded-proto'], undefined);
    assert.equal((await ask('/web', { headers: { host: 'shop.test' } })).status, 404);
    assert.equal((await ask('/api', { headers: { host: 'other' } })).told.who, 'b');
  });

  test('answers by itself where a rule says so, and sends on to HTTPS where the listener does', async () => {
    await order({ rules: [rule({ last: { type: 'FixedResponse', code: 503, content: 'closed' } })] });
    const closed = await ask('/');
    assert.deepEqual(
      [closed.status, closed.raw.toString(), closed.headers['content-type']],
      [503, 'closed', 'text/plain'],
    );
    await order({ redirectTo: 8443 });
    const moved = await ask('/a?b', { headers: { host: 'shop.test' } });
    assert.deepEqual([moved.status, moved.headers.location], [301, 'https://shop.test:8443/a?b']);
  });

  test('says 502 for a target that refuses, 504 for one that says nothing, and 431 for too many headers', async () => {
    await order({ idleTimeout: 1, rules: [rule({})] });
    assert.equal((await ask('/slow')).status, 504);
    assert.equal((await ask('/', { headers: { big: 'x'.repeat(8200) } })).status, 431);
    const refusing = { id: 'ars-none', ip: '127.0.0.1', port: await freePort(), weight: 1 };
    await order({ rules: [rule({ last: forwardTo(refusing) })] });
    assert.equal((await ask('/')).status, 502);
  });

  test('lets a client keep its target by a cookie of its own', async () => {
    await order({ cookie: { name: 'alb', isOwn: true }, rules: [rule({ last: forwardTo(a, b) })] });
    const first = await ask('/');
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    assert.match(cookie, /^alb=[0-9a-f]{16}; Path=\/; HttpOnly$/);
    const [pair = ''] = cookie.split(';');
    for (let n = 0; n < 3; n++) {
      const again = await ask('/', { headers: { cookie: `x=1; ${pair}` } });
      assert.deepEqual([again.told.who, again.headers['set-cookie']], [first.told.who, undefined]);
    }
    // Of a target that is out, another one is told.
    const other = first.told.who === 'a' ? b : a;
    await order({ cookie: { name: 'alb', isOwn: true }, rules: [rule({ last: forwardTo(other) })] });
    assert.notEqual((await ask('/', { headers: { cookie: pair } })).headers['set-cookie'], undefined);
  });

  test('lets a client keep its target by a cookie that targets set, which they read as they wrote it', async () => {
    await order({ cookie: { name: 'sid', isOwn: false }, rules: [rule({ last: forwardTo(a, b) })] });
    const { told, headers } = await ask('/login');
    const [sid = '', other = ''] = headers['set-cookie'] ?? [];
    assert.match(sid, /^sid=[0-9a-f]{16}~secret; Path=\/$/);
    assert.equal(other, 'other=1');
    for (let n = 0; n < 3; n++) {
      const again = await ask('/', { headers: { cookie: `${sid.split(';')[0]}; x=1` } });
      assert.deepEqual([again.told.who, again.told.headers.cookie], [told.who, 'sid=secret; x=1']);
    }
  });

  test('gives a request to the target with the fewest under way', async () => {
    await order({ scheduler: 'LeastConn', rules: [rule({ last: forwardTo(a, b) })] });
    const slow = request({ host: '127.0.0.1', port, path: '/slow', agent: false }).on('error', () => undefined);
    slow.end();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const seen = [];
    for (let n = 0; n < 3; n++) seen.push((await ask('/')).told.who);
    slow.destroy();
    assert.equal(new Set(seen).size, 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(new Set([(await ask('/')).told.who, (await ask('/')).told.who]).size, 2);
  });

  test('makes an answer smaller for clients that read that', async () => {
    await order({ compresses: true });
    const small = await ask('/page', { headers: { 'accept-encoding': 'gzip, br' } });
    assert.deepEqual([small.headers['content-encoding'], small.headers.vary], ['gzip', 'accept-encoding']);
    assert.equal(gunzipSync(small.raw).toString(), 'page '.repeat(1000));
    assert.equal((await ask('/page')).headers['content-encoding'], undefined);
  });

  test('joins both ends of a connection that goes on by another protocol', async () => {
    await order({});
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const head = await until(socket, (said) => said.includes('\r\n\r\n'));
    assert.match(head, /^HTTP\/1.1 101 /);
    assert.match(head, /Upgrade: websocket/);
    socket.write('hello');
    assert.equal(await until(socket, (said) => said.length === 5), 'hello');
    socket.destroy();
  });

  test('answers a wish for another protocol that leads to no target as any other request', async () => {
    await order({ rules: [rule({ last: { type: 'FixedResponse', code: 403, content: 'no' } })] });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1.1 403 [\s\S]*no$/);
  });

  test('shows the certificate that is for the name, of several the latest, and speaks HTTP/2 where it is on', async () => {
    const certificates = await Promise.all([
      makeCertificate('default.test'),
      makeCertificate('*.shop.test'),
      makeCertificate('www.shop.test'),
    ]);
    await order({ tls: { certificates, http2: true } });
    const subject = (servername?: string, ALPNProtocols = ['h2', 'http/1.1']) =>
      new Promise<readonly unknown[]>((resolve, reject) => {
        const name = servername === undefined ? {} : { servername };
        const socket = connectTls(
          { host: '127.0.0.1', port, ...name, ALPNProtocols, rejectUnauthorized: false },
          () => {
            resolve([socket.getPeerCertificate().subject.CN, socket.alpnProtocol]);
            socket.destroy();
          },
        ).once('error', reject);
      });
    assert.deepEqual(await subject('www.shop.test'), ['www.shop.test', 'h2']);
    assert.deepEqual(await subject('a.shop.test'), ['*.shop.test', 'h2']);
    assert.deepEqual(await subject('other.test'), ['default.test', 'h2']);
    assert.deepEqual(await subject(), ['default.test', 'h2']);
    assert.deepEqual(await subject('a.shop.test', ['http/1.1']), ['*.shop.test', 'http/1.1']);

    const told = await askByHttp2({ ':path': '/x', ':method': 'POST', ':authority': 'www.shop.test' }, 'body');
    expect(told).toMatchObject({
      url: '/x',
      body: 'body',
      headers: { host: 'www.shop.test', 'x-forwarded-proto': 'https' },
    });
    // Changes come to a listener that answers already.
    await order({ tls: { certificates: certificates.slice(2), http2: false } });
    assert.deepEqual(await subject('a.shop.test'), ['www.shop.test', 'http/1.1']);
    assert.deepEqual(await subject(), ['www.shop.test', 'http/1.1']);
  });

  test('ends an HTTP/2 connection on which nothing is asked', async () => {
    await order({ idleTimeout: 1, tls: { certificates: [await makeCertificate('shop.test')], http2: true } });
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    await once(session, 'connect');
    const late = AbortSignal.timeout(10_000);
    await once(session, 'close', { signal: late });
  });

  test('joins both ends over TLS, too', async () => {
    await order({ tls: { certificates: [await makeCertificate('shop.test')], http2: true } });
    const socket = connectTls({ host: '127.0.0.1', port, ALPNProtocols: ['http/1.1'], rejectUnauthorized: false });
    socket.write('GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    assert.match(await until(socket, (said) => said.includes('\r\n\r\n')), /^HTTP\/1.1 101 /);
    socket.write('hello');
    assert.equal(await until(socket, (said) => said.length === 5), 'hello');
    socket.destroy();
  });

  test('takes nothing more on the port of a listener that is gone, unless another has it', async () => {
    await order({});
    assert.equal((await ask('/')).status, 200);
    await order({ id: 'als-other', rules: [rule({ last: forwardTo(b) })] });
    assert.equal((await ask('/')).told.who, 'b');
    await order();
    await assert.rejects(ask('/'), /ECONNREFUSED/);
  });
});

/** What came, once it is enough. */
function until(socket: NodeJS.ReadableStream, isEnough: (said: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const read = (chunk: Buffer): void => {
      said += chunk.toString();
      if (!isEnough(said)) return;
      socket.off('data', read);
      resolve(said);
    };
    socket.on('data', read).once('error', reject);
  });
}

function askByHttp2(headers: Readonly<Record<string, string>>, body: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.once('error', reject);
    const stream = session.request(headers).once('error', reject);
    void text(stream).then((said) => {
      session.close();
      resolve(JSON.parse(said) as Told);
    }, reject);
    stream.end(body);
  });
}
