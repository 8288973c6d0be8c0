import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { seconds, sleep } from '#unit/clock.ts';

export interface FileWish {
  readonly url: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly to: string;
  readonly mode: number;
}

const attempts = 6;

/**
 * Brings one file to its place, whole and checked. What an earlier try has brought is kept and gone on from; a file already
 * there with this digest is left alone.
 * @shape whether it had to be fetched
 * @fails FetchError after six tries, or at once when the content is not what the digest says
 */
export async function fetchFile(wish: FileWish): Promise<'fetched' | 'present'> {
  if ((await digestOf(wish.to)) === wish.digest) return 'present';
  await mkdir(dirname(wish.to), { recursive: true });
  const part = `${wish.to}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(wish, part);
      break;
    } catch (e) {
      if (attempt === attempts) throw new FetchError(wish.url, `${(e as Error).message}, ${attempts} times`, e);
      await sleep(seconds(attempt));
    }
  }
  const got = await digestOf(part);
  if (got !== wish.digest) {
    await rm(part);
    throw new FetchError(
      wish.url,
      `its content has ${got ?? 'nothing'} instead of ${wish.digest}; publish the bundle again, or correct bundle.digest in cluster.yaml`,
    );
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

async function fetchRest(wish: FileWish, part: string): Promise<void> {
  let have = await sizeOf(part);
  if (have > wish.size) {
    await rm(part);
    have = 0;
  }
  if (have === wish.size) return;
  const headers = have === 0 ? {} : { range: `bytes=${have}-` };
  const answer = await request(wish.url, { headers, headersTimeout: 20_000, bodyTimeout: 30_000 });
  if (answer.statusCode !== 200 && answer.statusCode !== 206) {
    await answer.body.dump();
    throw new Error(`HTTP status ${answer.statusCode}`);
  }
  // A server that can't send parts sends all of it again.
  const flags = answer.statusCode === 206 ? 'a' : 'w';
  const file = await open(part, flags, 0o600);
  try {
    // Chunk by chunk: a stream of its own would drop what it holds when the connection is cut.
    for await (const chunk of answer.body as AsyncIterable<Buffer>) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
  const now = await sizeOf(part);
  if (now !== wish.size) throw new Error(`the connection ended after ${now} of ${wish.size} bytes`);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(absent))?.size ?? 0;
}

/** `sha256:…` of a file, or `undefined` when there is none. */
export async function digestOf(path: string): Promise<string | undefined> {
  if ((await stat(path).catch(absent)) === undefined) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}

function absent(e: NodeJS.ErrnoException): undefined {
  if (e.code === 'ENOENT') return undefined;
  throw e;
}
