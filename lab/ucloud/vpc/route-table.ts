import * as z from 'zod';
import { drawName } from '../engine/random.ts';
import { type Action, flag, integer, page, pageOf, place, text } from '../gateway/declare.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import { action, type VpcCloud } from './cloud.ts';
import { subnetOf, vpcOf } from './lookup.ts';
import { modifyRules } from './route-rule.ts';
import type { Placed, RouteRuleRecord, RouteTableRecord, VpcRecord } from './state.ts';
import { systemRoutesOf } from './system-routes.ts';

const here = { ...place, ProjectId: text };
const named = { ...here, RouteTableId: text };
const { Limit } = page(20);

/**
 * Route tables: every VPC has a default one, which nobody can change; every subnet follows exactly one. 58119: a subnet still
 * follows it; 8039: there is no such table or rule; 5022: there is a rule for this range already; 4207: 50 rules.
 * @source UCloud API reference, vpc2.0-api; UCloud VPC manual, route tables; ucloud-sdk-go 0.22.98 regression scenario 4023
 */
export const routeTableActions: Readonly<Record<string, Action<VpcCloud>>> = {
  CreateRouteTable: action(
    { ...here, VPCId: text, Name: text.default('RouteTable'), Tag: text.default('Default'), Remark: text.default('') },
    ({ VPCId, Name, Tag, Remark }, cloud) => {
      const { id: vpc } = vpcOf(VPCId, cloud.state);
      return { RouteTableId: addTable({ vpc, name: Name, tag: Tag, remark: Remark, rules: [] }, cloud) };
    },
  ),

  DescribeRouteTable: action(
    {
      ...place,
      // So the reference spells it, here alone.
      OffSet: integer.pipe(z.number().min(0)).default(0),
      Limit,
      VPCId: text.optional(),
      RouteTableId: text.optional(),
      BusinessId: text.optional(),
      Brief: flag.default(false),
      LongId: text.optional(),
    },
    (args, { state, account }) => {
      const found = state.routeTables
        .filter(({ id }) => args.RouteTableId === undefined || id === args.RouteTableId)
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
        .filter(({ tag }) => args.BusinessId === undefined || tag === args.BusinessId);
      const { TotalCount, shown } = pageOf(found, { Offset: args.OffSet, Limit: args.Limit });
      return { TotalCount, RouteTables: shown.map((table) => tableInfo(table, args.Brief, account.region, state)) };
    },
  ),

  ModifyRouteRule: action({ ...named, RouteRule: z.array(text).min(1) }, (args, { account, network, state }) => {
    const table = customTableOf(args.RouteTableId, state);
    // All or nothing: the rules are put in place only when the last of them was read.
    table.rules = modifyRules(table, args.RouteRule, { state, region: account.region });
    network.changed('routes');
    return {};
  }),

  AssociateRouteTable: action({ ...named, SubnetId: text }, (args, { network, state }) => {
    const [table, subnet] = [tableOf(args.RouteTableId, state), subnetOf(args.SubnetId, state)];
    if (table.vpc !== subnet.vpc)
      throw notValid('SubnetId', `${subnet.id} is in ${subnet.vpc}, the table in ${table.vpc}`);
    subnet.routeTable = table.id;
    network.changed('routes');
    return {};
  }),

  CloneRouteTable: action(named, (args, cloud) => {
    const { vpc, name, tag, remark, rules } = tableOf(args.RouteTableId, cloud.state);
    const copies = rules.map((rule) => ({ ...rule, id: `routerule-${drawName(cloud.state.chance, 12)}` }));
    return { RouteTableId: addTable({ vpc, name, tag, remark, rules: copies }, cloud) };
  }),

  DeleteRouteTable: action(named, ({ RouteTableId }, { state }) => {
    const table = customTableOf(RouteTableId, state);
    const followers = subnetsOf(table, state);
    if (followers.length > 0) throw new Refusal(58119, `${table.id} is still associated with ${followers.join(', ')}`);
    state.routeTables.splice(state.routeTables.indexOf(table), 1);
    return {};
  }),

  UpdateRouteTableAttribute: action(
    { ...named, Name: text.optional(), Remark: text.optional(), Tag: text.optional() },
    (args, { state }) => {
      const table = tableOf(args.RouteTableId, state);
      table.name = args.Name ?? table.name;
      table.remark = args.Remark ?? table.remark;
      table.tag = args.Tag ?? table.tag;
      return {};
    },
  ),
};

