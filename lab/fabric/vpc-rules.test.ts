import { describe, expect, test } from 'vitest';
import type { WorldNetwork } from '../ucloud/vpc/world.ts';
import { portName } from './names.ts';
import { checkedPorts, formatRoutes, formatSourceCheck, formatVpcRules, hopsOf } from './vpc-rules.ts';

const [a, b] = [portName('v', 'uhost-a'), portName('v', 'uhost-b')];
const plain: WorldNetwork = { routes: [], guards: [], lent: [], unguarded: ['100.64.0.0/10'] };
const hop = { port: 'uhost-b', ip: '10.9.0.3' };
const routes = [
  {
    ports: ['uhost-a'],
    system: ['10.9.0.0/16', '172.16.0.0/16'],
    rules: [
      { destination: '0.0.0.0/0', hop },
      { destination: '10.30.0.0/16', hop: undefined },
    ],
  },
];

describe('the routes of the VPC', () => {
  test('a table sends the system on, its own rules to their next hops, and what these caught nowhere when they are off', () => {
    expect(formatRoutes(routes, 1)).toBe(`while ip rule del pref 1001 2>/dev/null; do :; done
ip route flush table 20000 2>/dev/null || true
ip route add throw 10.9.0.0/16 table 20000
ip route add throw 172.16.0.0/16 table 20000
ip route add throw 10.200.0.0/24 table 20000
ip route add blackhole 0.0.0.0/0 metric 1000 table 20000
if ip link show ${b} >/dev/null 2>&1; then ip route add 0.0.0.0/0 via 10.9.0.3 dev ${b} onlink table 20000 || ! ip link show ${b} >/dev/null 2>&1; fi
ip route add blackhole 10.30.0.0/16 metric 1000 table 20000
ip rule add pref 1001 iif ${a} lookup 20000
while ip rule del pref 1000 2>/dev/null; do :; done`);
  });

  test('without tables only what was there before is taken away', () => {
    expect(formatRoutes([], 0).match(/pref \d+/g)).toEqual(['pref 1000', 'pref 1001']);
  });

  test('each table has a number of its own', () => {
    const flushed = formatRoutes([...routes, ...routes], 0).match(/flush table \d+/g);
    expect(flushed).toEqual(['flush table 10000', 'flush table 10001']);
  });

  test('ports that are next hops no more are checked by the kernel again', () => {
    const check = (link: string): string =>
      `if ip link show ${link} >/dev/null 2>&1; then sysctl -q -w net.ipv4.conf.${link}.rp_filter=1 || ! ip link show ${link} >/dev/null 2>&1; fi`;
    expect(formatSourceCheck(['uhost-a', 'uhost-b'], 'kernel')).toBe(`${check(a)}\n${check(b)}`);
  });

  test('a next hop may not send from a part of its range that goes elsewhere, and from one that comes to it as well', () => {
    const other = { port: 'uhost-a', ip: '10.9.0.2' };
    const rules = [
      { destination: '10.30.0.0/16', hop },
      { destination: '10.30.1.0/24', hop: other },
      { destination: '10.30.2.0/24', hop },
      { destination: '10.40.0.0/16', hop: other },
    ];
    // What is as long goes where the rule says.
    const system = ['10.9.0.0/16', '10.40.0.0/16'];
    const lines = formatVpcRules('t', { ...plain, routes: [{ ports: [], system, rules }] }).split('\n');
    expect(lines.filter((line) => line.includes(' ip saddr ')).map((line) => line.trim())).toEqual([
      `iifname "${b}" ip saddr 10.30.0.0/16 ip saddr != { 10.30.1.0/24 } accept`,
      `iifname "${b}" ip saddr 10.30.2.0/24 accept`,
      `iifname "${a}" ip saddr 10.30.1.0/24 accept`,
      `iifname "${a}" ip saddr 10.40.0.0/16 accept`,
    ]);
  });

  test('a port that answers for a balancer may send from its address, and the filter checks that, too', () => {
    const lent = [
      { port: 'uhost-a', ips: ['10.9.0.9', '198.18.0.9'] },
      { port: 'uhost-b', ips: ['10.9.0.10'] },
    ];
    expect([...checkedPorts({ ...plain, routes, lent: lent.slice(0, 1) })]).toEqual(['uhost-b', 'uhost-a']);
    const lines = formatVpcRules('t', { ...plain, lent })
      .split('\n')
      .map((line) => line.trim());
    expect(lines.filter((line) => line.startsWith('iifname'))).toEqual([
      `iifname "${a}" fib saddr . iif oif exists accept`,
      `iifname "${a}" ip saddr { 10.9.0.9, 198.18.0.9 } accept`,
      `iifname "${a}" drop`,
      `iifname "${b}" fib saddr . iif oif exists accept`,
      `iifname "${b}" ip saddr { 10.9.0.10 } accept`,
      `iifname "${b}" drop`,
    ]);
  });

  test('at next hops the filter checks where packets come from, for the kernel knows one table only', () => {
    expect([...hopsOf(routes)]).toEqual(['uhost-b']);
    expect(formatSourceCheck(hopsOf(routes), 'filter')).toBe(
      `if ip link show ${b} >/dev/null 2>&1; then sysctl -q -w net.ipv4.conf.${b}.rp_filter=0 || ! ip link show ${b} >/dev/null 2>&1; fi`,
    );
    expect(formatVpcRules('t', { ...plain, routes })).toBe(`table ip t
delete table ip t
table ip t {
  chain sources {
    type filter hook prerouting priority raw; policy accept;
    iifname "${b}" fib saddr . iif oif exists accept
    iifname "${b}" ip saddr 0.0.0.0/0 ip saddr != { 10.9.0.0/16, 172.16.0.0/16, 10.200.0.0/24, 10.30.0.0/16 } accept
    iifname "${b}" drop
  }
}
`);
  });
});

