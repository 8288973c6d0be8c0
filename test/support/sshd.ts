import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SshTarget } from '#host/ssh.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { freePorts } from './free-port.ts';
import { start } from './process.ts';

/** A real sshd of a machine of its own accounts, on a port of 127.0.0.1. */
export interface Sshd {
  readonly port: number;
  readonly folder: string;
  /** A file in its folder. */
  at(this: void, name: string): string;
  /** How root logs in, by the key `user`. */
  readonly target: SshTarget;
  /** The process that listens, or those that serve connections and what they started. */
  readonly listener: number;
  sessions(this: void): readonly number[];
  signal(this: void, pids: readonly number[], signal: NodeJS.Signals): void;
  stop(this: void): Promise<void>;
}

export interface SshdOptions {
  /** Lines of sshd_config, `Name=value`. */
  readonly settings?: readonly string[];
  /** Lines added to the machine's passwd: the real ones of this computer stay. */
  readonly accounts?: readonly string[];
  /** What stands in authorized_keys before the public key `user`: options. */
  readonly keyOptions?: string;
  /** Programs in its /usr/local/bin, by name. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Host key files in place of one ed25519 key, made from these arguments of ssh-keygen. */
  readonly hostKey?: readonly string[];
}

/** The key pairs `user`, `other`, and `locked` with the passphrase `secret` are in its folder; `user` and `locked` may log in. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (!existsSync('/usr/sbin/sshd')) throw new Error('this test needs sshd: apt-get install -y openssh-server');
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-sshd-'));
  // sshd reads authorized_keys as the user who logs in.
  chmodSync(folder, 0o755);
  const at = (name: string): string => join(folder, name);
  for (const name of ['user', 'other', 'locked'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', name === 'locked' ? 'secret' : '', '-f', at(name)]);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-f', at('host'), ...(options.hostKey ?? ['-t', 'ed25519'])]);
  const prefix = options.keyOptions === undefined ? '' : `${options.keyOptions} `;
  const authorized = ['user', 'locked'].map((name) => `${prefix}${readFileSync(at(`${name}.pub`), 'utf8')}`);
  writeFileSync(at('authorized_keys'), authorized.join(''), { mode: 0o644 });
  const [port] = (await freePorts(1)) as [number];
  const settings = [
    'ListenAddress=127.0.0.1',
    'StrictModes=no',
    'UsePAM=no',
    'PidFile=none',
    `AuthorizedKeysFile=${at('authorized_keys')}`,
    ...(options.settings ?? []),
  ];
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const sshd = ['-D', '-e', '-f', '/dev/null', '-h', at('host'), '-p', String(port)];
  const running = start(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      `${machineScript(at, options)}exec /usr/sbin/sshd "$@"`,
      'sshd',
      ...sshd,
      ...settings.flatMap((setting) => ['-o', setting]),
    ],
    { cwd: folder, log: at('log') },
  );
  const listener = running.child.pid as number;
  await waitFor('sshd', () => isOpen(port), { within: seconds(20), every: ms(50) });
  const sessions = (): readonly number[] => descendants(listener);
  const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
    for (const pid of pids)
      try {
        process.kill(pid, name);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e;
      }
  };
  return {
    port,
    folder,
    at,
    listener,
    sessions,
    signal,
    target: {
      name: 'base-1',
      address: '127.0.0.1',
      port,
      user: 'root',
      key: { path: at('user'), text: readFileSync(at('user'), 'utf8') },
      agent: undefined,
      pinned: undefined,
    },
    async stop() {
      // Those that a test has frozen would outlive their listener.
      signal(sessions(), 'SIGKILL');
      await running.end('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

/** In a mount namespace of its own: nothing of this computer is changed. */
function machineScript(at: (name: string) => string, { accounts, programs }: SshdOptions): string {
  let script = 'set -e; ';
  if (accounts !== undefined) {
    writeFileSync(
      at('passwd'),
      `${readFileSync('/etc/passwd', 'utf8')}${accounts.map((line) => `${line}\n`).join('')}`,
    );
    script += `mount --bind ${at('passwd')} /etc/passwd; `;
  }
  if (programs !== undefined) {
    mkdirSync(at('bin'));
    for (const [name, text] of Object.entries(programs)) writeFileSync(join(at('bin'), name), text, { mode: 0o755 });
    script += `mount --bind ${at('bin')} /usr/local/bin; `;
  }
  return script;
}

async function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('close', () => undefined);
    socket.once('data', () => socket.destroy());
  });
}

function descendants(of: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(name), Number(parent));
    } catch (e) {
      // Ended since it was listed.
      if (!['ENOENT', 'ESRCH'].includes((e as NodeJS.ErrnoException).code ?? '')) throw e;
    }
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === of || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}
