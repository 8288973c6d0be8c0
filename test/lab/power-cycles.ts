import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { markOf, places } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { openLab } from '#lab/server/client.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { command } from '#lab/toolchain/command.ts';
import { minutes, seconds, WaitedTooLong, waitFor } from '#unit/clock.ts';
import { emptyWhenGone, readIfThere } from './lab-tools.ts';

/** How much of each kind a lab holds on this computer. */
export type Holdings = Readonly<Record<string, number>>;

/** Switches a machine on and off; every fifth time it is shut down in order, otherwise its power is cut. Ends with it off. */
export async function cyclePower(lab: string, machine: string, cycles: number): Promise<void> {
  const client = await openLab(lab);
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await client.power(machine, 'start');
    await waitFor(
      `${machine} to answer SSH in cycle ${cycle}`,
      async () => (await client.status()).machines.find(({ key }) => key === machine)?.ssh,
      { within: minutes(2) },
    );
    await client.power(machine, cycle % 5 === 0 ? 'stop' : 'off');
  }
}

/**
 * The kinds of which a lab holds more than it did, such as `mounts: 4, once 2`; none is what one wants to see. Waits a while for
 * that, because a closed connection's descriptor and a killed process take a moment to go.
 */
export async function grownSince(before: Holdings, lab: string): Promise<readonly string[]> {
  let grown: readonly string[] = [];
  const look = async (): Promise<boolean> => {
    const now = await holdingsOf(lab);
    grown = Object.keys(now)
      .filter((kind) => (now[kind] ?? 0) > (before[kind] ?? 0))
      .map((kind) => `${kind}: ${now[kind]}, once ${before[kind]}`);
    return grown.length === 0;
  };
  await waitFor('nothing more to be held', look, { within: seconds(20) }).catch((e: unknown) => {
    if (!(e instanceof WaitedTooLong)) throw e;
  });
  return grown;
}

/** Counts what a lab holds. */
export async function holdingsOf(lab: string): Promise<Holdings> {
  const [server, state, prefix] = [serverOf(lab), pathsOf(lab).state, markOf(lab, '')];
  const names = readdirSync('/run/netns').filter((name) => name.startsWith(prefix));
  const networks = new Set(names.map((name) => `net:[${statSync(join('/run/netns', name)).ino}]`));
  const links = await Promise.all(places.map((place) => linksIn(markOf(lab, place))));
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const machines = readdirSync(join(state, 'machines'));
  return {
    mounts: [...mountsOf('self'), ...mountsOf(server)].filter((line) => line.includes(`${state}/`)).length,
    groups: groupsOf(prefix),
    namespaces: names.length,
    links: sum(links),
    processes: processes.filter((pid) => networks.has(targetOf(`/proc/${pid}/ns/net`))).length,
    children: processes.filter((pid) => parentOf(pid) === server).length,
    descriptors: readdirSync(`/proc/${server}/fd`).length,
    files: sum(machines.map((key) => readdirSync(join(state, 'machines', key)).length)),
    loops: readdirSync('/sys/block').filter((block) => backingFile(block).startsWith(`${state}/`)).length,
  };
}

/** The number of the lab's server among this computer's processes. */
function serverOf(lab: string): string {
  return readFileSync(pathsOf(lab).server, 'utf8').split(' ')[0] ?? '';
}

function mountsOf(pid: string): readonly string[] {
  return readIfThere(`/proc/${pid}/mountinfo`).split('\n');
}

/** Control groups of the lab's machines, in all hierarchies. A machine that is off has none. */
function groupsOf(prefix: string): number {
  const hierarchies = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, folder = '']) => folder);
  return hierarchies.flatMap((hierarchy) => readdirSync(hierarchy)).filter((name) => name.startsWith(prefix)).length;
}

async function linksIn(network: string): Promise<number> {
  const [program = '', ...args] = enterNetwork(network, ['ip', '-oneline', 'link']);
  return (await command(program, args)).trim().split('\n').length;
}

function parentOf(pid: string): string {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
}

/** Where a link of /proc points; empty when its process has ended meanwhile, or is none that even root may look into. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EACCES' ? '' : emptyWhenGone(e);
  }
}

function backingFile(block: string): string {
  return readIfThere(`/sys/block/${block}/loop/backing_file`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, n) => all + n, 0);
}
