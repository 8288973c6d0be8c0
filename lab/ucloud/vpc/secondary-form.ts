import type { Outcome } from './give-secondary.ts';
import { maskOf } from './interface-form.ts';
import { gatewayOf, rangeOf, subnetOf } from './lookup.ts';
import { type Nic, nicAt, secondaryOf } from './nic.ts';
import type { AddressRecord, Placed, SubnetRecord } from './state.ts';

function placeOf(nic: Nic, subnet: SubnetRecord) {
  const range = rangeOf(subnet);
  return { Mask: maskOf(range), Gateway: gatewayOf(range), Mac: nic.mac, VPCId: subnet.vpc };
}

export function ipInfo(record: AddressRecord, state: Placed) {
  const place = placeOf(nicAt(record.port, state), subnetOf(record.subnet, state));
  return { Ip: record.ip, ...place, SubnetId: record.subnet };
}

export function batchForm({ ip, failed }: Outcome, nic: Nic, subnet: SubnetRecord): object {
  return {
    Ip: ip,
    ...placeOf(nic, subnet),
    SubnetId: subnet.id,
    Status: failed === undefined ? { StatusCode: 'Succeeded', Message: '' } : { StatusCode: 'Failed', Message: failed },
  };
}

/**
 * The single call answers with what the reference's example has, and with the model's SubnetId, which clients read.
 * @source ucloud/uk8s-cni-vpc @736247a stores SubnetId and sends it on
 */
export function exampleForm(record: AddressRecord, state: Placed): object {
  const info = ipInfo(record, state);
  return {
    ...info,
    SubnetworkId: info.SubnetId,
    SubnetworkType: 0,
    ObjectId: nicAt(record.port, state).object,
    IpType: 0,
    AccountId: 0,
    AzId: 0,
    ZoneId: 0,
    OperatorId: 0,
    OtherIp: '',
    OtherIpMask: '',
    PipId: '',
    VIP: null,
  };
}

/** The primary address of an interface and its secondary ones. */
export function privateIps(nic: Nic, state: Placed) {
  const form = (ip: string, type: 'PrimaryIP' | 'SecondaryIP') => ({
    PrivateIP: ip,
    PrivateIPType: type,
    ResourceID: nic.object,
    ResourceName: nic.name,
    SubnetID: nic.subnet,
    VPCID: nic.vpc,
    EIP: '',
    EIPId: '',
  });
  return [form(nic.ip, 'PrimaryIP'), ...secondaryOf(nic, state).map((ip) => form(ip, 'SecondaryIP'))];
}
