import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from '#host/lock.ts';
import { ensureImage } from '#lab/image/image.ts';
import { listSaved, removeSaved, savedPaths, usersOf } from '#lab/saved/saved-lab.ts';
import { cacheRoot, keyOf } from '#lab/toolchain/artifact.ts';
import { ensureBundle } from '#lab/toolchain/ensure-bundle.ts';
import { minutes } from '#unit/clock.ts';
import { isthmus, succeeds } from './isthmus.ts';

/** What the cluster of such a lab is called, whatever the lab is called. */
export const goldenCluster = 'golden';

/** Each takes 2 GB; the older ones are of earlier code. */
const kept = 6;

/**
 * Brings up a lab with a converged cluster of five nodes, cp-1, web-1, web-2, base-1 and base-2: the one that was saved once for this
 * code and this toolchain. Where there is none yet it is made first, as a user makes one.
 */
export async function raiseGolden(name: string): Promise<void> {
  const saved = await ensureGolden();
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--from', saved], { within: minutes(6) });
}

/** The name of the saved lab. */
export async function ensureGolden(): Promise<string> {
  const name = await goldenName();
  if (listSaved().includes(name)) return name;
  const unlock = await lock(join(cacheRoot, 'golden-lab.lock'), () => undefined);
  try {
    if (!listSaved().includes(name)) await make(name);
    return name;
  } finally {
    await unlock();
  }
}

/** A lab is what its code, its machines' image and its bundle, our own programs among it, make of it. */
async function goldenName(): Promise<string> {
  const { root } = await ensureImage();
  const bundle = await readFile(join(await ensureBundle(() => undefined), 'bundle.json'));
  const project = join(import.meta.dirname, '../..');
  const code = createHash('sha256');
  for (const file of globSync(['lab/{fabric,machine,saved,server,ucloud}/**/*.{ts,sh}', 'lab/server.ts'], {
    cwd: project,
  }).sort())
    if (!file.endsWith('.test.ts')) code.update(await readFile(join(project, file)));
  return `golden-${keyOf({ kind: 'golden', inputs: [root, bundle, code.digest()] })}`;
}

async function make(name: string): Promise<void> {
  await removeOlder();
  await isthmus(['lab', 'down', '--name', goldenCluster], { within: minutes(2) });
  try {
    await succeeds(['lab', 'up', '--name', goldenCluster, '--speed', '0.05'], { within: minutes(5) });
    await succeeds(['lab', 'exec', '--name', goldenCluster, 'office', '--', 'isthmus', 'up', '--yes'], {
      within: minutes(15),
    });
    await succeeds(['lab', 'save', '--name', goldenCluster, name], { within: minutes(5) });
  } finally {
    await isthmus(['lab', 'down', '--name', goldenCluster], { within: minutes(2) });
  }
}

async function removeOlder(): Promise<void> {
  const all = listSaved().filter((name) => name.startsWith('golden-'));
  const times = await Promise.all(all.map(async (name) => ({ name, at: await savedAt(name) })));
  const old = times.toSorted((a, b) => b.at.localeCompare(a.at)).slice(kept - 1);
  for (const { name } of old) if ((await usersOf(name)).length === 0) await removeSaved(name);
}

async function savedAt(name: string): Promise<string> {
  return (JSON.parse(await readFile(savedPaths(name).card, 'utf8')) as { savedAt: string }).savedAt;
}
