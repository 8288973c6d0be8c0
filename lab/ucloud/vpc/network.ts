import * as z from 'zod';
import { type Cidr, cidr, formatCidr, ipOf, overlaps, parseCidr } from '#unit/ip.ts';
import { drawName } from '../engine/random.ts';
import { type Action, flag, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { forbiddenRanges, sharedRange } from '../gateway/regions.ts';
import { usableIn } from './choose-address.ts';
import { action, type VpcCloud } from './cloud.ts';
import { gatewayOf, rangeOf, subnetOf, takenIn, vpcOf } from './lookup.ts';
import { type Nic, nicsOf, secondaryOf } from './nic.ts';
import { defaultTableOf } from './route-table.ts';
import type { Placed, SubnetRecord, VpcRecord } from './state.ts';

const mostVpcs = 100;
const mostSubnets = 200;
const smallestSubnet = 29;

/**
 * VPCs and subnets.
 * @source UCloud API reference, vpc2.0-api; limits from the VPC manual; 5022 "CIDR exists", 4207 "quota", 4411 "subnet delete refused" and
 *         5024 "remove dependants first" from the code list
 */
export const vpcActions: Readonly<Record<string, Action<VpcCloud>>> = {
  DescribeVPC: action({ ...place, ...page(20), VPCIds: texts, Tag: text.optional() }, (args, { state }) => {
    const found = state.vpcs
      .filter(({ id }) => args.VPCIds.length === 0 || args.VPCIds.includes(id))
      .filter(({ tag }) => args.Tag === undefined || tag === args.Tag);
    const { TotalCount, shown } = pageOf(found, args);
    return { TotalCount, DataSet: shown.map((vpc) => vpcInfo(vpc, state)) };
  }),

  CreateVPC: action(
    {
      ...place,
      Name: text,
      Network: z.array(text).min(1),
      Tag: text.default('Default'),
      Remark: text.optional(),
      OperatorName: text.optional(),
    },
    (args, { state, now }) => {
      const networks = args.Network.map((network, at) => readVpcNetwork(network, `Network.${at}`));
      if (networks.some((a, i) => networks.some((b, j) => i < j && overlaps(a, b))))
        throw new Refusal(5022, 'the networks of one VPC must not overlap');
      if (state.vpcs.length >= mostVpcs) throw new Refusal(4207, `a region has at most ${mostVpcs} VPCs`);
      const id = `uvnet-${drawName(state.chance, 12)}`;
      const createdAt = unixSeconds(now());
      state.vpcs.push({
        id,
        name: args.Name,
        tag: args.Tag,
        networks: networks.map(formatCidr),
        hybrid: [],
        createdAt,
      });
      state.routeTables.push(defaultTableOf({ id, createdAt }));
      return { VPCId: id };
    },
  ),

  AddVPCNetwork: action({ ...place, VPCId: text, Network: z.array(text).min(1) }, (args, { state, network }) => {
    const vpc = vpcOf(args.VPCId, state);
    const more = args.Network.map((one, at) => readVpcNetwork(one, `Network.${at}`));
    const all = [...vpc.networks.map((one) => cidr(one)), ...more];
    if (all.some((a, i) => all.some((b, j) => i < j && overlaps(a, b))))
      throw new Refusal(5022, 'the networks of one VPC must not overlap');
    vpc.networks = all.map(formatCidr);
    network.changed('routes');
    return {};
  }),

  UpdateSubnetAttribute: action(
    { ...place, SubnetId: text, Name: text.optional(), Tag: text.optional() },
    (args, { state }) => {
      if (args.Name === undefined && args.Tag === undefined) throw missing('Name');
      const subnet = subnetOf(args.SubnetId, state);
      subnet.name = args.Name ?? subnet.name;
      subnet.tag = args.Tag ?? subnet.tag;
      return {};
    },
  ),

  DescribeSubnet: action(
    {
      ...place,
      ...page(20),
      SubnetIds: texts,
      SubnetId: text.optional(),
      RouteTableId: text.optional(),
      VPCId: text.optional(),
      Tag: text.optional(),
      ShowAvailableIPs: flag.default(false),
      IgnoreResource: flag.optional(),
    },
    (args, { state, account }) => {
      const ids = new Set([...args.SubnetIds, ...(args.SubnetId === undefined ? [] : [args.SubnetId])]);
      const found = state.subnets
        .filter(({ id }) => ids.size === 0 || ids.has(id))
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
        .filter(({ tag }) => args.Tag === undefined || tag === args.Tag)
        .filter(({ routeTable }) => args.RouteTableId === undefined || routeTable === args.RouteTableId);
      const { TotalCount, shown } = pageOf(found, args);
      return {
        TotalCount,
        DataSet: shown.map((subnet) => ({
          ...subnetInfo(subnet, state, account.zone),
          ...(args.ShowAvailableIPs ? { AvailableIPs: availableIn(subnet, state) } : {}),
        })),
      };
    },
  ),

  CreateSubnet: action(
    {
      ...place,
      VPCId: text,
      Subnet: text,
      Netmask: integer.default(24),
      SubnetName: text.default('Subnet'),
      Tag: text.default('Default'),
      Remark: text.default(''),
    },
    (args, cloud) => {
      const range = readSubnet(args, cloud);
      const id = `subnet-${drawName(cloud.state.chance, 12)}`;
      cloud.state.subnets.push({
        id,
        vpc: args.VPCId,
        name: args.SubnetName,
        tag: args.Tag,
        remark: args.Remark,
        cidr: formatCidr(range),
        routeTable: defaultTableIn(args.VPCId, cloud.state),
        createdAt: unixSeconds(cloud.now()),
      });
      return { SubnetId: id };
    },
  ),

  // A machine that is gone holds its address for some time yet: terraform repeats on 4411, the regression test for minutes.
  DeleteSubnet: action({ ...place, SubnetId: text }, ({ SubnetId }, { state }) => {
    const subnet = subnetOf(SubnetId, state);
    const taken = takenIn(SubnetId, state).size;
    if (taken > 0) throw new Refusal(4411, `${SubnetId} still has ${taken} addresses in use`);
    state.subnets.splice(state.subnets.indexOf(subnet), 1);
    return {};
  }),

  DeleteVPC: action({ ...place, VPCId: text }, ({ VPCId }, { state }) => {
    const vpc = vpcOf(VPCId, state);
    for (const [what, left] of [
      ['subnets', state.subnets],
      ['route tables', state.routeTables.filter(({ isDefault }) => !isDefault)],
      ['security groups', state.secGroups],
    ] as const)
      if (left.some((one) => one.vpc === VPCId)) throw new Refusal(5024, `${VPCId} still has ${what}`);
    state.vpcs.splice(state.vpcs.indexOf(vpc), 1);
    const table = state.routeTables.findIndex((one) => one.vpc === VPCId);
    state.routeTables.splice(table, 1);
    return {};
  }),

  DescribeSubnetResource: action(
    { ...place, ...page(20), SubnetId: text, ResourceType: text.optional() },
    (args, { state }) => {
      const found = resourcesOf(subnetOf(args.SubnetId, state).id, state);
      const { TotalCount, shown } = pageOf(
        found.filter(({ ResourceType }) => args.ResourceType === undefined || ResourceType === args.ResourceType),
        args,
      );
      return { TotalCount, DataSet: shown };
    },
  ),
};

/** Every address that somebody has: a machine, or an interface that was made by itself. */
function resourcesOf(subnet: string, state: Placed) {
  return nicsOf(state)
    .filter((nic) => nic.subnet === subnet)
    .flatMap((nic) => [nic.ip, ...secondaryOf(nic, state)].map((ip) => resourceForm(nic, ip)));
}

function resourceForm({ port, name, record }: Nic, ip: string) {
  return {
    Name: name,
    ResourceId: port,
    ResourceType: record === undefined ? 'UHOST' : 'UNI',
    SubResourceName: '',
    SubResourceId: '',
    SubResourceType: '',
    IP: ip,
  };
}

/** A VPC may contain a range of the cloud's own services; a subnet may not touch one. */
function readVpcNetwork(network: string, name: string): Cidr {
  const range = readRange(network, name);
  if (overlaps(range, cidr(sharedRange)))
    throw notValid(name, `${network} overlaps ${sharedRange}, which belongs to the cloud`);
  return range;
}

function readRange(network: string, name: string): Cidr {
  const range = parseCidr(network);
  if (range === undefined) throw notValid(name, `"${network}" is no range, write 10.9.0.0/16`);
  return range;
}

function readSubnet(args: { VPCId: string; Subnet: string; Netmask: number }, { state, account }: VpcCloud): Cidr {
  const vpc = vpcOf(args.VPCId, state);
  if (args.Netmask > smallestSubnet) throw notValid('Netmask', `the smallest subnet is a /${smallestSubnet}`);
  const range = readRange(`${args.Subnet}/${args.Netmask}`, 'Subnet');
  const service = forbiddenRanges(account.region).find((forbidden) => overlaps(range, cidr(forbidden)));
  if (service !== undefined)
    throw notValid('Subnet', `${formatCidr(range)} overlaps ${service}, which belongs to the cloud`);
  if (!vpc.networks.some((network) => isInside(range, cidr(network))))
    throw notValid('Subnet', `${formatCidr(range)} is not inside ${vpc.networks.join(', ')}`);
  const siblings = state.subnets.filter((subnet) => subnet.vpc === vpc.id);
  const clash = siblings.find((subnet) => overlaps(rangeOf(subnet), range));
  if (clash !== undefined) throw new Refusal(5022, `${formatCidr(range)} overlaps ${clash.id} (${clash.cidr})`);
  if (siblings.length >= mostSubnets) throw new Refusal(4207, `a VPC has at most ${mostSubnets} subnets`);
  return range;
}

function isInside(inner: Cidr, outer: Cidr): boolean {
  return inner.bits >= outer.bits && overlaps(inner, outer);
}

function vpcInfo(vpc: VpcRecord, state: Placed): object {
  const subnets = state.subnets.filter((subnet) => subnet.vpc === vpc.id);
  return {
    VPCId: vpc.id,
    Name: vpc.name,
    Tag: vpc.tag,
    VPCType: 'DefinedVPC',
    Network: vpc.networks,
    NetworkInfo: vpc.networks.map((network) => ({
      Network: network,
      SubnetCount: subnets.filter((subnet) => isInside(rangeOf(subnet), cidr(network))).length,
    })),
    SubnetCount: subnets.length,
    CreateTime: vpc.createdAt,
    UpdateTime: vpc.createdAt,
  };
}

function subnetInfo(subnet: SubnetRecord, state: Placed, zone: string): object {
  const range = rangeOf(subnet);
  return {
    Zone: zone,
    VPCId: subnet.vpc,
    VPCName: state.vpcs.find(({ id }) => id === subnet.vpc)?.name ?? '',
    SubnetId: subnet.id,
    SubnetName: subnet.name,
    Name: subnet.name,
    Remark: subnet.remark,
    Tag: subnet.tag,
    SubnetType: 2,
    Subnet: ipOf(range.first),
    // Text here, an integer in CreateSubnet: so it is in the reference.
    Netmask: String(range.bits),
    Gateway: gatewayOf(range),
    CreateTime: subnet.createdAt,
    HasNATGW: false,
    RouteTableId: subnet.routeTable,
    VRouterId: 'Default_VRouter',
  };
}

function defaultTableIn(vpc: string, state: Placed): string {
  const table = state.routeTables.find((one) => one.vpc === vpc && one.isDefault);
  if (table === undefined) throw new Error(`VPC ${vpc} has no default route table`);
  return table.id;
}

function availableIn(subnet: SubnetRecord, state: Placed): number {
  return usableIn(rangeOf(subnet)) - takenIn(subnet.id, state).size;
}

function unixSeconds(now: number): number {
  return Math.floor(now / 1000);
}
