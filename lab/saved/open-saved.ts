import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { type LabSettings, pathsOf, writeSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { type Current, explainMisfit } from './check-fit.ts';
import { openDisk } from './copy-disk.ts';
import { readSaved, type SavedCard, savedPaths } from './saved-lab.ts';

/** A saved lab that a new one may begin as. */
export interface OpenSaved {
  readonly card: SavedCard;
  /** Writes the files of the new lab: state, keys, and the disks of its machines. */
  layOut(lab: string): Promise<void>;
}

/**
 * @shape made: what labs are made of now; bundle is the folder of bundle.json
 * @fails Error when there is none of that name, or when it was made of something else, with the cure
 */
export async function openSaved(
  name: string,
  made: { readonly image: string; readonly bundle: string },
): Promise<OpenSaved> {
  const card = await readSaved(name);
  const { bundle, digest } = await readBundle(made.bundle);
  const current: Current = {
    isthmus: bundle.versions.isthmus,
    kubernetes: bundle.versions.kubernetes,
    image: made.image,
    bundle: digest,
  };
  const misfit = explainMisfit(name, card, current);
  if (misfit !== undefined) throw new Error(misfit);
  return { card, layOut: (lab) => layOut(name, lab, made) };
}

async function layOut(name: string, lab: string, made: { image: string; bundle: string }): Promise<void> {
  const [saved, paths] = [savedPaths(name), pathsOf(lab)];
  await command('cp', ['--archive', '--sparse=always', `${saved.state}/.`, paths.state]);
  const settings = JSON.parse(await readFile(paths.settings, 'utf8')) as LabSettings;
  await writeSettings({
    ...settings,
    name: lab,
    image: made.image,
    bundle: { ...settings.bundle, folder: made.bundle },
  });
  await mkdir(paths.machines, { recursive: true });
  const keys = await readdir(saved.machines);
  await Promise.all(keys.map((key) => openDisk(join(saved.machines, key), join(paths.machines, key))));
}
