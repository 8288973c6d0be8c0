import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Inside, insideOf } from '#host/inside.ts';
import { ensureImage } from '#lab/image/image.ts';
import type { Bytes } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';

const run = promisify(execFile);

/** A file behind a loop device, and the disk that it is for the machine. */
export interface TestDisk {
  readonly serial: string;
  /** `/dev/loop3`, which is also what the disk is on this computer. */
  readonly loop: string;
  readonly image: string;
}

/**
 * The root tree of a lab's machine in a mount namespace of its own: the machine's real tools on real loop devices, with the device files and
 * the part of /sys that a virtio disk has. No process but one runs in it, and it has no network of its own.
 */
export interface DiskMachine {
  readonly inside: Inside;
  /** A folder with the same path on this computer and in the machine. */
  readonly shared: string;
  readonly pid: number;
  /** A disk of zeros, or of what `fill` writes into its file. */
  makeDisk(serial: string, size: Bytes, fill?: (image: string) => Promise<unknown>): Promise<TestDisk>;
  /** Ends a disk that nothing uses. */
  dropDisk(disk: TestDisk): Promise<void>;
  /** The disk appears under a name, `vdb`. @unit link: whether udev has made its link */
  attach(disk: TestDisk, name: string, how?: { readonly link?: boolean; readonly serial?: string }): Promise<void>;
  /** What the link of a serial leads to from now on. */
  link(serial: string, name: string): Promise<void>;
  detach(name: string): Promise<void>;
  grow(disk: TestDisk, size: Bytes): Promise<void>;
  /** Runs a command in the machine. @fails when it fails */
  must(...argv: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

const setUp = `
set -eu
tree=$1 shared=$2 root=$2/root
mkdir -p "$root" "$2/top"
mount -t tmpfs top "$2/top"
mkdir "$2/top/upper" "$2/top/work"
mount -t overlay -o "lowerdir=$tree,upperdir=$2/top/upper,workdir=$2/top/work" machine "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs block "$root/sys/block"
mount -t tmpfs -o mode=755 dev "$root/dev"
for one in null zero full random urandom tty; do cp -a "/dev/$one" "$root/dev/"; done
mkdir -p "$root/dev/disk/by-id" "$root/dev/loops" "$root$shared"
for n in $(seq 0 63); do mknod -m 660 "$root/dev/loops/loop$n" b 7 "$n"; done
mount --bind "$shared" "$root$shared"
cd "$root"
mkdir -p old
pivot_root . old
cd /
umount -l old
echo ready
exec cat
`;

export async function openDiskMachine(): Promise<DiskMachine> {
  const { root: tree } = await ensureImage();
  const shared = await mkdtemp(join(tmpdir(), 'disk-machine-'));
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', setUp, 'sh', tree, shared], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await untilReady(child);
  const pid = child.pid ?? 0;
  const inside = await insideOf('disk-machine', pid);
  const disks = new Set<TestDisk>();
  const must = async (...argv: readonly string[]): Promise<string> => {
    const ran = await inside.run(argv, { within: seconds(60) });
    if (ran.code !== 0) throw new Error(`${argv.join(' ')}: exit code ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  };
  const byId = inside.at('/dev/disk/by-id');
  const linkTo = async (serial: string, name: string): Promise<void> => {
    const path = join(byId, `virtio-${serial.slice(0, 20)}`);
    await rm(path, { force: true });
    await symlink(`../../${name}`, path);
  };
  return {
    inside,
    shared,
    pid,
    must,
    link: linkTo,
    async makeDisk(serial, size, fill) {
      const image = join(shared, `${serial}-${crypto.randomUUID().slice(0, 8)}.img`);
      await writeFile(image, '');
      await truncate(image, size);
      await fill?.(image);
      const disk = { serial, image, loop: await loopOf(image) };
      disks.add(disk);
      return disk;
    },
    async attach(disk, name, how = {}) {
      const real = `/sys/devices/virtual/block/${disk.loop.slice(5)}`;
      const folder = inside.at(`/sys/block/${name}`);
      // The device file first: what is found in /sys must be there.
      await rm(inside.at(`/dev/${name}`), { force: true });
      await link(inside.at(disk.loop.replace('/dev/', '/dev/loops/')), inside.at(`/dev/${name}`));
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await writeFile(join(folder, 'serial'), `${(how.serial ?? disk.serial).slice(0, 20)}\n`);
      for (const file of ['size', 'ro', 'diskseq', 'holders', 'dev'])
        await symlink(`${real}/${file}`, join(folder, file));
      if (how.link !== false) await linkTo(how.serial ?? disk.serial, name);
    },
    async detach(name) {
      await rm(inside.at(`/sys/block/${name}`), { recursive: true, force: true });
      await rm(inside.at(`/dev/${name}`), { force: true });
      for (const one of await readdir(byId))
        if ((await readlink(join(byId, one))) === `../../${name}`) await rm(join(byId, one));
    },
    async dropDisk(disk) {
      disks.delete(disk);
      await run('losetup', ['--detach', disk.loop]);
      await rm(disk.image);
    },
    async grow(disk, size) {
      await truncate(disk.image, size);
      await run('losetup', ['--set-capacity', disk.loop]);
    },
    async close() {
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      for (const { loop } of disks) await run('losetup', ['--detach', loop]);
      await rm(shared, { recursive: true, force: true });
    },
  };
}

export async function loopOf(image: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return (await run('losetup', ['--find', '--show', image])).stdout.trim();
    } catch (e) {
      // Somebody else took the free one in between.
      if (tries === 20) throw e;
    }
  }
}

export async function untilReady(child: ChildProcess): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', () => reject(new Error(`the machine did not start: ${errors}`)));
    setTimeout(() => reject(new Error(`the machine did not start within 30 s: ${errors}`)), 30_000).unref();
  });
}
