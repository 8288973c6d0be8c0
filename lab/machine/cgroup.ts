import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readIfThere } from '#host/files.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';

/** How this computer's control groups are mounted: one folder per v1 hierarchy, or the one tree of v2. */
export interface Cgroups {
  readonly kind: 'v1' | 'v2';
  readonly hierarchies: readonly string[];
}

/** `v1` as soon as one v1 hierarchy is mounted; the v2 tree beside it is then one hierarchy more. */
export function parseCgroups(mounts: string): Cgroups {
  const all = mounts.split('\n').map((line) => line.split(' '));
  const folders = (type: string): string[] => all.filter((m) => m[2] === type).map((m) => m[1] as string);
  const [v1, v2] = [folders('cgroup'), folders('cgroup2')];
  return v1.length > 0 ? { kind: 'v1', hierarchies: [...v1, ...v2] } : { kind: 'v2', hierarchies: v2.slice(0, 1) };
}

/** @fails Error when there is none, or none that can be written: a container without that right */
export async function observeCgroups(): Promise<Cgroups> {
  const cgroups = parseCgroups(await readFile('/proc/mounts', 'utf8'));
  if (cgroups.hierarchies.length === 0)
    throw new Error('no control groups are mounted under /sys/fs/cgroup; mount cgroup2 there, systemd needs it');
  return cgroups;
}

/** Makes the group `name` afresh in every hierarchy; its processes may use `memoryMib` together. */
export async function makeGroup(cgroups: Cgroups, name: string, { memoryMib }: { memoryMib: number }): Promise<void> {
  await removeGroup(cgroups, name);
  for (const hierarchy of cgroups.hierarchies) {
    if (cgroups.kind === 'v2') await passControllersOn(hierarchy);
    const group = join(hierarchy, name);
    await mkdir(group);
    if (existsSync(join(group, 'cpuset.mems')) && cgroups.kind === 'v1') await copyCpuset(hierarchy, group);
  }
  await limitMemory(cgroups, name, memoryMib);
}

/** What kubelet asks of a group: a machine's own tree can only hold the controllers that its parent passes on. */
const needed = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

async function passControllersOn(tree: string): Promise<void> {
  const controllers = async (file: string) => (await readFile(join(tree, file), 'utf8')).trim().split(/\s+/);
  const [there, passed] = [await controllers('cgroup.controllers'), await controllers('cgroup.subtree_control')];
  const missing = needed.filter((one) => there.includes(one) && !passed.includes(one));
  if (missing.length > 0)
    await writeFile(join(tree, 'cgroup.subtree_control'), missing.map((one) => `+${one}`).join(' '));
}

/** A new cpuset group of v1 is empty, and no process may enter an empty one. */
async function copyCpuset(hierarchy: string, group: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    await writeFile(join(group, file), await readFile(join(hierarchy, file), 'utf8'));
  await writeFile(join(group, 'cgroup.clone_children'), '1');
}

async function limitMemory(cgroups: Cgroups, name: string, memoryMib: number): Promise<void> {
  const file = cgroups.kind === 'v1' ? 'memory.limit_in_bytes' : 'memory.max';
  for (const hierarchy of cgroups.hierarchies) {
    const path = join(hierarchy, name, file);
    if (existsSync(path)) await writeFile(path, String(memoryMib * 2 ** 20));
  }
}

/** The numbers of all processes in the group and in the groups under it, in any hierarchy. */
export async function observeMembers(cgroups: Cgroups, name: string): Promise<readonly number[]> {
  const pids = new Set<number>();
  for (const hierarchy of cgroups.hierarchies)
    for (const group of await foldersUnder(join(hierarchy, name)))
      for (const pid of ((await readIfThere(join(group, 'cgroup.procs'))) ?? '').split('\n'))
        if (pid !== '') pids.add(Number(pid));
  // 0 is a process that lives outside of our own pid namespace.
  pids.delete(0);
  return [...pids];
}

/** Names of the groups whose name begins so, each once. */
export async function findGroups(cgroups: Cgroups, prefix: string): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const hierarchy of cgroups.hierarchies)
    for (const entry of await readdir(hierarchy, { withFileTypes: true }))
      if (entry.isDirectory() && entry.name.startsWith(prefix)) names.add(entry.name);
  return [...names].sort();
}

/**
 * Removes the group with all groups under it; nothing happens where there is none.
 * @fails WaitedTooLong when processes are left in it
 */
export async function removeGroup(cgroups: Cgroups, name: string): Promise<void> {
  for (const hierarchy of cgroups.hierarchies)
    await waitFor(`control group ${basename(hierarchy)}/${name} to be empty`, () => removeTree(join(hierarchy, name)), {
      within: seconds(10),
      every: ms(50),
    });
}

async function removeTree(group: string): Promise<true> {
  // Deepest first: a group with groups in it can't be removed.
  for (const folder of (await foldersUnder(group)).toReversed()) await rmdir(folder);
  return true;
}

/** The folder itself and every folder under it, parents before children. */
async function foldersUnder(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  const found = [folder];
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) found.push(...(await foldersUnder(join(folder, entry.name))));
  return found;
}
