import { type Cidr, ipOf, sizeOf } from '#unit/ip.ts';
import type { VpcCloud } from './cloud.ts';
import { gatewayOf, rangeOf, subnetOf } from './lookup.ts';
import { addressQuota, type Nic, nicAt, secondaryOf } from './nic.ts';
import { bindingsOf } from './port.ts';
import type { InterfaceRecord, Placed } from './state.ts';

/** 0: in no machine, 1: in one. A choice of ours, see docs/explanation/simulated-cloud.md. */
const status = { free: 0, attached: 1 } as const;

/** What every answer tells of an interface. */
function commonForm(nic: Nic, state: Placed) {
  const range = rangeOf(subnetOf(nic.subnet, state));
  const isIn = nic.record === undefined || nic.record.at === 'attached' || nic.record.at === 'detaching';
  return {
    InterfaceId: nic.object,
    VPCId: nic.vpc,
    SubnetId: nic.subnet,
    PrivateIpSet: [nic.ip, ...secondaryOf(nic, state)],
    MacAddress: nic.mac,
    Status: isIn ? status.attached : status.free,
    Name: nic.name,
    Netmask: maskOf(range),
    Gateway: gatewayOf(range),
    AttachInstanceId: isIn ? (nic.machine?.id ?? '') : '',
    Default: nic.record === undefined,
    CreateTime: nic.record?.createdAt ?? nic.machine?.createdAt ?? 0,
    Remark: nic.record?.remark ?? '',
    Tag: nic.record?.tag ?? 'Default',
  };
}

/** In the answer of a creation. */
export function createdForm({ id }: InterfaceRecord, state: Placed): object {
  return { ...commonForm(nicAt(id, state), state), EipDirectMode: false, EipDirectVersion: 0 };
}

/** In the list of a machine's interfaces. */
export function attachedForm(nic: Nic, state: Placed): object {
  return { ...commonForm(nic, state), EIPIdSet: [], FirewallIdSet: [] };
}

/** In the list of all. */
export function nicForm(nic: Nic, { state, bounds }: VpcCloud): object {
  const secondary = secondaryOf(nic, state);
  const groups = bindingsOf(nic.object, state);
  return {
    ...attachedForm(nic, state),
    FirewallSet: [],
    EipDirectMode: false,
    EipDirectionVersion: 0,
    DefaultOutput: '',
    PrivateIp: [
      { IpType: 'PrimaryIp', IpAddr: [nic.ip] },
      ...(secondary.length === 0 ? [] : [{ IpType: 'SecondaryIp', IpAddr: secondary }]),
    ],
    IPv6AddressInfo: [],
    IPv6Gateway: '',
    IPv6Mask: 0,
    OperatorName: '',
    SecGroupCount: groups.length,
    SecGroup: groups.map(({ group, priority }) => ({ Name: group.name, Priority: priority, SecGroupId: group.id })),
    PrivateIpLimit: { PrivateIpCount: secondary.length + 1, PrivateIpQuota: addressQuota(nic, bounds) },
  };
}

/** 255.255.255.0 for a /24. */
export function maskOf(range: Cidr): string {
  return ipOf(2 ** 32 - sizeOf(range));
}
