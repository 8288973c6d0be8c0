import { cidr, overlaps } from '#unit/ip.ts';
import type { FilterRule, WorldGuard, WorldNetwork, WorldRoutes } from '../ucloud/vpc/world.ts';
import { addresses } from './addresses.ts';
import { portName } from './names.ts';

/** Tables and priorities of two kinds, so that new routes are complete before the old ones go. */
export type Generation = 0 | 1;

const priorities = [1000, 1001] as const;
const tablesFrom = [10_000, 20_000] as const;

/**
 * The shell script that puts the route tables in place: one of the kernel's for each, followed by its ports. What is the system's
 * goes on to the main table, where the VPC's own routes are. `next` is the generation that is not in force; what an attempt that failed or
 * a server that died has left of it goes first.
 */
export function formatRoutes(routes: readonly WorldRoutes[], next: Generation): string {
  const tables = routes.map((one, at) => formatTable(one, tablesFrom[next] + at, priorities[next]));
  return [dropRules(priorities[next]), ...tables, dropRules(priorities[next === 0 ? 1 : 0])].join('\n');
}

function dropRules(pref: number): string {
  return `while ip rule del pref ${pref} 2>/dev/null; do :; done`;
}

function formatTable({ ports, system, rules }: WorldRoutes, table: number, pref: number): string {
  // The office is the operator's desk, and no table of the cloud locks him out.
  const throughs = [...system, addresses.office].map((range) => `ip route add throw ${range} table ${table}`);
  const customs = rules.flatMap(({ destination, hop }) => [
    // What remains when the next hop is off: its port, and with it the route, is gone then.
    `ip route add blackhole ${destination} metric 1000 table ${table}`,
    ...(hop === undefined
      ? []
      : [ifPlugged(hop.port, (link) => `ip route add ${destination} via ${hop.ip} dev ${link} onlink table ${table}`)]),
  ]);
  const followers = ports.map((key) => `ip rule add pref ${pref} iif ${portName('v', key)} lookup ${table}`);
  return [`ip route flush table ${table} 2>/dev/null || true`, ...throughs, ...customs, ...followers].join('\n');
}

/** A machine may lose its power at any moment, and with it the link: that is no failure. */
export function ifPlugged(key: string, script: (link: string) => string): string {
  const link = portName('v', key);
  const isThere = `ip link show ${link} >/dev/null 2>&1`;
  return `if ${isThere}; then ${script(link)} || ! ${isThere}; fi`;
}

/** The ports that are the next hop of a route. */
export function hopsOf(routes: readonly WorldRoutes[]): ReadonlySet<string> {
  return new Set(routes.flatMap(({ rules }) => rules.flatMap(({ hop }) => (hop === undefined ? [] : [hop.port]))));
}

/** The ports of which the kernel can't tell what they may send: next hops, and those that send from a balancer's address. */
export function checkedPorts({ routes, lent }: WorldNetwork): ReadonlySet<string> {
  return new Set([...hopsOf(routes), ...lent.map(({ port }) => port)]);
}

/**
 * The shell script that switches the kernel's own check of source addresses. It knows the main table only, so at a next hop, and at
 * a port that sends from addresses of others, the packet filter checks in its place.
 */
export function formatSourceCheck(ports: Iterable<string>, check: 'kernel' | 'filter'): string {
  const value = check === 'kernel' ? 1 : 0;
  return [...ports]
    .map((key) => ifPlugged(key, (link) => `sysctl -q -w net.ipv4.conf.${link}.rp_filter=${value}`))
    .join('\n');
}

/** One nft file that replaces what was there before, in one transaction. Without need there is no table: tracking connections costs time. */
export function formatVpcRules(table: string, network: WorldNetwork): string {
  const chains = [...sourceChain(network), ...guardChains(network.guards, network.unguarded)];
  const body = chains.length === 0 ? '' : `table ip ${table} {\n${chains.join('')}}\n`;
  return `table ip ${table}\ndelete table ip ${table}\n${body}`;
}

