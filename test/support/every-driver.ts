import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { giveRoom } from './give-room.ts';

/** From the next `isthmus up` on the lab's cluster has all three drivers of volumes, and both machines of the site give a folder. */
export async function askForEveryDriver(lab: string): Promise<void> {
  for (const home of ['base-1', 'base-2']) await giveRoom(lab, { home, folder: '/srv/volumes', size: '24G' });
  const path = join(pathsOf(lab).state, 'cluster.yaml');
  const file = parseDocument(await readFile(path, 'utf8'));
  file.setIn(['storage', 'fileShares'], true);
  await writeFile(path, file.toString());
}
