import type { IncomingMessage } from 'node:http';
import type { Received } from './signature.ts';

export type ReceivedParams = Readonly<Record<string, Received>>;

/** Far above any real request: user data is at most 16 KB. */
const largestBody = 1 << 20;

/**
 * Reads the parameters of one request: the query of a GET, the form or JSON body of a POST. The query of a POST is not
 * looked at: the Go client puts the action there only for logs.
 * @fails BadRequest for a body that is too large or unreadable, and for other methods
 */
export async function readParams(request: IncomingMessage): Promise<ReceivedParams> {
  if (request.method === 'GET') return fromForm(new URL(request.url ?? '/', 'http://api').searchParams);
  if (request.method !== 'POST') throw new BadRequest(405, `method ${request.method} is not answered, use POST or GET`);
  const body = await readBody(request);
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return fromForm(new URLSearchParams(body));
  return fromJson(body);
}

/** What even this API answers with an HTTP status: the request did not get as far as an action. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'BadRequest';
    this.status = status;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) throw new BadRequest(413, `the body is larger than ${largestBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

// A null prototype: a parameter may be named like a property that every object has.
function fromForm(form: URLSearchParams): ReceivedParams {
  const params: Record<string, Received> = Object.create(null);
  for (const [name, value] of form) params[name] = value;
  return params;
}

function fromJson(body: string): ReceivedParams {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (e) {
    throw new BadRequest(400, `the body is not JSON: ${(e as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadRequest(400, 'the body is not a JSON object');
  return Object.assign(Object.create(null), value);
}
