import { readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestNode } from './node.ts';

let node: TestNode;
let server: Server | undefined;
beforeAll(async () => {
  node = await TestNode.create();
});
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))));
afterAll(() => node?.close());

/** An agent that reads a request and then says exactly this, as one that is killed in the middle of an answer does. */
async function agentThatSays(answer: string): Promise<readonly string[]> {
  const heard: string[] = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    let request = '';
    socket.on('data', (part) => (request += part.toString()));
    socket.on('end', () => {
      heard.push(request);
      socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server?.listen(join(node.folder, 'cni.sock'), resolve));
  return heard;
}

test('an answer torn at any byte is no answer: ADD is to be tried again, DEL is queued', async () => {
  const whole = '0\n{"cniVersion":"1.0.0"}\n';
  for (let cut = 0; cut < whole.length; cut++) {
    await agentThatSays(whole.slice(0, cut));
    const add = await node.cni('ADD', 'torn');
    expect([cut, add.code, add.json?.['code']]).toEqual([cut, 1, 11]);
    expect(await node.cni('DEL', `torn-${cut}`)).toMatchObject({ code: 0, stdout: '' });
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
  }
  // Two of them end where a DEL's whole answer could end, were it empty: `0\n` is not yet one.
  expect(await readdir(join(node.folder, 'state/cni-pending'))).toHaveLength(whole.length);
});

test('the exit code is the one that the agent gives, and its words are printed as they are', async () => {
  await agentThatSays('1\n{"cniVersion":"1.0.0","code":100,"msg":"no"}\n');
  expect(await node.cni('ADD', 'refused')).toEqual({
    code: 1,
    stdout: '{"cniVersion":"1.0.0","code":100,"msg":"no"}\n',
    json: { cniVersion: '1.0.0', code: 100, msg: 'no' },
  });
});

test('only CNI variables are carried, with every character that they have', async () => {
  const heard = await agentThatSays('0\n\n');
  await node.cni(
    'DEL',
    'odd',
    {},
    { CNI_ARGS: 'quote " back \\ tab \t newline \n umlaut ü', SECRET: 'not for the agent' },
  );
  const request = JSON.parse(heard[0] as string) as { env: Record<string, string>; stdin: string };
  expect(request.env['CNI_ARGS']).toBe('quote " back \\ tab \t newline \n umlaut ü');
  expect(heard[0]).not.toContain('SECRET');
  expect(JSON.parse(request.stdin)).toMatchObject({ cniVersion: '1.0.0' });
});

test('STATUS waits for an agent that restarts, and says 50 only after some seconds', async () => {
  const asked = node.cni('STATUS', 'none', { cniVersion: '1.1.0' });
  setTimeout(() => void agentThatSays('0\n\n'), 1_500);
  expect(await asked).toMatchObject({ code: 0 });
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  const started = performance.now();
  const status = await node.cni('STATUS', 'none', { cniVersion: '1.1.0' });
  expect([status.code, status.json?.['code']]).toEqual([1, 50]);
  expect(performance.now() - started).toBeGreaterThan(5_000);
});

test('an agent that closes before it has read everything does not end the plugin: each DEL is queued', async () => {
  await rm(join(node.folder, 'state/cni-pending'), { recursive: true, force: true });
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server?.listen(join(node.folder, 'cni.sock'), resolve));
  const large = { args: { padding: 'x'.repeat(300_000) } };
  const names = Array.from({ length: 40 }, (_, i) => `early-${i}`);
  const answers = await Promise.all(names.map((name) => node.cni('DEL', name, large)));
  expect(answers.map(({ code }) => code)).toEqual(names.map(() => 0));
  expect(await readdir(join(node.folder, 'state/cni-pending'))).toHaveLength(names.length);
});

test('a DEL without its container is refused, because a queue could not replay it', async () => {
  const del = await node.cni('DEL', 'none', {}, { CNI_CONTAINERID: '' });
  expect([del.code, del.json?.['code']]).toEqual([1, 4]);
});
