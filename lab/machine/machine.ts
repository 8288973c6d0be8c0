import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ms, ms, seconds, waitFor } from '#unit/clock.ts';
import { type Cgroups, makeGroup, observeMembers, removeGroup } from './cgroup.ts';
import { type DiskSpec, makeDisk } from './disk.ts';
import { type Ending, planAfterExit } from './plan-after-exit.ts';
import { isAlive, nameOf, observeMark, type ProcessMark, parseMark, signal } from './process-mark.ts';

export interface MachineSpec extends DiskSpec {
  /** Unique in its lab: names the machine's folder, network namespace and control group. */
  readonly key: string;
  /** The root tree under its disk. */
  readonly image: string;
  readonly memoryMib: number;
}

/** What a machine stands in: where its disk lies, and its cables. */
export interface MachineSite {
  readonly folder: string;
  /** Name of its control group and of its network namespace. */
  readonly mark: string;
  readonly cgroups: Cgroups;
  /** Makes the network namespace with fresh interfaces: whatever the guest had set up is gone, as after a real power cycle. */
  plug(): Promise<void>;
  unplug(): Promise<void>;
  readonly note: (entry: Readonly<Record<string, unknown>>) => void;
}

/** A machine with a power button. One action at a time: a second one waits for the first. */
export interface Machine {
  readonly spec: MachineSpec;
  /**
   * Power on; the first time the disk is made. Done when systemd runs, not when all services do.
   * @fails Error with the end of the console when the machine does not come that far
   */
  on(): Promise<void>;
  /** Asks the system to shut down; cuts the power when it has not within `within`. */
  stop(options?: { within?: Ms }): Promise<void>;
  off(): Promise<void>;
  /** Asks the system to restart, as `systemctl reboot` does; returns when the new boot has begun. */
  reboot(options?: { within?: Ms }): Promise<void>;
  /** Power off, then disk and folder are gone. */
  destroy(): Promise<void>;
  /** Process 1 as this computer sees it; `undefined` when the power is off. */
  init(): ProcessMark | undefined;
}

/** glibc's SIGRTMIN. systemd takes +4 for power-off and +5 for reboot. @source systemd(1), SIGNALS */
const sigrtmin = 34;

/** How long a shutdown may take: systemd's own limit for a service that does not stop is 90 s, no patience for that here. */
const shutdown = seconds(30);

interface Running {
  readonly init: ProcessMark;
  readonly ended: Promise<void>;
  askedOff: boolean;
}

export function openMachine(spec: MachineSpec, site: MachineSite): Machine {
  let running: Running | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act, act);
    last = turn.catch(() => undefined);
    return turn;
  };

  const failed = (doing: string) => (cause: unknown) =>
    site.note({ machine: spec.key, failed: doing, cause: String(cause) });

  async function on(): Promise<void> {
    if (running !== undefined && isAlive(running.init)) return;
    await running?.ended;
    if (!existsSync(join(site.folder, 'upper'))) await makeDisk(site.folder, spec);
    await site.plug();
    await makeGroup(site.cgroups, site.mark, spec);
    const power = await switchOn(spec, site).catch(async (e: unknown) => {
      await clearAway(site);
      throw e;
    });
    const now: Running = { init: power.init, ended: power.ended.then(settle), askedOff: false };
    running = now;

    async function settle(ended: Ending): Promise<void> {
      await site.unplug().catch(failed('pulling its cables'));
      await removeGroup(site.cgroups, site.mark).catch(failed('removing its control group'));
      // Forgotten only now: power that is cut while a restart is between its two boots must stay cut.
      running = undefined;
      const step = planAfterExit(ended, { off: now.askedOff });
      site.note({ machine: spec.key, ...step, ...ended });
      if (step.do === 'boot-again') inTurn(on).catch(failed('booting again'));
    }
  }

  async function off(): Promise<void> {
    if (running === undefined) return;
    running.askedOff = true;
    signal(running.init, 'SIGKILL');
    await within(running.ended, seconds(20), `${spec.key} to be off`);
  }

  async function stop(limit: Ms): Promise<void> {
    if (running === undefined) return;
    running.askedOff = true;
    signal(running.init, sigrtmin + 4);
    await within(running.ended, limit, `${spec.key} to shut down`).catch(() => {
      site.note({ machine: spec.key, shutdown: 'too slow, cutting the power' });
      return off();
    });
  }

  async function reboot(limit: Ms): Promise<void> {
    const before = running;
    if (before === undefined) throw new Error(`${spec.key} is off; start it instead`);
    signal(before.init, sigrtmin + 5);
    await within(before.ended, limit, `${spec.key} to go down for its restart`).catch(() => off());
    // After a clean restart the machine is being booted already; that turn comes after this one and then finds it on.
    await on();
  }

  return {
    spec,
    on: () => inTurn(on),
    stop: (options) => inTurn(() => stop(options?.within ?? shutdown)),
    off: () => inTurn(off),
    reboot: (options) => inTurn(() => reboot(options?.within ?? shutdown)),
    destroy: () =>
      inTurn(async () => {
        await off();
        await removeGroup(site.cgroups, site.mark);
        await rm(site.folder, { recursive: true, force: true });
      }),
    init: () => (running !== undefined && isAlive(running.init) ? running.init : undefined),
  };
}

