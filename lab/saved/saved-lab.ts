import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { layersBelow } from '../machine/disk.ts';
import { listLabs, pathsOf } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';

/** On the file system of the labs: what never changes has one content in a saved lab and in those that began as it. */
const root = '/var/lib/isthmus-lab-saved';

const cardSchema = z.strictObject({
  format: z.literal('isthmus-saved-lab/v1'),
  /** The lab that it was made of. */
  lab: z.string(),
  /** ISO 8601. */
  savedAt: z.string(),
  isthmus: z.string(),
  kubernetes: z.string(),
  /** Root tree of the machine image. */
  image: z.string(),
  /** Digest of bundle.json. */
  bundle: z.string(),
  line: z.object({ cut: z.boolean(), rateKbit: z.number().optional(), lossPercent: z.number() }),
  machines: z.array(z.string()),
  /** Of the site's gateway, as `ip route` writes them: a real router keeps them in its configuration. */
  routes: z.array(z.string()),
  /** What was Ready in its cluster; empty for a lab without one. */
  ready: z.object({ nodes: z.array(z.string()), pods: z.array(z.string()) }),
});

/** What a saved lab is, written when it is whole. */
export type SavedCard = z.infer<typeof cardSchema>;

export interface SavedPaths {
  readonly folder: string;
  readonly card: string;
  /** The lab's own files. */
  readonly state: string;
  /** One folder for each machine's disk. */
  readonly machines: string;
}

export function savedPaths(name: string): SavedPaths {
  return savedPathsIn(join(root, name));
}

/** @shape the same below another folder: of one that is still being made */
export function savedPathsIn(folder: string): SavedPaths {
  return { folder, card: join(folder, 'saved.json'), state: join(folder, 'state'), machines: join(folder, 'machines') };
}

/** @fails Error that names the rule */
export function checkSavedName(name: string): string {
  if (/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) return name;
  throw new Error(
    `"${name}" cannot be the name of a saved lab: use lower-case letters, digits and dashes, such as before-upgrade`,
  );
}

/** Names of the saved labs of this computer that are whole. */
export function listSaved(): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => !name.includes('.') && existsSync(savedPaths(name).card))
    .sort();
}

/** @fails Error that names the saved labs that exist */
export async function readSaved(name: string): Promise<SavedCard> {
  const { card } = savedPaths(name);
  if (!existsSync(card)) throw new Error(`there is no saved lab "${name}"; ${others()}`);
  const read = cardSchema.safeParse(JSON.parse(await readFile(card, 'utf8')));
  if (read.success) return read.data;
  throw new Error(
    `saved lab "${name}" was made by another version of this program; remove it with \`isthmus lab saved remove ${name}\` and save a lab again`,
    { cause: read.error },
  );
}

function others(): string {
  const names = listSaved();
  return names.length === 0 ? 'save one with `isthmus lab save`' : `saved labs: ${names.join(', ')}`;
}

/** Labs and saved labs whose machines' disks lie on this saved lab. */
export async function usersOf(name: string): Promise<readonly string[]> {
  const of = `${savedPaths(name).folder}/`;
  const users: string[] = [];
  for (const lab of listLabs()) if (await liesOn(pathsOf(lab).machines, of)) users.push(`lab "${lab}"`);
  for (const saved of listSaved())
    if (saved !== name && (await liesOn(savedPaths(saved).machines, of))) users.push(`saved lab "${saved}"`);
  return users;
}

async function liesOn(machines: string, folder: string): Promise<boolean> {
  if (!existsSync(machines)) return false;
  const layers = await Promise.all(readdirSync(machines).map((key) => layersBelow(join(machines, key))));
  return layers.flat().some((layer) => layer.startsWith(folder));
}

/** @fails Error when there is none of that name, and when something lies on it, with the cure */
export async function removeSaved(name: string): Promise<void> {
  const { folder, card } = savedPaths(name);
  if (!existsSync(folder)) await readSaved(name);
  const users = await usersOf(name);
  if (users.length > 0) throw new Error(`saved lab "${name}" is in use by ${users.join(', ')}; remove those first`);
  // The card first: what a killed removal leaves is no saved lab any more.
  await rm(card, { force: true });
  await rm(folder, { recursive: true });
}

/** What it takes on the disk, shared content counted once. @unit bytes */
export async function sizeOfSaved(name: string): Promise<number> {
  const said = await command('du', ['--summarize', '--bytes', savedPaths(name).folder]);
  return Number(said.split('\t')[0]);
}
