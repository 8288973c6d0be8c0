import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as z from 'zod';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudProvider } from '#cloud/provider.ts';
import { makeKeyPair } from '#host/ssh-keys.ts';
import { fail, ok } from '#unit/result.ts';
import { runCli } from './run-cli.ts';
import type { CliTools } from './tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Remembers one machine and one load balancer; leaves out everything that these commands must not come to. */
const cloud = {
  provider: 'ucloud',
  compute: {
    list: async () =>
      ok([
        {
          id: 'uhost-1',
          name: 'cp-1',
          mark: 'shop',
          zone: 'z',
          state: 'running',
          nic: undefined,
          homes: [],
          cpu: 2,
          memory: 1,
        },
      ]),
  },
  balancers: { list: async () => ok([{ id: 'nlb-1', mark: 'shop', owner: 'u-1' }]) },
  directBalancers: { list: async () => ok([]) },
  applicationBalancers: { list: async () => ok([]) },
  certificates: { list: async () => ok([{ id: 'ssl-1', mark: 'shop', owner: 'u-1' }]) },
  disks: { list: async () => ok([{ id: 'bs-1', mark: 'shop', owner: 'pvc-1' }]) },
  snapshots: { list: async () => ok([]) },
  fileShares: { list: async () => ok([{ id: 'ufs-1', mark: 'shop', owner: 'pvc-2' }]) },
  publicAddresses: { list: async () => ok([]) },
} as unknown as Cloud;

/** A cloud of its own settings and keys: no command knows another. */
const provider: CloudProvider = {
  name: 'rain',
  examples: { region: 'north', zone: 'north-1', vpc: 'net-1', subnet: 'sub-1' },
  settings: { account: z.string() },
  fixed: {},
  credentials: { token: 'RAIN_TOKEN', secret: 'RAIN_SECRET' },
  open: () => cloud,
};

async function run(
  args: readonly string[],
  env: CliTools['env'] = {},
  seen: Cloud = cloud,
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    version: '1.2.3',
    env,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    signal: new AbortController().signal,
    ask: undefined,
    capabilities: [],
    askSecret: undefined,
    providers: [{ ...provider, open: () => seen }],
    own: () => Promise.reject(new Error('these commands make no bundle')),
  });
  return { code, out, err };
}

function clusterFile(change: (text: string) => string = (text) => text): string {
  const path = join(folder, 'cluster.yaml');
  const key = join(folder, 'key');
  writeFileSync(key, makeKeyPair('test').private);
  const text = `name: shop
kubernetes: 1.36.3
bundle: { url: "http://store/bundle", digest: "sha256:${'a'.repeat(64)}" }
cloud: { provider: rain, region: r, zone: z, account: p, vpc: v, subnet: s, credentials: { token: { env: A }, secret: { env: B } } }
network: { services: 10.96.0.0/16, site: { mode: routed, pods: 172.16.0.0/16, machines: 192.168.50.0/24 } }
ssh: { key: ${key} }
controlPlane: [cp-1]
cloudMachines: [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: i }]
`;
  writeFileSync(path, change(text));
  return path;
}
const env = { A: 'public', B: 'private' };

const commands = [
  [],
  ['up'],
  ['down'],
  ['status'],
  ['node', 'list'],
  ['node', 'add'],
  ['node', 'remove'],
  ['routes'],
  ['bundle'],
  ['bundle', 'create'],
  ['routes', 'apply'],
  ['machine', 'check'],
  ['machine', 'join'],
  ['machine', 'reset'],
  ['version'],
];
test.each(commands.map((command) => [command.join(' ') || 'isthmus', command] as const))(
  'help of %s goes to stdout and shows an example',
  async (_title, command) => {
    const { code, out, err } = await run([...command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/Examples?:\n {2}isthmus /);
    expect(await run(['help', ...command])).toEqual({ code, err, out });
  },
);

test.each([
  [['bogus'], /unknown command 'bogus'/],
  [['help', 'routes', 'bogus'], /unknown command 'bogus'/],
  [['up', '--fil', 'x'], /unknown option '--fil'/],
  [['status', '--output', 'xml'], /Allowed choices are text, json/],
  [['up', '-f', '/nowhere.yaml'], /\/nowhere\.yaml: no such file; name the cluster file with --file/],
  [['up', '-f', '/tmp'], /\/tmp: is a folder; name the cluster file with --file/],
  [['machine', 'join', '--file', '/nowhere.json'], /isthmus up writes it for each machine/],
])('%s ends with exit code 2 and says what is wrong', async (args, message) => {
  const { code, err } = await run(args);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

test('a folder that is there is told before anything is built for a bundle', async () => {
  const { code, err } = await run(['bundle', 'create', '--out', '/tmp']);
  expect({ code, err }).toEqual({
    code: 1,
    err: 'isthmus: /tmp already exists; name a new folder with --out, or remove it first\n',
  });
});

test('a faulty file ends with exit code 2 and one line for each fault', async () => {
  const file = clusterFile((text) => text.replace('10.96.0.0/16', '172.16.0.0/20').replace('key: /', 'kee: /'));
  const { code, err } = await run(['status', '-f', file], { A: 'public' });
  expect(code).toBe(2);
  expect(err).toMatch(/network\.site\.pods.*overlaps network\.services/);
  expect(err).toMatch(/did you mean key\?/);
  expect(err).toMatch(/"B" is not set in the environment/);
});

test('a public key in place of the private one is a fault of the file, with the cure', async () => {
  const file = clusterFile();
  const pub = `${readFileSync(file, 'utf8').match(/key: (\S*\/key)/)?.[1]}.pub`;
  writeFileSync(pub, makeKeyPair('test').public);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/key: \S*\/key/, `key: ${pub}`));
  const { code, err } = await run(['status', '-f', file], { A: 'public', B: 'private' });
  expect(code).toBe(2);
  expect(err).toMatch(
    /ssh\.key: \S*key\.pub cannot be used: it is a public key; name the private key, most likely \S*key$/m,
  );
});

test('a key file that is not there is a fault of the file', async () => {
  const file = clusterFile((text) => text.replace(/key: .*\/key/, 'key: /nowhere/id_ed25519'));
  const { code, err } = await run(['status', '-f', file], env);
  expect({ code, err }).toEqual({
    code: 2,
    err: expect.stringMatching(/ssh\.key: \/nowhere\/id_ed25519 cannot be read/),
  });
});

test('status of a cluster that was not made here says what to do and ends with 1, in JSON too', async () => {
  const text = await run(['status', '-f', clusterFile()], env);
  expect(text.code).toBe(1);
  expect(text.out).toContain('no kubeconfig of shop on this computer: run isthmus up');
  const json = await run(['status', '-f', clusterFile(), '--output', 'json'], env);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    cluster: 'shop',
    api: 'none',
    well: false,
    cloudMachines: [{ name: 'cp-1', id: 'uhost-1', state: 'running' }],
  });
});

