import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '#host/host.ts';
import { connectSsh } from '#host/ssh.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { type Proxy, startProxy } from '../../support/proxy.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

let sshd: Sshd;
let line: Proxy;

beforeEach(async () => {
  sshd = await startSshd();
  line = await startProxy(sshd.port);
});

afterEach(async () => {
  await line.close();
  await sshd.stop();
});

const silence = seconds(1);
/** Room for a busy computer; a wait without a limit is caught by the test's own. */
const soon = seconds(15);

const deaths: readonly [string, () => void][] = [
  ['the line is cut and packets vanish', () => line.blackHole()],
  ['the line resets the connection', () => line.cut()],
  ['sshd is killed', () => sshd.signal(sshd.sessions(), 'SIGKILL')],
  ['sshd is frozen', () => sshd.signal(sshd.sessions(), 'SIGSTOP')],
];

const connect = async (): Promise<Host> =>
  (await connectSsh({ ...sshd.target, port: line.port }, { within: soon, silence })).host;

/** Fails when `work` does not settle, whatever it settles to. */
async function settled<T>(what: string, work: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [end] = await Promise.race([
    Promise.allSettled([work]),
    sleep(soon).then(() => Promise.reject(new Error(`${what} hangs`))),
  ]);
  return end as PromiseSettledResult<T>;
}

const lost = (end: PromiseSettledResult<unknown>): string =>
  end.status === 'rejected' ? String((end.reason as Error).message) : `no error, but ${JSON.stringify(end.value)}`;

for (const [title, die] of deaths) {
  test(`${title} under a command: it ends with an error that says so, and so does the connection`, async () => {
    const host = await connect();
    const running = host.run(['sh', '-c', 'echo begun; sleep 300'], {
      within: seconds(300),
      onLine: (said) => (said === 'begun' ? setTimeout(die, 50) : undefined),
    });
    expect(lost(await settled('the command', running))).toMatch(
      /^base-1: sh -c .*: the SSH connection was lost: .*Check that the machine is on/,
    );
    expect(lost(await settled('the next command', host.run(['true'], { within: soon })))).toMatch(
      /connection was lost/,
    );
    expect((await settled('closing', host.close())).status).toBe('fulfilled');
  });

  test(`${title} under an upload: it ends with an error`, async () => {
    const host = await connect();
    const uploading = host.run(['sh', '-c', 'echo begun; sleep 300; cat > /dev/null'], {
      within: seconds(300),
      stdin: 'x'.repeat(16_000_000),
      onLine: () => setTimeout(die, 50),
    });
    expect(lost(await settled('the upload', uploading))).toMatch(/connection was lost/);
    expect((await settled('closing', host.close())).status).toBe('fulfilled');
  });

  test(`${title} while nothing runs: the next command ends with an error, and closing ends`, async () => {
    const host = await connect();
    die();
    expect(lost(await settled('the command', host.run(['true'], { within: seconds(300) })))).toMatch(
      /connection was lost/,
    );
    expect((await settled('closing', host.close())).status).toBe('fulfilled');
  });

  test(`${title} and the connection is closed at once: closing ends`, async () => {
    const host = await connect();
    die();
    expect((await settled('closing', host.close())).status).toBe('fulfilled');
  });

  test(`${title} between here and the jump host: a command behind it ends with an error`, async () => {
    const jump = { ...sshd.target, name: 'jump', port: line.port };
    const { host } = await connectSsh({ ...sshd.target, jump }, { within: soon, silence });
    const running = host.run(['sh', '-c', 'echo begun; sleep 300'], {
      within: seconds(300),
      onLine: () => setTimeout(die, 50),
    });
    expect(lost(await settled('the command', running))).toMatch(/connection was lost/);
    expect((await settled('closing', host.close())).status).toBe('fulfilled');
  });
}

test('a frozen sshd that accepts connections and says nothing: connecting ends at its limit', async () => {
  sshd.signal([sshd.listener], 'SIGSTOP');
  const connecting = connectSsh(sshd.target, { within: ms(700) });
  expect(lost(await settled('connecting', connecting))).toMatch(/no login within 700 ms/);
});

test('a jump host that does not answer: connecting ends at its limit', async () => {
  const jump = { ...sshd.target, name: 'jump', port: line.port };
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const connecting = connectSsh({ ...sshd.target, port, jump }, { within: ms(1500) });
  expect(lost(await settled('connecting', connecting))).toMatch(/base-1: connecting to .*no login within 1\.5 s/);
  silent.close();
});

test('a server that hangs up during the login is told as that', async () => {
  const rude = createServer((socket: Socket) => {
    socket.end('SSH-2.0-rude\r\n');
  }).listen(0, '127.0.0.1');
  await once(rude, 'listening');
  const { port } = rude.address() as AddressInfo;
  const connecting = connectSsh({ ...sshd.target, port }, { within: soon });
  expect(lost(await settled('connecting', connecting))).toMatch(/base-1: connecting to root@127\.0\.0\.1:\d+: .+/);
  rude.close();
});

test('a line that takes no packet any more does not keep the program from ending', async () => {
  // In a network namespace of its own, whose only link goes down under a command: nothing is refused, nothing acknowledged.
  const script = new URL('../../support/ssh-on-dead-line.ts', import.meta.url).pathname;
  const node = process.execPath;
  const began = Date.now();
  const { stdout } = await promisify(execFile)('unshare', ['-n', '-m', node, script], {
    timeout: 25_000,
    killSignal: 'SIGKILL',
  });
  expect(stdout).toMatch(/connection was lost: no answer for 2\.0 s/);
  expect(stdout).toMatch(/closed\n$/);
  expect(Date.now() - began).toBeLessThan(25_000);
});
