import { type Ms, seconds } from '#unit/clock.ts';
import { HostError } from './host.ts';
import type { Inside } from './inside.ts';

/** One mount of a machine. */
export interface Mount {
  readonly path: string;
  /** `253:16`: of the device below the file system, or of the file system where it has none. */
  readonly device: string;
  /** Which part of the file system is shown here; `/` for all of it. */
  readonly root: string;
  readonly type: string;
  readonly source: string;
  readonly isReadOnly: boolean;
  /** Of this mount. */
  readonly options: readonly string[];
  /** Of the file system, whoever mounted it. */
  readonly superOptions: readonly string[];
}

/**
 * Reads `/proc/PID/mountinfo`, in its order: of several mounts at one path the last is the one that is seen.
 * @source proc_pid_mountinfo(5)
 */
export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const [own = '', file = ''] = line.split(' - ', 2);
    const [, , device = '', root = '', path = '', options = ''] = own.split(' ');
    const [type = '', source = '', superOptions = ''] = file.split(' ');
    const mine = options.split(',');
    const all = superOptions.split(',');
    return [
      {
        path: unescape(path),
        device,
        root: unescape(root),
        type,
        source: unescape(source),
        isReadOnly: mine.includes('ro') || all.includes('ro'),
        options: mine,
        superOptions: all,
      },
    ];
  });
}

/** Blanks, tabs, newlines and backslashes are written as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export async function observeMounts(inside: Pick<Inside, 'mountinfo'>): Promise<readonly Mount[]> {
  return parseMounts(await inside.mountinfo());
}

/** What is seen at a path; `undefined` when nothing is mounted there. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast((mount) => mount.path === path);
}

/** Mounting waits for the device, or for a server of files. */
const mounting = seconds(100);
const unmounting = seconds(60);

/** @fails HostError: with the words of `mount` */
export async function mount(
  inside: Inside,
  what: {
    readonly source: string;
    readonly target: string;
    readonly type: string;
    readonly options: readonly string[];
  },
  within: Ms = mounting,
): Promise<void> {
  const options = what.options.length === 0 ? [] : ['-o', what.options.join(',')];
  await mustSucceed(inside, ['mount', '-t', what.type, ...options, what.source, what.target], within);
}

/** Shows a folder or a file at a second path. A read-only one is writable for a moment, in which a crash leaves it so. */
export async function bind(
  inside: Inside,
  what: { readonly source: string; readonly target: string; readonly isReadOnly: boolean },
): Promise<void> {
  await mustSucceed(
    inside,
    ['mount', '--bind', '-o', what.isReadOnly ? 'bind,ro' : 'bind', what.source, what.target],
    mounting,
  );
}

/** Makes what is seen at one path read-only there; at other paths it stays as it is. */
export async function remountReadOnly(inside: Inside, path: string): Promise<void> {
  await mustSucceed(inside, ['mount', '-o', 'remount,bind,ro', path], mounting);
}

/** @unit lazily: it disappears now, and ends when its last user does. For what has lost its device */
export async function unmount(inside: Inside, path: string, how: { readonly lazily?: true } = {}): Promise<void> {
  await mustSucceed(inside, ['umount', ...(how.lazily ? ['--lazy'] : []), path], unmounting);
}

async function mustSucceed(inside: Inside, argv: readonly string[], within: Ms): Promise<void> {
  const ran = await inside.run(argv, { within });
  if (ran.code === 0) return;
  throw new HostError('this machine', argv.join(' '), (ran.stderr || ran.stdout).trim() || `exit code ${ran.code}`);
}
