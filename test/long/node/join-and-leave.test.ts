import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { ensureBundle } from '#lab/toolchain/ensure-bundle.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { labOk, type Probe, probe } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, type Ran, succeeds } from '../../support/isthmus.ts';

/** One machine after the other leaves the cluster and comes back, by `isthmus node remove` and `isthmus node add`. */
const name = 'joinleave';
const file = join(pathsOf(name).state, 'cluster.yaml');
const held = join(pathsOf(name).state, 'held.json');
let at: Probe;
let written: string;
keepEvidence(name);

beforeAll(async () => {
  await ensureBundle(() => undefined);
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name], { within: minutes(3) });
  at = await probe(name);
  written = await readFile(file, 'utf8');
  const bundle = (parse(written) as { bundle: { url: string } }).bundle.url;
  await at.ok('base-2', `curl -fsS -o /root/isthmus ${bundle}/bin/isthmus && chmod 755 /root/isthmus`);
  usual = await check('base-2', '/root/isthmus');
  await at.ok('base-2', 'rm /root/isthmus');
  await succeeds(['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'], { within: minutes(12) });
}, minutes(25));
afterAll(() => labOk('down', '--name', name), minutes(5));

const operator = (...args: readonly string[]): Promise<Ran> =>
  isthmus(['lab', 'exec', '--name', name, 'office', '--', 'isthmus', ...args], { within: minutes(8) });
const kubectl = (...args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(2) });

interface Change {
  readonly outcome: string;
  readonly steps: readonly { readonly step: string; readonly seconds: number }[];
  readonly left: readonly string[];
}

/** A command that must succeed, with how long it took as a whole. */
async function timed(...args: readonly string[]): Promise<Change & { readonly took: number }> {
  const began = performance.now();
  const { code, stdout, stderr } = await operator('node', ...args, '--yes', '--output', 'json');
  const took = (performance.now() - began) / 1000;
  expect(code, stderr).toBe(0);
  const change = JSON.parse(stdout) as Change;
  const steps = change.steps.map((one) => `${one.step} ${one.seconds.toFixed(1)}`);
  console.log(`node ${args.join(' ')}: ${took.toFixed(1)} s: ${steps.join(', ')}`);
  return { ...change, took };
}

/** What a machine has of a cluster, by looking and not by our own check. */
const remains = `exec 2>/dev/null
ip -o link | grep -o ' ist[^:@]*'
ip route show table all proto 73
nft list tables | grep -e isthmus -e kube
ls -d /etc/kubernetes /var/lib/etcd/* /etc/isthmus /var/lib/isthmus /etc/cni/net.d/*isthmus* /opt/cni/bin/isthmus-cni /usr/local/bin/kube*
find /var/lib/kubelet -mindepth 1
ctr -n k8s.io tasks ls -q
systemctl is-active kubelet | grep -x active
pgrep -l kubelet; true`;

interface Checked {
  readonly fit: boolean;
  readonly findings: readonly { readonly name: string; readonly weight: string; readonly what: string }[];
}

/** What the check found on the machine before its first join. */
let usual: readonly string[];
const check = async (machine: string, program = 'isthmus'): Promise<readonly string[]> => {
  const { out } = await at.run(machine, `${program} machine check --output json`);
  return (JSON.parse(out) as Checked).findings.map(
    ({ name: finding, weight, what }) => `${weight} ${finding}: ${what}`,
  );
};

async function leavesNothing(machine: string): Promise<void> {
  expect(await at.ok(machine, remains)).toBe('');
  expect((await check(machine)).filter((finding) => !usual.includes(finding))).toEqual([]);
}

/** Beside waiting for what a new node still starts. */
async function leavesUpNothing(): Promise<void> {
  const { code, stderr } = await operator('up', '--yes');
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/(create|join|reset|remove|drain|delete|apply|set) .*: /);
}

const nodeNames = async (): Promise<readonly string[]> =>
  (await kubectl('get', 'nodes', '-o', 'name')).trim().split('\n').toSorted();

