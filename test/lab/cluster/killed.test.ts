import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { portName } from '#lab/fabric/names.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { formatMs, minutes, ms, waitFor } from '#unit/clock.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { type Probe, probe } from '../lab-tools.ts';
import { allMoments, parseMoment } from './moment.ts';
import { operatorStarts } from './operator.ts';

/** `isthmus up` is killed at every kind of step, and two of it meet. One lab and one cluster for the whole file. */
const name = 'killed';
const state = join(pathsOf(name).state, '.isthmus', name);
const cut = new Set<string>();
let lab: Probe;
keepEvidence(name);

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--machines', 'base-1', '--speed', '0.05'], { within: minutes(3) });
  lab = await probe(name);
}, minutes(5));

afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(1) });

/**
 * Runs `up` again and again, each time killed at the first moment that no run was killed at before, until one gets through. With
 * `sweep` the join tokens are gone after each kill, as if it had been a long time.
 */
async function upUntilItGetsThrough({ sweep = false }: { sweep?: boolean } = {}): Promise<void> {
  for (;;) {
    const env = {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'die-at-moment.ts')}`,
      ISTHMUS_TEST_PASS: [...cut].join(','),
    };
    const run = await operatorStarts(name, ['up', '--yes', '--verbose'], { seat: { env } });
    const { code, said } = await run.end(minutes(6));
    if (run.child.signalCode !== 'SIGKILL') {
      expect(code, said).toBe(0);
      return;
    }
    const last = said
      .split('\n')
      .map(parseMoment)
      .findLast((moment) => moment !== undefined);
    expect(cut.has(last ?? ''), said).toBe(false);
    cut.add(last ?? '');
    if (sweep) await sweepTokens();
  }
}

/** What Kubernetes does to tokens that have expired; a control plane that is off sweeps nothing. */
async function sweepTokens(): Promise<void> {
  await isthmus(
    ['lab', 'kubectl', '--name', name, 'delete', 'secrets', '-n', 'kube-system', '-l', 'isthmus.dev/machine'],
    { within: minutes(1) },
  );
}

async function cloudMachines(): Promise<readonly { name: string; id: string; state: string }[]> {
  const { UHostSet } = (await lab.call('DescribeUHostInstance', { Limit: 100 })) as {
    UHostSet: readonly { Name: string; UHostId: string; State: string }[];
  };
  return UHostSet.map((one) => ({ name: one.Name, id: one.UHostId, state: one.State }));
}

async function idOf(machine: string): Promise<string> {
  return (await cloudMachines()).find((one) => one.name === machine)?.id ?? expect.fail(`the cloud has no ${machine}`);
}

/** Asks for it and waits until the machine is as it should be, `undefined` for gone. */
async function power(action: string, id: string, wanted: string | undefined): Promise<void> {
  await lab.call(action, { Zone: 'cn-bj2-04', UHostId: id });
  await waitFor(
    `${id} to be ${wanted ?? 'gone'}`,
    async () => (await cloudMachines()).find((machine) => machine.id === id)?.state === wanted,
    { within: minutes(1) },
  );
}

async function terminate(id: string): Promise<void> {
  await power('PoweroffUHostInstance', id, 'Stopped');
  await power('TerminateUHostInstance', id, undefined);
}

/** One machine for each name, each of them a Ready node of its own, and nothing that was needed only on the way. */
async function isWholeAndClean(): Promise<void> {
  const machines = await cloudMachines();
  expect(machines.map((machine) => machine.name).toSorted()).toEqual(['cp-1', 'web-1', 'web-2']);
  const nodes = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as {
    items: readonly {
      metadata: { name: string };
      spec: { providerID: string };
      status: { conditions: readonly { type: string; status: string }[] };
    }[];
  };
  const ready = nodes.items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    ready: status.conditions.find(({ type }) => type === 'Ready')?.status,
    of: spec.providerID.split('/').at(-1),
  }));
  expect(ready).toEqual([
    { name: 'base-1', ready: 'True', of: 'base-1' },
    ...machines
      .map((machine) => ({ name: machine.name, ready: 'True', of: machine.id }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  ]);
  const tokens = await kubectl(['get', 'secrets', '-n', 'kube-system', '-l', 'isthmus.dev/machine', '-o', 'name']);
  expect(tokens.trim()).toBe('');
  expect((await readdir(state, { recursive: true })).toSorted()).toEqual([
    'authority.crt',
    'creating',
    'hostkeys',
    'hostkeys/cp-1',
    'hostkeys/cp-1.pub',
    'id',
    'known_hosts',
    'kubeconfig',
  ]);
  expect(await lab.ok('base-1', 'find / -xdev -name "*.part"')).toBe('');
  expect(JSON.parse(await lab.ok('base-1', 'cat /var/lib/isthmus/join-result.json'))).toMatchObject({
    outcome: 'joined',
  });
  const again = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(1));
  expect(again.code, again.said).toBe(0);
  expect(again.said).toContain('nothing to do');
}

test(
  'killed at the beginning and at the end of every kind of step on the way to a cluster, up finishes it with nothing twice',
  async () => {
    const began = performance.now();
    await upUntilItGetsThrough();
    await isWholeAndClean();
    console.log(`${cut.size} kills on the way to a cluster: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(25),
);

