import * as z from 'zod';
import { type Cidr, type Ip, ipOf, numberOf, parseCidr, sizeOf } from '#unit/ip.ts';
import { chooseAddresses, isUsable } from './choose-address.ts';
import type { Cloud } from './cloud.ts';
import { type Action, action, address, integer, page, pageOf, place, text, texts } from './declare.ts';
import { leftOf } from './limits.ts';
import { gatewayOf, machineOf, rangeOf, subnetOf, takenIn } from './lookup.ts';
import { notValid, Refusal } from './refusal.ts';
import { type AddressRecord, isListed, type MachineRecord, type State, type SubnetRecord } from './state.ts';

/** A batch entry is one address or a block of this size at the largest. */
const largestBlock = 27;

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
export const secondaryIpActions: Readonly<Record<string, Action>> = {
  AllocateSecondaryIp: action(
    { ...home, Ip: address.optional() },
    (args, cloud) => {
      const { machine, subnet } = readHome(args, cloud.state);
      const taken = takenIn(subnet.id, cloud.state);
      const room = roomFor(machine, cloud);
      if (room.count < 1) throw room.full;
      if (args.Ip !== undefined) {
        const why = whyNot(args.Ip, subnet, taken);
        if (why !== undefined) throw notValid('Ip', why);
      }
      const [ip] = args.Ip === undefined ? chooseAddresses(rangeOf(subnet), taken, 1) : [args.Ip];
      if (ip === undefined) throw subnetFull(subnet);
      return { IpInfo: exampleForm(cloud.addresses.give(ip, subnet.id, machine.id), cloud.state) };
    },
    asText,
  ),

  AllocateBatchSecondaryIp: action(
    { ...home, Ip: texts, Count: integer.pipe(z.number().min(1).max(1000)).optional() },
    (args, cloud) => {
      const { machine, subnet } = readHome(args, cloud.state);
      if (args.Count !== undefined && args.Ip.length > 0) throw notValid('Count', 'Ip and Count exclude each other');
      const asked = args.Ip.length > 0 ? readBlocks(args.Ip) : args.Count;
      if (asked === undefined) throw notValid('Count', 'either Ip or Count must be given');
      const outcomes =
        typeof asked === 'number' ? giveAny(asked, machine, subnet, cloud) : giveThese(asked, machine, subnet, cloud);
      return { IpsInfo: outcomes.map((outcome) => batchForm(outcome, machine, subnet)) };
    },
    asText,
  ),

  DeleteSecondaryIp: action(
    { ...home, Ip: address, SubnetId: text, ObjectId: text.optional() },
    (args, { state, addresses }) => {
      const record = findRecord(args.Ip, args.SubnetId, args.Mac, state);
      if (args.ObjectId !== undefined && args.ObjectId !== objectIdOf(machineOf(record.machine, state)))
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
      const target = cloud.state.machines.find((one) => isListed(one) && isSameMac(one.mac, args.NewMac));
      if (target === undefined) throw new Refusal(8039, `no interface has the MAC ${args.NewMac}`);
      if (target.subnet !== record.subnet)
        throw notValid('NewMac', `${args.NewMac} is in ${target.subnet}; an address moves only inside its subnet`);
      if (roomOn(target, cloud) < 1) throw interfaceFull(target);
      cloud.addresses.move(record, target.id);
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
      const found = state.machines
        .filter(isListed)
        .flatMap((machine) => privateIps(machine, state))
        .filter(({ VPCID }) => args.VPCId === undefined || VPCID === args.VPCId)
        .filter(({ SubnetID }) => args.SubnetId === undefined || SubnetID === args.SubnetId)
        .filter(({ ResourceID }) => args.ObjectId === undefined || ResourceID === args.ObjectId);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown };
    },
  ),
};

interface Home {
  readonly machine: MachineRecord;
  readonly subnet: SubnetRecord;
}

