import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ms, ms, seconds, waitFor } from '#unit/clock.ts';
import { formatShown, type ShownDisk } from './block-disk.ts';
import { type Cgroups, makeGroup, observeMembers, removeGroup } from './cgroup.ts';
import { type DiskSpec, goesOn, layersBelow, makeDisk } from './disk.ts';
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
  /** Makes block devices of the disks that are in it. */
  insertDisks(): Promise<readonly ShownDisk[]>;
  /** They are no block devices any more, and nothing is that the machine made of them or of its own files. */
  removeDisks(): Promise<void>;
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
  /** Does something between two changes of its power. @shape init: as `init()` gives it */
  meanwhile<T>(work: (init: ProcessMark | undefined) => Promise<T>): Promise<T>;
  /** Process 1 as this computer sees it; `undefined` when the power is off. */
  init(): ProcessMark | undefined;
}

/** glibc's SIGRTMIN. systemd takes +4 for power-off and +5 for reboot. @source systemd(1), SIGNALS */
const sigrtmin = 34;

/** How long a shutdown may take: systemd's own limit for a service that does not stop is 90 s, no patience for that here. */
const shutdown = seconds(30);

export function openMachine(spec: MachineSpec, site: MachineSite): Machine {
  const power = new PowerSwitch(spec, site);
  return {
    spec,
    on: () => power.inTurn(() => power.on()),
    stop: (options) => power.inTurn(() => power.stop(options?.within ?? shutdown)),
    off: () => power.inTurn(() => power.off()),
    reboot: (options) => power.inTurn(() => power.reboot(options?.within ?? shutdown)),
    destroy: () => power.inTurn(() => power.destroy()),
    meanwhile: (work) => power.inTurn(() => work(power.init())),
    init: () => power.init(),
  };
}

interface Running {
  readonly init: ProcessMark;
  readonly ended: Promise<void>;
  askedOff: boolean;
}

/** What the buttons do. Whoever calls takes turns. */
class PowerSwitch {
  readonly #spec: MachineSpec;
  readonly #site: MachineSite;
  #running: Running | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(spec: MachineSpec, site: MachineSite) {
    this.#spec = spec;
    this.#site = site;
  }

  inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act, act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  init(): ProcessMark | undefined {
    return this.#running !== undefined && isAlive(this.#running.init) ? this.#running.init : undefined;
  }

  async on(): Promise<void> {
    if (this.init() !== undefined) return;
    await this.#running?.ended;
    if (!existsSync(join(this.#site.folder, 'upper'))) await makeDisk(this.#site.folder, this.#spec);
    await this.#site.plug();
    await makeGroup(this.#site.cgroups, this.#site.mark, this.#spec);
    const disks = await this.#site.insertDisks();
    await writeFile(join(this.#site.folder, 'disks'), disks.map(formatShown).join(''));
    const { init, ended } = await switchOn(this.#spec, this.#site).catch(async (e: unknown) => {
      await clearAway(this.#site);
      throw e;
    });
    const running: Running = { init, askedOff: false, ended: ended.then((how) => this.#settle(running, how)) };
    this.#running = running;
  }

  async off(): Promise<void> {
    if (this.#running === undefined) return;
    this.#running.askedOff = true;
    signal(this.#running.init, 'SIGKILL');
    await within(this.#running.ended, seconds(20), `${this.#spec.key} to be off`);
  }

  async stop(limit: Ms): Promise<void> {
    if (this.#running === undefined) return;
    this.#running.askedOff = true;
    signal(this.#running.init, sigrtmin + 4);
    await within(this.#running.ended, limit, `${this.#spec.key} to shut down`).catch(() => {
      this.#note({ shutdown: 'too slow, cutting the power' });
      return this.off();
    });
  }

  async reboot(limit: Ms): Promise<void> {
    const before = this.#running;
    if (before === undefined) throw new Error(`${this.#spec.key} is off; start it instead`);
    signal(before.init, sigrtmin + 5);
    await within(before.ended, limit, `${this.#spec.key} to go down for its restart`).catch(() => this.off());
    // After a clean restart the machine is being booted already; that turn comes after this one and then finds it on.
    await this.on();
  }

  async destroy(): Promise<void> {
    await this.off();
    await removeGroup(this.#site.cgroups, this.#site.mark);
    await rm(this.#site.folder, { recursive: true, force: true });
  }

  /** After the system has ended by itself or by us. */
  async #settle(ended: Running, how: Ending): Promise<void> {
    await this.#site.unplug().catch(this.#failed('pulling its cables'));
    await this.#site.removeDisks().catch(this.#failed('taking its disks out'));
    await removeGroup(this.#site.cgroups, this.#site.mark).catch(this.#failed('removing its control group'));
    // Forgotten only now: power that is cut while a restart is between its two boots must stay cut.
    this.#running = undefined;
    const step = planAfterExit(how, { off: ended.askedOff });
    this.#note({ ...step, ...how });
    if (step.do === 'boot-again') this.inTurn(() => this.on()).catch(this.#failed('booting again'));
  }

  #failed(doing: string): (cause: unknown) => void {
    return (cause) => this.#note({ failed: doing, cause: String(cause) });
  }

  #note(entry: Readonly<Record<string, unknown>>): void {
    this.#site.note({ machine: this.#spec.key, ...entry });
  }
}

interface Power {
  readonly init: ProcessMark;
  readonly ended: Promise<Ending>;
}

async function switchOn(spec: MachineSpec, site: MachineSite): Promise<Power> {
  const record = join(site.folder, 'init');
  await rm(record, { force: true });
  const console = await open(join(site.folder, 'console.log'), 'a');
  const layers = [...(await layersBelow(site.folder)), spec.image];
  const settled = existsSync(goesOn(site.folder));
  await rm(goesOn(site.folder), { force: true });
  const child = spawnInit(spec, site, { layers, console, arguments: settled ? ['cloud-init=disabled'] : [] });
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
function spawnInit(
  spec: MachineSpec,
  site: MachineSite,
  boot: { readonly layers: readonly string[]; readonly console: FileHandle; readonly arguments: readonly string[] },
): ChildProcess {
  const namespaces = `nsenter --net=/run/netns/${site.mark} unshare --mount --uts --pid --ipc --fork --`.split(' ');
  const born = ['sh', join(import.meta.dirname, 'init.sh'), 'born', site.folder, boot.layers.join(':'), spec.hostname];
  const init = [...namespaces, ...born, String(spec.memoryMib), site.mark, site.cgroups.kind, ...boot.arguments];
  const line = `exec ${init.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')}`;
  return spawn('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SHELL: '/bin/sh' },
    // An open pipe as keyboard: at the end of its input `script` would hang up the console.
    stdio: ['pipe', boot.console.fd, boot.console.fd],
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
  await site.removeDisks();
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
