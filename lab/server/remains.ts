import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Bug } from '#unit/bug.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { labPrefix } from '../fabric/names.ts';
import { findGroups, observeCgroups, observeMembers, removeGroup } from '../machine/cgroup.ts';
import { observeInnerLoops, observeLoops } from '../machine/loop-device.ts';
import { isAlive, observeMark, type ProcessMark, parseMark, signal } from '../machine/process-mark.ts';
import { command } from '../toolchain/command.ts';
import { observeMachines } from './machines.ts';
import { isLeft, planRemoval, type Remains, type RemovalStep } from './plan-removal.ts';
import { pathsOf } from './settings.ts';

/**
 * Removes a lab by looking at the world, so that it works without the lab's server and after a crash at any point. Looks
 * again after every round, because a process may have made something between the look and its end. What goes by itself while it is
 * looked at or removed, as the network of a load balancer that the lab's server was just removing, is gone.
 * @shape every step that was done, in order; none for a lab that is not there
 */
export async function removeLab(
  lab: string,
  { observe, perform: act }: RemovalWorld = { observe: () => observeRemains(lab), perform },
): Promise<readonly RemovalStep[]> {
  const done: RemovalStep[] = [];
  for (let round = 0; round < mostRounds; round++) {
    const steps = planRemoval(await lookUntilStill(observe));
    if (steps.length === 0) return done;
    for (const step of steps)
      try {
        await act(step);
      } catch (e) {
        // What has gone and come back is met in the next round.
        if (!isGoing(e) && isLeft(step, await lookUntilStill(observe))) throw e;
      }
    done.push(...steps);
  }
  throw new Bug('removing a lab does not come to an end', { lab, left: await observe() });
}

/** What a lab consists of on this computer, and what removes a part of it. */
interface RemovalWorld {
  readonly observe: () => Promise<Remains>;
  readonly perform: (step: RemovalStep) => Promise<void>;
}

const mostRounds = 20;

/** A look that met something on its way out says nothing of the rest. @fails what the last look failed with */
async function lookUntilStill(observe: RemovalWorld['observe']): Promise<Remains> {
  for (let looks = 1; ; looks++)
    try {
      return await observe();
    } catch (e) {
      if (looks === mostRounds || !isGoing(e)) throw e;
    }
}

/** Of a file, a process or a device that is not there any more, told by the system or by a program. */
function isGoing(e: unknown): boolean {
  const { code = '' } = e as NodeJS.ErrnoException;
  return ['ENOENT', 'ENOTDIR', 'ESRCH', 'ENODEV'].includes(code) || /No such (file|device|process)/.test(String(e));
}

export async function observeRemains(lab: string): Promise<Remains> {
  const [paths, prefix, cgroups] = [pathsOf(lab), labPrefix(lab), await observeCgroups()];
  const namespaces = netNamespaces(prefix);
  const groups = await findGroups(cgroups, prefix);
  const members = await Promise.all(groups.map((group) => observeMembers(cgroups, group)));
  const inside = new Set([...members.flat(), ...processesIn(namespaces)]);
  const spared = ownLine();
  return {
    makers: [paths.server, paths.raising, paths.restarting]
      .map(recorded)
      .filter((m) => m !== undefined && !spared.has(m.pid)) as ProcessMark[],
    processes: unique([
      ...[...inside].filter((pid) => !spared.has(pid)).map(observeMark),
      ...observeMachines(lab).map(({ init }) => init),
    ]),
    namespaces,
    groups,
    mounts: await mountsUnder(paths.state),
    loops: [...(await innerLoops(lab)), ...(await loopsUnder(paths.state))],
    folders: [paths.run, paths.state].filter((path) => existsSync(path)),
  };
}

async function perform(step: RemovalStep): Promise<void> {
  switch (step.do) {
    case 'kill':
      return kill(step.processes);
    case 'delete-namespace':
      return void (await command('ip', ['netns', 'del', step.name]));
    case 'remove-group':
      return removeGroup(await observeCgroups(), step.name);
    case 'unmount':
      return void (await command('umount', ['-l', step.path]));
    case 'detach-loop':
      return detachLoop(step.device);
    case 'remove-folder':
      await rm(step.path, { recursive: true });
      return removeIfEmpty(dirname(step.path));
  }
}

/** One that another lies on goes with that, and one that a machine mounted when that has ended. */
async function detachLoop(device: string): Promise<void> {
  await command('losetup', ['--detach', device]).catch((e: unknown) => {
    if (!/No such device/.test(String(e))) throw e;
  });
}

async function kill(processes: readonly ProcessMark[]): Promise<void> {
  for (const mark of processes) signal(mark, 'SIGKILL');
  await waitFor(`${processes.length} processes to end`, async () => !processes.some(isAlive), {
    within: seconds(20),
    every: ms(20),
  });
}

function netNamespaces(prefix: string): readonly string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns')
    .filter((name) => name.startsWith(prefix))
    .sort();
}

/** Processes whose network is one of these, wherever else they belong: the lab's server, machines, commands of `exec`. */
function processesIn(namespaces: readonly string[]): readonly number[] {
  const wanted = new Set(namespaces.map((name) => `net:[${statSync(join('/run/netns', name)).ino}]`));
  return allProcesses().filter((pid) => wanted.has(networkOf(pid)));
}

function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch (e) {
    // A process that ended meanwhile, or a kernel thread.
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((e as NodeJS.ErrnoException).code ?? '')) return '';
    throw e;
  }
}

function allProcesses(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** This process and those that it was started from: `lab down` may be typed in a shell of `lab exec`. */
function ownLine(): ReadonlySet<number> {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); ) {
    line.add(pid);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return line;
}

function recorded(file: string): ProcessMark | undefined {
  const mark = existsSync(file) ? parseMark(readFileSync(file, 'utf8')) : undefined;
  return mark !== undefined && isAlive(mark) ? mark : undefined;
}

function unique(marks: readonly (ProcessMark | undefined)[]): readonly ProcessMark[] {
  return [...new Map(marks.filter((m) => m !== undefined).map((m) => [m.pid, m])).values()];
}

async function mountsUnder(folder: string): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  return mounts.filter((path) => path === folder || path.startsWith(`${folder}/`));
}

async function loopsUnder(folder: string): Promise<readonly string[]> {
  return (await observeLoops()).filter(({ file }) => file.startsWith(`${folder}/`)).map(({ name }) => `/dev/${name}`);
}

/** Made in the lab's machines, before those that they may lie on. */
async function innerLoops(lab: string): Promise<readonly string[]> {
  const { state, machines } = pathsOf(lab);
  const disks = (await observeLoops()).filter(({ file }) => file.startsWith(`${state}/`)).map(({ number }) => number);
  const folders = observeMachines(lab).map(({ key }) => join(machines, key));
  const inner = (await Promise.all(folders.map((folder) => observeInnerLoops(folder, disks)))).flat();
  return [...new Set(inner)].map((name) => `/dev/${name}`);
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw e;
  }
}
