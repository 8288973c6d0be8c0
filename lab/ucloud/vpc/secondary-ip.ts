import * as z from 'zod';
import { type Action, address, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import { chooseAddresses } from './choose-address.ts';
import { action, type VpcCloud } from './cloud.ts';
import {
  giveAny,
  giveThese,
  interfaceFull,
  readBlocks,
  roomFor,
  roomOn,
  subnetFull,
  whyNot,
} from './give-secondary.ts';
import { rangeOf, subnetOf, takenIn } from './lookup.ts';
import { isSameMac, type Nic, nicAt, nicsOf } from './nic.ts';
import { batchForm, exampleForm, ipInfo, privateIps } from './secondary-form.ts';
import type { AddressRecord, Placed, SubnetRecord } from './state.ts';

const home = {
  ...place,
  Zone: text,
  ProjectId: text,
  Mac: text,
  ObjectId: text,
  SubnetId: text.optional(),
  VPCId: text.optional(),
};

// Which back ends write RetCode as text is not published. Here it is this one, so that a client that compares with the
// number alone is found out.
const asText = { retCode: 'text' } as const;

/**
 * Secondary addresses. MAC, subnet and object are checked together; 57000: no free address in the subnet; 58221: no such
 * secondary address; 4207: the interface is full. The code of the last is unpublished, it is the network products' quota code.
 * @source UCloud API reference, vpc2.0-api and unet-api DescribePrivateIP; ucloud/uk8s-cni-vpc pkg/ipamd/uapi.go @736247a
 */
export const secondaryIpActions: Readonly<Record<string, Action<VpcCloud>>> = {
  AllocateSecondaryIp: action(
    { ...home, Ip: address.optional() },
    (args, cloud) => {
      const { nic, subnet } = readHome(args, cloud.state);
      const taken = takenIn(subnet.id, cloud.state);
      const room = roomFor(nic, cloud);
      if (room.count < 1) throw room.full;
      if (args.Ip !== undefined) {
        const why = whyNot(args.Ip, subnet, taken);
        if (why !== undefined) throw notValid('Ip', why);
      }
      const [ip] = args.Ip === undefined ? chooseAddresses(rangeOf(subnet), taken, 1) : [args.Ip];
      if (ip === undefined) throw subnetFull(subnet);
      return { IpInfo: exampleForm(cloud.addresses.give(ip, subnet.id, nic.port), cloud.state) };
    },
    asText,
  ),

  AllocateBatchSecondaryIp: action(
    { ...home, Ip: texts, Count: integer.pipe(z.number().min(1).max(1000)).optional() },
    (args, cloud) => {
      const { nic, subnet } = readHome(args, cloud.state);
      if (args.Count !== undefined && args.Ip.length > 0) throw notValid('Count', 'Ip and Count exclude each other');
      const asked = args.Ip.length > 0 ? readBlocks(args.Ip) : args.Count;
      if (asked === undefined) throw notValid('Count', 'either Ip or Count must be given');
      const outcomes =
        typeof asked === 'number' ? giveAny(asked, nic, subnet, cloud) : giveThese(asked, nic, subnet, cloud);
      return { IpsInfo: outcomes.map((outcome) => batchForm(outcome, nic, subnet)) };
    },
    asText,
  ),

  DeleteSecondaryIp: action(
    { ...home, Ip: address, SubnetId: text, ObjectId: text.optional() },
    (args, { state, addresses }) => {
      const record = findRecord(args.Ip, args.SubnetId, args.Mac, state);
      const { object, machine } = nicAt(record.port, state);
      // UCloud's own pod network gives the machine's id for an address of its interface.
      if (args.ObjectId !== undefined && ![object, machine?.id].includes(args.ObjectId))
        throw notValid('ObjectId', `${args.Ip} belongs to another object`);
      addresses.leave(record);
      return {};
    },
    asText,
  ),

  DescribeSecondaryIp: action(
    { ...place, SubnetId: text, VPCId: text, Ip: text.optional(), Mac: text.optional() },
    (args, { state }) => ({
      DataSet: state.addresses
        .filter((record) => record.subnet === args.SubnetId && record.at !== 'leaving')
        .filter(({ ip }) => args.Ip === undefined || ip === args.Ip)
        .map((record) => ipInfo(record, state))
        .filter(({ VPCId }) => VPCId === args.VPCId)
        .filter(({ Mac }) => args.Mac === undefined || isSameMac(Mac, args.Mac)),
    }),
    asText,
  ),

  MoveSecondaryIPMac: action(
    { ...place, Ip: address, OldMac: text, NewMac: text, SubnetId: text },
    (args, cloud) => {
      const record = findRecord(args.Ip, args.SubnetId, args.OldMac, cloud.state);
      const target = nicsOf(cloud.state).find(({ mac }) => isSameMac(mac, args.NewMac));
      if (target === undefined) throw new Refusal(8039, `no interface has the MAC ${args.NewMac}`);
      if (target.subnet !== record.subnet)
        throw notValid('NewMac', `${args.NewMac} is in ${target.subnet}; an address moves only inside its subnet`);
      if (roomOn(target, cloud) < 1) throw interfaceFull(target);
      cloud.addresses.move(record, target.port);
      return {};
    },
    asText,
  ),

  DescribePrivateIP: action(
    {
      ...place,
      ProjectId: text,
      ...page(20),
      Limit: integer.pipe(z.number().min(1, '0 is not allowed')).default(20),
      VPCId: text.optional(),
      SubnetId: text.optional(),
      ObjectId: text.optional(),
    },
    (args, { state }) => {
      const found = nicsOf(state)
        .flatMap((nic) => privateIps(nic, state))
        .filter(({ VPCID }) => args.VPCId === undefined || VPCID === args.VPCId)
        .filter(({ SubnetID }) => args.SubnetId === undefined || SubnetID === args.SubnetId)
        .filter(({ ResourceID }) => args.ObjectId === undefined || ResourceID === args.ObjectId);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown };
    },
  ),
};

interface Home {
  readonly nic: Nic;
  readonly subnet: SubnetRecord;
}

function readHome(
  args: { Mac: string; ObjectId: string; SubnetId?: string | undefined; VPCId?: string | undefined },
  state: Placed,
): Home {
  const nic = nicsOf(state).find(({ object }) => object === args.ObjectId);
  if (nic === undefined) throw new Refusal(8039, `object ${args.ObjectId} does not exist`);
  if (!isSameMac(nic.mac, args.Mac)) throw notValid('Mac', `${args.ObjectId} has no interface ${args.Mac}`);
  const subnet = subnetOf(args.SubnetId ?? nic.subnet, state);
  if (subnet.id !== nic.subnet) throw notValid('SubnetId', `${args.ObjectId} is in ${nic.subnet}`);
  if (args.VPCId !== undefined && args.VPCId !== subnet.vpc)
    throw notValid('VPCId', `${subnet.id} belongs to ${subnet.vpc}`);
  return { nic, subnet };
}

function findRecord(ip: string, subnet: string, mac: string, state: Placed): AddressRecord {
  const record = state.addresses.find((one) => one.ip === ip && one.subnet === subnet && one.at !== 'leaving');
  const owner = nicsOf(state).find(({ port }) => port === record?.port);
  if (record === undefined || owner === undefined || !isSameMac(owner.mac, mac))
    throw new Refusal(58221, `secondary ip ${ip} of ${mac} does not exist`);
  return record;
}
