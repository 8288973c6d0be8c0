import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { AddressWaits } from './address-waits.ts';
import { AlreadyAttached, type Attachments, NoAddress } from './attachments.ts';
import { type AttachmentMade, addResult, formatAnswer } from './cni/answer.ts';
import { type CniRequest, cniCode, parseCniRequest } from './cni/request.ts';
import type { Note } from './note.ts';

export interface CniServerOptions {
  readonly attachments: Attachments;
  readonly socket: string;
  readonly note: Note;
  /** What the node may give now. */
  readonly pool: () => { readonly spec: PodRangeSpec | undefined; readonly mtu: number | undefined };
  /** Holds the packet filter against which pod has which address now. @fails Error when the kernel refuses */
  readonly guard: () => void;
  /** A pod has this address from now on. */
  readonly arrived: (address: Ip) => void;
  /** Whether pods of this node could be given a working network at some time of this process. */
  readonly worked: () => boolean;
  /** Where ADDs wait for an address. */
  readonly waits: AddressWaits;
  /** How long they do. */
  readonly patience: Ms;
}

/** Listens for the plugin until the returned function is called; that lets running requests end. */
export async function serveCni(options: CniServerOptions): Promise<() => Promise<void>> {
  await mkdir(dirname(options.socket), { recursive: true, mode: 0o700 });
  // Left behind by a life that was killed.
  await rm(options.socket, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => void serveOne(options, socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socket, resolve);
  });
  await chmod(options.socket, 0o600);
  return () => {
    options.waits.endAll();
    return closed(server);
  };
}

/**
 * Performs the DELs that the plugin wrote down while no agent answered. A file goes when its DEL is certain.
 * @shape how many were performed
 */
export async function replayPending(
  folder: string,
  options: Pick<CniServerOptions, 'attachments' | 'note'>,
): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  for (const name of names) {
    const request = parseCniRequest(await readFile(join(folder, name), 'utf8'));
    if (request.ok && request.value.verb === 'DEL') await options.attachments.detach(request.value);
    options.note({ name, readable: request.ok }, 'performing a queued DEL');
    await rm(join(folder, name));
  }
  return names.length;
}

async function serveOne(options: CniServerOptions, socket: Socket): Promise<void> {
  socket.setTimeout(requestLimit, () => socket.destroy());
  // The plugin gave up: what it asked for is done all the same, and its DEL will follow.
  socket.on('error', (e) => options.note({ fault: e.message }, 'lost the connection to a CNI plugin'));
  try {
    socket.end(await answerTo(options, await textOf(socket)));
  } catch (e) {
    options.note({ fault: (e as Error).message }, 'answering a plugin');
    socket.destroy();
  }
}

/** The plugin itself waits 60 s. */
const requestLimit = seconds(65);

async function textOf(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

async function answerTo(options: CniServerOptions, text: string): Promise<string> {
  const request = parseCniRequest(text);
  if (!request.ok) return formatAnswer({ fault: request.failure });
  const started = performance.now();
  try {
    const done = await perform(options, request.value);
    if (request.value.verb !== 'STATUS')
      options.note({ ...request.value, took: Math.round((performance.now() - started) * 10) / 10 }, 'answering CNI');
    return formatAnswer({ done });
  } catch (e) {
    const fault = { version: request.value.version, ...faultOf(e) };
    options.note({ ...request.value, ...fault }, 'refusing CNI');
    if (request.value.verb === 'DEL') return formatAnswer({ fault: { ...fault, ...unrecorded } });
    return formatAnswer({ fault });
  }
}

async function perform(options: CniServerOptions, request: CniRequest): Promise<object | undefined> {
  const { attachments } = options;
  switch (request.verb) {
    case 'ADD': {
      // Without a range there is nothing to wait for: that takes as long as it takes.
      const within = options.pool().spec === undefined ? ms(0) : options.patience;
      const attempt = async (): Promise<AttachmentMade> => {
        const { spec, mtu } = options.pool();
        if (mtu === undefined) throw new NoAddress("no interface of this machine has the node's address");
        // The address may have been that of a pod with more rights.
        options.guard();
        const made = await attachments.attach(request, spec, mtu);
        options.guard();
        options.arrived(made.ip);
        return made;
      };
      return addResult(request.version, await options.waits.attach(request, attempt, within));
    }
    case 'DEL':
      options.waits.end(request);
      await attachments.detach(request);
      return undefined;
    case 'CHECK': {
      const faults = attachments.faultsOf(request);
      if (faults.length > 0) throw new Error(faults.join('; '));
      return undefined;
    }
    case 'GC':
      await attachments.keepOnly(request.valid);
      return undefined;
    case 'STATUS':
      // Never for an empty pool: an error here makes the whole Node not ready and evicts its pods.
      if (!options.worked()) throw new NotWorkingYet();
      return undefined;
  }
}

class NotWorkingYet extends Error {
  constructor() {
    super('this node has no usable pod address yet');
  }
}

/** In words of our own: containerd takes a DEL error for success when its text says that something was not there. */
const unrecorded = { msg: 'the DEL could not be recorded', details: 'the log of the Isthmus agent has the cause' };

/** 100 and above are the plugin's own. @source CNI specification 1.1.0, "Error" */
const alreadyAttached = 100;
const failed = 101;

function faultOf(e: unknown): { readonly code: number; readonly msg: string; readonly details?: string } {
  const { message } = e as Error;
  if (e instanceof NoAddress) return { code: cniCode.again, msg: `${message}, try again later` };
  if (e instanceof NotWorkingYet) return { code: cniCode.notAvailable, msg: message };
  if (e instanceof AlreadyAttached) return { code: alreadyAttached, msg: message };
  if (e instanceof AggregateError)
    return { code: failed, msg: message, details: e.errors.map((one: Error) => one.message).join('; ') };
  return { code: failed, msg: message };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