test(
  'a physical machine whose pod is held back: the budget is named, Ctrl-C is obeyed, and the next run goes on',
  async () => {
    const labels = { app: 'held' };
    const spec = {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          nodeSelector: { 'isthmus.dev/ground': 'site' },
          containers: [{ name: 'web', image: 'registry.k8s.io/e2e-test-images/agnhost:2.63.0', args: ['netexec'] }],
        },
      },
    };
    const objects = [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'held' }, spec },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'held-stays' },
        spec: { minAvailable: 1, selector: { matchLabels: labels } },
      },
    ];
    await kubectl('cordon', 'base-1');
    await writeFile(held, JSON.stringify({ kind: 'List', apiVersion: 'v1', items: objects }));
    await kubectl('apply', '-f', held);
    await kubectl('rollout', 'status', '--timeout=120s', 'deployment/held');
    await kubectl('uncordon', 'base-1');

    const holds =
      /1 of \d+ pods? (is|are) left: PodDisruptionBudget default\/held-stays \(needs 1 healthy pods, has 1\) holds back default\/held-/;
    const stopped = await operatorStarts(name, ['node', 'remove', 'base-2', '--yes', '--verbose'], {
      onLine: (line, child) => void (holds.test(line) && child.kill('SIGINT')),
    });
    const { code, said } = await stopped.end(minutes(3));
    expect({ code, said }).toEqual({ code: 130, said: expect.stringContaining('run the same command again') });
    expect(said).toMatch(holds);
    expect(said).toContain('cluster.yaml no longer has base-2');
    expect(await readFile(file, 'utf8')).toBe(written.replace(/ *- name: base-2\n *address: .*\n/, ''));

    const removed = timed('remove', 'base-2');
    await waitFor(
      'the drain to go on',
      async () => (await kubectl('get', 'node', 'base-2', '-o', 'jsonpath={.spec.unschedulable}')) === 'true',
      { within: minutes(1), every: seconds(1) },
    );
    await kubectl('scale', '--replicas=2', 'deployment/held');
    expect(await removed).toMatchObject({ outcome: 'removed', left: [] });
    expect(await nodeNames()).not.toContain('node/base-2');
    expect(await operator('routes')).toMatchObject({ code: 0, stdout: expect.not.stringContaining('192.168.50.12') });
    await leavesNothing('base-2');
    await kubectl('delete', '-f', held);
  },
  minutes(12),
);

test(
  'the same machine joins again over SSH through a jump host, and leaves again the same way, without pods',
  async () => {
    const added = await timed('add', 'base-2', '--address', '192.168.50.12', '--ssh-jump', 'root@192.168.50.11');
    expect(added).toMatchObject({ outcome: 'added', left: [] });
    expect(await nodeNames()).toContain('node/base-2');
    await leavesUpNothing();
    const removed = await timed('remove', 'base-2');
    expect(removed.left).toEqual([]);
    await leavesNothing('base-2');
    await leavesUpNothing();
  },
  minutes(12),
);

/** `node add --print`, which has printed its line and waits for the node. */
async function lineToPaste() {
  let line = '';
  const waiting = await operatorStarts(
    name,
    ['node', 'add', 'base-2', '--address', '192.168.50.12', '--print', '--yes'],
    {
      onLine: (text) => {
        if (text.startsWith('echo ')) line = text;
      },
    },
  );
  await waitFor('the line to paste', async () => line !== '', { within: minutes(1), every: seconds(1) });
  return { line, waiting };
}

test(
  'a line that is pasted on the machine makes it a node',
  async () => {
    const { line, waiting } = await lineToPaste();
    const began = performance.now();
    await at.ok('base-2', line);
    const { code, said } = await waiting.end(minutes(3));
    console.log(`pasted: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('base-2 is a node of') });
    await timed('remove', 'base-2');
    await leavesNothing('base-2');
  },
  minutes(12),
);

test(
  'a join that fails names its step and leaves the machine as it was',
  async () => {
    // What a look over SSH does not see: there is no room where a step will write.
    await at.ok('base-2', 'mkdir -p /opt/cni/bin && mount -t tmpfs -o size=4k none /opt/cni/bin');
    const { code, stderr } = await operator('node', 'add', 'base-2', '--address', '192.168.50.12', '--yes');
    await at.ok('base-2', 'umount /opt/cni/bin');
    expect(code).toBe(1);
    expect(stderr).toContain('the step binaries failed');
    expect(stderr).toContain('base-2 is again as it was before the join');
    expect(stderr).toContain('run the same command again');
    await leavesNothing('base-2');
    expect((await timed('add', 'base-2', '--address', '192.168.50.12')).outcome).toBe('added');
    await timed('remove', 'base-2');
    await leavesNothing('base-2');
  },
  minutes(12),
);

test(
  'a pasted join that fails names its step and leaves the machine as it was, and the same line joins it then',
  async () => {
    const { line, waiting } = await lineToPaste();
    await at.ok('base-2', 'mkdir -p /opt/cni/bin && mount -t tmpfs -o size=4k none /opt/cni/bin');
    const failed = await at.ok('base-2', `(${line}) > /tmp/said 2>&1 || true; cat /tmp/said; rm /tmp/said`);
    await at.ok('base-2', 'umount /opt/cni/bin');
    expect(failed).toContain('the step binaries failed');
    expect(failed).toContain('this machine is again as it was before the join');
    await leavesNothing('base-2');
    await at.ok('base-2', line);
    const { code, said } = await waiting.end(minutes(3));
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('base-2 is a node of') });
    await timed('remove', 'base-2');
    await leavesNothing('base-2');
  },
  minutes(12),
);

test(
  'a cloud machine leaves with its disk, and one like another comes',
  async () => {
    const removed = await timed('remove', 'web-2');
    expect(removed).toMatchObject({ outcome: 'removed', left: [] });
    expect(await nodeNames()).not.toContain('node/web-2');
    const { UHostSet } = await at.call('DescribeUHostInstance', { Limit: 100 });
    expect((UHostSet as readonly { Name: string }[]).map((host) => host.Name)).not.toContain('web-2');
    const added = await timed('add', 'web-2', '--like', 'web-1');
    expect(added).toMatchObject({ outcome: 'added', left: [] });
    await leavesUpNothing();
  },
  minutes(12),
);
