import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OperatorSite } from '#capability/capability.ts';
import { localHost } from '#host/local.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { customResourceDefinitions } from '#kube/crd.ts';
import { nodes } from '#kube/resources.ts';
import { podRangeCrd } from '#network/objects.ts';
import { formatRoutes, parseRoutes, planRoutes, type SiteRoute } from '#network/routes/plan-routes.ts';
import { siteGateway } from '#network/routes/site-gateway.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { cidr, ip } from '#unit/ip.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';

const gateway = `isttest-gw-${process.pid}`;
const api = apiServerForTests();
const ours = cidr('172.16.0.0/16');
const route = (destination: string, via: string): SiteRoute => ({ destination: cidr(destination), via: ip(via) });

beforeAll(() => {
  run('ip', 'netns', 'add', gateway);
  inside(
    'set -e; ip link add site0 type veth peer name site1; ip link set site0 up; ip link set site1 up; ip addr add 192.168.50.1/24 dev site0',
  );
  inside('set -e; ip route add 10.9.0.0/16 via 192.168.50.254; ip route add unreachable 172.16.0.0/16');
});
afterAll(() => run('ip', 'netns', 'del', gateway));

test('a real gateway understands the commands, and has nothing left to do afterwards', () => {
  const first = [route('172.16.0.0/24', '192.168.50.13'), route('172.16.1.0/24', '192.168.50.14')];
  // One machine has moved, one has gone, one has come.
  const second = [route('172.16.0.0/24', '192.168.50.15'), route('172.16.2.0/24', '192.168.50.16')];
  for (const wanted of [first, second]) {
    const commands = formatRoutes(planRoutes(wanted, seen(), ours));
    inside(`set -e; ${commands}`);
    inside(`set -e; ${commands}`);
    expect(planRoutes(wanted, seen(), ours)).toEqual([]);
    expect(seen().filter(({ destination }) => destination.first >= ours.first)).toEqual(wanted);
  }
  expect(seen()).toContainEqual(route('10.9.0.0/16', '192.168.50.254'));
});

test('a node that gets no pod subnet is told, and the routes of all others are set; a machine that has not joined is not waited for', async () => {
  await api.kube.create(customResourceDefinitions, podRangeCrd);
  const join = async (name: string, address: string): Promise<void> => {
    const node = await api.kube.create(nodes, { metadata: { name } });
    const status = { addresses: [{ type: 'InternalIP', address }] };
    await api.kube.replace(nodes, { ...node, status }, { subresource: 'status' });
  };
  await join('base-1', '192.168.50.11');
  await join('base-2', '192.168.50.12');
  const range = { metadata: { name: 'base-1' }, spec: { ground: 'site' as const, subnet: '172.16.7.0/24' } };
  await waitFor('the kind to be served', () => api.kube.create(podRanges, range), { within: seconds(20) });
  const host = localHost('the gateway');
  const site: OperatorSite = {
    cluster: {
      name: 'shop',
      kubernetes: '1.36.3',
      network: {
        services: cidr('10.96.0.0/16'),
        site: {
          mode: 'routed',
          routed: { pods: ours, perMachine: 24 },
          bridged: undefined,
          machines: [cidr('192.168.50.0/24')],
        },
        cloud: { warm: { low: 1, high: 2 } },
      },
      controlPlane: 'cp-1',
      cloudMachines: [],
      nodeGroups: [],
      machines: ['base-1', 'base-2', 'base-3'].map((name, i) => ({ name, address: `192.168.50.1${i + 1}` })),
      storage: { cloudDisks: false, fileShares: false, powerOffSilentAfter: undefined },
      addons: { ingress: undefined },
    },
    gateway: {
      address: '192.168.50.1',
      open: async () => ({
        ...host,
        run: (argv, opts) => host.run(['ip', 'netns', 'exec', gateway, ...argv], opts),
      }),
    },
    signal: new AbortController().signal,
  };
  await expect(siteGateway(site, seconds(2))?.set(api.kube)).rejects.toThrow(
    /^base-2: no pod subnet was assigned within 2\.0 s, so the gateway has no route to it; all other routes are set/,
  );
  expect(seen()).toContainEqual(route('172.16.7.0/24', '192.168.50.11'));

  const late = { metadata: { name: 'base-2' }, spec: { ground: 'site' as const, subnet: '172.16.8.0/24' } };
  await api.kube.create(podRanges, late);
  await siteGateway(site, seconds(2))?.set(api.kube);
  expect(seen()).toContainEqual(route('172.16.8.0/24', '192.168.50.12'));
});

function seen(): readonly SiteRoute[] {
  return parseRoutes(inside('ip -4 route show'));
}

function inside(script: string): string {
  return run('ip', 'netns', 'exec', gateway, 'sh', '-c', script);
}

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
