import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { lock } from '#host/lock.ts';
import { messageOf } from '#unit/message-of.ts';
import { openFabric } from '../fabric/fabric.ts';
import { markOf } from '../fabric/names.ts';
import { flushDisk } from '../machine/block-disk.ts';
import { observeCgroups, observeMembers } from '../machine/cgroup.ts';
import { observeLoops } from '../machine/loop-device.ts';
import { atStandstill } from '../machine/standstill.ts';
import { openLab } from '../server/client.ts';
import type { LabStatus } from '../server/control.ts';
import { observeMachines } from '../server/machines.ts';
import type { Told } from '../server/raise.ts';
import { pathsOf, readSettings } from '../server/settings.ts';
import { command } from '../toolchain/command.ts';
import { observeReady } from './cluster-ready.ts';
import { saveDisk } from './copy-disk.ts';
import { forClusters, isControlPlane, type Kubectl, leaveCluster, returnToCluster } from './leave-cluster.ts';
import { checkSavedName, type SavedCard, type SavedPaths, savedPaths, savedPathsIn } from './saved-lab.ts';
import { shareEqualFiles } from './share-files.ts';

/**
 * Keeps a running lab as it is at one moment: the disks of its machines, the cloud, the line, and the operator's files. The lab
 * stands still meanwhile and then goes on.
 * @fails Error when a saved lab has the name already, and when a machine is off or still starting
 */
export async function saveLab(lab: string, name: string, told: Told): Promise<void> {
  const { folder, card } = savedPaths(checkSavedName(name));
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const unlock = await lock(`${folder}.lock`, () => told(`waiting for another command that saves "${name}"`, 0));
  try {
    if (existsSync(card))
      throw new Error(
        `a saved lab "${name}" exists already; choose another name, or remove it with \`isthmus lab saved remove ${name}\``,
      );
    await rm(folder, { recursive: true, force: true });
    const part = savedPathsIn(`${folder}.part`);
    await rm(part.folder, { recursive: true, force: true });
    await mkdir(part.machines, { recursive: true, mode: 0o700 });
    await fill(lab, part, told).catch(async (e: unknown) => {
      await rm(part.folder, { recursive: true, force: true });
      throw e;
    });
    // Layers of a disk are named by their paths, and none of them is in use yet.
    await rename(part.folder, folder);
  } finally {
    await unlock();
  }
}

async function fill(lab: string, to: SavedPaths, told: Told): Promise<void> {
  const client = await openLab(lab);
  const status = await client.status();
  checkRunning(lab, status);
  const ready = await observeReady(lab);
  const timed = timer(told);
  const groups = status.machines.map(({ key }) => markOf(lab, key));
  const copy = async (): Promise<void> => {
    await flushDisks(lab, groups);
    await Promise.all(observeMachines(lab).map(({ key, init }) => saveMachine(lab, key, init?.pid, to)));
    await copyState(lab, to);
    await writeFile(join(to.state, 'cloud.json'), JSON.stringify(await client.cloud.objects()), { mode: 0o600 });
  };
  const tolerant = (act: (kubectl: Kubectl) => Promise<void>): Promise<void> =>
    forClusters(lab, act).catch((e: unknown) =>
      told(`its cluster is saved as after a power failure: ${messageOf(e)}`, 0),
    );
  const last = {
    isLast: isControlPlane,
    before: () => tolerant(leaveCluster),
    after: () => tolerant(returnToCluster),
  };
  await timed('lab at a standstill, disks and state copied', async () =>
    atStandstill(await observeCgroups(), groups, copy, last),
  );
  await timed('equal files of the machines shared', () => shareEqualFiles(to.machines));
  await writeFile(to.card, `${JSON.stringify(await cardOf(lab, status, ready), undefined, 2)}\n`);
}

function checkRunning(lab: string, { machines, start }: LabStatus): void {
  if (!start.complete)
    throw new Error(`lab "${lab}" is still starting; wait until \`isthmus lab up --name ${lab}\` has ended`);
  const off = machines.find(({ power, kind }) => power === 'off' && kind !== 'cloud');
  if (off !== undefined)
    throw new Error(
      `${off.name} of lab "${lab}" is off; start it with \`isthmus lab machine start --name ${lab} ${off.name}\`, then save`,
    );
}

async function saveMachine(lab: string, key: string, init: number | undefined, to: SavedPaths): Promise<void> {
  const layers = init === undefined ? [] : writtenLayers(await readFile(`/proc/${init}/mounts`, 'utf8'));
  await saveDisk(join(pathsOf(lab).machines, key), join(to.machines, key), layers);
}

/** The folders below /var/lib/containerd that running containers write to: the upper layers of their root trees. */
export function writtenLayers(mounts: string): readonly string[] {
  return [...mounts.matchAll(/[ ,]upperdir=\/var\/lib\/containerd\/([^, ]+)/g)].map(([, path]) => path as string);
}

/** What the machines have written to disks of the cloud is in their files: those are copied with the rest of the lab's. */
async function flushDisks(lab: string, groups: readonly string[]): Promise<void> {
  const cgroups = await observeCgroups();
  const pids = (await Promise.all(groups.map((group) => observeMembers(cgroups, group)))).flat();
  for (const loop of await observeLoops())
    if (loop.file.startsWith(`${pathsOf(lab).disks}/`)) await flushDisk(pids, loop);
}

/** The operator's files, settings and keys; not what belongs to the running server, nor its log. */
async function copyState(lab: string, to: SavedPaths): Promise<void> {
  const paths = pathsOf(lab);
  const left = [paths.machines, paths.log, paths.server, paths.raising, paths.restarting, paths.lock, paths.ledger];
  await mkdir(to.state, { mode: 0o700 });
  for (const file of await readdir(paths.state)) {
    const from = join(paths.state, file);
    if (left.includes(from) || file.endsWith('.new')) continue;
    await command('cp', ['--archive', '--sparse=always', from, to.state]);
  }
}

async function cardOf(lab: string, { line, machines }: LabStatus, ready: SavedCard['ready']): Promise<SavedCard> {
  const { bundle, image } = await readSettings(lab);
  const { versions } = (await readBundle(bundle.folder)).bundle;
  return {
    format: 'isthmus-saved-lab/v1',
    lab,
    savedAt: new Date().toISOString(),
    isthmus: versions.isthmus,
    kubernetes: versions.kubernetes,
    image,
    bundle: bundle.digest,
    line,
    machines: machines.map((machine) => machine.name),
    routes: await openFabric(lab).gatewayRoutes('gateway'),
    ready,
  };
}

function timer(told: Told) {
  return async (step: string, act: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    await act();
    told(step, performance.now() - began);
  };
}
