import { command } from '../toolchain/command.ts';
import type { WorldNetwork } from '../ucloud/vpc/world.ts';
import { addresses, mtu } from './addresses.ts';
import { type FabricBalancers, openBalancers } from './balancer/balancers.ts';
import { deleteLinks, inside } from './inside.ts';
import { internetAtOffice, internetAtVpc, internetScript } from './internet.ts';
import { formatLineRate, formatLineRules, type LineState, linePorts, wholeLine } from './line-rules.ts';
import { macOf, markOf, portName } from './names.ts';
import { openVpcPorts, type VpcPort, type VpcPorts } from './vpc-ports.ts';
import { openVpcShape } from './vpc-shape.ts';

/** A physical machine's place on the site's Ethernet segment. */
export interface SitePort {
  readonly key: string;
  readonly ip: string;
}

/**
 * The networks of one lab: the VPC router, the leased line, the site's segment, the office and the internet, as namespaces and links.
 * A machine's cables are made at every power-on, because whatever a guest did to its interfaces must not outlive it.
 */
export interface Fabric
  extends Pick<VpcPorts, 'attach' | 'detach' | 'attachedTo' | 'given' | 'giveAddress' | 'takeAddress' | 'forget'> {
  /** Makes the places and the line; machines come later. */
  raise(): Promise<void>;
  plugIntoVpc(port: VpcPort): Promise<void>;
  plugIntoSite(port: SitePort): Promise<void>;
  /** The site's router: its ports on the segment, the line and the office's own link. */
  plugGateway(key: string): Promise<void>;
  /** The routes that the site's gateway has now, as `ip route` writes them; those to its own networks are left out. */
  gatewayRoutes(key: string): Promise<string[]>;
  setGatewayRoutes(key: string, routes: readonly string[]): Promise<void>;
  /** Removes the machine's namespace and its cables; nothing happens when there are none. */
  unplug(key: string): Promise<void>;
  /** From now on the VPC routes and filters as told, also for machines that are plugged in later. */
  shapeVpc(network: WorldNetwork): Promise<void>;
  /** The VPC's router answers for this address, for a service of the cloud that has one in a subnet. */
  answerAt(ip: string): Promise<void>;
  answerNoMore(ip: string): Promise<void>;
  readonly balancers: FabricBalancers;
  line(): LineState;
  setLine(change: Partial<LineState>): Promise<void>;
}

/** The networks of a lab, made or to be made; which addresses the API has given is known to this value alone. */
export function openFabric(lab: string): Fabric {
  const [vpc, office, wires] = [markOf(lab, 'vpc'), markOf(lab, 'office'), markOf(lab, 'wires')];
  const internet = markOf(lab, 'internet');
  const shape = openVpcShape(lab);
  const balancers = openBalancers(lab, { plug: plugIntoVpc, unplug });
  const {
    plug,
    unplug: unplugPorts,
    ...ports
  } = openVpcPorts(lab, async (key) => {
    await shape.afterPlug(key);
    await balancers.afterPlug(key);
  });
  let line = wholeLine;

  async function applyLine(): Promise<void> {
    const rates = linePorts.map(
      (port) => `if ip link show ${port} >/dev/null 2>&1; then ${formatLineRate(port, line)}; fi`,
    );
    await inside(wires, `nft -f - <<'END'\n${formatLineRules(`isthmus_lab_${lab}`, line)}END\n${rates.join('\n')}`);
  }

  async function plugIntoVpc(port: VpcPort): Promise<void> {
    const machine = markOf(lab, port.key);
    await addNamespace(machine);
    await plug(port);
    await inside(machine, machineScript('eth0', `${port.ip}/${port.prefixLength}`, port.gateway));
  }

  async function unplug(key: string): Promise<void> {
    // Links first: a namespace is taken down some time after its removal, and its cables would be in the way until then.
    await unplugPorts(key);
    await inside(wires, deleteLinks([portName('s', key), ...(key === 'gateway' ? ['line-site', 'o-site'] : [])]));
    const namespace = markOf(lab, key);
    // Somebody else may be removing it at this moment.
    await command('sh', [
      '-euc',
      `[ ! -e /run/netns/${namespace} ] || ip netns del ${namespace} || [ ! -e /run/netns/${namespace} ]`,
    ]);
  }

  return {
    raise: async () => {
      for (const place of [vpc, office, wires, internet]) await addNamespace(place);
      await inside(wires, wiresScript);
      await inside(vpc, vpcScript(wires, office));
      await inside(office, officeScript(wires));
      await inside(vpc, internetAtVpc(internet));
      await inside(internet, internetScript(office));
      await inside(office, internetAtOffice);
      await inside(wires, 'ip link set line-vpc master line up; ip link set o-office master office up');
      await applyLine();
    },
    plugIntoVpc,
    plugIntoSite: async (port) => {
      const machine = markOf(lab, port.key);
      await addNamespace(machine);
      await inside(wires, cable({ lab, key: port.key, nic: 'eth0', port: portName('s', port.key), bridge: 'site' }));
      await inside(machine, machineScript('eth0', `${port.ip}/24`, addresses.siteGateway));
    },
    plugGateway: async (key) => {
      const machine = markOf(lab, key);
      await addNamespace(machine);
      await inside(
        wires,
        [
          cable({ lab, key, nic: 'eth0', port: portName('s', key), bridge: 'site' }),
          cable({ lab, key, nic: 'line0', port: 'line-site', bridge: 'line' }),
          cable({ lab, key, nic: 'office0', port: 'o-site', bridge: 'office' }),
        ].join('\n'),
      );
      await inside(machine, gatewayScript);
      await applyLine();
    },
    gatewayRoutes: async (key) => {
      const said = await inside(markOf(lab, key), 'ip -4 route show');
      return said
        .split('\n')
        .map((line) => line.replace(/ linkdown/, '').trim())
        .filter((line) => line !== '' && !line.includes('proto kernel'));
    },
    setGatewayRoutes: async (key, routes) => {
      await inside(markOf(lab, key), routes.map((route) => `ip route replace ${route}`).join('\n'));
    },
    unplug,
    ...ports,
    shapeVpc: (network) => shape.become(network),
    answerAt: async (ip) => void (await inside(vpc, `ip address replace ${ip}/32 dev lo`)),
    answerNoMore: async (ip) => void (await inside(vpc, `ip address del ${ip}/32 dev lo 2>/dev/null || true`)),
    balancers,
    line: () => line,
    setLine: async (change) => {
      line = { ...line, ...change };
      await applyLine();
    },
  };
}

