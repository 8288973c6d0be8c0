import { access, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { seconds } from '#unit/clock.ts';
import { isAbsent } from './files.ts';
import { type Host, HostError, type Ran, type RunOptions } from './host.ts';
import { localHost } from './local.ts';

/**
 * The machine that this program's container runs on, or any other mount namespace: commands are those of the machine and see its mounts, and
 * what they mount stays when this program ends.
 */
export interface Inside {
  /** Runs one of the machine's own commands. @fails HostError: as `Host.run`; a command that is not installed says which package has it */
  readonly run: (argv: readonly string[], opts: RunOptions) => Promise<Ran>;
  /** Where this program reaches a path of the machine; symbolic links with absolute targets lead astray. */
  readonly at: (path: string) => string;
  /** `/proc/…/mountinfo` of the machine. */
  readonly mountinfo: () => Promise<string>;
}

/** Which package of Debian and of Red Hat brings a command. */
const packages: Readonly<Record<string, string>> = {
  blkid: 'util-linux',
  fallocate: 'util-linux',
  blkdiscard: 'util-linux',
  losetup: 'mount (Debian) or util-linux',
  mount: 'mount (Debian) or util-linux',
  umount: 'mount (Debian) or util-linux',
  'mkfs.ext4': 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  xfs_growfs: 'xfsprogs',
};

/**
 * What the process with this number sees: number 1 is the machine when this container shares its process numbers.
 * @fails Error when there is no such process, or it may not be looked into
 */
export async function insideOf(name: string, pid: number): Promise<Inside> {
  const at = (path: string): string => `/proc/${pid}/root${path}`;
  await access(at('/')).catch((e: unknown) => {
    throw new Error(`cannot look into process ${pid} of ${name}: run with hostPID and privileged`, { cause: e });
  });
  return {
    at,
    mountinfo: () => readFile(`/proc/${pid}/mountinfo`, 'utf8'),
    run: runInside(localHost(name), ['nsenter', '--mount', '--target', `${pid}`, '--']),
  };
}

function runInside(host: Host, enter: readonly string[]): Inside['run'] {
  return async (argv, opts) => {
    const ran = await host.run([...enter, ...argv], opts);
    const [command = ''] = argv;
    if (ran.code === 127 && ran.stderr.startsWith('nsenter: failed to execute')) {
      const why = `${command} is not installed on this machine: install the package ${packages[command] ?? command}`;
      throw new HostError(host.name, argv.join(' '), why);
    }
    return ran;
  };
}

/** Whether there is something at the path on the machine. */
export async function isThere(inside: Inside, path: string): Promise<boolean> {
  try {
    await access(inside.at(path));
    return true;
  } catch (e) {
    if (isAbsent(e)) return false;
    throw e;
  }
}

/**
 * A path of the machine without symbolic links, as its table of mounts has it; the last part stays as it is and need not exist.
 * @fails RangeError for a path that is not absolute
 */
export async function canonical(inside: Inside, path: string): Promise<string> {
  if (!path.startsWith('/') || path.split('/').includes('..')) throw new RangeError(`${path} is no absolute path`);
  const plain = posix.normalize(path).replace(/\/$/, '');
  const { code, stdout, stderr } = await inside.run(
    ['realpath', '--canonicalize-missing', '--', posix.dirname(plain)],
    {
      within: seconds(30),
    },
  );
  if (code !== 0) throw new Error(`${path}: ${stderr.trim()}`);
  return posix.join(stdout.trimEnd(), posix.basename(plain));
}
