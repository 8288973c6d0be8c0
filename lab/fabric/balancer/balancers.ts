import { existsSync, readdirSync } from 'node:fs';
import type { WorldApplicationBalancer } from '../../ucloud/ulb/application/world.ts';
import type { WorldBalancer } from '../../ucloud/ulb/network/world.ts';
import type { WorldPlace } from '../../ucloud/ulb/world-place.ts';
import { inside } from '../inside.ts';
import { internetTables } from '../internet.ts';
import { labPrefix, macOf, markOf, portName } from '../names.ts';
import type { VpcPort } from '../vpc-ports.ts';
import { type BalancerParts, formatBalancerRules, isProxied } from './balancer-rules.ts';
import { type DirectReturn, openDirectReturn } from './direct-return.ts';
import { openProxies } from './proxies.ts';
import type { ProxyOrder } from './proxy.ts';

/**
 * Load balancers as hosts of the VPC: each has a network namespace with a port of its own, so that whoever judges packets in the VPC
 * judges theirs. A network load balancer forwards by its kernel's packet filter, and goes on while the lab's server does not run.
 * Balancers whose targets answer directly are no hosts: the VPC's router itself brings packets to their targets. Listeners that need more than a packet filter, and application load balancers, have a process, which ends with the lab's server.
 */
export interface FabricBalancers {
  /** Makes the balancer where there is none, and makes it forward as told. */
  readonly shape: (wanted: WorldBalancer) => Promise<void>;
  /** As `shape`, for one that answers requests. */
  readonly shapeApplication: (wanted: WorldApplicationBalancer) => Promise<void>;
  /** As `shape`, for one whose targets answer clients directly. */
  readonly shapeDirect: DirectReturn['shape'];
  /** A machine has a new port in the VPC. */
  readonly afterPlug: DirectReturn['afterPlug'];
  /** Nothing happens when there is no such balancer. */
  readonly remove: (id: string) => Promise<void>;
  /** Ids of the balancers that the lab has, from before a restart too. */
  readonly all: () => readonly string[];
}

/** @shape plug: makes a namespace and a port in the VPC for it; unplug: removes both, or what is there of them */
export function openBalancers(
  lab: string,
  { plug, unplug }: { plug: (port: VpcPort) => Promise<void>; unplug: (key: string) => Promise<void> },
): FabricBalancers {
  const vpc = markOf(lab, 'vpc');
  const placed = new Map<string, BalancerParts>();
  const proxies = openProxies<ProxyOrder>(lab, 'proxy.ts');
  const direct = openDirectReturn(lab);
  const httpProxies = openProxies<WorldApplicationBalancer>(lab, 'http-proxy.ts');

  /** Does nothing when it is there. */
  async function make({ id, ip, prefixLength, gateway }: WorldPlace, backIps: readonly string[]): Promise<void> {
    if (await isWhole(lab, id)) return;
    // Of an attempt that failed half-way, perhaps.
    await unplug(id);
    await plug({ key: id, mac: macOf(lab, id, 'eth0'), ip, prefixLength, gateway });
    const addresses = backIps.map((backIp) => `ip address add ${backIp}/32 dev eth0`);
    await inside(markOf(lab, id), [...addresses, 'sysctl -q -w net.ipv4.ip_forward=1'].join('\n'));
  }

  return {
    shape: async (wanted) => {
      const { id, backIp } = wanted;
      await make(wanted, [backIp]);
      const { file, parts } = formatBalancerRules(wanted, placed.get(id));
      await inside(markOf(lab, id), `${formatPublicAddresses(wanted)}\nnft -f - <<'END'\n${file}END`);
      placed.set(id, parts);
      await proxies.order(id, { backIp, listeners: wanted.listeners.filter(isProxied) });
      await inside(vpc, formatBalancerRoutes(wanted, [backIp]));
    },
    shapeApplication: async (wanted) => {
      const { id, snatIps } = wanted;
      await make(wanted, snatIps);
      await inside(markOf(lab, id), formatPublicAddresses(wanted));
      await httpProxies.order(id, wanted);
      await inside(vpc, formatBalancerRoutes(wanted, snatIps));
    },
    shapeDirect: direct.shape,
    afterPlug: direct.afterPlug,
    remove: async (id) => {
      if (direct.all().includes(id)) return direct.remove(id);
      placed.delete(id);
      proxies.end(id);
      httpProxies.end(id);
      await unplug(id);
    },
    all: () => [...balancersIn(lab), ...direct.all()],
  };
}

const beginnings = ['alb-', 'nlb-'];

function balancersIn(lab: string): readonly string[] {
  if (!existsSync('/run/netns')) return [];
  const prefix = labPrefix(lab);
  return readdirSync('/run/netns')
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((id) => beginnings.some((beginning) => id.startsWith(beginning)))
    .sort();
}

/** Forwarding is the last thing that is switched on. */
async function isWhole(lab: string, id: string): Promise<boolean> {
  if (!balancersIn(lab).includes(id)) return false;
  const seen = `if ip link show eth0 >/dev/null 2>&1; then sysctl -n net.ipv4.ip_forward; fi`;
  return (await inside(markOf(lab, id), seen)).trim() === '1';
}

/** Its own for a process that answers on them, and for pings. */
function formatPublicAddresses({ publicIps }: WorldPlace): string {
  return `
ip -4 -o address show dev lo label lo:eip | while read -r n link family address rest; do
  case ' ${publicIps.join(' ')} ' in *" ${'${address%/*}'} "*) ;; *) ip address del "$address" dev lo ;; esac
done
${publicIps.map((eip) => `ip address replace ${eip}/32 dev lo label lo:eip`).join('\n')}`;
}

/**
 * How packets get to the balancer beside its first address, and from where they may come. The internet's way is a table of its own:
 * nothing in the VPC gets to a public address that way.
 */
function formatBalancerRoutes({ id, ip, publicIps }: WorldPlace, backIps: readonly string[]): string {
  const link = portName('v', id);
  const table = internetTables.toCloud;
  const wanted = ` ${publicIps.join(' ')} `;
  return `
${backIps.map((backIp) => `ip route replace ${backIp}/32 via ${ip} dev ${link} onlink`).join('\n')}
${publicIps.map((eip) => `ip route replace ${eip}/32 via ${ip} dev ${link} onlink table ${table}`).join('\n')}
ip -4 route show table ${table} dev ${link} | while read -r eip rest; do
  case '${wanted}' in *" $eip "*) ;; *) ip route del "$eip" dev ${link} table ${table} ;; esac
done`;
}
