import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { type Probe, probe } from '../lab-tools.ts';
import { allMoments, type Moment, parseMoment } from './moment.ts';
import { operatorStarts } from './operator.ts';

const shop = new URL('../../../lab/demo/shop.yaml', import.meta.url).pathname;

interface Kills {
  /** Only at these moments; at every one unless told. */
  readonly at?: readonly Moment[];
  /** The join tokens are gone after each kill, as if it had been a long time. */
  readonly sweep?: boolean;
}

/**
 * One lab for all tests of the file that calls this: a control plane and two workers in the cloud and `base-1` on the site, whose
 * `isthmus up` is killed again and again.
 */
export function killedCluster(name: string) {
  const state = join(pathsOf(name).state, '.isthmus', name);
  const cut = new Set<Moment>();
  let seen: Probe | undefined;
  let isExposed = false;
  const lab = (): Probe => seen ?? expect.fail('the lab of this file runs only while its tests do');
  keepEvidence(name);

  beforeAll(async () => {
    await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
    await succeeds(['lab', 'up', '--name', name, '--machines', 'base-1', '--speed', '0.05'], { within: minutes(3) });
    seen = await probe(name);
  }, minutes(5));

  afterAll(async () => {
    await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  }, minutes(3));

  const kubectl = (args: readonly string[]): Promise<string> =>
    succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(1) });

  /** Runs `up` again and again, each time killed at the first moment that no run was killed at before, until one gets through. */
  async function upUntilItGetsThrough({ at = allMoments, sweep = false }: Kills = {}): Promise<void> {
    for (;;) {
      const pass = allMoments.filter((moment) => cut.has(moment) || !at.includes(moment));
      const env = {
        NODE_OPTIONS: `--import=${join(import.meta.dirname, 'die-at-moment.ts')}`,
        ISTHMUS_TEST_PASS: pass.join(','),
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
      if (last === undefined || cut.has(last)) expect.fail(said);
      cut.add(last);
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
    const { UHostSet } = (await lab().call('DescribeUHostInstance', { Limit: 100 })) as {
      UHostSet: readonly { Name: string; UHostId: string; State: string }[];
    };
    return UHostSet.map((one) => ({ name: one.Name, id: one.UHostId, state: one.State }));
  }

  async function idOf(machine: string): Promise<string> {
    return (
      (await cloudMachines()).find((one) => one.name === machine)?.id ?? expect.fail(`the cloud has no ${machine}`)
    );
  }

  /** Gives the cluster a load balancer: only then leaving them is work, and a machine that is gone may be left in its list. */
  async function expose(): Promise<void> {
    await kubectl(['apply', '-f', shop]);
    isExposed = true;
    await untilBalanced();
  }

  /** Until the load balancer sends to the cloud workers that there are, and to nothing else. */
  async function untilBalanced(): Promise<void> {
    const workers = (await cloudMachines()).filter((machine) => machine.name !== 'cp-1');
    const wanted = workers.map((machine) => machine.id).toSorted();
    const look = async (): Promise<boolean> => {
      const { NLBs } = (await lab().call('DescribeNetworkLoadBalancers', {})) as { NLBs: { NLBId: string }[] };
      const found = await Promise.all(NLBs.map(({ NLBId }) => backEnds(NLBId)));
      if (JSON.stringify(found) === JSON.stringify([wanted])) return true;
      throw new Error(`the lists of back ends are ${JSON.stringify(found)}`);
    };
    await waitFor(`one load balancer that sends to ${wanted.join(', ')}`, look, { within: seconds(90) });
  }

  async function backEnds(balancer: string): Promise<readonly string[]> {
    const { Listeners } = (await lab().call('DescribeNLBListeners', { NLBId: balancer })) as {
      Listeners: { Targets: { ResourceId: string }[] }[];
    };
    return Listeners.flatMap(({ Targets }) => Targets.map(({ ResourceId }) => ResourceId)).toSorted();
  }

  /** Asks for it and waits until the machine is as it should be, `undefined` for gone. */
  async function power(action: string, id: string, wanted: string | undefined): Promise<void> {
    await lab().call(action, { Zone: 'cn-bj2-04', UHostId: id });
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

  /** Does the work while these machines are not in cluster.yaml; afterwards nothing of them may be left. */
  async function takenOut(machines: readonly string[], work: () => Promise<void>): Promise<void> {
    const file = join(pathsOf(name).state, 'cluster.yaml');
    const good = await readFile(file, 'utf8');
    const config = parse(good) as { cloudMachines: readonly { name: string }[]; machines: readonly { name: string }[] };
    const others = (list: readonly { name: string }[]) => list.filter((machine) => !machines.includes(machine.name));
    const less = { ...config, cloudMachines: others(config.cloudMachines), machines: others(config.machines) };
    const left = [...less.cloudMachines, ...less.machines].map((machine) => machine.name).toSorted();
    await writeFile(file, stringify(less));
    await work();
    const nodes = (await kubectl(['get', 'nodes', '-o', 'name'])).trim().split('\n').toSorted();
    expect(nodes).toEqual(left.map((machine) => `node/${machine}`));
    expect((await cloudMachines()).map((machine) => machine.name).toSorted()).toEqual(
      less.cloudMachines.map((machine) => machine.name).toSorted(),
    );
    expect(await lab().ok('base-1', 'ls /etc/kubernetes/kubelet.conf 2>/dev/null || true')).toBe('');
    await writeFile(file, good);
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
      'access',
      'access/base-1',
      'authority.crt',
      'creating',
      'hostkeys',
      'id',
      'known_hosts',
      'kubeconfig',
    ]);
    expect(await lab().ok('base-1', 'find / -xdev -name "*.part"')).toBe('');
    expect(JSON.parse(await lab().ok('base-1', 'cat /var/lib/isthmus/join-result.json'))).toMatchObject({
      outcome: 'joined',
    });
    if (isExposed) await untilBalanced();
    const again = await (await operatorStarts(name, ['up', '--yes', '--verbose'])).end(minutes(1));
    expect(again.code, again.said).toBe(0);
    expect(again.said).toContain('nothing to do');
  }

  return {
    /** The moments at which a run was killed. */
    cut: cut as ReadonlySet<Moment>,
    lab,
    kubectl,
    upUntilItGetsThrough,
    sweepTokens,
    cloudMachines,
    idOf,
    power,
    terminate,
    expose,
    takenOut,
    isWholeAndClean,
  };
}
