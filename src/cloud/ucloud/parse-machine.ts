import { mebi } from '#unit/bytes.ts';
import { type Ip, parseIp } from '#unit/ip.ts';
import type { CloudMachine, MachineHome } from '../compute.ts';
import { makeHome } from './home.ts';
import type { Host, HostAddress } from './wire/shapes.ts';

/** A machine as DescribeUHostInstance tells it. */
export function parseMachine(host: Host, defaultZone: string): CloudMachine {
  const zone = host.Zone ?? defaultZone;
  const interfaces = parseInterfaces(host);
  const [primary] = interfaces;
  return {
    id: host.UHostId,
    name: host.Name ?? '',
    mark: markOf(host.Tag),
    zone,
    state: states[host.State ?? ''] ?? 'unreadable',
    nic: primary && { mac: primary.mac, ip: primary.ip, subnet: primary.subnet, vpc: primary.vpc },
    homes: interfaces.map((one) => homeAt(one, zone)),
    cpu: host.CPU,
    memory: mebi(host.Memory),
    ...(host.RdmaClusterId !== undefined && { diskCluster: host.RdmaClusterId }),
  };
}

/** The business group that carries our mark: the prefix keeps apart what another program or a person grouped. */
export function tagOf(mark: string): string {
  return `${tagPrefix}${mark}`;
}

/** The mark that a business group carries; `undefined` for one that is not ours. */
export function markOf(tag: string | undefined): string | undefined {
  return tag?.startsWith(tagPrefix) ? tag.slice(tagPrefix.length) : undefined;
}

const tagPrefix = 'isthmus-';

const states: Readonly<Record<string, CloudMachine['state']>> = {
  Initializing: 'creating',
  Starting: 'starting',
  Running: 'running',
  Stopping: 'stopping',
  Stopped: 'stopped',
  Rebooting: 'rebooting',
  'Install Fail': 'failed',
};

interface Interface {
  /** What UCloud calls the object of a secondary address: the interface on machines with elastic interfaces, else the machine itself. */
  readonly object: string;
  readonly mac: string;
  readonly ip: Ip;
  readonly subnet: string;
  readonly vpc: string;
}

/**
 * The primary one first, each with its own address. None as long as any part of the primary one is missing: a machine that is being
 * made gets its network piece by piece.
 * @source UCloud API reference, DescribeUHostInstance and AllocateSecondaryIp (ObjectId)
 */
function parseInterfaces(host: Host): readonly Interface[] {
  const inner = host.IPSet.filter(({ Type }) => Type === 'Private');
  const primary = inner.find(({ Default }) => Default === 'true') ?? inner[0];
  const first = primary && parseInterface(primary, primary.NetworkInterfaceId ?? host.UHostId);
  if (first === undefined) return [];
  const further = inner.flatMap((address) => {
    const { NetworkInterfaceId: id } = address;
    const one = id === undefined || id === first.object ? undefined : parseInterface(address, id);
    return one ?? [];
  });
  // It is not documented that an interface is listed once.
  const isFirst = ({ object }: Interface, at: number) => further.findIndex((one) => one.object === object) === at;
  return [first, ...further.filter(isFirst)];
}

function parseInterface({ IP = '', Mac, SubnetId, VPCId }: HostAddress, object: string): Interface | undefined {
  const ip = parseIp(IP);
  if (ip === undefined || Mac === undefined || SubnetId === undefined || VPCId === undefined) return undefined;
  return { object, mac: Mac.toLowerCase(), ip, subnet: SubnetId, vpc: VPCId };
}

function homeAt({ object, mac, ip, subnet, vpc }: Interface, zone: string): MachineHome {
  return { home: makeHome({ zone, vpc, subnet, object, mac }), mac, ip, subnet, most: undefined };
}