/** A new namespace takes over some IPv4 settings of the computer; a machine starts with the kernel's own. */
async function addNamespace(name: string): Promise<void> {
  await command('ip', ['netns', 'add', name]);
  await inside(
    name,
    `sysctl -q -w net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip link set lo up`,
  );
}

const wiresScript = `
sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
for bridge in line site office; do
  ip link add $bridge mtu ${mtu.site} type bridge mcast_snooping 0
  ip link set $bridge up
done`;

/** The pod range of the site goes to the line as a whole: the cloud can't know which machine has which part of it. */
function vpcScript(wires: string, office: string): string {
  const { line, officeToVpc } = addresses;
  return `
sysctl -q -w net.ipv4.ip_forward=1
for service in ${addresses.metadata} ${addresses.api} ${addresses.store}; do ip address add $service/32 dev lo; done
ip link add line0 mtu ${mtu.site} type veth peer name line-vpc mtu ${mtu.site} netns ${wires}
ip address add ${line.vpc}/30 dev line0
ip link set line0 up
ip link add office0 mtu ${mtu.site} type veth peer name vpc0 mtu ${mtu.site} netns ${office}
ip address add ${officeToVpc.vpc}/30 dev office0
ip link set office0 up
ip route add ${addresses.site} via ${line.site} dev line0
ip route add ${addresses.sitePods} via ${line.site} dev line0
ip route add ${addresses.office} via ${officeToVpc.office} dev office0
ip route add blackhole ${addresses.vpc}`;
}

/** The office reaches cloud and site by links of its own, so that a cut of the line does not lock the operator out. */
function officeScript(wires: string): string {
  const { officeToVpc, officeToSite } = addresses;
  return `
ip address add ${addresses.officeHost}/32 dev lo
ip address add ${officeToVpc.office}/30 dev vpc0
ip link set vpc0 up
ip link add site0 mtu ${mtu.site} type veth peer name o-office mtu ${mtu.site} netns ${wires}
ip address add ${officeToSite.office}/30 dev site0
ip link set site0 up
for range in ${addresses.vpc} ${addresses.services}; do
  ip route add $range via ${officeToVpc.vpc} dev vpc0 src ${addresses.officeHost}
done
for range in ${addresses.site} ${addresses.sitePods}; do
  ip route add $range via ${officeToSite.site} dev site0 src ${addresses.officeHost}
done`;
}

interface Cable {
  readonly lab: string;
  readonly key: string;
  readonly nic: string;
  readonly port: string;
  readonly bridge: string;
}

function cable({ lab, key, nic, port, bridge }: Cable): string {
  const far = `${nic} mtu ${mtu.site} address ${macOf(lab, key, nic)} netns ${markOf(lab, key)}`;
  return `
ip link add ${port} mtu ${mtu.site} type veth peer name ${far}
ip link set ${port} master ${bridge} up`;
}

function machineScript(nic: string, address: string, gateway: string): string {
  return `
ip address add ${address} dev ${nic}
ip link set ${nic} up
ip route add default via ${gateway} dev ${nic}`;
}

const gatewayScript = `
ip address add ${addresses.siteGateway}/24 dev eth0
ip address add ${addresses.line.site}/30 dev line0
ip address add ${addresses.officeToSite.site}/30 dev office0
for nic in eth0 line0 office0; do ip link set $nic up; done
for range in ${addresses.vpc} ${addresses.services}; do ip route add $range via ${addresses.line.vpc} dev line0; done
ip route add ${addresses.office} via ${addresses.officeToSite.office} dev office0`;
