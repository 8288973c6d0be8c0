import { mebi } from '#unit/bytes.ts';
import { parseIp } from '#unit/ip.ts';
import type { CloudMachine } from '../compute.ts';
import type { Host, HostAddress } from './wire/shapes.ts';

/**
 * A machine as DescribeUHostInstance tells it.
 * @shape nic.id is what UCloud calls the object of a secondary address: the interface on machines with elastic interfaces,
 *        else the machine itself
 * @source UCloud API reference, DescribeUHostInstance and AllocateSecondaryIp (ObjectId)
 */
export function parseMachine(host: Host, defaultZone: string): CloudMachine {
  return {
    id: host.UHostId,
    name: host.Name ?? '',
    mark: markOf(host.Tag),
    zone: host.Zone ?? defaultZone,
    state: states[host.State ?? ''] ?? 'unreadable',
    nic: parseNic(host),
    cpu: host.CPU,
    memory: mebi(host.Memory),
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

/** Absent as long as any part of it is: a machine that is being made gets its network piece by piece. */
function parseNic(host: Host): CloudMachine['nic'] {
  const { IP = '', Mac, SubnetId, VPCId, NetworkInterfaceId } = primaryAddress(host.IPSet) ?? {};
  const ip = parseIp(IP);
  if (ip === undefined || Mac === undefined || SubnetId === undefined || VPCId === undefined) return undefined;
  return { id: NetworkInterfaceId ?? host.UHostId, mac: Mac.toLowerCase(), ip, subnet: SubnetId, vpc: VPCId };
}

function primaryAddress(addresses: readonly HostAddress[]): HostAddress | undefined {
  const inner = addresses.filter((a) => a.Type === 'Private');
  return inner.find((a) => a.Default === 'true') ?? inner[0];
}
