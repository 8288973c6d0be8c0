import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OwnParts } from '#cluster/bundle/create-bundle.ts';
import type { Note } from './artifact.ts';
import { baseTree, buildImage } from './container-images.ts';
import { buildProgram, type Program } from './program.ts';

/**
 * Our own parts of a bundle, built from this checkout where they are not there yet. Needs no Go.
 * @shape image: pulled by this name when there is one, else built
 */
export async function ownParts(image: string | undefined, note: Note): Promise<OwnParts> {
  const program = await buildProgram(note);
  const base = { version: program.version, program: program.executable };
  if (image !== undefined) return { ...base, image: { pull: image } };
  const built = await buildOwnImage(program, note);
  return { ...base, image: { name: built.name, archive: join(built.folder, 'image.tar') } };
}

/** The image of controller and agent. @shape folder: of image.tar */
export async function buildOwnImage(program: Program, note: Note): Promise<{ name: string; folder: string }> {
  const name = `isthmus.dev/isthmus:${program.version}`;
  const recipe = {
    name,
    dockerfile: await readFile(join(import.meta.dirname, '../../deploy/image/Dockerfile'), 'utf8'),
    context: { app: program.app },
    base: await baseTree(note),
    inputs: [program.version],
  };
  return { name, folder: await buildImage(recipe, note) };
}
