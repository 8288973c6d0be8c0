import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, HostError, must } from '#host/host.ts';
import { fingerprint, parseHostKey } from '#host/host-key.ts';
import { localHost } from '#host/local.ts';
import { connectSsh, HostKeyChanged, type SshTarget } from '#host/ssh.ts';
import { agentKeys, type PrivateKey, publicKeyOf } from '#host/ssh-keys.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { freePorts } from '../../support/free-port.ts';
import { start } from '../../support/process.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

let sshd: Sshd;
let target: SshTarget;
let remote: Host;

beforeAll(async () => {
  sshd = await startSshd();
  target = sshd.target;
  remote = (await connectSsh(target, { within: seconds(10) })).host;
});

afterAll(async () => {
  await remote?.close();
  await sshd?.stop();
});

const keyAt = (name: string): PrivateKey => ({ path: sshd.at(name), text: readFileSync(sshd.at(name), 'utf8') });

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
    const path = join(sshd.folder, `begun-${kind.replace(' ', '-')}`);
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
    const path = join(sshd.folder, kind.replace(' ', '-'), 'deep', 'file');
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

test('locally a command is ended at its limit although something that it started has left and keeps its output open', async () => {
  const script = 'setsid sleep 20 & echo $!; sleep 60';
  let left = 0;
  const began = Date.now();
  const hung = localHost('base-1').run(['sh', '-c', script], {
    within: ms(500),
    onLine: (line) => {
      left = Number(line);
    },
  });
  await expect(hung).rejects.toThrow('not done within 500 ms');
  expect(Date.now() - began).toBeLessThan(10_000);
  process.kill(left, 'SIGKILL');
});

test('first contact gives the key to pin, and the pinned key is accepted afterwards', async () => {
  const { host, hostKey } = await connectSsh(target, { within: seconds(10) });
  await host.close();
  expect(hostKey).toEqual(parseHostKey(readFileSync(sshd.at('host.pub'), 'utf8')));
  const listed = execFileSync('ssh-keygen', ['-l', '-f', sshd.at('host.pub')], { encoding: 'utf8' });
  expect(listed).toContain(fingerprint(hostKey));
  const again = await connectSsh({ ...target, pinned: hostKey }, { within: seconds(10) });
  await again.host.close();
});

test('a changed host key is refused before anything is sent, naming both keys and the cure', async () => {
  const pinned = parseHostKey(readFileSync(sshd.at('other.pub'), 'utf8'));
  if (pinned === undefined) throw new Error('the test key does not read');
  const refused = connectSsh({ ...target, pinned }, { within: seconds(10) });
  await expect(refused).rejects.toBeInstanceOf(HostKeyChanged);
  await expect(refused).rejects.toThrow(new RegExp(`${fingerprint(pinned).replaceAll(/[+/]/g, '.')}.*known_hosts`));
});

test.each([
  ['a key the machine does not know', () => keyAt('other'), /other into ~root\/\.ssh\/authorized_keys/],
  ['a key with a passphrase that was not given', () => keyAt('locked'), /ISTHMUS_SSH_PASSPHRASE/],
  ['a wrong passphrase', () => ({ ...keyAt('locked'), passphrase: 'no' }), /locked: the passphrase is wrong/],
  ['a public key', () => keyAt('user.pub'), /user\.pub: it is a public key; name the private key, most likely .*user$/],
  ['a file that is no key', () => ({ path: 'hello', text: 'hello' }), /ssh-keygen -t ed25519/],
])('%s gives an error with its cure', async (_title, key, expected) => {
  const refused = connectSsh({ ...target, key: key() }, { within: seconds(10) });
  await expect(refused).rejects.toBeInstanceOf(HostError);
  await expect(refused).rejects.toThrow(expected);
});

test('a key with its passphrase logs in', async () => {
  const key = { ...keyAt('locked'), passphrase: 'secret' };
  const { host } = await connectSsh({ ...target, key }, { within: seconds(10) });
  await host.close();
});

test('a port where nobody answers is told at once', async () => {
  const [port] = (await freePorts(1)) as [number];
  const refused = connectSsh({ ...target, port }, { within: seconds(10) });
  await expect(refused).rejects.toThrow(
    /base-1: connecting to root@127\.0\.0\.1:\d+: .*ECONNREFUSED.*check that the SSH server runs/,
  );
});

test('a port of something that is not SSH is told as that', async () => {
  const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  const { port } = web.address() as AddressInfo;
  await expect(connectSsh({ ...target, port }, { within: seconds(10) })).rejects.toThrow(
    /before the SSH handshake; check that port \d+ is the machine's SSH port/,
  );
  web.close();
});

test('a machine behind a jump host is reached through it, and both host keys are told', async () => {
  const jump = { ...target, name: 'jump' };
  const { host, hostKey, jumpKey } = await connectSsh({ ...target, jump }, { within: seconds(10) });
  expect((await host.run(['id', '-u'], { within: seconds(10) })).stdout).toBe('0\n');
  expect(jumpKey).toEqual(hostKey);
  await host.close();
});

test('a port that the jump host cannot reach is told, with the jump host', async () => {
  const [port] = (await freePorts(1)) as [number];
  const refused = connectSsh({ ...target, port, jump: { ...target, name: 'jump' } }, { within: seconds(10) });
  await expect(refused).rejects.toThrow(/^jump: forwarding to 127\.0\.0\.1:\d+: .*AllowTcpForwarding/);
});

test('the jump host must show its pinned key too', async () => {
  const jump = { ...target, name: 'jump', pinned: parseHostKey(readFileSync(sshd.at('other.pub'), 'utf8')) };
  await expect(connectSsh({ ...target, jump }, { within: seconds(10) })).rejects.toThrow(/^jump \(127.*known_hosts/);
});

test('a key of the SSH agent logs in; without the right one the login is refused', async () => {
  const agent = await startAgent();
  try {
    const login = { ...target, key: undefined, agent: agent.socket };
    await expect(connectSsh(login, { within: seconds(10) })).rejects.toThrow(/login refused.*a key of the SSH agent/);
    agent.add(sshd.at('user'));
    expect(await agentKeys(agent.socket)).toEqual([publicKeyOf(keyAt('user'))]);
    const { host } = await connectSsh(login, { within: seconds(10) });
    await host.close();
    const withKey = await connectSsh({ ...login, key: keyAt('other') }, { within: seconds(10) });
    await withKey.host.close();
  } finally {
    agent.stop();
  }
});

test('an agent that does not answer does not keep a good key from logging in', async () => {
  const { host } = await connectSsh({ ...target, agent: sshd.at('no-agent') }, { within: seconds(10) });
  await host.close();
});

async function startAgent(): Promise<{ socket: string; add: (key: string) => void; stop: () => void }> {
  const socket = sshd.at('agent');
  const agent = start('ssh-agent', ['-D', '-a', socket], { cwd: sshd.folder, log: sshd.at('agent.log') });
  await waitFor('the agent', async () => existsSync(socket), { within: seconds(10), every: ms(20) });
  return {
    socket,
    add: (key) => execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } }),
    stop: () => agent.child.kill(),
  };
}
