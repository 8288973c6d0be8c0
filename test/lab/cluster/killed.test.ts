import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathsOf } from '#lab/server/settings.ts';
import { formatMs, minutes, ms } from '#unit/clock.ts';
import { succeeds } from '../../support/isthmus.ts';
import { killedCluster } from './killed-cluster.ts';
import { allMoments, type Moment, parseMoment } from './moment.ts';
import { operatorStarts } from './operator.ts';

/**
 * `isthmus up` is killed at its steps, and two of it meet. One lab and one cluster for the whole file; both moments of every kind
 * of step and a slow line are in test/long/cluster/killed.test.ts.
 */
const name = 'killed';
const cluster = killedCluster(name);
const { cut, lab, kubectl, isWholeAndClean, upUntilItGetsThrough } = cluster;

/** What a step has done and nothing has noted; where a step begins is where the one before it ended. */
const done = allMoments.filter((moment) => moment.startsWith('end '));

test(
  'killed after every kind of step on the way to a cluster, up finishes it with nothing twice',
  async () => {
    const began = performance.now();
    await upUntilItGetsThrough({ at: done });
    await isWholeAndClean();
    console.log(`${cut.size} kills on the way to a cluster: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(20),
);

/** Of what destroys, the moment after which it is half done, and after which it is done and nothing has noted it. */
const destroying: readonly Moment[] = [
  'end leave-balancers',
  'end drain-node',
  'begin reset-machine',
  'end remove-cloud-machine',
  'begin forget-node',
  'end replace-cloud-machine',
];

test(
  'killed at steps that remove or replace a machine, it comes to the same end',
  async () => {
    const began = performance.now();
    const before = cut.size;
    await cluster.expose();
    // It has left the cluster and has no token: only another machine can take its place.
    await kubectl(['delete', 'node', 'web-1']);
    await cluster.takenOut(['base-1', 'web-2'], () => upUntilItGetsThrough({ at: destroying, sweep: true }));
    await upUntilItGetsThrough({ at: [] });
    await isWholeAndClean();
    expect([...cut]).toEqual(expect.arrayContaining([...destroying]));
    console.log(`${cut.size - before} kills in removals: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(15),
);

test(
  'two at once: the second refuses and says who is at work, on the same computer and on another, until the first has died',
  async () => {
    const began = performance.now();
    await cluster.terminate(await cluster.idOf('web-2'));
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
    expect(beside.said).toContain(`another isthmus command is running on killed: ${atWork}`);

    const elsewhere = await anotherDesk();
    const remote = await (await operatorStarts(name, ['up', '--yes', '--verbose'], { seat: elsewhere })).end(
      minutes(1),
    );
    first.child.kill('SIGKILL');
    await first.end(minutes(1));
    expect(remote.code, remote.said).toBe(1);
    expect(remote.said).toContain(`another isthmus command is running on killed: ${atWork}`);
    expect(remote.said).toContain('Nothing was done; wait until it ends, or stop that process');

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

const shut = (rule: string): string =>
  `nft 'add table inet shut; add chain inet shut out { type filter hook output priority 0; }; add chain inet shut in { type filter hook input priority 0; }; ${rule}'`;
const open = 'nft delete table inet shut';
const notYet =
  /base-1 \(192\.168\.50\.11\) can't become a node yet:\n {2}cannot reach the API server: .*: allow traffic from this machine to its port 6443\neverything else is done/;

/** What keeps a machine from joining: done on it, undone on it, and what the operator reads. */
const blocks: readonly {
  readonly title: string;
  readonly spoil: (api: string) => string;
  readonly clear: (api: string) => string;
  readonly message: RegExp;
}[] = [
  {
    title: 'no route from a machine to the API server',
    spoil: (api) => `ip route add unreachable ${api}/32`,
    clear: (api) => `ip route del unreachable ${api}/32`,
    message: notYet,
  },
  {
    title: 'a firewall between a machine and port 6443',
    spoil: (api) => shut(`add rule inet shut out ip daddr ${api} tcp dport 6443 drop`),
    clear: () => open,
    message: notYet,
  },
  {
    title: "a firewall before the machine's kubelet",
    spoil: () => shut('add rule inet shut in tcp dport 10250 drop'),
    clear: () => open,
    message:
      /wait for node base-1: waited 30\.0 s for the API server to reach port 10250 of base-1; allow traffic from the control plane to this port/,
  },
];

test(
  `${blocks.map(({ title }) => title).join(', ')}: each is told with its cure, everything else is done, and up goes on when it is cleared`,
  async () => {
    const began = performance.now();
    const api = (await kubectl(['get', 'node', 'cp-1', '-o', 'jsonpath={.status.addresses[0].address}'])).trim();
    await kubectl(['delete', 'node', 'base-1']);
    for (const { spoil, clear, message, title } of blocks) {
      const start = performance.now();
      await lab().ok('base-1', spoil(api));
      const refused = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(3));
      await lab().ok('base-1', clear(api));
      expect(refused.code, refused.said).toBe(1);
      expect(refused.said).toMatch(message);
      console.log(`${title}: ${formatMs(ms(performance.now() - start))}`);
    }
    const healed = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(3));
    expect(healed.code, healed.said).toBe(0);
    await isWholeAndClean();
    console.log(`a blocked machine: ${formatMs(ms(performance.now() - began))}`);
  },
  minutes(12),
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
