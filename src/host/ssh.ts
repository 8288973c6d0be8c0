import { dirname } from 'node:path';
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { formatMs, type Ms } from '#unit/clock.ts';
import { bounded } from './bounded.ts';
import { type Host, HostError, LineCollector, quote, type Ran, type RunOptions } from './host.ts';
import { fingerprint, formatHostKey, type HostKey, hostKeyOf } from './host-key.ts';

export interface SshTarget {
  readonly name: string;
  readonly address: string;
  /** 22 when left out. */
  readonly port?: number;
  readonly user: string;
  /** The private key as text, OpenSSH or PEM form, without a passphrase. */
  readonly privateKey: string;
  /** Where the private key came from; only for messages. */
  readonly keyPath: string;
  /** The host key that this machine must show; left out at first contact. */
  readonly pinned?: HostKey;
}

/** The machine showed another host key than the one pinned: perhaps reinstalled, perhaps somebody in between. */
export class HostKeyChanged extends HostError {
  constructor(target: SshTarget, pinned: HostKey, shown: HostKey) {
    super(
      `${target.name} (${target.address})`,
      'checking its SSH host key',
      `it showed ${shown.type} ${fingerprint(shown)}, but ${pinned.type} ${fingerprint(pinned)} was pinned at first contact. ` +
        `If the machine was reinstalled, remove the line "${target.name} ${pinned.type} …" from the known_hosts file of this cluster; otherwise find out who answers at this address`,
    );
    this.name = 'HostKeyChanged';
  }
}

/**
 * Opens one SSH connection and runs everything over it. A user other than root works through `sudo -n`.
 * @shape host: the machine; hostKey: the key it showed, for pinning
 * @unit within: for connecting and logging in
 * @fails HostKeyChanged · HostError: not reachable, login refused, key unreadable
 */
export async function connectSsh(
  target: SshTarget,
  { within, signal }: { within: Ms; signal?: AbortSignal },
): Promise<{ host: Host; hostKey: HostKey }> {
  checkKey(target);
  const client = new ssh2.Client();
  const hostKey = await logIn(client, target, within, signal);
  // Without a listener a connection lost later would end the process; the running command reports it instead.
  client.on('error', () => undefined);
  const prefix = target.user === 'root' ? '' : 'sudo -n -- ';
  const run = (argv: readonly string[], opts: RunOptions): Promise<Ran> =>
    runOver(client, target.name, `${prefix}${argv.map(quote).join(' ')}`, opts);
  const host: Host = {
    name: target.name,
    run,
    read: (path) => readOver(run, target.name, path),
    write: (path, text, { mode }) => writeOver(run, target.name, path, text, mode),
    close: () => endConnection(client),
  };
  return { host, hostKey };
}

function checkKey(target: SshTarget): void {
  const parsed = ssh2.utils.parseKey(target.privateKey);
  if (!(parsed instanceof Error)) return;
  const why = /encrypted/i.test(parsed.message)
    ? 'it has a passphrase; give a key without one, for example made by ssh-keygen -t ed25519 -N "" -f FILE'
    : `${parsed.message}; give an OpenSSH private key, for example made by ssh-keygen -t ed25519 -N "" -f FILE`;
  throw new HostError(target.name, `reading the SSH key ${target.keyPath}`, why);
}

const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

function logIn(client: Client, target: SshTarget, within: Ms, signal: AbortSignal | undefined): Promise<HostKey> {
  const doing = `connecting to ${target.user}@${target.address}:${target.port ?? 22}`;
  const late = `no login within ${formatMs(within)}; ${lookThere}`;
  let shown: HostKey | undefined;
  let changed: HostKeyChanged | undefined;
  const isExpected = (wire: Buffer): boolean => {
    shown = hostKeyOf(wire);
    if (target.pinned === undefined || formatHostKey(shown) === formatHostKey(target.pinned)) return true;
    changed = new HostKeyChanged(target, target.pinned, shown);
    return false;
  };
  const fault = (why: string, cause?: unknown): HostError => new HostError(target.name, doing, why, cause);
  return bounded<HostKey>({ within, signal, late, fault }, ({ done, fail }) => {
    const giveUp = (why: Error): void => {
      client.end();
      fail(changed ?? why);
    };
    client.on('error', (e) => giveUp(fault(explainLogin(e, target), e)));
    client.on('ready', () => {
      client.removeAllListeners('error');
      done(shown as HostKey);
    });
    client.connect(configFor(target, within, isExpected));
    return giveUp;
  });
}

function configFor(target: SshTarget, within: Ms, hostVerifier: (wire: Buffer) => boolean): ConnectConfig {
  return {
    host: target.address,
    port: target.port ?? 22,
    username: target.user,
    privateKey: target.privateKey,
    readyTimeout: within,
    keepaliveInterval: 10_000,
    keepaliveCountMax: 6,
    algorithms: { serverHostKey: algorithmsFor(target.pinned) as never },
    hostVerifier,
  };
}

/** The pinned type first, so that a machine with several keys shows the one we know; the others, so that a change is seen as one. */
function algorithmsFor(pinned: HostKey | undefined): readonly string[] {
  if (pinned === undefined) return keyTypes;
  const first = pinned.type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [pinned.type];
  return [...first, ...keyTypes.filter((type) => !first.includes(type))];
}

const lookThere = 'see that the machine is on, and that its SSH port is open from here';

function explainLogin(e: Error & { level?: string }, target: SshTarget): string {
  if (e.level === 'client-authentication')
    return `login refused; put the public half of ${target.keyPath} into ~${target.user}/.ssh/authorized_keys on the machine`;
  return `${e.message}; ${lookThere}`;
}

function runOver(client: Client, name: string, command: string, opts: RunOptions): Promise<Ran> {
  const fault = (why: string, cause?: unknown): HostError => new HostError(name, command, why, cause);
  let lost = (): void => undefined;
  return bounded<Ran>({ ...opts, fault }, ({ done, fail }) => {
    let channel: ClientChannel | undefined;
    const giveUp = (why: Error): void => {
      channel?.close();
      fail(why);
    };
    lost = () => giveUp(fault('the connection was lost'));
    client.once('close', lost);
    client.exec(command, (e, opened) => {
      if (e) {
        giveUp(fault(e.message, e));
        return;
      }
      channel = opened;
      collect(opened, opts, done);
    });
    return giveUp;
  }).finally(() => client.removeListener('close', lost));
}

/** Gives the command its stdin, and what it says to `done` when it has ended. */
function collect(channel: ClientChannel, opts: RunOptions, done: (ran: Ran) => void): void {
  const stdout = new LineCollector(opts.onLine);
  const stderr = new LineCollector(undefined);
  let code = 1;
  channel.setEncoding('utf8').on('data', (chunk: string) => stdout.add(chunk));
  channel.stderr.setEncoding('utf8').on('data', (chunk: string) => stderr.add(chunk));
  channel.on('exit', (status: number | null) => {
    code = status ?? 128;
  });
  channel.on('close', () => {
    stdout.end();
    done({ code, stdout: stdout.text, stderr: stderr.text });
  });
  channel.end(opts.stdin ?? '');
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

function endConnection(client: Client): Promise<void> {
  return new Promise((resolve) => {
    client.once('close', () => resolve());
    client.end();
  });
}