/** One that has left the cluster and has no token, one whose machine is gone, and a control plane that is off. */
async function spoil(): Promise<void> {
  const [controlPlane, gone] = [await idOf('cp-1'), await idOf('web-2')];
  await kubectl(['delete', 'node', 'web-1']);
  await terminate(gone);
  await power('PoweroffUHostInstance', controlPlane, 'Stopped');
}

/** While these machines are not in cluster.yaml. */
async function takenOut(machines: readonly string[], work: () => Promise<void>): Promise<void> {
  const file = join(pathsOf(name).state, 'cluster.yaml');
  const good = await readFile(file, 'utf8');
  const config = parse(good) as { cloudMachines: readonly { name: string }[]; machines: readonly { name: string }[] };
  const others = (list: readonly { name: string }[]) => list.filter((machine) => !machines.includes(machine.name));
  const less = { ...config, cloudMachines: others(config.cloudMachines), machines: others(config.machines) };
  await writeFile(file, stringify(less));
  await work();
  expect((await kubectl(['get', 'nodes', '-o', 'name'])).trim().split('\n').toSorted()).toEqual([
    'node/cp-1',
    'node/web-1',
  ]);
  expect((await cloudMachines()).map((machine) => machine.name).toSorted()).toEqual(['cp-1', 'web-1']);
  expect(await lab.ok('base-1', 'ls /etc/kubernetes/kubelet.conf 2>/dev/null || true')).toBe('');
  await writeFile(file, good);
}

