import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { operatorStarts } from '../../lab/cluster/operator.ts';
import { type Probe, probe } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';

/** The addon `ingress`, whose commands are killed after each thing that they write. */
const name = 'ingkilled';
const web = new URL('../../../lab/demo/web.yaml', import.meta.url).pathname;
keepEvidence(name);

let at: Probe;
beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  const made = ['lab', 'up', '--name', name, '--machines', 'base-1', '--addon', 'ingress', '--speed', '0.05'];
  await succeeds(made, { within: minutes(15) });
  at = await probe(name);
}, minutes(16));
afterAll(() => isthmus(['lab', 'down', '--name', name], { within: minutes(3) }), minutes(5));

const kubectl = (...args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

/**
 * Runs a command again and again, each time killed after the first write that none was killed after yet, until one gets through.
 * @unit of: the paths of the API whose writes count
 * @shape cut: where it was killed; said: by the last run
 */
async function untilItGetsThrough(
  args: readonly string[],
  of: RegExp,
): Promise<{ readonly cut: readonly string[]; readonly said: string }> {
  const cut: string[] = [];
  for (;;) {
    const env = {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, '../../lab/cluster/die-at-write.ts')}`,
      ISTHMUS_TEST_OF: of.source,
      ISTHMUS_TEST_PASS: cut.join(','),
    };
    const run = await operatorStarts(name, args, { seat: { env } });
    const { code, said } = await run.end(minutes(15));
    if (run.child.signalCode !== 'SIGKILL') {
      expect(code, said).toBe(0);
      return { cut, said };
    }
    const last = said.trimEnd().split('\n').at(-1) ?? '';
    if (!/^[A-Z]+ \/api/.test(last) || cut.includes(last)) expect.fail(said);
    cut.push(last);
  }
}

/** What the addon consists of; its definitions are kept when it is removed. */
const own = /isthmus-ingress|projectcontour|ingressclasses\/contour/;
/** And the Lease by which a command keeps others out. */
const ownOrLease = new RegExp(`${own.source}|leases`);

/** One load balancer with one address and both ports, one Job, and packets. */
async function isWhole(): Promise<void> {
  const again = await (await operatorStarts(name, ['addon', 'ingress'])).end(minutes(2));
  expect(again.code, again.said).toBe(0);
  const ip = /nothing to do: ingress answers at (\S+)/.exec(again.said)?.[1] ?? expect.fail(again.said);
  const { NLBs } = (await at.call('DescribeNetworkLoadBalancers', {})) as { NLBs: readonly { NLBId: string }[] };
  expect(NLBs).toHaveLength(1);
  const { Listeners } = (await at.call('DescribeNLBListeners', { NLBId: NLBs[0]?.NLBId ?? '' })) as {
    Listeners: readonly { StartPort: number }[];
  };
  expect(Listeners.map(({ StartPort }) => StartPort).toSorted((a, b) => a - b)).toEqual([80, 443]);
  const { EIPSet } = (await at.call('DescribeEIP', {})) as {
    EIPSet: readonly { EIPAddr: readonly { IP: string }[] }[];
  };
  expect(EIPSet.flatMap(({ EIPAddr }) => EIPAddr.map(({ IP }) => IP))).toEqual([ip]);
  const jobs = (await kubectl('get', 'jobs', '-n', 'isthmus-ingress', '-o', 'name')).trim().split('\n');
  expect(jobs).toHaveLength(1);
  const asked = `curl -sS -m 5 --fail -H 'Host: shop.example.com' http://${ip}/hostname`;
  const answer = await waitFor('an answer', () => at.ok('internet', asked), { within: seconds(40), every: ms(250) });
  expect(answer).toMatch(/^web-/);
}

async function makeApplication(): Promise<void> {
  await kubectl('apply', '-f', web);
  await kubectl('create', 'ingress', 'shop', '--rule=shop.example.com/*=web:80');
}

test(
  'isthmus up is killed after each object of the addon that it writes, and the last run leaves it whole and nothing twice',
  async () => {
    const { cut } = await untilItGetsThrough(['up', '--yes', '--verbose'], own);
    console.log(`${cut.length} kills: ${cut.join(', ')}`);
    expect(cut.length).toBeGreaterThan(20);
    await makeApplication();
    await isWhole();
    const again = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(2));
    expect(again.said).toContain('nothing to do');
  },
  minutes(30),
);

test(
  'isthmus addon ingress remove is killed after each removal, and the last run leaves nothing but what users made',
  async () => {
    const file = join(pathsOf(name).state, 'cluster.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^addons:\n(?: .*\n)*/m, ''));
    const { cut } = await untilItGetsThrough(['addon', 'ingress', 'remove', '--yes', '--verbose'], ownOrLease);
    console.log(`${cut.length} kills: ${cut.join(', ')}`);
    expect(cut.length).toBeGreaterThan(10);
    expect(await kubectl('get', 'ingress', '-o', 'name')).toContain('ingress.networking.k8s.io/shop');
    expect(await kubectl('get', 'namespace,clusterrole,ingressclass', '-o', 'name')).not.toMatch(
      /isthmus-ingress|contour/,
    );
    expect(((await at.call('DescribeNetworkLoadBalancers', {})) as { NLBs: readonly object[] }).NLBs).toEqual([]);
    expect(((await at.call('DescribeEIP', {})) as { TotalCount: number }).TotalCount).toBe(0);
  },
  minutes(20),
);

test(
  'isthmus addon ingress is killed after each write, and the last run leaves it whole and nothing twice',
  async () => {
    const { cut } = await untilItGetsThrough(['addon', 'ingress', '--verbose'], ownOrLease);
    console.log(`${cut.length} kills: ${cut.join(', ')}`);
    expect(cut.length).toBeGreaterThan(20);
    await isWhole();
  },
  minutes(25),
);
