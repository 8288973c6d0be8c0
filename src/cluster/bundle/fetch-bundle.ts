import { createHash } from 'node:crypto';
import { request } from 'undici';
import { type Bundle, bundleSchema } from './bundle.ts';

/** Where a bundle lies and which one it must be. */
export interface BundleSource {
  /** URL of the folder that holds bundle.json. */
  readonly url: string;
  /** Digest of bundle.json, `sha256:…`; it pins every other file by the digests inside. */
  readonly digest: string;
}

/** Fetches and checks bundle.json. @fails Error that names the URL, the fault and the cure */
export async function fetchBundle(source: BundleSource): Promise<Bundle> {
  const url = `${source.url}/bundle.json`;
  const text = await fetchText(url);
  const got = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  if (got !== source.digest)
    throw new Error(
      `${url}: its digest is ${got}, but bundle.digest in cluster.yaml says ${source.digest}; write the digest of the bundle that you want to use`,
    );
  const parsed = bundleSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new Error(
    `${url}: is not a bundle of format isthmus-bundle/v1: ${faults}; make it again with this version of Isthmus`,
  );
}

async function fetchText(url: string): Promise<string> {
  try {
    const answer = await request(url, { headersTimeout: 15_000, bodyTimeout: 15_000 });
    const text = await answer.body.text();
    if (answer.statusCode === 200) return text;
    throw new Error(`HTTP status ${answer.statusCode}`);
  } catch (e) {
    throw new Error(
      `fetching ${url}: ${(e as Error).message}; bundle.url must be reachable from this computer and from every machine`,
      {
        cause: e,
      },
    );
  }
}

/** The one image of the bundle whose name contains `part`. @fails Error when there is none */
export function imageNamed(bundle: Bundle, part: string): string {
  const name = bundle.images.flatMap(({ names }) => names).find((candidate) => candidate.includes(part));
  if (name === undefined) throw new Error(`the bundle has no image whose name contains ${part}; make the bundle again`);
  return name;
}