function readHome(
  args: { Mac: string; ObjectId: string; SubnetId?: string | undefined; VPCId?: string | undefined },
  state: State,
): Home {
  const machine = state.machines.find((one) => isListed(one) && objectIdOf(one) === args.ObjectId);
  if (machine === undefined) throw new Refusal(8039, `object ${args.ObjectId} does not exist`);
  if (!isSameMac(machine.mac, args.Mac)) throw notValid('Mac', `${args.ObjectId} has no interface ${args.Mac}`);
  const subnet = subnetOf(args.SubnetId ?? machine.subnet, state);
  if (subnet.id !== machine.subnet) throw notValid('SubnetId', `${args.ObjectId} is in ${machine.subnet}`);
  if (args.VPCId !== undefined && args.VPCId !== subnet.vpc)
    throw notValid('VPCId', `${subnet.id} belongs to ${subnet.vpc}`);
  return { machine, subnet };
}

/** On a machine with elastic interfaces the object is the interface, the default one included. */
function objectIdOf(machine: MachineRecord): string {
  return machine.nic ?? machine.id;
}

function isSameMac(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase();
}

function findRecord(ip: string, subnet: string, mac: string, state: State): AddressRecord {
  const record = state.addresses.find((one) => one.ip === ip && one.subnet === subnet && one.at !== 'leaving');
  const owner = state.machines.find(({ id }) => id === record?.machine);
  if (record === undefined || owner === undefined || !isSameMac(owner.mac, mac))
    throw new Refusal(58221, `secondary ip ${ip} of ${mac} does not exist`);
  return record;
}

function subnetFull(subnet: SubnetRecord): Refusal {
  return new Refusal(57000, `no free address left in ${subnet.id} (${subnet.cidr})`);
}

function interfaceFull(machine: MachineRecord): Refusal {
  return new Refusal(4207, `${objectIdOf(machine)} has as many private addresses as its quota allows`);
}

/**
 * Private addresses of one elastic interface, the primary one among them.
 * @source UCloud VPC manual, elastic network interfaces; for a machine without them nothing is published (cloud.bounds)
 */
const perInterface = [
  { upToCpu: 2, addresses: 2 },
  { upToCpu: 4, addresses: 3 },
  { upToCpu: 8, addresses: 4 },
  { upToCpu: 32, addresses: 6 },
  { upToCpu: 64, addresses: 8 },
  { upToCpu: 128, addresses: 10 },
  { upToCpu: Number.POSITIVE_INFINITY, addresses: 12 },
];

/** How many more secondary addresses the machine may have; those on their way out count no longer. */
function roomOn(machine: MachineRecord, { state, bounds }: Cloud): number {
  const has = state.addresses.filter((one) => one.machine === machine.id && one.at !== 'leaving').length;
  if (machine.nic === undefined) return bounds.secondaryAddresses - has;
  const row = perInterface.find(({ upToCpu }) => machine.cpu <= upToCpu);
  return (row?.addresses ?? 0) - 1 - has;
}

/** How many more addresses the machine may be given, and what refuses the one after them. */
function roomFor(machine: MachineRecord, cloud: Cloud): { readonly count: number; readonly full: Refusal } {
  const [onInterface, inAccount] = [roomOn(machine, cloud), leftOf('addresses', cloud.state)];
  if (onInterface <= inAccount) return { count: onInterface, full: interfaceFull(machine) };
  const quota = `the account has as many secondary addresses as its quota of ${cloud.state.limits.addresses} allows`;
  return { count: inAccount, full: new Refusal(4207, quota) };
}

/** Why this very address can't be given; `undefined` if it can. */
function whyNot(ip: string, subnet: SubnetRecord, taken: ReadonlySet<string>): string | undefined {
  if (!isUsable(rangeOf(subnet), numberOf(ip as Ip))) return `${ip} is not a usable address of ${subnet.cidr}`;
  return taken.has(ip) ? `${ip} is in use` : undefined;
}

