import { once } from 'node:events';
import { link, mkdtemp, rm, stat } from 'node:fs/promises';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { metrics } from '#unit/metrics.ts';
import { dial } from './client.ts';
import { Controller, Identity } from './gen/csi_pb.js';
import { type Call, type Handlers, RpcError, service } from './rpc.ts';
import { type RpcServer, serve } from './serve.ts';

const within = seconds(10);

let folder: string;
let socket: string;
let notes: { readonly facts: object; readonly doing: string }[];
let open: (() => unknown)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-rpc-'));
  socket = join(folder, 'made/csi.sock');
  notes = [];
  open = [];
});

afterEach(async () => {
  for (const close of open.toReversed()) await close();
  await rm(folder, { recursive: true });
});

const note = (facts: object, doing: string): void => void notes.push({ facts, doing });

async function started(controller: Handlers<typeof Controller>, longest = seconds(60)): Promise<RpcServer> {
  const identity = service(Identity, { probe: () => ({ ready: true }) });
  const server = await serve(socket, [identity, service(Controller, controller)], { note, longest });
  open.push(server.close);
  return server;
}

function dialled() {
  const { ask, close } = dial(socket, Controller);
  open.push(close);
  return ask;
}

const disk = { volume: { volumeId: 'bsm-1', capacityBytes: 20n << 30n } };
const wish = { name: 'pvc-1', parameters: { kind: 'ssd' }, secrets: { key: 'hush' } };

test('answers a call with what the handler gives, bytes counted in bigint', async () => {
  await started({ createVolume: ({ name }) => ({ volume: { ...disk.volume, volumeId: name } }) });
  const { volume } = await dialled().createVolume(wish, { within });
  expect(volume?.volumeId).toBe('pvc-1');
  expect(volume?.capacityBytes).toBe(21_474_836_480n);
});

test('only the owner may open the socket and its folder', async () => {
  await started({});
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'made'))).mode & 0o777).toBe(0o700);
});

const answers: readonly [title: string, thrown: unknown, code: string, message: string][] = [
  [
    'a code of the handler with its words',
    new RpcError('NOT_FOUND', 'disk bsm-1: gone, 磁盘'),
    'NOT_FOUND',
    'disk bsm-1: gone, 磁盘',
  ],
  // INTERNAL would be taken for "nothing was made".
  ['what nobody expected as "perhaps done, ask again"', new Error('no such file'), 'UNAVAILABLE', 'no such file'],
];
for (const [title, thrown, code, message] of answers)
  test(`answers ${title}`, async () => {
    await started({
      deleteVolume: () => {
        throw thrown;
      },
    });
    await expect(dialled().deleteVolume({ volumeId: 'bsm-1' }, { within })).rejects.toMatchObject({ code, message });
  });

test('a method without a handler is UNIMPLEMENTED and named', async () => {
  await started({});
  await expect(dialled().listVolumes({}, { within })).rejects.toMatchObject({
    code: 'UNIMPLEMENTED',
    message: 'The server does not implement the method ListVolumes',
  });
});

/** A handler that works until it is told to stop, and what it was told then. */
function untilStopped() {
  const seen = { calls: [] as Call[], reasons: [] as unknown[] };
  return {
    seen,
    handler: (_: unknown, call: Call): Promise<never> => {
      seen.calls.push(call);
      return new Promise((_resolve, reject) => {
        call.signal.addEventListener('abort', () => {
          seen.reasons.push(call.signal.reason);
          reject(call.signal.reason as Error);
        });
      });
    },
  };
}

test('a handler is told when its caller has no time left, and how much there was', async () => {
  const { seen, handler } = untilStopped();
  await started({ createVolume: handler });
  await expect(dialled().createVolume(wish, { within: ms(150) })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await vi.waitFor(() => expect(seen.reasons).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]));
  expect(seen.calls[0]?.within).toBeGreaterThan(50);
  expect(seen.calls[0]?.within).toBeLessThanOrEqual(150);
});

