import { createHash } from 'node:crypto';
import type { WorldDirectBalancer, WorldDirectListener, WorldDirectTarget } from '../../ucloud/ulb/classic/world.ts';
import { type Generation, ifPlugged } from '../vpc-rules.ts';
import {
  type Aim,
  aimOf,
  type BalancerParts,
  chainOf,
  chooseLines,
  formatChain,
  formatTable,
  partsOf,
} from './balancer-rules.ts';

/** Before the rules for what comes from the internet and goes there. */
const priorities = [800, 801] as const;
const table = 'direct';

/**
 * The shell script that brings packets to targets as the VPC's router does it: the destination stays what it was, and only the next hop
 * is chosen, once for each connection. Each target has a route table of its own, which packets with its mark follow, and so do its
 * checks. An address that nobody has takes what no listener does: it leads to the router itself, where it ends.
 * @shape next: the generation of rules that is not in force
 */
export function formatDirectRoutes(balancers: readonly WorldDirectBalancer[], next: Generation): string {
  const pref = priorities[next];
  const rules = balancers.flatMap(({ listeners, addresses }) =>
    listeners.flatMap(({ targets }) =>
      targets.flatMap((target) => {
        const mark = markOf(target);
        const hop = (link: string) => `ip route replace default via ${target.ip} dev ${link} onlink table ${mark}`;
        return [
          ifPlugged(target.at, hop),
          `ip rule add pref ${pref} fwmark ${mark} lookup ${mark}`,
          ...addresses.map((to) => `ip rule add pref ${pref} from ${target.checkedFrom} to ${to} lookup ${mark}`),
        ];
      }),
    ),
  );
  const addresses = balancers.flatMap((balancer) => balancer.addresses);
  return [dropRules(pref), ...rules, formatOwnRoutes(addresses), dropRules(priorities[next === 0 ? 1 : 0])].join('\n');
}

function dropRules(pref: number): string {
  return `while ip rule del pref ${pref} 2>/dev/null; do :; done`;
}

/** A neighbour asks for the address on its segment: the router answers for what it has a route to. */
function formatOwnRoutes(addresses: readonly string[]): string {
  return `${addresses.map((ip) => `ip route replace ${ip}/32 dev lo`).join('\n')}
ip -4 route show table main dev lo | while read -r ip rest; do
  case ' ${addresses.join(' ')} ' in *" $ip "*) ;; *) ip route del "$ip" dev lo table main ;; esac
done`;
}

/** One nft file that chooses targets as told, in one transaction. Clients keep their targets over it. */
export function formatDirectRules(
  balancers: readonly WorldDirectBalancer[],
  before: BalancerParts | undefined,
): { readonly file: string; readonly parts: BalancerParts } {
  const listeners = balancers.flatMap(({ addresses, listeners: all }) =>
    all
      .map((listener) => ({ ...listener, addresses, targets: listener.targets.filter((one) => one.takesPackets) }))
      .filter(({ targets }) => targets.length > 0 && addresses.length > 0),
  );
  const aims = listeners.flatMap((listener) => listener.targets.map((target) => aimAt(listener, target)));
  const parts = partsOf(aims, listeners);
  const addresses = balancers.flatMap((balancer) => balancer.addresses);
  const chains = [
    ...aims.flatMap(({ chain, lines }) => formatChain(chain, lines)),
    ...listeners.flatMap((listener) => formatChain(chainOf(listener), chooseLines(listener, aimAt))),
    ...formatChain('arriving', [
      'type filter hook prerouting priority mangle; policy accept;',
      ...listeners.map((listener) => `${arrivalMatch(listener)} ct state new jump ${chainOf(listener)}`),
      ...(addresses.length === 0 ? [] : [`ip daddr { ${addresses.join(', ')} } meta mark set ct mark`]),
    ]),
  ];
  return { file: formatTable({ table, aims, chains, parts }, before), parts };
}

function aimAt(listener: WorldDirectListener, target: WorldDirectTarget): Aim {
  return aimOf(listener, target, `ct mark set ${markOf(target)}`);
}

function arrivalMatch({ addresses, protocol, port }: WorldDirectListener & { addresses: readonly string[] }): string {
  return `ip daddr { ${addresses.join(', ')} } ${protocol.toLowerCase()} dport ${port}`;
}

/** The same for as long as the target is one: connections go on by it. It is above the numbers of the VPC's own tables. */
function markOf({ id }: WorldDirectTarget): number {
  return 0x10_00_00 + (createHash('sha256').update(id).digest().readUInt32BE() >>> 2);
}