function readBlocks(entries: readonly string[]): string[] {
  return entries.flatMap((entry, at) => {
    const block = parseCidr(entry.includes('/') ? entry : `${entry}/32`);
    if (block === undefined) throw notValid(`Ip.${at}`, `"${entry}" is neither an address nor a range`);
    if (block.bits < largestBlock) throw notValid(`Ip.${at}`, `${entry} is larger than a /${largestBlock}`);
    return addressesOf(block);
  });
}

function addressesOf(block: Cidr): string[] {
  return Array.from({ length: sizeOf(block) }, (_, at) => ipOf(block.first + at));
}

type Outcome = { readonly ip: string; readonly failed?: string };

/** As many as there are; the rest fail one by one. When there is none at all the call itself is refused. */
function giveAny(count: number, machine: MachineRecord, subnet: SubnetRecord, cloud: Cloud): Outcome[] {
  const room = roomFor(machine, cloud);
  if (room.count < 1) throw room.full;
  const chosen = chooseAddresses(rangeOf(subnet), takenIn(subnet.id, cloud.state), Math.min(count, room.count));
  if (chosen.length === 0) throw subnetFull(subnet);
  for (const ip of chosen) cloud.addresses.give(ip, subnet.id, machine.id);
  const short = (chosen.length === room.count ? room.full : subnetFull(subnet)).message;
  return [
    ...chosen.map((ip) => ({ ip })),
    ...Array.from({ length: count - chosen.length }, () => ({ ip: '', failed: short })),
  ];
}

function giveThese(ips: readonly string[], machine: MachineRecord, subnet: SubnetRecord, cloud: Cloud): Outcome[] {
  return ips.map((ip) => {
    const room = roomFor(machine, cloud);
    if (room.count < 1) return { ip, failed: room.full.message };
    const failed = whyNot(ip, subnet, takenIn(subnet.id, cloud.state));
    if (failed !== undefined) return { ip, failed };
    cloud.addresses.give(ip, subnet.id, machine.id);
    return { ip };
  });
}

function placeOf(machine: MachineRecord, subnet: SubnetRecord) {
  const range = rangeOf(subnet);
  return { Mask: maskOf(range), Gateway: gatewayOf(range), Mac: machine.mac, VPCId: subnet.vpc };
}

function ipInfo(record: AddressRecord, state: State) {
  const owner = machineOf(record.machine, state);
  return { Ip: record.ip, ...placeOf(owner, subnetOf(record.subnet, state)), SubnetId: record.subnet };
}

function batchForm({ ip, failed }: Outcome, machine: MachineRecord, subnet: SubnetRecord): object {
  return {
    Ip: ip,
    ...placeOf(machine, subnet),
    SubnetId: subnet.id,
    Status: failed === undefined ? { StatusCode: 'Succeeded', Message: '' } : { StatusCode: 'Failed', Message: failed },
  };
}

/** The single call answers in the form of the reference's example, which differs from the model beside it. */
function exampleForm(record: AddressRecord, state: State): object {
  const { SubnetId, ...rest } = ipInfo(record, state);
  return {
    ...rest,
    SubnetworkId: SubnetId,
    SubnetworkType: 0,
    ObjectId: objectIdOf(machineOf(record.machine, state)),
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

function privateIps(machine: MachineRecord, state: State) {
  const form = (ip: string, type: 'PrimaryIP' | 'SecondaryIP') => ({
    PrivateIP: ip,
    PrivateIPType: type,
    ResourceID: objectIdOf(machine),
    ResourceName: machine.name,
    SubnetID: machine.subnet,
    VPCID: machine.vpc,
    EIP: '',
    EIPId: '',
  });
  const secondary = state.addresses.filter((record) => record.machine === machine.id && record.at !== 'leaving');
  return [form(machine.ip, 'PrimaryIP'), ...secondary.map(({ ip }) => form(ip, 'SecondaryIP'))];
}

/** 255.255.255.0 for a /24. */
function maskOf(range: Cidr): string {
  return ipOf(2 ** 32 - sizeOf(range));
}
