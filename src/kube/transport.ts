import { Agent, type Dispatcher, request } from 'undici';
import { formatMs, type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import type { KubeAccess } from './access.ts';
import { KubeError } from './kube.ts';
import { parseRetryAfter, parseStatus } from './parse-status.ts';
import { planRetry, type Refusal } from './plan-retry.ts';

export interface Ask {
  /** For the error: `getting nodes web-1`. */
  readonly doing: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** `application/json` when left out. */
  readonly contentType?: string;
  /** The whole call, all its tries included. */
  readonly within: Ms;
}

export interface Watching {
  readonly doing: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** How long the stream may be silent before it counts as dead. */
  readonly silence: Ms;
  readonly signal: AbortSignal;
}

/** HTTP to one API server: requests with a deadline and streams that notice silence. Every trouble is a `KubeError`. */
export interface Transport {
  /** The body of a successful answer. */
  ask(what: Ask): Promise<string>;
  /** The body of a successful answer as it comes. Breaking off the iteration ends the request. */
  open(what: Watching): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export function transportTo(access: KubeAccess): Transport {
  const server = new URL(access.server);
  const agent = agentFor(access);

  const send = async (
    what: Omit<Ask, 'within'>,
    limits: { readonly signal: AbortSignal; readonly headersTimeout: Ms; readonly bodyTimeout: Ms },
  ): Promise<Dispatcher.ResponseData> =>
    request(new URL(what.path, server), {
      dispatcher: agent,
      method: what.method,
      headers: await headersOf(access, what),
      ...limits,
      ...(what.query !== undefined && { query: what.query }),
      ...(what.body !== undefined && { body: JSON.stringify(what.body) }),
    });

  const tryOnce = async (what: Ask, signal: AbortSignal): Promise<string> => {
    // Shorter than the deadline: undici tests the connection after its own time-outs, not after our abort, and replaces a dead one.
    const timeout = ms(Math.max(what.within * 0.6, 500));
    const answer = await send(what, { signal, headersTimeout: timeout, bodyTimeout: timeout });
    const body = await answer.body.text();
    if (answer.statusCode < 300) return body;
    throw parseStatus(what.doing, answer.statusCode, body, parseRetryAfter(answer.headers['retry-after']));
  };

  return {
    async ask(what) {
      const end = performance.now() + what.within;
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), what.within);
      try {
        for (let tries = 1; ; tries++) {
          try {
            return await tryOnce(what, deadline.signal);
          } catch (e) {
            const wait = deadline.signal.aborted ? undefined : planRetry(what.method, tries, refusalOf(e));
            if (wait === undefined || performance.now() + wait >= end)
              throw deadline.signal.aborted ? tooLate(what, server.origin) : failed(what.doing, e);
            await sleep(wait);
          }
        }
      } finally {
        clearTimeout(timer);
      }
    },

    async open({ doing, path, query, silence, signal }) {
      const what = { doing, method: 'GET', path, query } as const;
      try {
        const answer = await send(what, {
          signal,
          headersTimeout: ms(Math.min(silence, seconds(15))),
          bodyTimeout: silence,
        });
        if (answer.statusCode < 300) return told(doing, answer.body);
        const body = await answer.body.text();
        throw parseStatus(doing, answer.statusCode, body, parseRetryAfter(answer.headers['retry-after']));
      } catch (e) {
        throw failed(doing, e);
      }
    },

    close: () => agent.destroy(),
  };
}

function agentFor({ ca, clientCertificate }: KubeAccess): Agent {
  return new Agent({
    allowH2: true,
    connectTimeout: 5000,
    keepAliveTimeout: 60_000,
    connect: {
      ...(ca !== undefined && { ca }),
      ...(clientCertificate !== undefined && { cert: clientCertificate.certificate, key: clientCertificate.key }),
    },
  });
}

async function headersOf(access: KubeAccess, what: Omit<Ask, 'within'>): Promise<Record<string, string>> {
  return {
    accept: 'application/json, */*',
    // The server takes the field manager of plain writes from here.
    'user-agent': 'isthmus',
    ...(what.body !== undefined && { 'content-type': what.contentType ?? 'application/json' }),
    ...(access.token !== undefined && { authorization: `Bearer ${await access.token()}` }),
  };
}

async function* told(doing: string, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (e) {
    throw failed(doing, e);
  }
}

function failed(doing: string, e: unknown): KubeError {
  if (e instanceof KubeError) return e;
  const message = e instanceof Error ? e.message || codeOf(e) : String(e);
  return new KubeError(doing, { status: 0, reason: 'Unreachable', message, cause: e });
}

function tooLate(what: Ask, origin: string): KubeError {
  const message = `no answer from ${origin} within ${formatMs(what.within)}`;
  return new KubeError(what.doing, { status: 0, reason: 'DeadlineExceeded', message });
}

function refusalOf(e: unknown): Refusal {
  return e instanceof KubeError
    ? { by: 'server', status: e.status, retryAfter: e.retryAfter }
    : { by: 'connection', code: codeOf(e) };
}

function codeOf(e: unknown): string {
  return e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : '';
}
