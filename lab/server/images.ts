import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../toolchain/command.ts';
import { pathsOf } from './settings.ts';

/** The custom images of a lab: each is a folder with what a machine's disk had beside the image under it. */
export interface LabImages {
  /** Copies the disk of a machine that is off; what was there under this id is replaced. */
  make(machine: string, id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** @fails Error when there is none of that id */
  folderOf(id: string): string;
  all(): readonly string[];
}

export function openImages(lab: string): LabImages {
  const { images, machines } = pathsOf(lab);
  const folder = (id: string): string => join(images, id);
  return {
    async make(machine, id) {
      const part = `${folder(id)}.part`;
      await rm(part, { recursive: true, force: true });
      await mkdir(part, { recursive: true });
      await copyDisk(join(machines, machine), part);
      await rm(folder(id), { recursive: true, force: true });
      // At the end: an image that is there is whole.
      await rename(part, folder(id));
    },
    remove: (id) => rm(folder(id), { recursive: true, force: true }),
    folderOf(id) {
      if (!existsSync(folder(id))) throw new Error(`there is no image ${id}; there is ${list(images).join(', ')}`);
      return folder(id);
    },
    all: () => list(images),
  };
}

function list(images: string): readonly string[] {
  return existsSync(images) ? readdirSync(images).filter((name) => !name.endsWith('.part')) : [];
}

/** With owners, times and the marks by which the overlay knows what was deleted. */
async function copyDisk(from: string, to: string): Promise<void> {
  const parts = ['upper', 'data', 'lower'].map((part) => join(from, part)).filter((path) => existsSync(path));
  await command('cp', ['--archive', '--reflink=auto', ...parts, to]);
}
