import { createHash } from 'node:crypto';
import { type Dispatcher, request } from 'undici';
import * as z from 'zod';
import { explainRequestFault } from './fetch-file.ts';
import type { ImagePlace } from './plan-release.ts';

/** One piece of an image. */
const blob = z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/), size: z.number().int().nonnegative() });
export type Blob = z.infer<typeof blob>;

const manifestSchema = z.object({ config: blob, layers: z.array(blob).min(1) });
const indexSchema = z.object({
  manifests: z.array(blob.extend({ platform: z.object({ os: z.string(), architecture: z.string() }).optional() })),
});

/** The pieces of one image for Linux on x86-64, and how to ask for them. */
export interface ImageFound {
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly urlOf: (piece: Blob) => string;
  /** What the registry wants to see with each request. */
  readonly headers: Readonly<Record<string, string>>;
}

const mediaTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The image is not there, or is not what its digest says. */
export class RegistryError extends Error {
  constructor(name: string, why: string, cause?: unknown) {
    super(`image ${name}: ${why}`, { cause });
    this.name = 'RegistryError';
  }
}

export interface RegistryOptions {
  readonly http: Dispatcher;
  readonly signal: AbortSignal;
}

/**
 * Finds an image by the manifest of its name; a list of platforms is followed to ours. Each manifest is checked against its digest.
 * @fails RegistryError
 * @source OCI distribution specification 1.1, "Pulling manifests"; anonymous tokens: distribution.github.io/distribution, "Token Authentication"
 */
export async function findImage(name: string, place: ImagePlace, options: RegistryOptions): Promise<ImageFound> {
  const base = `${place.server}/v2/${place.repository}`;
  let headers: Readonly<Record<string, string>> = {};
  const ask = async (reference: string): Promise<unknown> => {
    const url = `${base}/manifests/${reference}`;
    let answer = await get(name, url, { ...headers, accept: mediaTypes.join(', ') }, options);
    if (answer.status === 401) {
      headers = { authorization: `Bearer ${await anonymousToken(name, url, answer.challenge, options)}` };
      answer = await get(name, url, { ...headers, accept: mediaTypes.join(', ') }, options);
    }
    return checkedManifest(name, url, reference, answer);
  };
  const first = await ask(place.reference);
  const index = indexSchema.safeParse(first);
  const manifest = index.success ? await ask(chooseManifest(name, index.data.manifests)) : first;
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success)
    throw new RegistryError(
      name,
      `${base} has an artifact of this name that is not an image; give the name of an image`,
    );
  return { ...parsed.data, headers, urlOf: ({ digest }) => `${base}/blobs/${digest}` };
}

function chooseManifest(name: string, manifests: z.infer<typeof indexSchema>['manifests']): string {
  const found = manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64');
  if (found !== undefined) return found.digest;
  const has = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(', ');
  throw new RegistryError(name, `it exists for ${has}, but not for linux/amd64; use another image or tag`);
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly digest: string | undefined;
  readonly challenge: string;
}

async function get(
  name: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  { http, signal }: RegistryOptions,
): Promise<Answer> {
  try {
    const answer = await request(url, {
      dispatcher: http,
      signal,
      headers: { ...headers },
      headersTimeout: 30_000,
      bodyTimeout: 30_000,
    });
    const { 'docker-content-digest': digest, 'www-authenticate': challenge } = answer.headers;
    return {
      status: answer.statusCode,
      text: await answer.body.text(),
      digest: digest?.toString(),
      challenge: challenge?.toString() ?? '',
    };
  } catch (e) {
    signal.throwIfAborted();
    throw new RegistryError(
      name,
      `asking ${url}: ${explainRequestFault(e)}; check that this computer can reach it, or use a mirror with --registry`,
      e,
    );
  }
}

function checkedManifest(name: string, url: string, reference: string, answer: Answer): unknown {
  if (answer.status === 404)
    throw new RegistryError(name, `${url} has no such image; check the name and the tag, and that the mirror has it`);
  if (answer.status !== 200)
    throw new RegistryError(
      name,
      `${url} answered HTTP status ${answer.status}; try again later, or use a mirror with --registry`,
    );
  const got = `sha256:${createHash('sha256').update(answer.text).digest('hex')}`;
  const due = reference.startsWith('sha256:') ? reference : (answer.digest ?? got);
  if (got !== due)
    throw new RegistryError(
      name,
      `the manifest at ${url} has the digest ${got} instead of ${due}; pull from another registry or mirror`,
    );
  try {
    return JSON.parse(answer.text) as unknown;
  } catch (e) {
    throw new RegistryError(name, `${url} answered with something that is not JSON; check that it is a registry`, e);
  }
}

/** Public images are for everyone, but some registries want to see a token that everyone gets. */
async function anonymousToken(name: string, url: string, challenge: string, options: RegistryOptions): Promise<string> {
  const field = (key: string): string | undefined => new RegExp(`\\b${key}="([^"]*)"`).exec(challenge)?.[1];
  const realm = field('realm');
  if (!/^bearer /i.test(challenge) || realm === undefined || !URL.canParse(realm))
    throw new RegistryError(name, `${url} requires a login; use a registry that serves this image without one`);
  const where = new URL(realm);
  for (const key of ['service', 'scope']) {
    const value = field(key);
    if (value !== undefined) where.searchParams.set(key, value);
  }
  const answer = await get(name, where.href, {}, options);
  const token = /"(?:access_)?token"\s*:\s*"([^"]+)"/.exec(answer.text)?.[1];
  if (answer.status === 200 && token !== undefined) return token;
  throw new RegistryError(
    name,
    `${where.origin} refuses an anonymous token for it (HTTP status ${answer.status}); use a registry that serves this image without a login`,
  );
}
