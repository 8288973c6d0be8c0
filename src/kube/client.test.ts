import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { connect } from './client.ts';
import { type Kube, KubeError } from './kube.ts';
import { configMaps, nodes } from './resources.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

let server: Server;
let kube: Kube;

/**
 * Answers each request by the next of `answers`, the last one again and again. It knows nothing of Kubernetes and stands for
 * what a real API server does not do on demand: load, resets before an answer, a snapshot that expires between two pages.
 */
async function serve(...answers: readonly Answer[]): Promise<IncomingMessage[]> {
  const asked: IncomingMessage[] = [];
  server = createServer((request, response) => {
    asked.push(request);
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const access = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: () => 'the-secret-token',
  };
  kube = connect(access, { within: seconds(5) });
  return asked;
}

afterEach(async () => {
  await kube.close();
  server.closeAllConnections();
  server.close();
});

const page =
  (names: readonly string[], next = ''): Answer =>
  (response) =>
    response.end(
      JSON.stringify({ metadata: { continue: next }, items: names.map((name) => ({ metadata: { name } })) }),
    );
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end(JSON.stringify({ reason: `Reason${code}`, message: `message ${code}` }));
const reset: Answer = (response) => response.destroy();
const silent: Answer = () => undefined;

async function refusal(call: Promise<unknown>): Promise<KubeError> {
  const outcome = await call.catch((e: unknown) => e);
  expect(outcome).toBeInstanceOf(KubeError);
  return outcome as KubeError;
}

test('a list whose snapshot expires between two pages starts over and tells nothing twice', async () => {
  const asked = await serve(page(['a', 'b'], 'next'), status(410), page(['a', 'c'], 'more'), page(['d']));
  expect((await kube.list(nodes)).map(({ metadata }) => metadata.name)).toEqual(['a', 'c', 'd']);
  const tokens = asked.map(({ url }) => new URL(url ?? '', 'http://x').searchParams.get('continue'));
  expect(tokens).toEqual([null, 'next', null, 'more']);
});

test('a first page that is refused as expired is an error', async () => {
  await serve(status(410));
  expect(await refusal(kube.list(nodes))).toMatchObject({ status: 410, reason: 'Reason410' });
});

test('a call turned away for load comes back after the time that the server asks for', async () => {
  const asked = await serve(status(429, { 'retry-after': '1' }), page([]));
  const start = performance.now();
  expect(await kube.list(nodes)).toEqual([]);
  expect(performance.now() - start).toBeGreaterThan(990);
  expect(asked).toHaveLength(2);
});

test('a server that asks to stay away beyond the deadline is an error at once', async () => {
  await serve(status(429, { 'retry-after': '60' }));
  const start = performance.now();
  expect(await refusal(kube.list(nodes))).toMatchObject({ status: 429, retryAfter: 60_000 });
  expect(performance.now() - start).toBeLessThan(1000);
});

test('a get whose connection is reset before an answer is asked again, a write is not', async () => {
  const asked = await serve(reset, reset, (response) => response.end('{"metadata":{"name":"a"}}'), reset);
  expect(await kube.get(nodes, { name: 'a' })).toEqual({ metadata: { name: 'a' } });
  expect(asked).toHaveLength(3);
  expect(await refusal(kube.create(nodes, { metadata: { name: 'a' } }))).toMatchObject({
    status: 0,
    reason: 'Unreachable',
  });
  expect(asked).toHaveLength(4);
});

test('a server that does not answer ends the call, and the error names server and limit but no credential', async () => {
  const asked = await serve(silent);
  const late = await refusal(kube.read('/readyz', { within: ms(700) }));
  expect(asked[0]?.headers.authorization).toBe('Bearer the-secret-token');
  expect(late).toMatchObject({ status: 0, reason: 'DeadlineExceeded' });
  expect(late.message).toMatch(/^reading \/readyz: no answer from http:\/\/127\.0\.0\.1:\d+ within 700 ms/);
  expect(`${late.stack} ${JSON.stringify(late)} ${String(late.cause)}`).not.toContain('the-secret-token');
});

test('names are escaped, and a namespaced object without a namespace is our own fault', async () => {
  const asked = await serve(status(404));
  expect(await kube.get(configMaps, { namespace: 'a/b', name: '../c' })).toBeUndefined();
  expect(asked[0]?.url).toBe('/api/v1/namespaces/a%2Fb/configmaps/..%2Fc');
  await expect(kube.get(configMaps, { name: 'c' })).rejects.toThrow('without its namespace');
});

test('a refusal that is no Kubernetes status is told as it is', async () => {
  await serve((response) => response.writeHead(502).end('bad gateway'));
  expect((await refusal(kube.list(nodes))).message).toBe('listing nodes: bad gateway (502 Unknown)');
});
