import { describe, expect, test } from 'vitest';
import type { WorldDirectBalancer, WorldDirectTarget } from '../../ucloud/ulb/classic/world.ts';
import { portName } from '../names.ts';
import { formatDirectRoutes, formatDirectRules } from './direct-rules.ts';

const target = (at: string, change: Partial<WorldDirectTarget> = {}): WorldDirectTarget => ({
  id: `backend-${at}`,
  ip: `10.9.0.${at.charCodeAt(0)}`,
  port: 80,
  weight: 1,
  at,
  takesPackets: true,
  checkedFrom: '10.9.193.0',
  ...change,
});
const balancer = (...targets: readonly WorldDirectTarget[]): WorldDirectBalancer => ({
  id: 'ulb-1',
  addresses: ['10.9.0.9'],
  listeners: [{ id: 'vserver-1', protocol: 'TCP', port: 80, scheduler: 'RoundRobin', stickiness: 0, targets }],
});

/** Names and marks stand for what they are made of. */
function plain(text: string): string {
  const names = new Map<string, string>();
  return text.replaceAll(/\b([0-9a-f]{12}|\d{7,})\b/g, (name) => {
    names.set(name, names.get(name) ?? `<${names.size + 1}>`);
    return names.get(name) ?? '';
  });
}

describe('the router, for targets that answer directly,', () => {
  test('chooses once for a connection, and marks its packets', () => {
    const { file } = formatDirectRules(
      [balancer(target('a'), target('b'), target('c', { takesPackets: false }))],
      undefined,
    );
    expect(plain(file)).toBe(`table ip direct
delete table ip direct
table ip direct {
  chain to-tcp-<1> {
    ct mark set <2>
  }
  chain to-tcp-<3> {
    ct mark set <4>
  }
  chain of-<5> {
    numgen inc mod 2 vmap { 0 : goto to-tcp-<1>, 1 : goto to-tcp-<3> }
  }
  chain arriving {
    type filter hook prerouting priority mangle; policy accept;
    ip daddr { 10.9.0.9 } tcp dport 80 ct state new jump of-<5>
    ip daddr { 10.9.0.9 } meta mark set ct mark
  }
}
`);
  });

  test('chooses nobody without a target that takes packets, or without an address', () => {
    const none = [balancer(target('a', { takesPackets: false })), { ...balancer(target('a')), addresses: [] }];
    expect(formatDirectRules(none, undefined).file).not.toContain('jump');
    expect(formatDirectRules([], undefined).file).not.toContain('meta mark');
  });

  test('leads marked packets and checks to the port of the target, by rules that take the place of those before', () => {
    const link = portName('v', 'a');
    const there = `ip link show ${link} >/dev/null 2>&1`;
    expect(plain(formatDirectRoutes([balancer(target('a', { takesPackets: false }))], 1))).toBe(
      `while ip rule del pref 801 2>/dev/null; do :; done
if ${there}; then ip route replace default via 10.9.0.97 dev ${link} onlink table <1> || ! ${there}; fi
ip rule add pref 801 fwmark <1> lookup <1>
ip rule add pref 801 from 10.9.193.0 to 10.9.0.9 lookup <1>
ip route replace 10.9.0.9/32 dev lo
ip -4 route show table main dev lo | while read -r ip rest; do
  case ' 10.9.0.9 ' in *" $ip "*) ;; *) ip route del "$ip" dev lo table main ;; esac
done
while ip rule del pref 800 2>/dev/null; do :; done`,
    );
  });
});
