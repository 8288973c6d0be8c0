import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bootstrapScript, controlPlaneUserData, nodeUserData, pastedLine } from './bootstrap.ts';
import { downloadOf, usualJoin } from './join.example.ts';
import { type JoinFile, parseJoinFile } from './join-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-bootstrap-'));
/** Stands for our program: tells what it was asked, and what it found. */
const program = `#!/bin/sh\necho "asked: $*"; stat -c %a /etc/isthmus/join.json\n`;
let server: Server;
let requests = 0;
let content = program;

beforeAll(async () => {
  server = createServer((_request, response) => {
    requests++;
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const download = downloadOf(program);

function joinFile(): JoinFile {
  const { port } = server.address() as AddressInfo;
  return usualJoin({
    bundleUrl: `http://127.0.0.1:${port}/bundle`,
    api: { address: '10.9.0.10', port: 6443 },
    token: 'abcdef.0123456789abcdef',
  });
}

/** Runs it in a mount namespace whose /etc and /usr/local are ours, so that nothing of this machine changes. */
function run(
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> {
  writeFileSync(join(folder, 'script.sh'), script);
  const inside = `mount --make-rprivate / && mkdir -p ${folder}/etc ${folder}/local/bin ${folder}/up ${folder}/work &&
mount --bind ${folder}/etc /etc && mount --bind ${folder}/local /usr/local && sh ${folder}/script.sh`;
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['-m', 'sh', '-c', inside], { env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });
}

test('the script leaves join.json for root alone, fetches the program once, and hands over to it', async () => {
  const script = bootstrapScript(joinFile(), download);
  const first = await run(script);
  expect(first).toEqual({ code: 0, output: 'asked: machine join --file /etc/isthmus/join.json\n600\n' });
  expect(parseJoinFile(readFileSync(join(folder, 'etc/isthmus/join.json'), 'utf8'))).toEqual({
    ok: true,
    value: joinFile(),
  });
  expect(statSync(join(folder, 'local/bin/isthmus')).mode & 0o777).toBe(0o755);
  expect((await run(script)).code).toBe(0);
  expect(requests).toBe(1);
});

test('a proxy that /etc/environment names is not asked for the bundle', async () => {
  rmSync(join(folder, 'local/bin/isthmus'), { force: true });
  const proxy = 'http://127.0.0.1:1';
  const all = { http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, HTTP_PROXY: proxy, ALL_PROXY: proxy };
  expect(await run(bootstrapScript(joinFile(), download), all)).toMatchObject({ code: 0 });
});

test('a program that the bundle does not know is neither kept nor run', async () => {
  rmSync(join(folder, 'local/bin/isthmus'), { force: true });
  content = '#!/bin/sh\necho wrong\n';
  const { code, output } = await run(bootstrapScript(joinFile(), download));
  expect(code).toBe(1);
  expect(output).toMatch(/bin\/isthmus could not be fetched, or does not have the digest that the bundle gives/);
  expect(output).not.toContain('wrong');
});

test('a pasted join that cannot fetch the program leaves nothing, and one on a machine that has begun to join leaves that', async () => {
  const script = bootstrapScript(joinFile(), download, undefined, 'is-undone');
  const before = join(folder, 'etc/isthmus/join.json');
  const isThere = (): boolean => existsSync(before);
  rmSync(join(folder, 'local/bin/isthmus'), { force: true });
  rmSync(before, { force: true });
  content = '#!/bin/sh\necho wrong\n';
  const first = await run(script);
  expect(first.code).toBe(1);
  expect(first.output).toMatch(/could not be fetched[^]*isthmus: this machine is again as it was before the join\n$/);
  expect(existsSync(join(folder, 'etc/isthmus'))).toBe(false);

  mkdirSync(join(folder, 'etc/isthmus'));
  writeFileSync(before, 'of a join that was cut short', { mode: 0o600 });
  const second = await run(script);
  expect(second.code).toBe(1);
  expect(second.output).not.toContain('as it was before');
  expect(isThere()).toBe(true);
  content = program;
  expect((await run(script)).output).toBe('asked: machine join --file /etc/isthmus/join.json\n600\n');
  rmSync(before);
  // What follows is for the program to undo.
  expect((await run(script)).output).toBe('asked: machine join --file /etc/isthmus/join.json --undo\n600\n');
  expect(isThere()).toBe(true);
});

/** As long as kubeadm's. */
const ca = 'x'.repeat(1107);

test('user data of a node fits with a URL of a thousand characters, and is refused when it does not fit', () => {
  const long = { ...joinFile(), bundle: { url: `http://store/${'x'.repeat(1000)}`, digest: 'sha256:' } };
  expect(Buffer.byteLength(nodeUserData(long, download, ca))).toBeLessThan(16 * 1024);
  const tooLong = { ...joinFile(), bundle: { url: `http://store/${'x'.repeat(9000)}`, digest: 'sha256:' } };
  expect(() => nodeUserData(tooLong, download, ca)).toThrow('16384 is the limit');
});

test('user data of a control plane reads back as cloud-init reads it', () => {
  const keys = {
    operator: 'ssh-ed25519 AAAA',
    hostPrivate: '-----BEGIN\nabc\n-----END\n',
    hostPublic: 'ssh-ed25519 BBBB',
  };
  const userData = controlPlaneUserData(keys);
  expect(userData.split('\n')[0]).toBe('#cloud-config');
  expect(parse(userData, { version: '1.1' })).toEqual({
    disable_root: false,
    ssh_authorized_keys: ['ssh-ed25519 AAAA'],
    ssh_deletekeys: true,
    ssh_genkeytypes: [],
    ssh_keys: { ed25519_private: keys.hostPrivate, ed25519_public: keys.hostPublic },
  });
});

test('the line to paste runs the same script, and a terminal takes it in one piece', async () => {
  // As long as the one that kubeadm makes.
  const ca = `-----BEGIN CERTIFICATE-----\n${randomBytes(800).toString('base64')}\n-----END CERTIFICATE-----\n`;
  const script = bootstrapScript(joinFile(), download, ca, 'is-undone');
  const line = pastedLine(script);
  const { stdout } = await promisify(execFile)('sh', ['-c', line.replace(/ \| sh$/, '')]);
  expect(stdout).toBe(script);
  expect(line).toMatch(/^echo [A-Za-z0-9+/=]+ \| base64 -d \| gunzip \| sh$/);
  expect(line.length).toBeLessThan(4096);
});
