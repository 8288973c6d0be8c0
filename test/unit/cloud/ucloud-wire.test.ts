import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { CloudFailure } from '../../../src/cloud/failure.ts';
import { deadlineIn } from '../../../src/cloud/ucloud/wire/deadline.ts';
import type { Effect } from '../../../src/cloud/ucloud/wire/parse-answer.ts';
import { sign } from '../../../src/cloud/ucloud/wire/sign.ts';
import { type CallNote, connectWire } from '../../../src/cloud/ucloud/wire/transport.ts';
import { type Reply, refusal, type ScriptedApi, scriptedApi, success } from './scripted-api.ts';

const opened: ScriptedApi[] = [];
afterEach(async () => {
  for (const api of opened.splice(0)) await api.close();
});

async function tried(
  effect: Effect,
  reply: (turn: number) => Reply,
  within = seconds(3),
): Promise<{ failure: CloudFailure | undefined; sent: number; notes: CallNote[]; api: ScriptedApi }> {
  const api = await scriptedApi((_call, turn) => reply(turn));
  opened.push(api);
  const notes: CallNote[] = [];
  const wire = wireTo(api.endpoint, (note) => notes.push(note));
  const answer = await wire.call({ action: 'DoIt', effect, params: { N: 1 }, shape: z.object({}) }, deadlineIn(within));
  return { failure: answer.ok ? undefined : answer.failure, sent: api.calls.length, notes, api };
}

function wireTo(endpoint: string, note?: (call: CallNote) => void): ReturnType<typeof connectWire> {
  return connectWire({
    endpoint,
    region: 'cn-bj2',
    project: 'org-1',
    publicKey: 'public-key',
    privateKey: 'private-key',
    note,
    pause: ms(10),
  });
}

const thenSuccess =
  (first: Reply) =>
  (turn: number): Reply =>
    turn === 1 ? first : success;

test.each<[string, Reply]>([
  ['throttling (153)', refusal(153)],
  ['trouble of the gateway (130)', refusal(130)],
  ['trouble of the service (150)', refusal(150)],
  ['a code as text', refusal('150')],
  ['an order that is not finished (8918)', refusal(8918)],
  ['HTTP 429', { status: 429, body: 'slow down' }],
  ['HTTP 503', { status: 503, body: '<html>' }],
])('even a create is sent again after %s', async (_title, first) => {
  const { failure, sent } = await tried('once', thenSuccess(first));
  expect([failure, sent]).toEqual([undefined, 2]);
});

test.each<[string, Reply]>([
  ['a back end that did not answer (110)', refusal(110)],
  ['a cut connection', 'cut'],
  ['an answer cut in the middle', 'cut-in-the-answer'],
  ['HTTP 502', { status: 502, body: '' }],
  ['HTTP 504', { status: 504, body: '' }],
])('after %s a read and a repeatable call are sent again, a create is unknown', async (_title, first) => {
  expect(await tried('read', thenSuccess(first))).toMatchObject({ failure: undefined, sent: 2 });
  expect(await tried('repeatable', thenSuccess(first))).toMatchObject({ failure: undefined, sent: 2 });
  expect(await tried('once', thenSuccess(first))).toMatchObject({ failure: { kind: 'unknown' }, sent: 1 });
});

test.each<[string, Reply, CloudFailure['kind']]>([
  ['a wrong signature (171)', refusal(171), 'denied'],
  ['IAM (299)', refusal(299), 'denied'],
  ['an unknown action (161)', refusal(161), 'invalid'],
  ['a wrong power state (8905)', refusal(8905), 'state'],
  ['a full subnet (57000)', refusal(57000), 'exhausted'],
  ['an empty purse (8117)', refusal(8117), 'billing'],
  ['a code that no table has', refusal(99999), 'unknown'],
  ['HTTP 403', { status: 403, body: 'no' }, 'denied'],
  ['HTTP 404', { status: 404, body: 'not here' }, 'invalid'],
  ['HTTP 200 that is no JSON', { status: 200, body: '<html>portal</html>' }, 'unknown'],
  ['JSON of another API', { json: { error: 'x' } }, 'unknown'],
])('%s is told at once and never sent again', async (_title, first, kind) => {
  const { failure, sent } = await tried('read', thenSuccess(first));
  expect([failure?.kind, sent]).toEqual([kind, 1]);
});

test.each<[Effect, CloudFailure['kind']]>([
  ['read', 'unavailable'],
  ['repeatable', 'unknown'],
  ['once', 'unknown'],
])('a %s that is never answered is %s when its time is over', async (effect, kind) => {
  const began = performance.now();
  const { failure, sent } = await tried(effect, () => 'hang', ms(400));
  expect(failure).toMatchObject({ kind, raw: { action: 'DoIt', code: 'network' } });
  expect(sent).toBe(1);
  expect(performance.now() - began).toBeLessThan(1000);
});

test('a call that may have been done stays unknown although a later attempt was only throttled', async () => {
  const { failure, sent } = await tried('repeatable', (turn) => (turn === 1 ? 'cut' : refusal(153)), ms(600));
  expect(failure).toMatchObject({ kind: 'unknown', raw: { code: 'network' } });
  expect(sent).toBeGreaterThan(1);
});

