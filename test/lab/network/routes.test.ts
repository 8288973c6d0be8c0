import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatRoutes, parseRoutes, planRoutes, type SiteRoute } from '#network/routes/plan-routes.ts';
import { cidr, ip } from '#unit/ip.ts';

const gateway = `isttest-gw-${process.pid}`;
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
