import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ip } from '#unit/ip.ts';
import { knockTcp } from './knock-tcp.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** @shape its port, and the address that the last one called from */
async function listen(): Promise<{ readonly port: number; readonly caller: Promise<string | undefined> }> {
  const called = Promise.withResolvers<string | undefined>();
  server = createServer((socket) => {
    called.resolve(socket.remoteAddress);
    socket.destroy();
  });
  await new Promise<void>((ready) => server?.listen(0, '127.0.0.1', ready));
  const at = server.address();
  return { port: typeof at === 'object' && at !== null ? at.port : 0, caller: called.promise };
}

const loopback = ip('127.0.0.1');

test('a port where somebody listens takes the connection', async () => {
  const { port } = await listen();
  expect(await knockTcp({ address: loopback, port })).toBe('taken');
});

test('a port where nobody listens refuses: packets go there and come back', async () => {
  const { port } = await listen();
  await new Promise((closed) => server?.close(closed));
  expect(await knockTcp({ address: loopback, port })).toBe('refused');
});

test('it can be asked from another address of this computer', async () => {
  const { port, caller } = await listen();
  expect(await knockTcp({ address: loopback, port }, ip('127.0.0.2'))).toBe('taken');
  expect(await caller).toBe('127.0.0.2');
});

test('an address that this computer does not have asks nobody', async () => {
  const { port } = await listen();
  expect(await knockTcp({ address: loopback, port }, ip('192.0.2.1'))).toBe('nothing');
});
