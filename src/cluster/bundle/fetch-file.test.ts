import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { type FileWish, fetchFile } from './fetch-file.ts';

const content = randomBytes(300_000);
const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;

let folder: string;
let server: Server;
let sent: { range: string | undefined; bytes: number }[];
let serve: (from: number) => { status: number; body: Buffer; cut?: boolean };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'isthmus-fetch-'));
  sent = [];
  serve = (from) => ({ status: from === 0 ? 200 : 206, body: content.subarray(from) });
  const listen: RequestListener = (request, response) => {
    const { range } = request.headers;
    const answer = serve(Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0));
    sent.push({ range, bytes: answer.body.length });
    response.writeHead(answer.status, answer.cut ? { 'content-length': answer.body.length + 1 } : {});
    if (answer.cut) response.write(answer.body, () => void cutWhenSomeCame(response));
    else response.end(answer.body);
  };
  server = createServer(listen);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

/** Only then there is something to go on from. */
async function cutWhenSomeCame(response: ServerResponse): Promise<void> {
  const part = `${wish().to}.part`;
  await waitFor('a first part', async () => existsSync(part) && statSync(part).size > 0, {
    within: seconds(10),
    every: ms(5),
  });
  response.destroy();
}

function wish(): FileWish {
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/bin/kubelet`,
    digest,
    size: content.length,
    to: join(folder, 'deep', 'kubelet'),
    mode: 0o755,
  };
}

test('a file comes whole, checked and with its mode', async () => {
  const asked = wish();
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
  expect(statSync(asked.to).mode & 0o777).toBe(0o755);
});

test('a file that is there is not asked for again', async () => {
  await fetchFile(wish());
  expect(await fetchFile(wish())).toBe('present');
  expect(sent).toHaveLength(1);
});

test('a transfer that was cut goes on where it stopped', async () => {
  const asked = wish();
  let cuts = 0;
  serve = (from) =>
    cuts++ === 0
      ? { status: 200, body: content.subarray(0, 100_000), cut: true }
      : { status: 206, body: content.subarray(from) };
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
  expect(sent.map(({ range }) => range)).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
});

test('a server that can send no parts sends all of it again', async () => {
  const asked = wish();
  let cuts = 0;
  serve = () =>
    cuts++ === 0 ? { status: 200, body: content.subarray(0, 100_000), cut: true } : { status: 200, body: content };
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
});

test('a file that stands there with other content is replaced', async () => {
  const asked = { ...wish(), to: join(folder, 'kubelet') };
  writeFileSync(asked.to, 'of an older version');
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
});

test('content that the digest does not know is thrown away, and said', async () => {
  const asked = { ...wish(), digest: `sha256:${'0'.repeat(64)}` };
  await expect(fetchFile(asked)).rejects.toThrow(
    /kubelet: its content has sha256:.* instead of sha256:0+; .*bundle\.digest/,
  );
  await expect(fetchFile(asked)).rejects.toThrow('instead of');
  expect(sent.map(({ range }) => range)).toEqual([undefined, undefined]);
});

test('a server that refuses is asked once', async () => {
  serve = () => ({ status: 404, body: Buffer.alloc(0) });
  await expect(fetchFile(wish())).rejects.toThrow(/fetching http:.*kubelet: HTTP status 404$/);
  expect(sent).toHaveLength(1);
});

test('a file whose size only the server knows goes on as well, and stops when all of it was there', async () => {
  const asked = { ...wish(), size: undefined, to: join(folder, 'kubelet') };
  writeFileSync(`${asked.to}.part`, content.subarray(0, 1000));
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
  const again = { ...asked, to: join(folder, 'kubeadm') };
  writeFileSync(`${again.to}.part`, content);
  serve = () => ({ status: 416, body: Buffer.alloc(0) });
  expect(await fetchFile(again)).toBe('fetched');
  expect(sent.map(({ range }) => range)).toEqual(['bytes=1000-', `bytes=${content.length}-`]);
});

test('the rest of another file is thrown away and all of it fetched', async () => {
  const asked = { ...wish(), size: undefined, to: join(folder, 'kubelet') };
  writeFileSync(`${asked.to}.part`, Buffer.alloc(content.length + 5));
  serve = (from) => (from > 0 ? { status: 416, body: Buffer.alloc(0) } : { status: 200, body: content });
  expect(await fetchFile(asked)).toBe('fetched');
  expect(readFileSync(asked.to)).toEqual(content);
});

test('who stops waiting is not kept waiting', async () => {
  const stop = new AbortController();
  serve = () => {
    stop.abort(new Error('enough'));
    return { status: 503, body: Buffer.alloc(0) };
  };
  await expect(fetchFile({ ...wish(), signal: stop.signal })).rejects.toThrow('enough');
  expect(sent).toHaveLength(1);
});
