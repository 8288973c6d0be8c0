import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { MachineStorage } from '#capability/capability.ts';
import { type Inside, insideOf } from '#host/inside.ts';
import { ensureImage } from '#lab/image/image.ts';
import { type Client, dial } from '#rpc/client.ts';
import { Controller, Identity, Node } from '#rpc/gen/csi_pb.js';
import type { Bytes } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { loopOf, untilReady } from './disk-machine.ts';

const run = promisify(execFile);

/** One change that the driver was about to make. */
export interface StepSeen {
  readonly volume: string;
  readonly step: string;
}

/** The driver of local volumes, serving; as a process of its own. */
export interface LocalServer {
  readonly identity: Client<typeof Identity>;
  readonly controller: Client<typeof Controller>;
  readonly node: Client<typeof Node>;
  /** So far, in their order. */
  readonly steps: readonly StepSeen[];
  /** What it told a person. */
  readonly told: readonly string[];
  /** What it had said of its folders and disks after each look. */
  readonly said: readonly unknown[];
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
}

/**
 * The root tree of a lab's machine in a mount namespace of its own, with /dev as bare as in a container: the machine's real tools, real loop
 * devices and mounts. `/srv/volumes` is a file system of its own.
 */
export interface LocalMachine {
  readonly inside: Inside;
  /** A folder with the same path on this computer and in the machine. */
  readonly shared: string;
  readonly socket: string;
  /** Of the process whose mounts are the machine's. */
  readonly pid: number;
  /** Runs a command in the machine. @fails when it fails */
  must(...argv: readonly string[]): Promise<string>;
  /** What cluster.yaml gives to volumes from now on. */
  give(storage: Partial<MachineStorage>): Promise<void>;
  /**
   * In place of one that still runs.
   * @unit dieBefore: the number of the change before which it ends itself; named: the handles that PersistentVolumes name, without it all
   */
  start(how?: { readonly dieBefore?: number; readonly named?: readonly string[] }): Promise<LocalServer>;
  /** A blank disk that appears under `/dev/disk/by-id`. @shape that name */
  addDisk(name: string, size: Bytes): Promise<{ readonly link: string; readonly loop: string }>;
  /** Everything of this machine that is attached or mounted, and every file of its volumes: what a test compares. */
  remains(): Promise<{
    readonly loops: readonly string[];
    readonly mounts: readonly string[];
    readonly files: readonly string[];
  }>;
  close(): Promise<void>;
}

export const pool = '/srv/volumes';

const setUp = `
set -eu
tree=$1 shared=$2 root=$2/root
mkdir -p "$root" "$2/top"
mount -t tmpfs top "$2/top"
mkdir "$2/top/upper" "$2/top/work"
mount -t overlay -o "lowerdir=$tree,upperdir=$2/top/upper,workdir=$2/top/work" machine "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for one in null zero full random urandom tty loop-control; do cp -a "/dev/$one" "$root/dev/"; done
mkdir -p "$root/dev/disk/by-id" "$root$shared" "$root/srv/volumes" "$root/var/lib/kubelet" "$root/var/lib/isthmus"
mount --bind "$shared" "$root$shared"
cd "$root"
mkdir -p old
pivot_root . old
cd /
umount -l old
echo ready
exec cat
`;

