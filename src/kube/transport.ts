import { type Agent, type Dispatcher, errors, request } from 'undici';
import { formatMs, type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import type { KubeAccess } from './access.ts';
import { type Connections, connectionsTo } from './connections.ts';
import { KubeError } from './kube.ts';
import { parseRetryAfter, parseStatus } from './parse-status.ts';
import { planRetry, type Refusal } from './plan-retry.ts';
import type { Request, WatchRequest } from './requests.ts';

/** A request, and the limit of the whole call, all its tries included. */
export interface Ask extends Request {
  readonly within: Ms;
}

/** HTTP to one API server: requests with a deadline and streams that notice silence. Every trouble is a `KubeError`. */
export interface Transport {
  /** The body of a successful answer. */
  ask(what: Ask): Promise<string>;
  /** The body of a successful answer as it comes. Breaking off the iteration ends the request. */
  open(what: WatchRequest): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

export function transportTo(access: KubeAccess): Transport {
  const line: Line = { server: new URL(access.server), connections: connectionsTo(access), token: access.token };
  return {
    ask: (what) => askWithin(line, what),
    open: (what) => openStream(line, what),
    close: () => line.connections.close(),
  };
}

interface Line {
  readonly server: URL;
  readonly connections: Connections;
  readonly token: KubeAccess['token'];
}

/** Tries until an answer, a refusal that is final, or the end of the time. */
async function askWithin(line: Line, what: Ask): Promise<string> {
  const end = performance.now() + what.within;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), what.within);
  try {
    for (let tries = 1; ; tries++) {
      try {
        return await tryOnce(line, what, deadline.signal);
      } catch (e) {
        if (deadline.signal.aborted) throw tooLate(what, line.server.origin);
        const wait = planRetry(what.method, tries, refusalOf(e));
        if (wait === undefined || performance.now() + wait >= end)
          throw isSilence(e) ? tooLate(what, line.server.origin) : failed(what.doing, line.server.origin, e);
        await sleep(wait);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The body of a success; a refusal is thrown as it is, so that the caller can tell whether to try again. */
async function tryOnce(line: Line, what: Ask, signal: AbortSignal): Promise<string> {
  const via = await line.connections.current();
  // A GET is given up half-way: there must be time left to ask it over a new connection.
  const patience = ms(what.within * (what.method === 'GET' ? 0.5 : 0.9));
  const silence = silentAfter(patience);
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const limits = { signal: either, headersTimeout: patience, bodyTimeout: patience };
    return await unlessAborted(
      send(line, what, via, limits).then((answer) => bodyOf(what.doing, answer)),
      either,
    );
  } catch (e) {
    if (signal.aborted || isSilence(e)) line.connections.distrust(via);
    throw e;
  } finally {
    silence.end();
  }
}

async function openStream(
  line: Line,
  { doing, path, query, silence, signal }: WatchRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const via = await line.connections.forStream();
  const broken = (e: unknown): KubeError => failed(doing, line.server.origin, e);
  const patience = ms(Math.min(silence, seconds(15)));
  const opening = silentAfter(patience);
  const limits = { signal, headersTimeout: patience, bodyTimeout: silence };
  try {
    const answer = await unlessAborted(
      send(line, { doing, method: 'GET', path, query }, via, limits),
      AbortSignal.any([signal, opening.signal]),
    );
    if (answer.statusCode >= 300) throw await refusalIn(doing, answer);
    return piecesOf(answer.body, broken, () => line.connections.drop(via));
  } catch (e) {
    line.connections.drop(via);
    throw broken(e);
  } finally {
    opening.end();
  }
}

/** A refused token may have been replaced a moment ago. The server did nothing: any method may come once more. */
async function send(line: Line, what: Request, via: Agent, limits: Limits): Promise<Dispatcher.ResponseData> {
  const token = await line.token?.();
  const answer = await sendAs(token, line.server, what, via, limits);
  if (answer.statusCode !== 401 || token === undefined) return answer;
  const next = await line.token?.(token);
  if (next === token) return answer;
  await answer.body.dump();
  return sendAs(next, line.server, what, via, limits);
}

function sendAs(
  token: string | undefined,
  server: URL,
  what: Request,
  via: Agent,
  limits: Limits,
): Promise<Dispatcher.ResponseData> {
  return request(new URL(what.path, server), {
    dispatcher: via,
    method: what.method,
    headers: headersOf(token, what),
    ...limits,
    ...(what.query !== undefined && { query: what.query }),
    ...(what.body !== undefined && { body: JSON.stringify(what.body) }),
  });
}

interface Limits {
  readonly signal: AbortSignal;
  readonly headersTimeout: Ms;
  readonly bodyTimeout: Ms;
}

/** undici's own time-outs begin when a request is on its connection; one that waits for a connection has none. */
function silentAfter(patience: Ms): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new errors.HeadersTimeoutError()), patience);
  return { signal: controller.signal, end: () => clearTimeout(timer) };
}

/** undici notices an abort only once it has a connection, and making one may take long. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** @fails KubeError for an answer that is a refusal */
async function bodyOf(doing: string, answer: Dispatcher.ResponseData): Promise<string> {
  if (answer.statusCode >= 300) throw await refusalIn(doing, answer);
  return answer.body.text();
}

async function refusalIn(doing: string, { statusCode, headers, body }: Dispatcher.ResponseData): Promise<KubeError> {
  return parseStatus(doing, statusCode, await body.text(), parseRetryAfter(headers['retry-after']));
}

async function* piecesOf(
  body: AsyncIterable<Uint8Array>,
  broken: (e: unknown) => KubeError,
  end: () => void,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (e) {
    throw broken(e);
  } finally {
    end();
  }
}

function headersOf(token: string | undefined, what: Request): Record<string, string> {
  return {
    accept: 'application/json, */*',
    // The server takes the field manager of plain writes from here.
    'user-agent': 'isthmus',
    ...(what.body !== undefined && { 'content-type': what.contentType ?? 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
}

function failed(doing: string, origin: string, e: unknown): KubeError {
  if (e instanceof KubeError) return e;
  const message = `${origin}: ${e instanceof Error ? e.message || codeOf(e) : String(e)}`;
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

function isSilence(e: unknown): boolean {
  return /^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(codeOf(e));
}

function codeOf(e: unknown): string {
  return e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : '';
}
