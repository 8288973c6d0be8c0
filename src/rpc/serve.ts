import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { create, type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type Ms, minutes, ms, seconds, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter } from '#unit/metrics.ts';
import { type Call, type Handler, type RpcCode, RpcError, type Service } from './rpc.ts';
import { withoutSecrets } from './without-secrets.ts';

const callsMetric = counter('isthmus_rpc_calls_total', 'Calls that were answered on a Unix socket of this process.', [
  'service',
  'method',
  'code',
]);
const secondsMetric = counter(
  'isthmus_rpc_call_seconds_total',
  'Seconds that this process took to answer calls on a Unix socket.',
  ['service', 'method'],
);

export interface ServeOptions {
  /** Told of every call that may have changed something, and of every one that failed. */
  readonly note: (facts: object, doing: string) => void;
  /** For callers that give no deadline. kubelet gives none of its calls more. @source kubernetes pkg/volume/csi/csi_plugin.go csiTimeout @v1.36.3 */
  readonly longest?: Ms;
}

export interface RpcServer {
  /** Takes no new calls, aborts those in flight and waits for them to end; those that go on regardless are cut off after five seconds. */
  readonly close: () => Promise<void>;
}

/**
 * Answers gRPC calls on a Unix socket that only its owner may open. A socket that a killed process left behind is replaced.
 * @shape what ends it
 * @fails Error when the path can be no socket's, when another process answers there, and what the system says
 */
export async function serve(socket: string, services: readonly Service[], options: ServeOptions): Promise<RpcServer> {
  checkPath(socket);
  await mkdir(dirname(socket), { recursive: true, mode: 0o700 });
  if (await answers(socket))
    throw new Error(`${socket} is in use by another process: end that process, or give this one another socket`);
  await rm(socket, { force: true });
  const closing = new AbortController();
  const server = new grpc.Server();
  for (const one of services) addService(server, one, closing.signal, options);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (fault) =>
      fault === null ? resolve() : reject(fault),
    );
  });
  await chmod(socket, 0o600);
  return {
    close: async () => {
      const isClosed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      closing.abort(new RpcError('UNAVAILABLE', 'the server is being stopped; call again'));
      const limit = setTimeout(() => server.forceShutdown(), seconds(5));
      await isClosed;
      clearTimeout(limit);
      await rm(socket, { force: true });
    },
  };
}

/** The kernel's `sun_path` has 108 bytes with its closing zero; a longer one is cut without a word by some clients. */
function checkPath(socket: string): void {
  // CSI asks for it, and kubelet watches for nothing else. @source CSI spec 1.13, "Environment variables"
  if (!socket.endsWith('.sock')) throw new Error(`${socket}: the name of the socket must end in .sock`);
  const length = Buffer.byteLength(socket);
  if (length > 107) throw new Error(`${socket}: the path has ${length} bytes; a Unix socket's has at most 107`);
}

async function answers(socket: string): Promise<boolean> {
  const attempt = connect(socket);
  try {
    await once(attempt, 'connect');
    return true;
  } catch {
    // Nothing is there, or nobody listens.
    return false;
  } finally {
    attempt.destroy();
  }
}

function addService(
  server: grpc.Server,
  { description, handlers }: Service,
  closing: AbortSignal,
  options: ServeOptions,
): void {
  const definitions: Record<string, grpc.MethodDefinition<Message, Message>> = {};
  const implementations: grpc.UntypedServiceImplementation = {};
  for (const method of description.methods) {
    const handler = handlers[method.localName];
    // Also where there is no handler: a caller then learns that this method in particular is missing.
    definitions[method.name] = definitionOf(method);
    if (handler === undefined) continue;
    if (method.methodKind !== 'unary') throw new Error(`${method.name} streams; only unary methods are served`);
    implementations[method.name] = ((call, done) => {
      void answer(method, handler, call, closing, options).then(
        (reply) => done(null, reply),
        (e: RpcError) => done({ code: grpc.status[e.code], details: e.message }),
      );
    }) satisfies grpc.handleUnaryCall<Message, Message>;
  }
  server.addService(definitions, implementations);
}

/** How gRPC names a method, and how its messages become bytes; the client uses the same. */
export function definitionOf(method: DescMethod): grpc.MethodDefinition<Message, Message> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind !== 'unary' && method.methodKind !== 'server_streaming',
    responseStream: method.methodKind !== 'unary' && method.methodKind !== 'client_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

/** One call: its time, its log, its metrics. @fails RpcError only */
async function answer(
  method: DescMethod,
  handler: Handler<DescMethod>,
  call: grpc.ServerUnaryCall<Message, Message>,
  closing: AbortSignal,
  { note, longest = minutes(2) }: ServeOptions,
): Promise<Message> {
  const begun = uptime();
  const ended = (code: 'OK' | RpcCode, fault?: string): void => {
    const took = uptime() - begun;
    const labels = { service: method.parent.typeName, method: method.name };
    callsMetric.inc({ ...labels, code });
    secondsMetric.inc(labels, took / 1000);
    // Sidecars and kubelet ask these by the minute.
    if (code === 'OK' && /^Probe$|Get|^List|^Validate/.test(method.name)) return;
    note(
      {
        method: method.name,
        code,
        ms: Math.round(took),
        ...(fault !== undefined && { fault }),
        asked: withoutSecrets(method.input, call.request),
      },
      'answering a call',
    );
  };
  const { signal, within, release } = timeOf(call, closing, longest);
  try {
    const reply = create(method.output, await handler(call.request, { signal, within }));
    ended('OK');
    return reply;
  } catch (thrown) {
    const fault = asRpcError(thrown, signal);
    ended(fault.code, fault.message);
    throw fault;
  } finally {
    release();
  }
}

/** The caller's time as a signal, and what was left of it. */
function timeOf(
  call: grpc.ServerUnaryCall<Message, Message>,
  closing: AbortSignal,
  longest: Ms,
): Call & { readonly release: () => void } {
  const own = new AbortController();
  const deadline = Number(call.getDeadline());
  const within = ms(Math.max(0, Math.min(longest, deadline - Date.now())));
  const late = (): void =>
    own.abort(new RpcError('DEADLINE_EXCEEDED', `the caller's ${Math.round(within / 1000)} s have passed`));
  // gRPC tells a passed deadline by the same event as a caller that hung up, and the caller's own clock runs a moment ahead.
  call.once('cancelled', () => {
    if (Date.now() >= deadline - 50) late();
    else own.abort(new RpcError('CANCELLED', 'the caller hung up'));
  });
  const timer = setTimeout(late, within);
  return {
    within,
    signal: AbortSignal.any([own.signal, closing]),
    release: () => clearTimeout(timer),
  };
}

/**
 * What nobody expected may have happened half-way, so it is answered with a code that CSI's callers take for "perhaps done, ask again".
 * INTERNAL would tell them that nothing was made, and a disk would be forgotten.
 */
function asRpcError(thrown: unknown, signal: AbortSignal): RpcError {
  if (thrown instanceof RpcError) return thrown;
  if (signal.aborted && signal.reason instanceof RpcError) return signal.reason;
  return new RpcError('UNAVAILABLE', messageOf(thrown));
}