describe('the filter of the VPC', () => {
  test('every guarded port has its two chains, and passes all that is the cloud itself', () => {
    const guards = ['uhost-a', 'uhost-b'].map((port) => ({ port, ingress: [], egress: [] }));
    const text = formatVpcRules('t', { ...plain, unguarded: ['100.64.0.0/10', '10.9.0.1/32'], guards });
    expect(text).toContain(`iifname vmap { "${a}" : jump out-${a}, "${b}" : jump out-${b} }`);
    expect(text).toContain(`oifname vmap { "${a}" : jump in-${a}, "${b}" : jump in-${b} }`);
    expect(text.match(/ip saddr \{ 100.64.0.0\/10, 10.9.0.1\/32 \} return/g)).toHaveLength(2);
  });

  test('a router that has nothing to judge tracks no connections', () => {
    expect(formatVpcRules('t', plain)).toBe('table ip t\ndelete table ip t\n');
  });

  test('the first rule that matches counts, what none admits is dropped, and replies and the cloud itself pass', () => {
    const ingress = [
      { admits: false, protocol: 'ALL', peers: ['10.9.0.7'], ports: [] },
      { admits: true, protocol: 'TCP', peers: ['0.0.0.0/0', '10.0.0.0/8'], ports: ['80', '443-450'] },
      { admits: true, protocol: 'ICMP', peers: ['10.0.0.0/8', '192.168.50.0/24'], ports: [] },
      { admits: true, protocol: 'UDP', peers: [], ports: ['53'] },
    ] as const;
    expect(formatVpcRules('t', { ...plain, guards: [{ port: 'uhost-a', ingress, egress: [] }] })).toBe(`table ip t
delete table ip t
table ip t {
  chain in-${a} {
    ip saddr { 100.64.0.0/10 } return
    ip saddr { 10.9.0.7 } drop
    tcp dport { 80, 443-450 } return
    ip saddr { 10.0.0.0/8, 192.168.50.0/24 } ip protocol icmp return
    drop
  }
  chain out-${a} {
    ip daddr { 100.64.0.0/10 } return
    drop
  }
  chain guards {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    iifname vmap { "${a}" : jump out-${a} }
    oifname vmap { "${a}" : jump in-${a} }
  }
}
`);
  });
});