/** What a new VPC is followed by: `uvnet-1` has `routetable-1`. */
export function defaultTableOf({ id, createdAt }: Pick<VpcRecord, 'id' | 'createdAt'>): RouteTableRecord {
  return {
    id: id.replace(/^uvnet/, 'routetable'),
    vpc: id,
    isDefault: true,
    name: 'Default',
    tag: 'Default',
    remark: '',
    createdAt,
    rules: [],
  };
}

function addTable(
  wish: Pick<RouteTableRecord, 'vpc' | 'name' | 'tag' | 'remark' | 'rules'>,
  { state, now }: VpcCloud,
): string {
  const id = `routetable-${drawName(state.chance, 12)}`;
  state.routeTables.push({ id, isDefault: false, createdAt: Math.floor(now() / 1000), ...wish });
  return id;
}

function tableOf(id: string, state: Placed): RouteTableRecord {
  const table = state.routeTables.find((one) => one.id === id);
  if (table === undefined) throw new Refusal(8039, `route table ${id} does not exist`);
  return table;
}

function customTableOf(id: string, state: Placed): RouteTableRecord {
  const table = tableOf(id, state);
  if (table.isDefault)
    throw notValid('RouteTableId', `${id} is the default table of ${table.vpc}, which can't be changed`);
  return table;
}

function subnetsOf(table: RouteTableRecord, state: Placed): readonly string[] {
  return state.subnets.filter(({ routeTable }) => routeTable === table.id).map(({ id }) => id);
}

/** The name is not in the reference's model: it is recorded, and told by no action. */
function tableInfo(table: RouteTableRecord, isBrief: boolean, region: string, state: Placed): object {
  const vpc = vpcOf(table.vpc, state);
  const subnets = subnetsOf(table, state);
  return {
    RouteTableId: table.id,
    RouteTableType: table.isDefault ? 1 : 0,
    SubnetCount: subnets.length,
    SubnetIds: subnets,
    VPCId: table.vpc,
    VPCName: vpc.name,
    Tag: table.tag,
    Remark: table.remark,
    CreateTime: table.createdAt,
    RouteRules: isBrief
      ? []
      : [...systemRules(table, vpc, region), ...table.rules.map((rule) => customRule(rule, table))],
  };
}

function systemRules(table: RouteTableRecord, vpc: VpcRecord, region: string): readonly object[] {
  return systemRoutesOf(vpc, region).map(({ kind, range, hop }, at) =>
    ruleInfo(table, {
      RouteRuleId: `${table.id.replace(/^routetable/, 'routerule')}-${at}`,
      RuleType: 0,
      DstAddr: range,
      NexthopType: kind,
      NexthopId: hop,
      InstanceType: '',
      Remark: '',
    }),
  );
}

function customRule(rule: RouteRuleRecord, table: RouteTableRecord): object {
  return ruleInfo(table, {
    RouteRuleId: rule.id,
    RuleType: 1,
    DstAddr: rule.destination,
    NexthopType: 'INSTANCE',
    NexthopId: rule.hop,
    InstanceType: rule.hop.startsWith('uni-') ? 'UNI' : 'UHOST',
    Remark: rule.remark,
  });
}

function ruleInfo({ id, vpc }: RouteTableRecord, told: object): object {
  const reserved = { DstPort: 0, OriginAddr: '', Priority: 0, SrcAddr: '', SrcPort: 0 };
  return { AccountId: 0, RouteTableId: id, VNetId: vpc, ...reserved, ...told };
}