test('nothing is sent when no time is left', async () => {
  const { failure, sent } = await tried('once', () => success, ms(0));
  expect(failure).toMatchObject({ kind: 'unavailable', raw: { code: 'turn' } });
  expect(sent).toBe(0);
});

test('a cloud that asks for 30 s of patience is not asked again within a shorter limit', async () => {
  const began = performance.now();
  const { failure, sent } = await tried('repeatable', () => refusal(8980), seconds(20));
  expect([failure?.kind, sent]).toEqual(['unavailable', 1]);
  expect(performance.now() - began).toBeLessThan(1000);
});

test('a failure carries the words, the code and the request id of the cloud', async () => {
  const { failure } = await tried('read', () => refusal(8905, 'wrong state of uhost-1'));
  expect(failure).toEqual({
    kind: 'state',
    raw: { action: 'DoIt', code: '8905', message: 'wrong state of uhost-1', requestId: 'request-7' },
  });
});

test('a refused connection is repeated even for a create, and is unavailable in the end', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const notes: CallNote[] = [];
  const wire = wireTo(`http://127.0.0.1:${port}`, (note) => notes.push(note));
  const answer = await wire.call(
    { action: 'DoIt', effect: 'once', params: {}, shape: z.object({}) },
    deadlineIn(ms(900)),
  );
  expect(answer.ok ? 'ok' : answer.failure.kind).toBe('unavailable');
  expect(notes.length).toBeGreaterThan(1);
});

test('reads that wait for a turn and ask for the same are sent once, and each caller has the answer', async () => {
  const api = await scriptedApi((_call, turn) => ({ json: { RetCode: 0, Turn: turn } }));
  opened.push(api);
  const wire = wireTo(api.endpoint);
  const read = (of: number, within = seconds(3)) =>
    wire.call(
      { action: 'List', effect: 'read', params: { Of: of }, shape: z.object({ Turn: z.number() }) },
      deadlineIn(within),
    );
  const answers = await Promise.all([1, 1, 1, 1, 1, 2, 1, 2].map((of) => read(of)));
  expect(answers.map((answer) => answer.ok)).toEqual(Array(8).fill(true));
  expect(api.calls.map(({ Of }) => Of)).toEqual(['1', '2']);
  // One that has been sent may have been answered before a later caller asked.
  await read(1);
  expect(api.calls.length).toBe(3);
});

test('a read that waits for one that gives up goes on by itself', async () => {
  const api = await scriptedApi((_call, turn) => (turn <= 3 ? 'hang' : success));
  opened.push(api);
  const wire = wireTo(api.endpoint);
  const read = (of: number, within: Ms) =>
    wire.call({ action: 'List', effect: 'read', params: { Of: of }, shape: z.object({}) }, deadlineIn(within));
  const hung = [1, 2, 3].map((of) => read(of, ms(400)));
  const short = read(4, ms(100));
  const long = read(4, seconds(3));
  expect(await short).toMatchObject({ ok: false, failure: { raw: { code: 'turn' } } });
  expect(await long).toMatchObject({ ok: true });
  await Promise.all(hung);
});

test('what changes something is never sent for two', async () => {
  const api = await scriptedApi(() => success);
  opened.push(api);
  const wire = wireTo(api.endpoint);
  const call = { action: 'DoIt', effect: 'repeatable', params: {}, shape: z.object({}) } as const;
  await Promise.all(Array.from({ length: 8 }, () => wire.call(call, deadlineIn(seconds(3)))));
  expect(api.calls.length).toBe(8);
});

test('each attempt is noted with its outcome', async () => {
  const { notes } = await tried('once', thenSuccess(refusal(153)));
  expect(notes).toMatchObject([
    { action: 'DoIt', attempt: 1, outcome: 'throttled', code: '153', requestId: 'request-7' },
    { action: 'DoIt', attempt: 2, outcome: 'ok', code: '0' },
  ]);
});

test('what is sent is what is signed, with region and project always', async () => {
  const { api } = await tried('read', () => success);
  const { Signature, ...sent } = api.calls[0] ?? {};
  expect(sent).toEqual({ Action: 'DoIt', N: '1', Region: 'cn-bj2', ProjectId: 'org-1', PublicKey: 'public-key' });
  expect(Signature).toBe(sign(sent, 'private-key'));
});

test('a connection that stays silent while it opens keeps nobody beyond the limit, and nothing was sent', async () => {
  // A TLS client waits for the server's hello, which this server never says.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  const wire = wireTo(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const began = performance.now();
  const answer = await wire.call(
    { action: 'DoIt', effect: 'once', params: {}, shape: z.object({}) },
    deadlineIn(ms(400)),
  );
  expect(answer.ok ? 'ok' : answer.failure.kind).toBe('unavailable');
  expect(performance.now() - began).toBeLessThan(1000);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test.each(['api.ucloud.cn', 'ftp://api.ucloud.cn', 'https://user:pass@api.ucloud.cn', ''])(
  'the endpoint "%s" is refused with a good example',
  (endpoint) => {
    expect(() => wireTo(endpoint)).toThrow('write https://api.ucloud.cn');
  },
);