test('status while the cloud does not answer says so, and what it sees without', async () => {
  const raw = { action: 'ListMachines', code: 'network', message: 'connect ECONNREFUSED' };
  const list = async () => fail({ kind: 'unavailable', raw });
  const { code, out } = await run(['status', '-f', clusterFile()], env, { ...cloud, compute: { list } } as never);
  expect(code).toBe(1);
  expect(out).toContain('no kubeconfig of shop on this computer: run isthmus up');
  expect(out).toMatch(/what shop has in the cloud is not known: .*connect ECONNREFUSED/);
});

test('down shows what would go, and does nothing when nobody can agree', async () => {
  const { code, out, err } = await run(['down', '-f', clusterFile()], env);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('remove cloud machine cp-1 (uhost-1) with its disk');
  expect(err).toContain('volumes stay in the cloud: 1 disk (bs-1), 1 file share (ufs-1)');
  expect(err).toContain('remove load balancer nlb-1, which was made for a Service');
  expect(err).toContain('remove certificate ssl-1, which was made for a Service');
  expect(err).toContain('add --yes to confirm in advance');
});

const withSite = (machines: string) => (text: string) => `${text}machines:${machines}`;

test('a machine that is not there is not removed, and one of a like name is named', async () => {
  const file = clusterFile(withSite('\n  - { name: base-1, address: 192.168.50.11 }\n'));
  const { code, err } = await run(['node', 'remove', 'bse-1', '-f', file, '--yes'], env);
  expect({ code, err }).toEqual({
    code: 2,
    err: 'isthmus: bse-1 is not a machine of this cluster; did you mean base-1?\n',
  });
});

test('the control plane is not removed', async () => {
  const { code, err } = await run(['node', 'remove', 'cp-1', '-f', clusterFile(), '--yes'], env);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^isthmus: cp-1 is the control plane, /) });
});

test('a machine is not removed from a cluster that is not known here, and its file stays as it is', async () => {
  const file = clusterFile(withSite('\n  - { name: base-1, address: 192.168.50.11 }\n'));
  const { code, err } = await run(['node', 'remove', 'base-1', '-f', file, '--yes'], env);
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringContaining('there is no kubeconfig of this cluster on this computer; run isthmus up'),
  });
  expect(readFileSync(file, 'utf8')).toContain('base-1');
});

test('an entry that others refer to is not taken out by the program', async () => {
  const file = clusterFile(
    withSite(
      '\n  - { name: base-1, address: 192.168.50.11, ssh: &way { port: 2222 } }\n  - { name: base-2, address: 192.168.50.12, ssh: *way }\n',
    ),
  );
  const { code, err } = await run(['node', 'remove', 'base-1', '-f', file, '--yes'], env);
  expect(code).toBe(2);
  expect(err).toContain('cannot be changed by this program');
  expect(err).toMatch(/take base-1 out of \S*cluster\.yaml where it is kept, then run isthmus up/);
});

test.each<[string, readonly string[], RegExp]>([
  ['of which nothing is known', ['x-1'], /has no machine x-1; give the address of a physical machine with --address/],
  ['with a jump host that is none', ['x-1', '--ssh-jump', 'a@b@c'], /write \[user@\]host\[:port\]/],
  ['whose address is none', ['x-1', '--address', '1.2.3'], /with x-1 would have faults:\n.*machines\[0\]\.address/],
  [
    'whose key is not there',
    ['x-1', '--address', '192.168.50.9', '--ssh-key', '/nowhere'],
    /with x-1 would have faults:\n.*machines\[0\]\.ssh\.key: \/nowhere cannot be read/,
  ],
  [
    'whose port is no number',
    ['x-1', '--address', '192.168.50.9', '--ssh-port', 'x'],
    /with x-1 would have faults:\n.*machines\[0\]\.ssh\.port/,
  ],
  ['to paste a line in JSON', ['x-1', '--print', '--output', 'json'], /--print shows a line to paste/],
])('a machine %s is not added, and the file stays as it is', async (_title, args, message) => {
  const file = clusterFile();
  const before = readFileSync(file, 'utf8');
  const { code, err } = await run(['node', 'add', ...args, '-f', file, '--yes'], env);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) });
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('version speaks to people and to programs', async () => {
  expect((await run(['version'])).out).toMatch(/^isthmus 1\.2\.3 \(Node \d/);
  expect(JSON.parse((await run(['version', '-o', 'json'])).out)).toMatchObject({ isthmus: '1.2.3' });
});
