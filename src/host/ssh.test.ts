import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { type Host, HostError, must } from './host.ts';
import { fingerprint, parseHostKey } from './host-key.ts';
import { localHost } from './local.ts';
import { connectSsh, HostKeyChanged, type SshTarget } from './ssh.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-ssh-'));
const at = (name: string): string => join(folder, name);
let sshd: ChildProcess;
let target: SshTarget;
let remote: Host;

beforeAll(async () => {
  if (!existsSync('/usr/sbin/sshd')) throw new Error('this test needs sshd: apt-get install -y openssh-server');
  for (const name of ['host', 'user', 'other', 'locked'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', name === 'locked' ? 'secret' : '', '-f', at(name)]);
  writeFileSync(at('authorized_keys'), readFileSync(at('user.pub')), { mode: 0o600 });
  const port = await freePort();
  const settings = [
    'ListenAddress=127.0.0.1',
    'StrictModes=no',
    'UsePAM=no',
    `AuthorizedKeysFile=${at('authorized_keys')}`,
    'PidFile=none',
  ];
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const args = ['-D', '-e', '-f', '/dev/null', '-h', at('host'), '-p', String(port)];
  sshd = spawn('/usr/sbin/sshd', [...args, ...settings.flatMap((setting) => ['-o', setting])]);
  target = {
    name: 'base-1',
    address: '127.0.0.1',
    port,
    user: 'root',
    privateKey: readFileSync(at('user'), 'utf8'),
    keyPath: at('user'),
  };
  remote = await waitFor('sshd', async () => (await connectSsh(target, { within: seconds(5) })).host, {
    within: seconds(20),
    every: ms(50),
  });
});

afterAll(async () => {
  await remote?.close();
  sshd.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const kinds: readonly [string, () => Host][] = [
  ['over SSH', () => remote],
  ['locally', () => localHost('base-1')],
];

for (const [kind, host] of kinds) {
  test(`${kind} a command gets its arguments unchanged and its exit code, stdout and stderr come back`, async () => {
    const odd = `a b'c"d$HOME\n*;é`;
    const script = 'cat; printf "%s" "$0"; printf bad >&2; exit 7';
    const ran = await host().run(['sh', '-c', script, odd], { within: seconds(10), stdin: 'in:' });
    expect(ran).toEqual({ code: 7, stdout: `in:${odd}`, stderr: 'bad' });
  });

  test(`${kind} lines are told as they come`, async () => {
    const lines: string[] = [];
    await host().run(['printf', 'one\ntwo\nthree'], { within: seconds(10), onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  test(`${kind} a command is ended at its limit, with an error that names it`, async () => {
    const hung = host().run(['sleep', '60'], { within: ms(200) });
    await expect(hung).rejects.toThrow('base-1: sleep 60: not done within 200 ms');
  });

  test(`${kind} what is stopped before it began does not begin`, async () => {
    const path = join(folder, `begun-${kind.replace(' ', '-')}`);
    const begun = host().run(['touch', path], { within: seconds(10), signal: AbortSignal.abort() });
    await expect(begun).rejects.toThrow(`base-1: touch ${path}: interrupted`);
    expect(await host().read(path)).toBeUndefined();
  });

  test(`${kind} a command is ended when its caller says stop`, async () => {
    const stop = new AbortController();
    const running = host().run(['sleep', '60'], { within: seconds(50), signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toThrow('base-1: sleep 60: interrupted');
  });

  test(`${kind} a file is written whole with its mode, in a folder that is made, and read back`, async () => {
    const path = join(folder, kind.replace(' ', '-'), 'deep', 'file');
    expect(await host().read(path)).toBeUndefined();
    await host().write(path, 'first', { mode: 0o644 });
    await host().write(path, 'seçond\n', { mode: 0o600 });
    expect(await host().read(path)).toBe('seçond\n');
    expect((await must(host(), ['stat', '-c', '%a', path], { within: seconds(5) })).trim()).toBe('600');
  });

  test(`${kind} a command that must succeed fails with its own words`, async () => {
    const failing = must(host(), ['sh', '-c', 'echo no space >&2; exit 3'], { within: seconds(5) });
    await expect(failing).rejects.toThrow(/exit code 3: no space/);
  });
}

test('first contact gives the key to pin, and the pinned key is accepted afterwards', async () => {
  const { host, hostKey } = await connectSsh(target, { within: seconds(10) });
  await host.close();
  expect(hostKey).toEqual(parseHostKey(readFileSync(at('host.pub'), 'utf8')));
  const listed = execFileSync('ssh-keygen', ['-l', '-f', at('host.pub')], { encoding: 'utf8' });
  expect(listed).toContain(fingerprint(hostKey));
  const again = await connectSsh({ ...target, pinned: hostKey }, { within: seconds(10) });
  await again.host.close();
});

test('a changed host key is refused before anything is sent, naming both keys and the cure', async () => {
  const pinned = parseHostKey(readFileSync(at('other.pub'), 'utf8'));
  if (pinned === undefined) throw new Error('the test key does not read');
  const refused = connectSsh({ ...target, pinned }, { within: seconds(10) });
  await expect(refused).rejects.toBeInstanceOf(HostKeyChanged);
  await expect(refused).rejects.toThrow(new RegExp(`${fingerprint(pinned).replaceAll(/[+/]/g, '.')}.*known_hosts`));
});

test.each([
  ['a key the machine does not know', () => ({ privateKey: readFileSync(at('other'), 'utf8') }), /authorized_keys/],
  ['a key with a passphrase', () => ({ privateKey: readFileSync(at('locked'), 'utf8') }), /passphrase/],
  ['a file that is no key', () => ({ privateKey: 'hello' }), /ssh-keygen -t ed25519/],
])('%s gives an error with its cure', async (_title, change, expected) => {
  const refused = connectSsh({ ...target, ...change() }, { within: seconds(10) });
  await expect(refused).rejects.toBeInstanceOf(HostError);
  await expect(refused).rejects.toThrow(expected);
});

test('a port where nobody answers is told at once', async () => {
  const refused = connectSsh({ ...target, port: await freePort() }, { within: seconds(10) });
  await expect(refused).rejects.toThrow(/base-1: connecting to root@127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