/** @unit size: of the file system at /srv/volumes */
export async function openLocalMachine(size: Bytes, name = 'base-1'): Promise<LocalMachine> {
  const { root: tree } = await ensureImage();
  const shared = await mkdtemp(join(tmpdir(), 'local-machine-'));
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', setUp, 'sh', tree, shared], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await untilReady(child);
  const pid = child.pid ?? 0;
  const inside = await insideOf('local-machine', pid);
  const must = async (...argv: readonly string[]): Promise<string> => {
    const ran = await inside.run(argv, { within: seconds(60) });
    if (ran.code !== 0) throw new Error(`${argv.join(' ')}: exit code ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  };
  const loops: string[] = [];
  const servers = new Set<ChildProcess>();
  const addLoop = async (file: string, bytes: Bytes): Promise<string> => {
    await writeFile(file, '');
    await truncate(file, bytes);
    const loop = await loopOf(file);
    loops.push(loop);
    await must('mknod', '-m', '660', loop, 'b', '7', loop.slice('/dev/loop'.length));
    return loop;
  };
  const below = await addLoop(join(shared, 'below'), size);
  await must('mkfs.ext4', '-q', '-m', '0', below);
  await must('mount', below, pool);
  const given = join(shared, 'given.json');
  const give = (storage: Partial<MachineStorage>): Promise<void> =>
    writeFile(given, JSON.stringify({ directories: [pool], disks: [], keepFree: 16 * 2 ** 20, ...storage }));
  await give({});
  const socket = join(shared, 'csi.sock');
  return {
    inside,
    shared,
    socket,
    pid,
    must,
    give,
    async start({ dieBefore = 0, named } = {}) {
      await endAll(servers);
      const file = join(import.meta.dirname, 'local-server.ts');
      const args = ['--pid', `${pid}`, '--node', name, '--socket', socket, '--given', given];
      if (named !== undefined) {
        const names = join(shared, 'named.json');
        await writeFile(names, JSON.stringify(named));
        args.push('--named', names);
      }
      const server = spawn(process.execPath, [file, ...args, '--die-before', `${dieBefore}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      servers.add(server);
      return serving(server, socket);
    },
    async addDisk(disk, bytes) {
      const loop = await addLoop(join(shared, `disk-${disk}`), bytes);
      await must('ln', '-s', `../../${loop.slice('/dev/'.length)}`, `/dev/disk/by-id/${disk}`);
      return { link: `/dev/disk/by-id/${disk}`, loop };
    },
    async remains() {
      const mounts = (await inside.mountinfo()).split('\n').map((line) => line.split(' ')[4] ?? '');
      return {
        loops: (await loopsOn(below)).map(({ file }) => file),
        mounts: mounts.filter((path) => path.startsWith('/var/lib/kubelet') || path.startsWith(`${shared}/`)).sort(),
        files: (await must('find', `${pool}/volumes`, `${pool}/trash`, '-mindepth', '1'))
          .split('\n')
          .filter((one) => one !== '')
          .sort(),
      };
    },
    async close() {
      await endAll(servers);
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const { loop } of await loopsOn(below)) await run('losetup', ['--detach', loop]);
      for (const loop of loops.reverse()) await run('losetup', ['--detach', loop]);
      await rm(shared, { recursive: true, force: true });
    },
  };
}

async function endAll(servers: Set<ChildProcess>): Promise<void> {
  for (const server of servers) {
    servers.delete(server);
    if (server.exitCode !== null || server.signalCode !== null) continue;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
}

/** Loop devices whose files lie on a device. */
async function loopsOn(device: string): Promise<readonly { readonly loop: string; readonly file: string }[]> {
  const { stdout } = await run('losetup', ['--list', '--json', '--output', 'NAME,BACK-FILE,BACK-MAJ:MIN']);
  const { loopdevices } = JSON.parse(stdout || '{"loopdevices":[]}') as {
    loopdevices: readonly { name: string; 'back-file': string; 'back-maj:min': string }[];
  };
  return loopdevices
    .filter((one) => one['back-maj:min'].trim() === `7:${device.slice('/dev/loop'.length)}`)
    .map((one) => ({ loop: one.name, file: one['back-file'] }));
}

async function serving(server: ChildProcess, socket: string): Promise<LocalServer> {
  const steps: StepSeen[] = [];
  const told: string[] = [];
  const said: unknown[] = [];
  const begun = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const lines = createInterface({ input: server.stdout as NonNullable<typeof server.stdout> });
  lines.on('line', (line) => {
    const seen = JSON.parse(line) as {
      volume?: string;
      step?: string;
      fault?: string;
      serving?: string;
      said?: unknown;
    };
    if (seen.serving !== undefined) begun.resolve();
    if (seen.volume !== undefined && seen.step !== undefined) steps.push({ volume: seen.volume, step: seen.step });
    if (seen.fault !== undefined) told.push(seen.fault);
    if (seen.said !== undefined) said.push(seen.said);
  });
  // A server that kills itself while it recovers never serves.
  await Promise.race([begun.promise, ended]);
  const identity = dial(socket, Identity);
  const controller = dial(socket, Controller);
  const node = dial(socket, Node);
  void ended.then(() => {
    for (const one of [identity, controller, node]) one.close();
  });
  return {
    identity: identity.ask,
    controller: controller.ask,
    node: node.ask,
    steps,
    told,
    said,
    ended,
    async kill() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}
