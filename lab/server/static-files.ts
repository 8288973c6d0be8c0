import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Serves the files of `folder` under `prefix` by GET and HEAD, whole or one range of bytes: a small object store. */
export function staticFiles(prefix: string, folder: string): RequestListener {
  return (request, response) => {
    answer(prefix, folder, request, response).catch(() => response.destroy());
  };
}

/** With the usual 64 KiB the loop of events costs more than the reading, and five machines fetch at once. */
const largeStep = 2 ** 20;

async function answer(prefix: string, folder: string, request: IncomingMessage, response: ServerResponse) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'only GET and HEAD');
  const path = fileOf(prefix, folder, request.url ?? '/');
  const size = path === undefined ? undefined : await sizeOf(path);
  if (path === undefined || size === undefined) return refuse(response, 404, `nothing at ${request.url}`);
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${size}`);
    return refuse(response, 416, `the file has ${size} bytes`);
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'content-length': end - start + 1,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end, highWaterMark: largeStep }), response);
}

/** `undefined` for whatever lies outside of the prefix or, by way of `..`, outside of the folder. */
function fileOf(prefix: string, folder: string, url: string): string | undefined {
  let path: string;
  try {
    path = normalize(decodeURIComponent(url.split('?')[0] ?? ''));
  } catch (e) {
    if (e instanceof URIError) return undefined;
    throw e;
  }
  return path.startsWith(`${prefix}/`) && !path.includes('\0') ? join(folder, path.slice(prefix.length)) : undefined;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (e) {
    if (['ENOENT', 'ENOTDIR'].includes((e as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw e;
  }
}

/** One range alone; a header of another form is ignored, as RFC 9110 section 14.2 allows. */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(`${why}\n`);
}
