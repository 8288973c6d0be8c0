import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import { formatMs, type Ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { bounded } from './bounded.ts';
import { HostError, LineCollector, type Ran, type RunOptions } from './host.ts';
import { type HostKey, hostKeyOf } from './host-key.ts';
import { explainLogin, loginConfig, lookThere, type SshLogin } from './ssh-login.ts';

/** How a link is opened. */
export interface LinkLimits {
  /** For connecting and logging in. */
  readonly within: Ms;
  /** A machine that answers nothing at all for this long is taken for lost. */
  readonly silence: Ms;
  readonly signal?: AbortSignal | undefined;
}

/** What a peer gets to say goodbye, before the socket is closed without it. */
const farewell = seconds(2);
/** Of `silence`: this many keepalives are sent and go unanswered. */
const keepalives = 3;

/**
 * One SSH connection that is logged in. It knows when it is lost, whatever the way: closed, reset, or silent. Every call on it
 * then ends with an error, as does every later one; none of them waits for a peer that will not answer.
 */
export class SshLink {
  readonly #name: string;
  readonly #client: Client;
  readonly #socket: Duplex;
  readonly #onLost = new Set<(why: string) => void>();
  #lost: string | undefined;
  #isClosed = false;

  constructor(name: string, client: Client, socket: Duplex, silence: Ms) {
    this.#name = name;
    this.#client = client;
    this.#socket = socket;
    let why = 'the other end closed it';
    client.on('error', (e: Error & { level?: string }) => {
      why = e.level === 'client-timeout' ? `no answer for ${formatMs(silence)}` : e.message;
      this.#lose(why);
    });
    client.on('end', () => this.#lose(why));
    client.on('close', () => {
      this.#isClosed = true;
      this.#lose(why);
    });
  }

  #lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    for (const tell of this.#onLost) tell(why);
    // What is still to be sent would keep a socket, and with it the process, for as long as the kernel tries.
    if (!this.#isClosed) this.#socket.destroy();
  }

  /** @fails HostError: lost, no such command, out of time */
  run(command: string, opts: RunOptions): Promise<Ran> {
    return this.#work<Ran>(command, opts, ({ done, fail, isOver }) => {
      let channel: ClientChannel | undefined;
      this.#client.exec(command, (e, opened) => {
        if (e) {
          fail(e.message, e);
          return;
        }
        if (isOver()) {
          opened.close();
          return;
        }
        channel = opened;
        collect(opened, opts, done, () => fail('the connection ended before the exit code of the command came'));
      });
      return () => channel?.close();
    });
  }

  /** A way through this machine to a port that it can reach. @fails HostError */
  forward(address: string, port: number, limits: LinkLimits): Promise<Duplex> {
    const fault = (why: string): string =>
      `${why}; check that it can reach that port, and that its sshd_config has AllowTcpForwarding yes`;
    return this.#work<Duplex>(`forwarding to ${address}:${port}`, limits, ({ done, fail, isOver }) => {
      this.#client.forwardOut('127.0.0.1', 0, address, port, (e, opened) => {
        if (e) fail(fault(e.message), e);
        else if (isOver()) opened.close();
        else done(opened);
      });
      return () => undefined;
    });
  }

  /** Work that ends by itself, at its limit, or with the connection. */
  #work<T>(
    doing: string,
    bounds: { readonly within: Ms; readonly signal?: AbortSignal | undefined },
    begin: (settle: {
      done(this: void, value: T): void;
      fail(this: void, why: string, cause?: unknown): void;
      isOver(this: void): boolean;
    }) => () => void,
  ): Promise<T> {
    const fault = (why: string, cause?: unknown): HostError => new HostError(this.#name, doing, why, cause);
    if (this.#lost !== undefined) return Promise.reject(fault(explainLoss(this.#lost)));
    let isOver = false;
    let lose: (why: string) => void = () => undefined;
    return bounded<T>({ within: bounds.within, signal: bounds.signal, fault }, ({ done, fail }) => {
      let giveUp = (): void => undefined;
      const settle = {
        done,
        fail: (why: string, cause?: unknown): void => fail(fault(why, cause)),
        isOver: (): boolean => isOver,
      };
      lose = (why) => fail(fault(explainLoss(why)));
      this.#onLost.add(lose);
      try {
        giveUp = begin(settle);
      } catch (e) {
        // The client throws when it can't send, before it has told us that the connection is lost.
        fail(fault(explainLoss(messageOf(e)), e));
      }
      return (why) => {
        fail(why);
        giveUp();
      };
    }).finally(() => {
      isOver = true;
      this.#onLost.delete(lose);
    });
  }

  /** Says goodbye and closes; the other end's consent is not needed. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const limit = setTimeout(resolve, farewell);
    this.#client.once('close', resolve);
    this.#client.end();
    await promise;
    clearTimeout(limit);
    this.#socket.destroy();
  }
}

function explainLoss(why: string): string {
  return `the SSH connection was lost: ${why}; what was started there may still be running. Check that the machine is on and the network path to it works, then run the same isthmus command again`;
}

/**
 * Connects and logs in.
 * @shape through: the machine to go through; without one, straight over TCP
 * @fails HostError: not reachable, login refused · whatever `isExpected` throws about the host key
 */
export function openLink(
  login: SshLogin,
  limits: LinkLimits,
  { through, checkHostKey }: { through?: Duplex | undefined; checkHostKey: (shown: HostKey) => void },
): Promise<{ link: SshLink; hostKey: HostKey }> {
  const { name, user, address, port } = login;
  const fault = (why: string, cause?: unknown): HostError =>
    new HostError(name, `connecting to ${user}@${address}:${port}`, why, cause);
  const late = `no login within ${formatMs(limits.within)}; ${lookThere}`;
  const client = new ssh2.Client();
  const socket = through ?? connect({ host: address, port });
  let shown: HostKey | undefined;
  let refused: Error | undefined;
  return bounded<{ link: SshLink; hostKey: HostKey }>(
    { within: limits.within, signal: limits.signal, late, fault },
    ({ done, fail }) => {
      const giveUp = (why: Error): void => {
        fail(refused ?? why);
        socket.destroy();
      };
      const hostVerifier = (wire: Buffer): boolean => {
        shown = hostKeyOf(wire);
        try {
          checkHostKey(shown);
          return true;
        } catch (e) {
          refused = e as Error;
          return false;
        }
      };
      client.on('error', (e: Error & { level?: string }) => {
        // An agent that refuses one key, or does not answer, may be followed by another key.
        if (e.level !== 'agent') giveUp(fault(explainLogin(e, login), e));
      });
      client.on('close', () => giveUp(fault('the other end closed the connection before the login was complete')));
      client.on('ready', () => {
        client.removeAllListeners('error').removeAllListeners('close');
        done({ link: new SshLink(name, client, socket, limits.silence), hostKey: shown as HostKey });
      });
      client.connect({
        ...loginConfig(login),
        sock: socket,
        hostVerifier,
        // Our own limit is the shorter one and says more.
        readyTimeout: limits.within + 1000,
        keepaliveInterval: Math.max(1, Math.floor(limits.silence / (keepalives + 1))),
        keepaliveCountMax: keepalives,
      });
      return giveUp;
    },
  ).finally(() => {
    // Without a listener, an error that comes after the end would end the process.
    client.on('error', () => undefined);
  });
}

/** Gives the command its stdin, and what it says to `done` when it has ended; `lost` when it ended without an exit code. */
function collect(channel: ClientChannel, opts: RunOptions, done: (ran: Ran) => void, lost: () => void): void {
  const stdout = new LineCollector(opts.onLine);
  const stderr = new LineCollector(undefined);
  let code: number | undefined;
  channel.setEncoding('utf8').on('data', (chunk: string) => stdout.add(chunk));
  channel.stderr.setEncoding('utf8').on('data', (chunk: string) => stderr.add(chunk));
  channel.on('exit', (status: number | null) => {
    code = status ?? 128;
  });
  channel.on('close', () => {
    stdout.end();
    if (code === undefined) lost();
    else done({ code, stdout: stdout.text, stderr: stderr.text });
  });
  // A command that reads nothing closes its stdin early; its exit code tells what matters.
  channel.on('error', () => undefined);
  channel.end(opts.stdin ?? '');
}
