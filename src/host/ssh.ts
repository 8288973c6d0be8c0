import { dirname } from 'node:path';
import { type Ms, seconds } from '#unit/clock.ts';
import { type Host, HostError, quote, type Ran, type RunOptions } from './host.ts';
import { fingerprint, formatHostKey, type HostKey } from './host-key.ts';
import { explainAccount } from './ssh-account.ts';
import { explainKeyFault, keyFault } from './ssh-keys.ts';
import { type LinkLimits, openLink, type SshLink } from './ssh-link.ts';
import type { SshLogin } from './ssh-login.ts';

export interface SshTarget extends SshLogin {
  /** The machine to go through, when this one can't be reached directly. */
  readonly jump?: SshLogin | undefined;
}

/** The machine showed another host key than the one pinned: perhaps reinstalled, perhaps somebody in between. */
export class HostKeyChanged extends HostError {
  readonly shown: HostKey;

  constructor(target: SshLogin, pinned: HostKey, shown: HostKey) {
    super(
      `${target.name} (${target.address})`,
      'checking its SSH host key',
      `it showed ${shown.type} ${fingerprint(shown)}, but ${pinned.type} ${fingerprint(pinned)} was pinned at first contact. ` +
        `If the machine was reinstalled, remove the line "${target.name} ${pinned.type} …" from the known_hosts file of this cluster; otherwise find out who answers at this address`,
    );
    this.name = 'HostKeyChanged';
    this.shown = shown;
  }
}

/** Longer than a busy machine is silent, shorter than a person waits. */
const silence = seconds(60);

/**
 * Opens one SSH connection and runs everything over it. A user other than root works through `sudo -n`. A machine that falls
 * silent, or a connection that breaks, ends whatever runs over it with an error; nothing waits without a limit.
 * @shape host: the machine; hostKey: the key it showed, for pinning; jumpKey: the one of the machine gone through
 * @unit within: for connecting and logging in
 * @fails HostKeyChanged · HostError: not reachable, login refused, key unreadable, an account that can't run commands as root
 */
export async function connectSsh(
  target: SshTarget,
  options: { readonly within: Ms; readonly signal?: AbortSignal; readonly silence?: Ms },
): Promise<{ host: Host; hostKey: HostKey; jumpKey: HostKey | undefined }> {
  const limits: LinkLimits = { silence, ...options };
  for (const login of [target, target.jump]) if (login !== undefined) checkKey(login);
  const jump = target.jump === undefined ? undefined : await open(target.jump, limits);
  try {
    const through = await jump?.link.forward(target.address, target.port, limits);
    const { link, hostKey } = await open(target, limits, through);
    const close = async (): Promise<void> => {
      await link.end();
      await jump?.link.end();
    };
    try {
      await checkAccount(link, target, limits);
    } catch (e) {
      await link.end();
      throw e;
    }
    return { host: hostOver(link, target, close), hostKey, jumpKey: jump?.hostKey };
  } catch (e) {
    await jump?.link.end();
    throw e;
  }
}

function open(
  login: SshLogin,
  limits: LinkLimits,
  through?: Parameters<typeof openLink>[2]['through'],
): ReturnType<typeof openLink> {
  const { pinned } = login;
  const checkHostKey = (shown: HostKey): void => {
    if (pinned !== undefined && formatHostKey(shown) !== formatHostKey(pinned))
      throw new HostKeyChanged(login, pinned, shown);
  };
  return openLink(login, limits, { through, checkHostKey });
}

function checkKey({ name, key, agent }: SshLogin): void {
  if (key === undefined) {
    if (agent === undefined) throw new HostError(name, 'logging in', 'neither an SSH key nor an SSH agent is given');
    return;
  }
  const fault = keyFault(key);
  if (fault !== undefined)
    throw new HostError(name, `reading the SSH key ${key.path}`, explainKeyFault(fault, key.path));
}

const asRoot = ({ user }: SshLogin): string => (user === 'root' ? '' : 'sudo -n -- ');

/** An account may let one in and still do nothing for one; said here, not as a puzzle at the first real command. */
async function checkAccount(link: SshLink, login: SshLogin, { within, signal }: LinkLimits): Promise<void> {
  const command = `${asRoot(login)}id -u`;
  const spoken: string[] = [];
  const enough = new AbortController();
  const ran = await link
    .run(command, {
      within,
      signal: signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]),
      // Such an account holds the line for 10 s after it has spoken.
      onLine: (line) => {
        spoken.push(line);
        if (/login as the user/i.test(line)) enough.abort();
      },
    })
    .catch((e: unknown) => {
      if (!enough.signal.aborted) throw e;
      return { code: 1, stdout: spoken.join('\n'), stderr: '' };
    });
  const why = explainAccount(ran, login.user);
  if (why !== undefined) throw new HostError(login.name, `running commands as root through ${login.user}`, why);
}

function hostOver(link: SshLink, target: SshTarget, close: () => Promise<void>): Host {
  const prefix = asRoot(target);
  const run = (argv: readonly string[], opts: RunOptions): Promise<Ran> =>
    link.run(`${prefix}${argv.map(quote).join(' ')}`, opts);
  return {
    name: target.name,
    run,
    read: (path) => readOver(run, target.name, path),
    write: (path, text, { mode }) => writeOver(run, target.name, path, text, mode),
    close,
  };
}

type Run = (argv: readonly string[], opts: RunOptions) => Promise<Ran>;
const fileLimit = 30_000 as Ms;

async function readOver(run: Run, name: string, path: string): Promise<string | undefined> {
  // Exit code 44 is ours: it tells "no such file" from every failure of `cat`.
  const ran = await run(['sh', '-c', 'test -e "$0" || exit 44; exec cat -- "$0"', path], { within: fileLimit });
  if (ran.code === 44) return undefined;
  if (ran.code === 0) return ran.stdout;
  throw new HostError(name, `reading ${path}`, ran.stderr.trim());
}

async function writeOver(run: Run, name: string, path: string, text: string, mode: number): Promise<void> {
  const script =
    'set -e; umask 077; mkdir -p -- "$1"; cat > "$0.new"; chmod "$2" "$0.new"; sync "$0.new"; mv -f -- "$0.new" "$0"';
  const ran = await run(['sh', '-c', script, path, dirname(path), mode.toString(8)], {
    within: fileLimit,
    stdin: text,
  });
  if (ran.code !== 0) throw new HostError(name, `writing ${path}`, ran.stderr.trim());
}