test('a handler is told when its caller hangs up', async () => {
  const { seen, handler } = untilStopped();
  await started({ createVolume: handler });
  const hangUp = new AbortController();
  const asked = dialled().createVolume(wish, { within, signal: hangUp.signal });
  await vi.waitFor(() => expect(seen.calls).toHaveLength(1));
  hangUp.abort();
  await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
  await vi.waitFor(() => expect(seen.reasons).toMatchObject([{ code: 'CANCELLED', message: 'the caller hung up' }]));
});

test('a call without a deadline gets the longest time that the server gives', async () => {
  const { seen, handler } = untilStopped();
  await started({ createVolume: handler }, ms(100));
  await expect(dialled().createVolume(wish, { within })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(seen.calls[0]?.within).toBe(100);
});

test('closing aborts the calls in flight, answers them, and removes the socket', async () => {
  const { seen, handler } = untilStopped();
  const server = await started({ createVolume: handler });
  const asked = dialled().createVolume(wish, { within });
  const refused = expect(asked).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/being stopped/),
  });
  await vi.waitFor(() => expect(seen.calls).toHaveLength(1));
  await server.close();
  await refused;
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a socket that a killed process left behind is replaced', async () => {
  socket = join(folder, 'csi.sock');
  const killed = createServer().listen(join(folder, 'first-name'));
  await once(killed, 'listening');
  // A server that ends takes its first name away, and this one stays as after a kill.
  await link(join(folder, 'first-name'), socket);
  killed.close();
  await started({ createVolume: () => disk });
  expect((await dialled().createVolume(wish, { within })).volume?.volumeId).toBe('bsm-1');
});

test('a socket on which another process answers is left to it', async () => {
  socket = join(folder, 'csi.sock');
  const other = createServer((one) => one.on('error', () => {}).end('other')).listen(socket);
  await once(other, 'listening');
  await expect(serve(socket, [], { note })).rejects.toThrow(
    `${socket} is in use by another process: end that process, or give this one another socket`,
  );
  const [said] = (await once(connect(socket), 'data')) as [Buffer];
  expect(said.toString()).toBe('other');
  other.close();
});

test('a path that can be no socket is refused before anything is made', async () => {
  await expect(serve(join(folder, 'csi'), [], { note })).rejects.toThrow('must end in .sock');
  await expect(serve(join(folder, `${'a'.repeat(120)}.sock`), [], { note })).rejects.toThrow('at most 107');
});

test('logs what changes something, without its secrets, and counts everything', async () => {
  metrics.resetMetrics();
  await started({ createVolume: () => disk, controllerGetCapabilities: () => ({}) });
  const ask = dialled();
  await ask.createVolume(wish, { within });
  await ask.controllerGetCapabilities({}, { within });
  expect(notes).toMatchObject([
    {
      doing: 'answering a call',
      facts: {
        method: 'CreateVolume',
        code: 'OK',
        asked: { name: 'pvc-1', parameters: { kind: 'ssd' }, secrets: '(secret)' },
      },
    },
  ]);
  expect(JSON.stringify(notes)).not.toContain('hush');
  const told = await metrics.getSingleMetricAsString('isthmus_rpc_calls_total');
  for (const method of ['CreateVolume', 'ControllerGetCapabilities'])
    expect(told).toContain(`isthmus_rpc_calls_total{service="csi.v1.Controller",method="${method}",code="OK"} 1`);
});

test('kubelet’s registration dials with the percent-encoded path as authority, and is answered', async () => {
  await started({});
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  open.push(() => session.destroy());
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/csi.v1.Identity/Probe',
    [constants.HTTP2_HEADER_AUTHORITY]: encodeURIComponent(socket),
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(Buffer.alloc(5));
  stream.resume();
  const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
  expect(trailers['grpc-status']).toBe('0');
});