test(
  'killed at every kind of step that repairs or removes, it comes to the same end, and no kind of step was never cut',
  async () => {
    const began = performance.now();
    const uncut = () => allMoments.filter((moment) => !cut.has(moment));
    // What comes about by itself between a kill and the next run is no step of that run; so some moments need another turn.
    for (let turn = 0; turn < 4 && (turn === 0 || uncut().length > 0); turn++) {
      await spoil();
      await upUntilItGetsThrough({ sweep: true });
      await takenOut(['base-1', 'web-2'], upUntilItGetsThrough);
      await upUntilItGetsThrough();
    }
    await isWholeAndClean();
    expect(uncut()).toEqual([]);
    console.log(`${cut.size} kills in all, repairs: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(25),
);

test(
  'a cloud worker on a slow line keeps its machine although up was killed and its token has expired, and up says how far it is',
  async () => {
    const began = performance.now();
    await terminate(await idOf('web-2'));
    const fetches = Promise.withResolvers<void>();
    const first = await operatorStarts(name, ['up', '--yes', '--verbose'], {
      onLine: (line) => {
        if (/wait for node web-2 \| \d+ of \d+ MB/.test(line)) fetches.resolve();
      },
    });
    const listed = await waitFor(
      'the new machine',
      async () => (await cloudMachines()).find((machine) => machine.name === 'web-2')?.id,
      { within: minutes(3) },
    );
    // Its port to the VPC; what comes to the machine is what the port sends.
    const port = portName('v', listed);
    await waitFor(
      'its port',
      () => lab.ok('vpc', `tc qdisc replace dev ${port} root tbf rate 40mbit burst 64k latency 100ms`),
      {
        within: minutes(2),
      },
    );
    await Promise.race([fetches.promise, first.end(minutes(4))]);
    first.child.kill('SIGKILL');
    await first.end(minutes(1));
    await sweepTokens();
    const second = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(10));
    expect(second.code, second.said).toBe(0);
    expect(second.said).toMatch(
      /renew the join token of web-2: it has expired, and the machine may still be joining \(\d+ of \d+ MB\)/,
    );
    expect(second.said).toMatch(/wait for node web-2 \| \d+ of \d+ MB, \d+\.\d Mbit\/s/);
    expect(await idOf('web-2')).toBe(listed);
    await isWholeAndClean();
    console.log(`a slow line: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(20),
);

test(
  'two at once: the second refuses and says who is at work, on the same computer and on another, until the first has died',
  async () => {
    const began = performance.now();
    await terminate(await idOf('web-2'));
    const waits = Promise.withResolvers<void>();
    const first = await operatorStarts(name, ['up', '--yes', '--verbose'], {
      onLine: (line) => {
        if (parseMoment(line) === 'begin wait-for-node') waits.resolve();
      },
    });
    await Promise.race([waits.promise, first.end(minutes(2))]);
    const atWork = `${userInfo().username} on ${hostname()}, pid ${first.child.pid}, since `;

    const beside = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(1));
    expect(beside.code, beside.said).toBe(1);
    expect(beside.said).toContain(`another isthmus works on killed: ${atWork}`);

    const elsewhere = await anotherDesk();
    const remote = await (await operatorStarts(name, ['up', '--yes', '--verbose'], { seat: elsewhere })).end(
      minutes(1),
    );
    first.child.kill('SIGKILL');
    await first.end(minutes(1));
    expect(remote.code, remote.said).toBe(1);
    expect(remote.said).toContain(`another isthmus works on killed: ${atWork}`);
    expect(remote.said).toContain('Nothing was done; wait until it ends, or end that process');

    const heir = await (await operatorStarts(name, ['up', '--yes', '--verbose'], { seat: elsewhere })).end(minutes(4));
    expect(heir.code, heir.said).toBe(0);
    expect(heir.said).toContain(`the cluster is held by ${atWork}`);
    // What the killed one left on its own computer is taken over there.
    await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(1));
    await isWholeAndClean();
    await rm(elsewhere.cwd, { recursive: true });
    console.log(`two at once: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(15),
);

test.each([
  [
    'no way from a machine to the API server',
    (api: string) => `ip route add unreachable ${api}/32`,
    (api: string) => `ip route del unreachable ${api}/32`,
    /base-1 \(192\.168\.50\.11\) can't become a node yet:\n {2}the API server can't be reached: .*: open the way from this machine to its port 6443\neverything else is done/,
  ],
  [
    'a firewall between a machine and port 6443',
    (api: string) =>
      `nft 'add table inet shut; add chain inet shut out { type filter hook output priority 0; }; add rule inet shut out ip daddr ${api} tcp dport 6443 drop'`,
    () => 'nft delete table inet shut',
    /base-1 \(192\.168\.50\.11\) can't become a node yet:\n {2}the API server can't be reached: .*: open the way from this machine to its port 6443\neverything else is done/,
  ],
  [
    "a firewall before the machine's kubelet",
    () =>
      `nft 'add table inet shut; add chain inet shut in { type filter hook input priority 0; }; add rule inet shut in tcp dport 10250 drop'`,
    () => 'nft delete table inet shut',
    /wait for node base-1: waited 30\.0 s for the API server to reach port 10250 of base-1; allow traffic from the control plane to this port/,
  ],
])(
  '%s is told with its cure, and up goes on when it is cleared',
  async (_title, spoil, clear, message) => {
    const api = (await kubectl(['get', 'node', 'cp-1', '-o', 'jsonpath={.status.addresses[0].address}'])).trim();
    await kubectl(['delete', 'node', 'base-1']);
    await lab.ok('base-1', spoil(api));
    const refused = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(3));
    await lab.ok('base-1', clear(api));
    expect(refused.code, refused.said).toBe(1);
    expect(refused.said).toMatch(message);
    const healed = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(3));
    expect(healed.code, healed.said).toBe(0);
    await isWholeAndClean();
  },
  minutes(15),
);

test(
  'a node that has the name of a machine of cluster.yaml at another address is told, and nothing is done',
  async () => {
    const file = join(pathsOf(name).state, 'cluster.yaml');
    const good = await readFile(file, 'utf8');
    await writeFile(file, good.replace('192.168.50.11', '192.168.50.99'));
    const refused = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(1));
    await writeFile(file, good);
    expect(refused.code, refused.said).toBe(1);
    expect(refused.said).toMatch(
      /the cluster already has a node base-1 at 192\.168\.50\.11, but cluster\.yaml has the machine base-1 at 192\.168\.50\.99; give the machine another name, or correct its address/,
    );
    await isWholeAndClean();
  },
  minutes(5),
);

test(
  'a field of an object that somebody else has changed is told with its holder and not overwritten',
  async () => {
    const elsewhere = '{"spec":{"address":"192.168.50.77"}}';
    await kubectl(['delete', 'node', 'base-1']);
    await kubectl(['patch', 'machine', 'base-1', '--type=merge', '--field-manager=night-shift', '-p', elsewhere]);
    const refused = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(2));
    expect(refused.code, refused.said).toBe(1);
    expect(refused.said).toMatch(/Machine base-1: \.spec\.address: conflict with "night-shift"/);
    const cure = /^ {2}(kubectl patch .*)$/m.exec(refused.said)?.[1] ?? expect.fail(refused.said);
    const kept = await kubectl(['get', 'machine', 'base-1', '-o', 'jsonpath={.spec.address}']);
    expect(kept).toBe('192.168.50.77');
    await succeeds(['lab', 'exec', '--name', name, 'office', '--', 'sh', '-c', cure], { within: minutes(1) });
    const healed = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(3));
    expect(healed.code, healed.said).toBe(0);
    await isWholeAndClean();
  },
  minutes(8),
);

/** Another operator with the same cluster.yaml and kubeconfig, on a computer of another name. */
async function anotherDesk(): Promise<{ cwd: string; host: string }> {
  const cwd = await mkdtemp(join(tmpdir(), 'isthmus-desk-'));
  const home = pathsOf(name).state;
  for (const file of ['cluster.yaml', 'id_ed25519', `.isthmus/${name}/kubeconfig`, `.isthmus/${name}/known_hosts`])
    await cp(join(home, file), join(cwd, file));
  return { cwd, host: 'desk-2' };
}
