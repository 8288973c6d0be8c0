import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Room, roomScript, withRoom } from '#lab/demo/room.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes } from '#unit/clock.ts';
import { succeeds } from './isthmus.ts';

/** From the next `isthmus up` on, disks and file shares of the cloud and a folder of one machine are volumes in the lab's cluster. */
export async function giveRoom(lab: string, room: Room): Promise<void> {
  await succeeds(['lab', 'exec', '--name', lab, room.home, '--', 'sh', '-c', roomScript(room)], { within: minutes(1) });
  const file = join(pathsOf(lab).state, 'cluster.yaml');
  await writeFile(file, withRoom(await readFile(file, 'utf8'), room));
}
