import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { lock } from '#host/lock.ts';
import { formatMs, ms, seconds } from '#unit/clock.ts';

/** Where everything that is built once and used again lies; outside every checkout. */
export const cacheRoot = join(homedir(), '.cache', 'isthmus');

/** Tells what is being made, and how long it took. */
export type Note = (line: string) => void;

export interface Recipe {
  /** What it is, in a word that can name a folder: `kubernetes`, `machine-tree`. */
  readonly kind: string;
  /** Everything that the result depends on. Another input is another artifact. */
  readonly inputs: readonly (string | Buffer)[];
  /** Fills the folder. What a killed run left there has been removed; nothing else may be written. */
  readonly make: (folder: string) => Promise<void>;
}

const keptUnused = 14 * 24 * 3600 * 1000;

/**
 * The folder of an artifact, made now if it is not there. Two processes that want the same one don't harm each other: the
 * second waits. A killed run leaves nothing that looks finished, because the folder gets its name only when it is whole.
 * @fails what `make` throws
 */
export async function artifact(recipe: Recipe, note: Note): Promise<string> {
  const shelf = join(cacheRoot, recipe.kind);
  const key = keyOf(recipe);
  const folder = join(shelf, key);
  if (existsSync(folder)) {
    await markUsed(folder);
    return folder;
  }
  await mkdir(shelf, { recursive: true });
  const unlock = await lock(join(shelf, `${key}.lock`), () =>
    note(`${recipe.kind}: waiting for another process that is making it`),
  );
  try {
    if (existsSync(folder)) return folder;
    const start = performance.now();
    note(`${recipe.kind}: making it`);
    const part = `${folder}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part);
    const telling = setInterval(() => note(`${recipe.kind}: still at it, ${since(start)} so far`), tellEvery);
    await recipe.make(part).finally(() => clearInterval(telling));
    await rename(part, folder);
    note(`${recipe.kind}: made in ${since(start)}`);
    await removeUnused(shelf, key);
    return folder;
  } finally {
    await unlock();
  }
}

/** Compiling Kubernetes takes minutes and prints nothing by itself. */
const tellEvery = seconds(15);

function since(start: number): string {
  return formatMs(ms(performance.now() - start));
}

export function keyOf(recipe: Pick<Recipe, 'kind' | 'inputs'>): string {
  const hash = createHash('sha256').update(recipe.kind);
  for (const input of recipe.inputs) hash.update(`\0${Buffer.byteLength(input)}\0`).update(input);
  return hash.digest('hex').slice(0, 20);
}

async function markUsed(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now);
}

/** Old artifacts of this kind go when nobody has asked for them for two weeks; the disk is not ours alone. */
async function removeUnused(shelf: string, current: string): Promise<void> {
  for (const name of await readdir(shelf)) {
    if (!/^[0-9a-f]{20}$/.test(name) || name === current) continue;
    const path = join(shelf, name);
    if (Date.now() - (await stat(path)).mtimeMs > keptUnused) await rm(path, { recursive: true, force: true });
  }
}