/** A port may send from its own addresses, from those that the VPC sends to it, and from those that it was lent. */
function sourceChain(network: WorldNetwork): readonly string[] {
  const { routes, lent } = network;
  const ports = [...checkedPorts(network)];
  if (ports.length === 0) return [];
  const rules = ports.flatMap((key) => {
    const ips = lent.filter(({ port }) => port === key).flatMap((one) => one.ips);
    const from = `iifname "${portName('v', key)}"`;
    return [
      `${from} fib saddr . iif oif exists accept`,
      ...routes.flatMap((one) => sourcesOf(key, one)).map((match) => `${from} ${match} accept`),
      ...(ips.length === 0 ? [] : [`${from} ip saddr { ${ips.join(', ')} } accept`]),
      `${from} drop`,
    ];
  });
  return [formatChain('sources', ['type filter hook prerouting priority raw; policy accept;', ...rules])];
}

/** The range of each of its routes, less what lies in it and goes elsewhere by a longer prefix. */
function sourcesOf(key: string, { system, rules }: WorldRoutes): readonly string[] {
  const others = rules.filter(({ hop }) => hop?.port !== key).map(({ destination }) => destination);
  const elsewhere = [...system, addresses.office, ...others];
  return rules
    .filter(({ hop }) => hop?.port === key)
    .map(({ destination }) => {
      const holes = elsewhere.filter((range) => isInside(range, destination));
      return `ip saddr ${destination}${holes.length === 0 ? '' : ` ip saddr != { ${holes.join(', ')} }`}`;
    });
}

function isInside(inner: string, outer: string): boolean {
  const [a, b] = [cidr(inner), cidr(outer)];
  return a.bits > b.bits && overlaps(a, b);
}

function guardChains(guards: readonly WorldGuard[], unguarded: readonly string[]): readonly string[] {
  if (guards.length === 0) return [];
  const chains = guards.flatMap(({ port, ingress, egress }) => [
    formatChain(chainName('in', port), filterLines('saddr', ingress, unguarded)),
    formatChain(chainName('out', port), filterLines('daddr', egress, unguarded)),
  ]);
  const jumps = (way: 'in' | 'out') =>
    guards.map(({ port }) => `"${portName('v', port)}" : jump ${chainName(way, port)}`).join(', ');
  return [
    ...chains,
    formatChain('guards', [
      'type filter hook forward priority filter; policy accept;',
      'ct state established,related accept',
      `iifname vmap { ${jumps('out')} }`,
      `oifname vmap { ${jumps('in')} }`,
    ]),
  ];
}

function chainName(way: 'in' | 'out', port: string): string {
  return `${way}-${portName('v', port)}`;
}

/** Admitted is not accepted: the port at the other end has its say, too. */
function filterLines(
  peer: 'saddr' | 'daddr',
  rules: readonly FilterRule[],
  unguarded: readonly string[],
): readonly string[] {
  return [
    `ip ${peer} { ${unguarded.join(', ')} } return`,
    ...rules.filter(({ peers }) => peers.length > 0).map((rule) => formatFilter(peer, rule)),
    'drop',
  ];
}

function formatFilter(peer: 'saddr' | 'daddr', { admits, protocol, peers, ports }: FilterRule): string {
  const verdict = admits ? 'return' : 'drop';
  // A set can't hold everything.
  const from = peers.includes('0.0.0.0/0') ? [] : [`ip ${peer} { ${peers.join(', ')} }`];
  const name = protocol.toLowerCase();
  const what =
    ports.length > 0 ? [`${name} dport { ${ports.join(', ')} }`] : protocol === 'ALL' ? [] : [`ip protocol ${name}`];
  return [...from, ...what, verdict].join(' ');
}

function formatChain(name: string, lines: readonly string[]): string {
  return `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`;
}
