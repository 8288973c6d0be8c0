import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import * as z from 'zod';
import { runCli } from '#cli/run-cli.ts';
import type { CliTools } from '#cli/tools.ts';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudProvider } from '#cloud/provider.ts';
import { openState } from '#cluster/state/state.ts';
import { makeKeyPair } from '#host/ssh-keys.ts';
import { machines } from '#kube/api/machine.ts';
import { type NodeGroupObject, nodeGroups } from '#kube/api/node-group.ts';
import { configMaps, type NodeObject, nodes, type PodObject, pods, secrets } from '#kube/resources.ts';
import { nodeGroupCrd } from '#node/group/objects.ts';
import { minutes, ms, sleep, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import { ok } from '#unit/result.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { establishCrds } from '../../support/establish-crds.ts';

/**
 * `isthmus node remove` and `isthmus node add` as an operator types them, against a real API server and a cloud that has the control plane alone. There is no machine: nobody answers
 * SSH, pods end when the test says so, and a Node comes when the test makes it.
 */
const api = apiServerForTests({ flags: ['--allow-privileged=true'] });
const folder = mkdtempSync(join(tmpdir(), 'isthmus-node-commands-'));
const file = join(folder, 'cluster.yaml');
let server: Server;
let bundle: { readonly url: string; readonly digest: string };

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const image = (name: string) => ({ path: 'images/x.tar', digest: digestOf(name), size: 1, names: [name], roles: [] });

beforeAll(async () => {
  const text = JSON.stringify({
    format: 'isthmus-bundle/v1',
    versions: { kubernetes: '1.36.3', etcd: '1', coredns: '1', cniPlugins: '1', isthmus: '1' },
    bin: [{ name: 'isthmus', path: 'bin/isthmus', digest: digestOf('isthmus'), size: 1, roles: ['node'] }],
    cni: [],
    images: [image('isthmus.dev/isthmus:1'), image('registry.k8s.io/coredns/coredns:1')],
  });
  server = createServer((_request, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bundle = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle`, digest: digestOf(text) };
  writeFileSync(join(folder, 'key'), makeKeyPair('test').private, { mode: 0o600 });
  const ca = Buffer.from(api.server.access.ca ?? '').toString('base64');
  const cluster = { server: api.server.access.server, 'certificate-authority-data': ca };
  await openState(file, 'shop').saveKubeconfig(
    stringify({
      'current-context': 'shop',
      clusters: [{ name: 'shop', cluster }],
      users: [{ name: 'admin', user: { token: api.server.token } }],
      contexts: [{ name: 'shop', context: { cluster: 'shop', user: 'admin' } }],
    }),
  );
  await api.kube.create(nodes, nodeOf('cp-1', 'rain://z/uhost-1', { 'node-role.kubernetes.io/control-plane': '' }));
  await becomeReady('cp-1', '10.9.0.2');
}, minutes(3));

afterAll(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

const nodeOf = (name: string, providerID: string, labels: Record<string, string> = {}): NodeObject =>
  ({ metadata: { name, labels }, spec: { providerID } }) as NodeObject;

async function becomeReady(name: string, address: string): Promise<void> {
  const status = {
    conditions: [{ type: 'Ready', status: 'True', reason: 'Test', message: 'now' }],
    addresses: [{ type: 'InternalIP', address }],
    nodeInfo: { kubeletVersion: 'v1.36.3' },
  };
  await api.kube.merge(nodes, { name }, { status }, { subresource: 'status' });
}

const none = { list: async () => ok([]) };
const cloud = {
  provider: 'rain',
  compute: {
    list: async () =>
      ok([{ id: 'uhost-1', name: 'cp-1', mark: 'shop', state: 'running', nic: { ip: '10.9.0.2' }, homes: [] }]),
  },
  network: {
    mtu: 1500,
    metadata: [],
    vpc: async () => ok({ id: 'net-1', ranges: [cidr('10.9.0.0/16')] }),
    image: async () => ok({ sizeGib: 20 }),
    subnet: async () => ok({ id: 'sub-1', vpc: 'net-1', zone: 'z', range: cidr('10.9.0.0/24') }),
  },
  images: none,
  balancers: { ...none, most: { listeners: 10 } },
  disks: { ...none, mostPerMachine: 8 },
} as unknown as Cloud;
const provider: CloudProvider = {
  name: 'rain',
  examples: { region: 'north', zone: 'north-1', vpc: 'net-1', subnet: 'sub-1' },
  settings: { account: z.string() },
  fixed: {},
  credentials: { token: 'RAIN_TOKEN', secret: 'RAIN_SECRET' },
  open: () => cloud,
};

const base2 = '  - { name: base-2, address: 127.0.0.9, ssh: { port: 9 } }   # the second\n';
/** With a comment that a program may not lose. */
const written = (second: string): string => `name: shop
kubernetes: 1.36.3
bundle: { url: "${bundle.url}", digest: "${bundle.digest}" }
cloud: { provider: rain, region: r, zone: z, account: p, vpc: net-1, subnet: sub-1, credentials: { token: { env: A }, secret: { env: B } } }
network: { services: 10.96.0.0/16, site: { mode: routed, pods: 172.16.0.0/16, machines: [192.168.50.0/24] } }
ssh: { key: key }
controlPlane: [cp-1]
cloudMachines: [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: i }]
machines:
  # rack 1
  - { name: base-1, address: 192.168.50.11 }
${second}`;

async function run(
  args: readonly string[],
  stop = new AbortController(),
  onErr: (text: string) => void = () => undefined,
) {
  let out = '';
  let err = '';
  const tools: CliTools = {
    version: '1.2.3',
    env: { A: 'public', B: 'private' },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
      onErr(text);
    },
    signal: stop.signal,
    ask: undefined,
    capabilities: [],
    askSecret: undefined,
    providers: [provider],
    own: () => Promise.reject(new Error('these commands make no bundle')),
  };
  const code = await runCli(['node', ...args, '-f', file], tools);
  return { code, out, err };
}

/** A pod that its owner makes again elsewhere, as its kubelet reports it. */
async function runPod(name: string, owned: boolean): Promise<void> {
  const ownerReferences = owned
    ? [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u-1', controller: true }]
    : undefined;
  const spec = { nodeName: 'base-2', containers: [{ name: 'c', image: 'none' }], terminationGracePeriodSeconds: 1 };
  await api.kube.create(pods, { metadata: { name, namespace: 'default', ownerReferences }, spec } as PodObject);
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  await api.kube.merge(pods, { name, namespace: 'default' }, { status }, { subresource: 'status' });
}

const isLeaving = async (name: string): Promise<boolean> =>
  (await api.kube.get(pods, { name, namespace: 'default' }))?.metadata.deletionTimestamp !== undefined;

test(
  'a machine that is removed: its entry goes first, Ctrl-C is obeyed, the next run goes on, and what is left on the machine is told',
  async () => {
    const address = '192.168.50.12';
    const entry = base2.replace('127.0.0.9', address);
    writeFileSync(file, written(entry));
    await api.kube.create(nodes, nodeOf('base-2', 'isthmus-site://base-2'));
    await becomeReady('base-2', address);
    await runPod('web-1', true);
    await runPod('lonely', false);

    const stop = new AbortController();
    const stopped = run(['remove', 'base-2', '--yes'], stop);
    await waitFor('the pods to be evicted', () => isLeaving('web-1'), { within: minutes(1) });
    stop.abort(new Error('stopped by SIGINT'));
    const first = await stopped;
    expect(first.code, first.err).toBe(130);
    expect(first.err).toContain(
      `  change ${file}:\n    -   - { name: base-2, address: ${address}, ssh: { port: 9 } }   # the second\n`,
    );
    expect(first.err).toContain('  lose for good, because no controller makes them again: default/lonely\n');
    expect(first.err).toContain('drain node base-2: it is not in cluster.yaml');
    expect(first.err).toContain(`${file} no longer has base-2`);
    expect(first.err).toContain('run the same command again to continue');
    expect(readFileSync(file, 'utf8')).toBe(written(''));
    expect((await api.kube.get(nodes, { name: 'base-2' }))?.spec?.unschedulable).toBe(true);

    const second = run(['remove', 'base-2', '--yes', '--output', 'json']);
    // What its kubelet would do.
    for (const name of ['web-1', 'lonely'])
      await api.kube.delete(pods, { name, namespace: 'default' }, { graceSeconds: 0 });
    const { code, out, err } = await second;
    expect(JSON.parse(out), err).toMatchObject({
      cluster: 'shop',
      node: 'base-2',
      outcome: 'removed',
      left: [
        expect.stringMatching(/^base-2 \(192\.168\.50\.12\) is removed from the cluster and could not be reset: /),
      ],
    });
    const { steps } = JSON.parse(out) as { steps: readonly { step: string; seconds: number }[] };
    const [drain, ...after] = steps.map(({ step }) => step);
    expect([drain, after.at(-1)]).toEqual(['drain node base-2', 'delete node base-2']);
    // Side by side, once the machine is empty.
    expect(after.slice(0, -1).toSorted()).toEqual(['apply system objects', 'reset machine base-2']);
    expect(code).toBe(1);
    expect(await api.kube.get(nodes, { name: 'base-2' })).toBeUndefined();
    // By the port of its own, which went with its entry.
    expect(err).toContain('connecting to root@192.168.50.12:9: ');
  },
  minutes(4),
);

test(
  'a machine that never joined goes from the file alone, and a name that is gone is not one',
  async () => {
    writeFileSync(file, written(base2.replace('127.0.0.9', '192.168.50.12')));
    expect(await run(['remove', 'base-2', '--yes'])).toMatchObject({
      code: 0,
      out: `base-2 is removed from shop and from ${file}\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(written(''));
    expect(await run(['remove', 'base-2', '--yes'])).toEqual({
      code: 2,
      out: '',
      err: 'isthmus: base-2 is not a machine of this cluster; did you mean base-1?\n',
    });
  },
  minutes(2),
);

test(
  'a machine on which a line is pasted: the line has its token, and the command waits for it; removed, nothing of it is left',
  async () => {
    writeFileSync(file, written(''));
    const stop = new AbortController();
    const adding = run(['add', 'base-2', '--address', '192.168.50.12', '--ssh-port', '9', '--print', '--yes'], stop);
    const admitted = async (): Promise<boolean> =>
      (await api.kube.get(secrets, { name: 'isthmus-join-base-2', namespace: 'isthmus-system' })) !== undefined;
    await waitFor('the token of the machine', admitted, { within: minutes(1) });
    await sleep(ms(3000));
    stop.abort(new Error('stopped by SIGINT'));
    const { code, out, err } = await adding;
    expect(code, err).toBe(130);
    expect(out).toMatch(/^echo [A-Za-z0-9+/=]+ \| base64 -d \| gunzip \| sh\n$/);
    expect(err).toContain('paste this into the root shell of base-2');
    expect(readFileSync(file, 'utf8')).toBe(
      written('  - { name: base-2, address: 192.168.50.12, ssh: { port: 9 } }\n'),
    );
    expect(await api.kube.get(machines, { name: 'base-2' })).toMatchObject({ spec: { address: '192.168.50.12' } });

    expect(await run(['remove', 'base-2', '--yes'])).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toBe(written(''));
    expect(await admitted()).toBe(false);
    expect(await api.kube.get(machines, { name: 'base-2' })).toBeUndefined();
    const left = await api.kube.list(configMaps, { namespace: 'isthmus-system' });
    expect(left.map(({ metadata }) => metadata.name).filter((name) => name.includes('base-2'))).toEqual([]);
  },
  minutes(3),
);

test(
  'a machine that nobody can log in to is not added: the reason is told, and the file stays as it is',
  async () => {
    writeFileSync(file, written(''));
    const args = ['add', 'base-2', '--address', '192.168.50.12', '--ssh-port', '9', '--yes'];
    for (const _run of ['first', 'second']) {
      const { code, err } = await run(args);
      expect(code, err).toBe(1);
      expect(err).toContain("base-2 (192.168.50.12) can't become a node yet: ");
      expect(err).toContain('nothing was done; correct this, then run the same command again');
      expect(readFileSync(file, 'utf8')).toBe(written(''));
    }
  },
  minutes(4),
);

/** A group as its controller would keep it; there is none here. */
async function makeGroup(desired: number, members: readonly string[]): Promise<void> {
  const spec = {
    shapes: [{ cpu: 2, memory: '4Gi' }],
    image: 'i',
    disk: '40Gi',
    charge: 'hour',
    min: 1,
    max: 3,
    desired,
  };
  await api.kube.create(nodeGroups, { metadata: { name: 'burst' }, spec } as NodeGroupObject);
  await say(members, 'AsWanted', 'all are there');
}

async function say(members: readonly string[], reason: string, message: string): Promise<void> {
  const asked = '2026-11-30T09:00:00Z';
  const status = {
    members: members.map((name) => ({
      name,
      cpu: 2,
      memory: '4Gi',
      zone: 'z',
      subnet: 's',
      asked,
      id: `uhost-${name}`,
    })),
    conditions: [{ type: 'Scaled', status: 'False', reason, message, lastTransitionTime: asked }],
  };
  await api.kube.merge(nodeGroups, { name: 'burst' }, { status }, { subresource: 'status' });
}

const desiredNow = async (): Promise<number | undefined> =>
  (await api.kube.get(nodeGroups, { name: 'burst' }))?.spec.desired;

test(
  'a node group that gets more machines: what it may not do is told, Ctrl-C leaves it larger and tells how to take that back, and the new machines are named',
  async () => {
    writeFileSync(file, written(''));
    await establishCrds(api.kube, [nodeGroupCrd]);
    expect(await run(['add', '--group', 'burst', '--yes'])).toMatchObject({
      code: 2,
      err: 'isthmus: the cluster has no node group burst; it has none; docs/guide/node-groups.md tells how to make one\n',
    });
    await makeGroup(1, ['burst-a']);
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [['--group', 'brst'], 'the cluster has no node group brst; it has: burst. Did you mean burst?'],
      [['--group', 'burst', '--count', '3'], 'node group burst may have at most 3 machines and is to have 1 already'],
      [['--group', 'burst', '--count', 'many'], 'write a whole number from 1 to 500'],
      [['--group', 'burst', 'web-9'], 'leave out the name'],
      [['--group', 'burst', '--ssh-user', 'x'], 'leave out --ssh-user'],
      [['web-9', '--like', 'cp-1', '--count', '2'], '--count is for machines of a node group'],
      [[], 'name the machine, such as isthmus node add base-3, or a node group with --group'],
    ];
    for (const [args, why] of refusals) {
      const { code, err, out } = await run(['add', ...args, '--yes']);
      expect([code, out], err).toEqual([2, '']);
      expect(err).toContain(why);
    }
    expect(await desiredNow()).toBe(1);

    const stop = new AbortController();
    const stopped = run(['add', '--group', 'burst', '--yes'], stop);
    await waitFor('the group to be larger', async () => (await desiredNow()) === 2, { within: minutes(1) });
    stop.abort(new Error('stopped by SIGINT'));
    const first = await stopped;
    expect(first.code, first.err).toBe(130);
    expect(first.err).toContain('  node group burst: 2 machines instead of 1 (at most 3)\n');
    expect(first.err).toContain(
      'isthmus: stopped. Node group burst is still to have 2 machines, and the controller goes on; to take that back: kubectl scale nodegroup burst --replicas=1\n',
    );
    expect(await desiredNow()).toBe(2);

    await say(['burst-a', 'burst-b'], 'AsWanted', 'all are there');
    const second = run(['add', '--group', 'burst', '--yes', '--output', 'json', '--verbose'], undefined);
    await waitFor('the group to be larger', async () => (await desiredNow()) === 3, { within: minutes(1) });
    await say(['burst-a', 'burst-b', 'burst-c'], 'Joining', 'burst-c is joining');
    await sleep(ms(1500));
    await api.kube.create(nodes, nodeOf('burst-c', 'rain://z/uhost-burst-c'));
    await becomeReady('burst-c', '10.9.0.13');
    const { code, out, err } = await second;
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toEqual({
      cluster: 'shop',
      group: 'burst',
      nodes: ['burst-c'],
      outcome: 'added',
      steps: [{ step: 'scale node group burst', seconds: expect.any(Number) as number }],
      left: [],
    });
    expect(err).toContain('scale node group burst | burst-c is joining');
  },
  minutes(3),
);

test(
  'a machine of a node group that is removed: it is named before the group becomes smaller, Ctrl-C tells how to keep it, and cluster.yaml stays as it is',
  async () => {
    const before = readFileSync(file, 'utf8');
    const stop = new AbortController();
    const stopped = run(['remove', 'burst-c', '--yes'], stop);
    await waitFor('the group to be smaller', async () => (await desiredNow()) === 2, { within: minutes(1) });
    await sleep(ms(1500));
    stop.abort(new Error('stopped by SIGINT'));
    const first = await stopped;
    expect(first.code, first.err).toBe(130);
    expect(first.err).toContain(
      '  node group burst: 2 machines instead of 3 (at least 1)\n  remove burst-c (uhost-burst-c) of node group burst: drain its node, end the machine with its disk, delete the node\n',
    );
    expect(first.err).toContain(
      `to keep it: kubectl patch nodegroup burst --type merge -p '{"spec":{"desired":3,"leaveFirst":null}}'`,
    );
    expect((await api.kube.get(nodeGroups, { name: 'burst' }))?.spec.leaveFirst).toEqual(['burst-c']);

    const second = run(['remove', 'burst-c', '--yes', '--output', 'json']);
    await sleep(ms(2500));
    // Not once more for the second run.
    expect(await desiredNow()).toBe(2);
    await say(['burst-a', 'burst-b'], 'AsWanted', 'all are there');
    await api.kube.delete(nodes, { name: 'burst-c' });
    const { code, out, err } = await second;
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ cluster: 'shop', node: 'burst-c', group: 'burst', outcome: 'removed' });

    await api.kube.merge(nodeGroups, { name: 'burst' }, { spec: { desired: 1, leaveFirst: null } });
    expect(await run(['remove', 'burst-a', '--yes'])).toMatchObject({
      code: 2,
      err: 'isthmus: node group burst has its minimum of 1 machine; lower min with kubectl edit nodegroup burst, then run this again\n',
    });
    expect(readFileSync(file, 'utf8')).toBe(before);
  },
  minutes(3),
);
