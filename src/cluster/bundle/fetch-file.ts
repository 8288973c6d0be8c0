import { createHash, type Hash } from 'node:crypto';
import { createReadStream, writeFileSync } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, request } from 'undici';
import { seconds, sleep } from '#unit/clock.ts';
import { explainDiskTrouble } from './disk-trouble.ts';

export interface FileWish {
  readonly url: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Bytes; `undefined` where only the server knows. */
  readonly size: number | undefined;
  readonly to: string;
  readonly mode: number;
  /** What to do when the content is not what the digest says; without it, what an operator of a cluster would do. */
  readonly cure?: string;
  /** Another way to the server than straight. */
  readonly http?: Dispatcher;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Told as bytes come: how many are there. */
  readonly onBytes?: (have: number) => void;
}

const attempts = 6;
const clusterCure = 'publish the bundle again, or correct bundle.digest in cluster.yaml';

/**
 * Brings one file to its place, whole and checked. What an earlier try has brought is kept and gone on from; a file already
 * there with this digest is left alone.
 * @shape whether it had to be fetched
 * @fails FetchError after six tries, or at once when the server refuses or the content is not what the digest says; Error when
 *        this computer can't keep it
 */
export async function fetchFile(wish: FileWish): Promise<'fetched' | 'present'> {
  if ((await digestOf(wish.to)) === wish.digest) return 'present';
  await mkdir(dirname(wish.to), { recursive: true });
  const part = `${wish.to}.part`;
  const got = await fetchPatiently(wish, part);
  if (got !== wish.digest) {
    await rm(part);
    throw new FetchError(wish.url, `its content has ${got} instead of ${wish.digest}; ${wish.cure ?? clusterCure}`);
  }
  await chmod(part, wish.mode);
  await rename(part, wish.to);
  return 'fetched';
}

export class FetchError extends Error {
  constructor(url: string, why: string, cause?: unknown) {
    super(`fetching ${url}: ${why}`, { cause });
    this.name = 'FetchError';
  }
}

/** The server understood and says no: asking again gives the same answer. */
class Refused extends Error {}

/** The digest of the file that is whole in `part` afterwards. */
async function fetchPatiently(wish: FileWish, part: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchRest(wish, part);
    } catch (e) {
      wish.signal?.throwIfAborted();
      if (e instanceof Refused) throw new FetchError(wish.url, e.message, e);
      const explained = explainDiskTrouble(e, part);
      if (explained !== e) throw explained;
      if (attempt === attempts) throw new FetchError(wish.url, `${explainRequestFault(e)}, ${attempts} times`, e);
      await sleep(seconds(attempt), wish.signal);
    }
  }
}

/**
 * What went wrong with a request, for people. A name with several addresses fails with several errors and an empty message of its
 * own; a proxy's refusal is told in terms of HTTP.
 */
export function explainRequestFault(e: unknown): string {
  if (e instanceof AggregateError && e.message === '') return e.errors.map(explainRequestFault).join(', ');
  if (!(e instanceof Error)) return String(e);
  const status = /^Proxy response \((\d+)\)/.exec(e.message)?.[1];
  return status === undefined
    ? e.message
    : `the proxy refuses to connect to that server, or to the one that it redirects to, with HTTP status ${status}`;
}

async function fetchRest(wish: FileWish, part: string): Promise<string> {
  let have = await sizeOf(part);
  if (wish.size !== undefined && have > wish.size) {
    await rm(part);
    have = 0;
  }
  // Bytes are hashed as they come, because reading a large file a second time takes as long as writing it.
  const before = createHash('sha256');
  if (have > 0) await addFile(before, part);
  if (have === wish.size) return formatDigest(before);
  const headers = { ...wish.headers, ...(have > 0 && { range: `bytes=${have}-` }) };
  const { signal = null, http } = wish;
  const answer = await request(wish.url, {
    headers,
    headersTimeout: 20_000,
    bodyTimeout: 30_000,
    signal,
    ...(http && { dispatcher: http }),
  });
  const { statusCode: status } = answer;
  if (status !== 200 && status !== 206) {
    await answer.body.dump();
    if (status === 416) return allOf(part, before, wish);
    throw refuses(status) ? new Refused(`HTTP status ${status}`) : new Error(`HTTP status ${status}`);
  }
  // A server that can't send parts sends all of it again.
  const goesOn = status === 206;
  const hash = goesOn ? before : createHash('sha256');
  const now = await append(
    answer.body,
    { part, flags: goesOn ? 'a' : 'w', hash, have: goesOn ? have : 0 },
    wish.onBytes,
  );
  if (wish.size !== undefined && now !== wish.size)
    throw new Error(`the connection ended after ${now} of ${wish.size} bytes`);
  return formatDigest(hash);
}

/** There is nothing behind what we have: it is the whole file, or the rest of another one. */
async function allOf(part: string, hash: Hash, wish: FileWish): Promise<string> {
  const got = formatDigest(hash);
  if (got === wish.digest) return got;
  await rm(part, { force: true });
  throw new Error('the file on the server is shorter than what an earlier try has fetched');
}

/** Chunk by chunk: a stream of its own would drop what it holds when the connection is cut. */
async function append(
  body: AsyncIterable<Buffer>,
  { part, flags, hash, have }: { part: string; flags: 'a' | 'w'; hash: Hash; have: number },
  onBytes: FileWish['onBytes'],
): Promise<number> {
  const file = await open(part, flags, 0o600);
  let now = have;
  try {
    for await (const chunk of body) {
      // At once: for 64 KiB into the page cache a turn of the event loop costs more than the writing itself.
      writeFileSync(file.fd, chunk);
      hash.update(chunk);
      now += chunk.length;
      onBytes?.(now);
    }
  } finally {
    await file.close();
  }
  return now;
}

function refuses(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(absent))?.size ?? 0;
}

/** `sha256:…` of a file, or `undefined` when there is none. */
export async function digestOf(path: string): Promise<string | undefined> {
  if ((await stat(path).catch(absent)) === undefined) return undefined;
  const hash = createHash('sha256');
  await addFile(hash, path);
  return formatDigest(hash);
}

async function addFile(hash: Hash, path: string): Promise<void> {
  // A large step: with the usual 64 KiB the loop of events costs more than the hashing.
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), async (chunks) => {
    for await (const chunk of chunks as AsyncIterable<Buffer>) hash.update(chunk);
  });
}

function formatDigest(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

function absent(e: NodeJS.ErrnoException): undefined {
  if (e.code === 'ENOENT') return undefined;
  throw e;
}