interface Power {
  readonly init: ProcessMark;
  readonly ended: Promise<Ending>;
}

async function switchOn(spec: MachineSpec, site: MachineSite): Promise<Power> {
  const record = join(site.folder, 'init');
  await rm(record, { force: true });
  const console = await open(join(site.folder, 'console.log'), 'a');
  const child = spawnInit(spec, site, console);
  const ended = endingOf(child);
  await console.close();
  let gone: Ending | undefined;
  void ended.then((ending) => (gone = ending));
  const init = await waitFor(
    `systemd to run in ${spec.key}`,
    async () => {
      if (gone !== undefined) return 'gone';
      const mark = parseMark(await readFile(record, 'utf8'));
      return mark !== undefined && nameOf(mark) === 'systemd' ? mark : undefined;
    },
    { within: seconds(20), every: ms(20) },
  );
  if (init === 'gone') throw new Error(`${spec.key} does not boot; its console ends with:\n${await consoleEnd(site)}`);
  return { init, ended };
}

/** `script` gives the machine a terminal for its console, and reports how init ended as its own exit status. */
function spawnInit(spec: MachineSpec, site: MachineSite, console: FileHandle): ChildProcess {
  const namespaces = `nsenter --net=/run/netns/${site.mark} unshare --mount --uts --pid --ipc --fork --`.split(' ');
  const born = ['sh', join(import.meta.dirname, 'init.sh'), 'born', site.folder, spec.image, spec.hostname];
  const init = [...namespaces, ...born, String(spec.memoryMib), site.mark, site.cgroups.kind];
  const line = `exec ${init.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}`;
  return spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SHELL: '/bin/sh' },
    // An open pipe as keyboard: at the end of its input `script` would hang up the console.
    stdio: ['pipe', console.fd, console.fd],
  });
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ status: 127, signal: null }));
    child.once('exit', (status, endedBy) => resolve({ status, signal: endedBy }));
  });
}

/** Leaves nothing of a boot that failed. */
async function clearAway(site: MachineSite): Promise<void> {
  for (const pid of await observeMembers(site.cgroups, site.mark)) {
    const mark = observeMark(pid);
    if (mark !== undefined) signal(mark, 'SIGKILL');
  }
  await site.unplug();
}

async function consoleEnd(site: MachineSite): Promise<string> {
  return (await readFile(join(site.folder, 'console.log'), 'utf8')).slice(-1500).trim();
}

async function within<T>(promise: Promise<T>, limit: Ms, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limit} ms for ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
