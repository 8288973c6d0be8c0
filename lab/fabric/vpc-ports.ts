import { mtu } from './addresses.ts';
import { deleteLinks, inside } from './inside.ts';
import { markOf, portName } from './names.ts';

/** A place in the VPC: of a cloud machine, whose key it has, or of a further interface with a key of its own. */
export interface VpcPort {
  readonly key: string;
  readonly mac: string;
  readonly ip: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** The VPC router's ports, and the addresses that each may use. Which addresses the API has given is known to this value alone. */
export interface VpcPorts {
  /** Makes the machine's cables, its further interfaces among them; its network namespace is there and empty. */
  readonly plug: (port: VpcPort) => Promise<void>;
  /** Removes the machine's cables; nothing happens when there are none. */
  readonly unplug: (machine: string) => Promise<void>;
  /**
   * Gives the machine a further interface: at once if it is plugged, and whenever it is plugged in anew. The link has the next free
   * name `ethN`, is down and without an address: what becomes of it is the guest's affair.
   */
  readonly attach: (machine: string, port: VpcPort) => Promise<void>;
  readonly detach: (machine: string, key: string) => Promise<void>;
  /** Keys of the machine's further interfaces. */
  readonly attachedTo: (machine: string) => readonly string[];
  /** From now on the VPC carries packets from and to `ip` for this port, also after it is plugged in anew. */
  readonly giveAddress: (key: string, ip: string) => Promise<void>;
  readonly takeAddress: (key: string, ip: string) => Promise<void>;
  /** Every address that was given and not taken, by port. */
  readonly given: () => ReadonlyMap<string, ReadonlySet<string>>;
  /** Forgets the machine's addresses and interfaces: it will not come back. */
  readonly forget: (machine: string) => void;
}

/** @shape `afterPlug` is called when a port has a new cable, with its key */
export function openVpcPorts(lab: string, afterPlug: (key: string) => Promise<void>): VpcPorts {
  const vpc = markOf(lab, 'vpc');
  const plugged = new Map<string, VpcPort>();
  const given = new Map<string, Set<string>>();
  const attached = new Map<string, Map<string, VpcPort>>();
  const furtherOf = (machine: string): Map<string, VpcPort> => attached.get(machine) ?? new Map<string, VpcPort>();

  async function connect(port: VpcPort, machine: string, nic: string): Promise<void> {
    await inside(vpc, portScript(port, { namespace: markOf(lab, machine), nic }, given.get(port.key) ?? new Set()));
    plugged.set(port.key, port);
    await afterPlug(port.key);
  }

  async function disconnect(keys: readonly string[]): Promise<void> {
    for (const key of keys) plugged.delete(key);
    await inside(vpc, deleteLinks(keys.map((key) => portName('v', key))));
  }

  return {
    plug: async (port) => {
      await connect(port, port.key, 'eth0');
      for (const further of furtherOf(port.key).values()) await connect(further, port.key, nextFree);
    },
    unplug: (machine) => disconnect([machine, ...furtherOf(machine).keys()]),
    attach: async (machine, port) => {
      // From a machine that has ended, perhaps.
      for (const others of attached.values()) others.delete(port.key);
      attached.set(machine, furtherOf(machine).set(port.key, port));
      if (plugged.has(port.key)) await disconnect([port.key]);
      if (plugged.has(machine)) await connect(port, machine, nextFree);
    },
    detach: async (machine, key) => {
      if (furtherOf(machine).delete(key)) await disconnect([key]);
    },
    attachedTo: (machine) => [...furtherOf(machine).keys()],
    giveAddress: async (key, ip) => {
      given.set(key, (given.get(key) ?? new Set()).add(ip));
      const port = plugged.get(key);
      if (port !== undefined) await inside(vpc, `ip route replace ${secondaryRoute(port, ip)}`);
    },
    takeAddress: async (key, ip) => {
      given.get(key)?.delete(ip);
      const port = plugged.get(key);
      if (port !== undefined) await inside(vpc, dropSecondary(port, ip));
    },
    given: () => given,
    forget: (machine) => {
      given.delete(machine);
      attached.delete(machine);
    },
  };
}

const nextFree = 'next-free';

/**
 * With `rp_filter=1` the router drops a packet whose source it would not answer through the same port: exactly the
 * addresses without a route here, which are those the API has not given to this port. A link that is there already is one of a
 * machine that lost its power together with the lab's server.
 */
function portScript(
  port: VpcPort,
  { namespace, nic }: { readonly namespace: string; readonly nic: string },
  secondary: ReadonlySet<string>,
): string {
  const link = portName('v', port.key);
  return `
ip link del ${link} 2>/dev/null || true
${nic === nextFree ? findFreeName(namespace) : `nic=${nic}`}
ip link add ${link} mtu ${mtu.vpc} type veth peer name "$nic" mtu ${mtu.vpc} address ${port.mac} netns ${namespace}
sysctl -q -w net.ipv4.conf.${link}.rp_filter=1 net.ipv4.conf.${link}.proxy_arp=1 net.ipv4.neigh.${link}.proxy_delay=0
ip address add ${port.gateway}/32 dev ${link}
ip link set ${link} up
ip route replace ${port.ip}/32 dev ${link}
${[...secondary].map((ip) => `ip route replace ${secondaryRoute(port, ip)}`).join('\n')}`;
}

/** As the kernel of a real machine would name it. */
function findFreeName(namespace: string): string {
  return `n=1; while ip -n ${namespace} link show eth$n >/dev/null 2>&1; do n=$((n+1)); done; nic=eth$n`;
}

/** By way of the port's primary address: the router needs no ARP answer for an address of a pod. */
function secondaryRoute(port: VpcPort, ip: string): string {
  return `${ip}/32 via ${port.ip} dev ${portName('v', port.key)} onlink`;
}

/** Only where it still points at this port: the address may have moved on to another one. */
function dropSecondary(port: VpcPort, ip: string): string {
  const route = `${ip}/32 dev ${portName('v', port.key)}`;
  return `if [ -n "$(ip route show ${route})" ]; then ip route del ${route}; fi`;
}
