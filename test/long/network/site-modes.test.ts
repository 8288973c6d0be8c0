import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatChecks, holds, prove } from '#lab/demo/proof.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, type Ran, succeeds } from '../../support/isthmus.ts';

/** A cluster with a routed and a bridged machine on the site and machines in the cloud, by the commands that a user types. */
const name = 'sitemodes';
const web = new URL('../../../lab/demo/web.yaml', import.meta.url).pathname;
keepEvidence(name, { captures: [{ where: 'vpc', link: 'line0' }] });

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--site-mode', 'mixed'], { within: minutes(5) });
}, minutes(8));

afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

function at(place: string, argv: readonly string[], within = minutes(1)): Promise<Ran> {
  return isthmus(['lab', 'exec', '--name', name, place, '--', ...argv], { within });
}

const operator = (args: readonly string[], within = minutes(1)): Promise<Ran> =>
  at('office', ['isthmus', ...args], within);
const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

async function rangeOf(node: string): Promise<{
  readonly spec: {
    readonly subnet?: string;
    readonly addresses?: readonly { readonly ip: string; readonly state: string }[];
  };
  readonly status: { readonly conflicts?: readonly { readonly ip: string; readonly mac: string }[] };
}> {
  return JSON.parse(await kubectl(['get', 'podrange', node, '-o', 'json']));
}

async function proven(when: string): Promise<void> {
  let last = '';
  await waitFor(
    `every check of the proof ${when}`,
    async () => {
      const checks = await prove(kubectl);
      last = formatChecks(checks);
      return holds(checks);
    },
    { within: minutes(4), every: seconds(2) },
  ).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${last}`);
  });
  console.log(`${when}\n${last}`);
}

test(
  'one cluster of cloud machines, a routed and a bridged machine',
  async () => {
    const { code, stdout, stderr } = await operator(['up', '--yes'], minutes(12));
    expect(code, `${stdout}${stderr}`).toBe(0);
    const [routed, bridged] = [await rangeOf('base-1'), await rangeOf('base-2')];
    expect(routed.spec.subnet).toMatch(/^172\.16\./);
    expect(bridged.spec.subnet).toBe(undefined);
    for (const { ip } of bridged.spec.addresses ?? []) expect(ip).toMatch(/^192\.168\.50\.1[2-9]\d$/);
    expect((bridged.spec.addresses ?? []).length).toBeGreaterThan(3);
  },
  minutes(13),
);

test(
  'every pod and node reaches every other one by its own address, the API server reaches both sides',
  async () => {
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web', 'daemonset/node-probe']);
    const shown = await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'wide']);
    expect(shown).toMatch(/192\.168\.50\.\d+ +base-2/);
    expect(shown).toMatch(/172\.16\.\d+\.\d+ +base-1/);
    await proven('after up');
  },
  minutes(8),
);

test('the gateway needs no route to bridged pods, and status and routes say that all is well', async () => {
  const routes = await operator(['routes']);
  expect(routes.code, routes.stdout).toBe(0);
  expect(routes.stdout).toContain(
    'no route is needed for 192.168.50.128-192.168.50.250: bridged machines (base-2) answer ARP for their pods',
  );
  const known = await at('gateway', ['ip', '-4', 'route', 'show']);
  expect(known.stdout).not.toMatch(/192\.168\.50\.1[2-9]\d/);
  const status = await operator(['status']);
  expect(status.code, status.stdout).toBe(0);
  expect(status.stdout).toMatch(/base-2 .*bridged: \d+ in use, \d+ free/);
});

test(
  'an address of the slice that another machine takes is named with its MAC address by status, the PodRange and an Event',
  async () => {
    const { spec } = await rangeOf('base-2');
    const taken = spec.addresses?.findLast(({ state }) => state === 'usable')?.ip as string;
    // base-1 stands for a stranger: it has the address as its own.
    await at('base-1', ['ip', 'address', 'add', `${taken}/32`, 'dev', 'eth0']);
    const mac = /link\/ether (\S+)/.exec((await at('base-1', ['ip', 'link', 'show', 'eth0'])).stdout)?.[1];
    const conflict = await waitFor(
      'the conflict to be told',
      async () => (await rangeOf('base-2')).status.conflicts?.find(({ ip }) => ip === taken),
      { within: minutes(2), every: seconds(2) },
    );
    expect(conflict.mac).toBe(mac);
    const status = await operator(['status']);
    expect(status.code).not.toBe(0);
    expect(status.stdout).toContain(`${taken} is used by ${mac}`);
    await waitFor(
      'the Event of it',
      async () => (await kubectl(['get', 'events', '-A', '--field-selector', 'reason=ForeignUse'])).includes(`${mac}`),
      { within: seconds(30) },
    );
    await at('base-1', ['ip', 'address', 'del', `${taken}/32`, 'dev', 'eth0']);
    await waitFor(
      'the address to be free again',
      async () => ((await rangeOf('base-2')).status.conflicts ?? []).length === 0,
      { within: minutes(3), every: seconds(2) },
    );
  },
  minutes(6),
);

test(
  'after a reboot of the bridged machine its pods come back, and reach everybody',
  async () => {
    await succeeds(['lab', 'machine', 'reboot', '--name', name, 'base-2'], { within: minutes(2) });
    await proven('after the reboot');
    const again = await operator(['up', '--yes'], minutes(3));
    expect(again.stdout).toContain('nothing to do');
  },
  minutes(9),
);
