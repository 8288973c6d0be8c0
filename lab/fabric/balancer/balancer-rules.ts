import { createHash } from 'node:crypto';
import type { WorldBalancer, WorldListener } from '../../ucloud/ulb/network/world.ts';
import type { WorldTarget } from '../../ucloud/ulb/world-place.ts';

/** What one nft file has put in place and the next one, where it names it no more, takes away. */
export interface BalancerParts {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
}

/**
 * One nft file that makes the balancer forward as told, in one transaction. Clients keep their targets over it, and connections that
 * are known go on whatever it says. `before`: what the last file named; `undefined`: not known, everything is made anew.
 *
 * Both addresses of a packet are changed (full NAT): the target sees the balancer's own address.
 * @source UCloud API reference, nlb-api, IPInfo of type 2
 */
export function formatBalancerRules(
  wanted: WorldBalancer,
  before: BalancerParts | undefined,
): { readonly file: string; readonly parts: BalancerParts } {
  const answered = wanted.listeners.filter(({ targets }) => targets.length > 0);
  const listeners = answered.filter((listener) => !isProxied(listener));
  const aims = listeners.flatMap((listener) => listener.targets.map((target) => aimAt(listener, target)));
  const parts = partsOf(aims, listeners);
  const chains = [
    ...aims.flatMap(({ chain, lines }) => formatChain(chain, lines)),
    ...listeners.flatMap((listener) => formatChain(chainOf(listener), chooseLines(listener, aimAt))),
    ...formatChain('arriving', [
      'type nat hook prerouting priority dstnat; policy accept;',
      ...listeners.map((listener) => `${arrivalMatch(listener, wanted)} goto ${chainOf(listener)}`),
    ]),
    ...formatChain('leaving', [
      'type nat hook postrouting priority srcnat; policy accept;',
      `ct status dnat snat to ${wanted.backIp}`,
    ]),
    ...formatChain('passing', ['type filter hook forward priority filter; policy drop;', 'ct status dnat accept']),
    // What no listener with a healthy target takes is met with silence.
    ...formatChain('own', [
      'type filter hook input priority filter; policy accept;',
      'ct state established,related accept',
      ...answered.filter(isProxied).map((listener) => `${arrivalMatch(listener, wanted)} accept`),
      'meta l4proto { tcp, udp } drop',
    ]),
  ];
  return { file: formatTable({ table, aims, chains, parts }, before), parts };
}

/** Of what the file before named, what this one does not name goes away; the rest keeps what it remembers. */
export function formatTable(
  {
    table,
    aims,
    chains,
    parts,
  }: { table: string; aims: readonly Aim[]; chains: readonly string[]; parts: BalancerParts },
  before: BalancerParts | undefined,
): string {
  const file = [
    `table ip ${table}`,
    `${before === undefined ? 'delete' : 'flush'} table ip ${table}`,
    `table ip ${table} {`,
    ...aims
      .flatMap(({ set }) => set ?? [])
      .map(
        ({ name, timeout }) =>
          `  set ${name} { type ipv4_addr; size 65536; flags dynamic,timeout; timeout ${timeout}s; }`,
      ),
    ...chains,
    '}',
    ...gone(before?.chains, parts.chains).map((chain) => `delete chain ip ${table} ${chain}`),
    ...gone(before?.sets, parts.sets).map((set) => `delete set ip ${table} ${set}`),
  ];
  return `${file.join('\n')}\n`;
}

export function partsOf(aims: readonly Aim[], listeners: readonly Chosen[]): BalancerParts {
  return {
    chains: [...aims.map(({ chain }) => chain), ...listeners.map(chainOf)],
    sets: aims.flatMap(({ set }) => set?.name ?? []),
  };
}

const table = 'balancer';

/** Whether a listener needs a process: a packet filter writes nothing to a connection, and counts none. */
export function isProxied({ forwardSource, scheduler }: WorldListener): boolean {
  return forwardSource === 'ProxyProto' || scheduler === 'LeastConn' || scheduler === 'WeightLeastConn';
}

/** A listener, as far as targets are chosen by it. */
export type Chosen = Pick<WorldListener, 'id' | 'protocol' | 'scheduler' | 'stickiness'> & {
  readonly targets: readonly WorldTarget[];
};

export interface Aim {
  readonly chain: string;
  readonly set: { readonly name: string; readonly timeout: number } | undefined;
  readonly lines: readonly string[];
}

function aimAt(listener: WorldListener, target: WorldTarget): Aim {
  // A listener for several ports leaves the port as it is.
  const to = isRange(listener) ? target.ip : `${target.ip}:${target.port}`;
  return aimOf(listener, target, `meta l4proto ${listener.protocol.toLowerCase()} dnat to ${to}`);
}

/** Where new connections to one target go, with the clients that keep it. @shape line: what brings them there */
export function aimOf({ id, protocol, stickiness }: Chosen, target: WorldTarget, line: string): Aim {
  const key = `${protocol.toLowerCase()}-${digest(`${id} ${target.ip} ${target.port}`)}`;
  // The time is part of the name: a set can't get another one.
  const set = stickiness === 0 ? undefined : { name: `kept-${stickiness}-${key}`, timeout: stickiness };
  return {
    chain: `to-${key}`,
    set,
    lines: [...(set === undefined ? [] : [`update @${set.name} { ip saddr }`]), line],
  };
}

export function chooseLines<L extends Chosen>(
  listener: L,
  aimAt: (listener: L, target: L['targets'][number]) => Aim,
): readonly string[] {
  const aims = listener.targets.map((target) => ({ ...aimAt(listener, target), weight: weightOf(listener, target) }));
  const kept = aims.flatMap(({ set, chain }) => (set === undefined ? [] : [`ip saddr @${set.name} goto ${chain}`]));
  const whole = aims.reduce((sum, { weight }) => sum + weight, 0);
  const turn = listener.scheduler === 'SourceHash' ? `jhash ip saddr mod ${whole} seed 0x1` : `numgen inc mod ${whole}`;
  let from = 0;
  const shares = aims.map(({ chain, weight }) => {
    const share = weight === 1 ? String(from) : `${from}-${from + weight - 1}`;
    from += weight;
    return `${share} : goto ${chain}`;
  });
  return [...kept, `${turn} vmap { ${shares.join(', ')} }`];
}

/** Of weights only the weighted schedulers take notice. */
function weightOf({ scheduler }: Chosen, { weight }: WorldTarget): number {
  return scheduler === 'WeightRoundRobin' ? weight : 1;
}

function arrivalMatch(listener: WorldListener, { ip, publicIps }: WorldBalancer): string {
  const { protocol, startPort, endPort } = listener;
  const ports = isRange(listener) ? `${startPort}-${endPort}` : String(startPort);
  return `ip daddr { ${[ip, ...publicIps].join(', ')} } ${protocol.toLowerCase()} dport ${ports}`;
}

function isRange({ startPort, endPort }: WorldListener): boolean {
  return startPort !== endPort;
}

export function chainOf({ id }: Pick<Chosen, 'id'>): string {
  return `of-${digest(id)}`;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function gone(before: readonly string[] = [], now: readonly string[]): readonly string[] {
  return before.filter((name) => !now.includes(name));
}

export function formatChain(name: string, lines: readonly string[]): readonly string[] {
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), '  }'];
}
