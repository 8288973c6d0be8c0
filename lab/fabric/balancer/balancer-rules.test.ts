import { describe, expect, test } from 'vitest';
import { webListener } from '../../ucloud/ulb/network/world.example.ts';
import type { WorldBalancer, WorldListener } from '../../ucloud/ulb/network/world.ts';
import { formatBalancerRules } from './balancer-rules.ts';

const listener: WorldListener = {
  ...webListener,
  targets: [
    { ip: '10.9.0.5', port: 30_080, weight: 3 },
    { ip: '10.9.0.6', port: 30_080, weight: 1 },
  ],
};
const balancer = (...listeners: readonly WorldListener[]): WorldBalancer => ({
  id: 'nlb-1',
  ip: '10.9.0.2',
  backIp: '10.9.0.3',
  prefixLength: 20,
  gateway: '10.9.0.1',
  publicIps: ['198.18.0.2'],
  listeners,
});

/** Names stand for what they are made of. */
function rules(wanted: WorldBalancer, before?: Parameters<typeof formatBalancerRules>[1]): string {
  const names = new Map<string, string>();
  const { file } = formatBalancerRules(wanted, before);
  return file.replaceAll(/\b[0-9a-f]{12}\b/g, (name) => {
    names.set(name, names.get(name) ?? `<${names.size + 1}>`);
    return names.get(name) ?? '';
  });
}

describe('the packet filter of a balancer', () => {
  test('gives new connections to its targets in turn, and shows them its own address', () => {
    expect(rules(balancer(listener))).toBe(`table ip balancer
delete table ip balancer
table ip balancer {
  chain to-tcp-<1> {
    meta l4proto tcp dnat to 10.9.0.5:30080
  }
  chain to-tcp-<2> {
    meta l4proto tcp dnat to 10.9.0.6:30080
  }
  chain of-<3> {
    numgen inc mod 2 vmap { 0 : goto to-tcp-<1>, 1 : goto to-tcp-<2> }
  }
  chain arriving {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr { 10.9.0.2, 198.18.0.2 } tcp dport 80 goto of-<3>
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat snat to 10.9.0.3
  }
  chain passing {
    type filter hook forward priority filter; policy drop;
    ct status dnat accept
  }
  chain own {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    meta l4proto { tcp, udp } drop
  }
}
`);
  });

  test('follows weights, and the addresses of clients, where its scheduler does', () => {
    expect(rules(balancer({ ...listener, scheduler: 'WeightRoundRobin' }))).toContain(
      'numgen inc mod 4 vmap { 0-2 : goto to-tcp-<1>, 3 : goto to-tcp-<2> }',
    );
    expect(rules(balancer({ ...listener, scheduler: 'SourceHash' }))).toContain('jhash ip saddr mod 2 seed 0x1 vmap');
  });

  test('lets a client keep its target for as long as the listener says', () => {
    const text = rules(balancer({ ...listener, stickiness: 60 }));
    expect(text).toContain('set kept-60-tcp-<1> { type ipv4_addr; size 65536; flags dynamic,timeout; timeout 60s; }');
    expect(text).toContain('update @kept-60-tcp-<1> { ip saddr }');
    expect(text).toContain('ip saddr @kept-60-tcp-<1> goto to-tcp-<1>');
  });

  test('leaves the port as it is where a listener has several', () => {
    const text = rules(balancer({ ...listener, protocol: 'UDP', startPort: 8000, endPort: 8010 }));
    expect(text).toContain('udp dport 8000-8010 goto');
    expect(text).toContain('meta l4proto udp dnat to 10.9.0.5\n');
  });

  test('leaves to a process what a packet filter can not do', () => {
    for (const change of [{ forwardSource: 'ProxyProto' }, { scheduler: 'LeastConn' }] as const) {
      const text = rules(balancer({ ...listener, ...change }));
      expect(text).not.toContain('dnat to');
      expect(text).toContain('ip daddr { 10.9.0.2, 198.18.0.2 } tcp dport 80 accept');
    }
  });

  test('takes nothing for a listener without a target', () => {
    expect(rules(balancer({ ...listener, targets: [] }))).not.toContain('dport');
  });

  test('takes away what the file before it named and it does not, and keeps the clients of the others', () => {
    const sticky = { ...listener, stickiness: 60 };
    const { parts } = formatBalancerRules(balancer(sticky), undefined);
    const text = rules(balancer({ ...sticky, targets: sticky.targets.slice(0, 1) }), parts);
    expect(text).toMatch(/^table ip balancer\nflush table ip balancer\n/);
    expect(text).toMatch(/\}\ndelete chain ip balancer to-tcp-<\d>\ndelete set ip balancer kept-60-tcp-<\d>\n$/);
    expect(rules(balancer(sticky), parts)).not.toContain('delete');
  });
});
