import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainUnreadable } from '#host/files.ts';
import { type Bundle, bundleSchema } from './bundle.ts';
import { digestOf } from './fetch-file.ts';

/** A bundle as it lies in a folder. */
export interface BundleFolder {
  readonly bundle: Bundle;
  /** Of bundle.json: `sha256:…`. */
  readonly digest: string;
}

/** @fails Error that names the file, the fault and the cure */
export async function readBundle(folder: string): Promise<BundleFolder> {
  const file = join(folder, 'bundle.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (e) {
    throw new Error(`${file}: ${explainUnreadable(e)}; give the folder that isthmus bundle create or import has made`, {
      cause: e,
    });
  }
  return parseBundle(file, text);
}

/** @fails Error: no JSON, or another form than this version knows */
export function parseBundle(file: string, text: string): BundleFolder {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (e) {
    throw new Error(`${file}: is not JSON: ${(e as Error).message}; make or copy the bundle again`, { cause: e });
  }
  const parsed = bundleSchema.safeParse(value);
  if (parsed.success)
    return { bundle: parsed.data, digest: `sha256:${createHash('sha256').update(text).digest('hex')}` };
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new Error(
    `${file}: is not a bundle of format isthmus-bundle/v1: ${faults}; make it again with this version of Isthmus`,
  );
}

export function filesOf({ bin, cni, images }: Bundle): readonly { path: string; digest: string; size: number }[] {
  return [...bin, ...cni, ...images];
}

/** What is wrong with the files of a bundle: all of it, a sentence a file. */
export async function checkFiles(folder: string, bundle: Bundle): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { path, digest, size } of filesOf(bundle)) {
    const file = join(folder, path);
    const seen = await lstat(file).catch((e: NodeJS.ErrnoException) => e);
    if (seen instanceof Error) faults.push(`${file}: ${seen.code === 'ENOENT' ? 'is missing' : seen.message}`);
    else if (!seen.isFile()) faults.push(`${file}: is no plain file`);
    else if (seen.size !== size) faults.push(`${file}: has ${seen.size} bytes instead of ${size}`);
    else {
      const got = await digestOf(file);
      if (got !== digest) faults.push(`${file}: has the digest ${got} instead of ${digest}`);
    }
  }
  return faults;
}

/** Reads the bundle and every byte of its files. @fails Error with every fault and the cure */
export async function checkBundle(folder: string): Promise<BundleFolder> {
  const read = await readBundle(folder);
  const faults = await checkFiles(folder, read.bundle);
  if (faults.length === 0) return read;
  throw new Error(`${faults.join('\n')}\nmake or copy the bundle again; machines cannot be installed from this one`);
}

/** The lines for cluster.yaml. @shape url: where the folder is served */
export function formatBundleLines(digest: string, url: string): string {
  return `bundle:\n  url: ${url}\n  digest: ${digest}\n`;
}
