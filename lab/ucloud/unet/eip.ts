import * as z from 'zod';
import { cidr } from '#unit/ip.ts';
import { drawName } from '../engine/random.ts';
import { type Action, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { eipQuota } from '../ulb/limits.ts';
import { allBalancers } from '../ulb/lookup.ts';
import { chooseAddresses } from '../vpc/choose-address.ts';
import { action, type UnetCloud, type UnetSeen } from './cloud.ts';
import { checkEipQuota } from './limits.ts';
import { publicRange } from './public-range.ts';
import type { EipRecord } from './state.ts';

const named = { ...place, EIPId: text };
const binding = { ...named, ResourceType: text, ResourceId: text };

/**
 * Addresses of the internet. 8039: no such EIP; 4210: nothing of that id; 4211: not bound; 4212: in use; 4154: the resource has it
 * already; 4207: too many; 4232: more than ten at once.
 * @source UCloud API reference, unet-api; ucloud-sdk-python3 0.11.150 services/unet; codes as public clients have met them
 */
export const eipActions: Readonly<Record<string, Action<UnetCloud>>> = {
  AllocateEIP: action(
    {
      ...place,
      OperatorName: text,
      Bandwidth: integer,
      Tag: text.default('Default'),
      ChargeType: z.enum(['Year', 'Month', 'Dynamic']).default('Month'),
      Quantity: integer.default(1),
      PayMode: z.enum(['Bandwidth', 'Traffic', 'ShareBandwidth', 'PostAccurateBandwidth']).default('Bandwidth'),
      ShareBandwidthId: text.optional(),
      Name: text.default('EIP'),
      Count: integer.default(1),
      Remark: text.default(''),
    },
    (args, { state, account, now }) => {
      const operator = readOperator(args.OperatorName, account.region);
      if (args.PayMode === 'ShareBandwidth')
        throw new Refusal(8039, `shared bandwidth ${args.ShareBandwidthId} does not exist`);
      checkBandwidth(args.Bandwidth, args.PayMode);
      if (args.Count < 1 || args.Count > 10) throw new Refusal(4232, `Count is ${args.Count}, 1 to 10 are allowed`);
      checkEipQuota(args.Count, state);
      const ips = chooseAddresses(cidr(publicRange), new Set(state.eips.map(({ ip }) => ip)), args.Count);
      if (ips.length < args.Count) throw new Refusal(4054, `the region has ${ips.length} addresses left`);
      const made = ips.map((ip) => ({
        id: `eip-${drawName(state.chance, 12)}`,
        ip,
        name: args.Name,
        tag: args.Tag,
        remark: args.Remark,
        operator,
        bandwidth: args.Bandwidth,
        payMode: args.PayMode,
        chargeType: args.ChargeType,
        quantity: args.Quantity,
        createdAt: Math.floor(now() / 1000),
        at: 'free' as const,
        resource: undefined,
      }));
      state.eips.push(...made);
      return { EIPSet: made.map(({ id, ip }) => ({ EIPId: id, EIPAddr: [{ OperatorName: operator, IP: ip }] })) };
    },
  ),

  // Ids and addresses together mean the union.
  DescribeEIP: action({ ...place, ...page(20), EIPIds: texts, IPs: texts }, (args, { state }) => {
    const isAsked = ({ id, ip }: EipRecord): boolean => args.EIPIds.includes(id) || args.IPs.includes(ip);
    const found = args.EIPIds.length + args.IPs.length === 0 ? state.eips : state.eips.filter(isAsked);
    const { TotalCount, shown } = pageOf(found, args);
    return {
      TotalCount,
      UnbindCount: found.filter((eip) => !isUsed(eip)).length,
      TotalBandwidth: found.reduce((sum, { bandwidth }) => sum + bandwidth, 0),
      EIPSet: shown.map((eip) => eipForm(eip, state)),
    };
  }),

  BindEIP: action({ ...binding, PrivateIP: text.optional() }, (args, { state, eips }) => {
    const eip = eipOf(args.EIPId, state);
    // Of which type the newer balancers are is not published.
    if (args.ResourceType.toLowerCase() !== 'ulb') throw notValid('ResourceType', 'only ulb is simulated');
    const balancer = allBalancers(state).find(({ id }) => id === args.ResourceId);
    if (balancer === undefined) throw new Refusal(4210, `load balancer ${args.ResourceId} does not exist`);
    const most = eipQuota(balancer);
    if (most === 0) throw new Refusal(4218, `${balancer.id} is a classic load balancer for its subnet`);
    if (args.PrivateIP !== undefined) throw new Refusal(4218, 'only an interface is bound by one of its addresses');
    if (eip.resource === balancer.id) throw new Refusal(4154, `${eip.id} is bound to ${balancer.id} already`);
    if (eip.resource !== undefined) throw new Refusal(4212, `${eip.id} is bound to ${eip.resource}`);
    if (state.eips.filter(({ resource }) => resource === balancer.id).length >= most)
      throw new Refusal(4207, `${balancer.id} has at most ${most} EIPs`);
    eips.bind(eip, balancer.id);
    return {};
  }),

  UnBindEIP: action(binding, (args, { state, eips }) => {
    const eip = eipOf(args.EIPId, state);
    if (eip.resource !== args.ResourceId || eip.at === 'unbinding')
      throw new Refusal(4211, `${eip.id} is not bound to ${args.ResourceId}`);
    eips.unbind(eip);
    return {};
  }),

  ReleaseEIP: action(named, (args, { state }) => {
    const eip = eipOf(args.EIPId, state);
    if (eip.at !== 'free') throw new Refusal(4212, `${eip.id} is bound to ${eip.resource}`);
    state.eips.splice(state.eips.indexOf(eip), 1);
    return {};
  }),

  UpdateEIPAttribute: action(
    { ...named, Name: text.optional(), Tag: text.optional(), Remark: text.optional() },
    (args, { state }) => {
      if ([args.Name, args.Tag, args.Remark].every((one) => one === undefined)) throw missing('Name');
      const eip = eipOf(args.EIPId, state);
      eip.name = args.Name ?? eip.name;
      eip.tag = args.Tag ?? eip.tag;
      eip.remark = args.Remark ?? eip.remark;
      return {};
    },
  ),

  ModifyEIPBandwidth: action({ ...named, Bandwidth: integer }, (args, { state }) => {
    const eip = eipOf(args.EIPId, state);
    checkBandwidth(args.Bandwidth, eip.payMode);
    eip.bandwidth = args.Bandwidth;
    return {};
  }),

  SetEIPPayMode: action(
    { ...named, PayMode: z.enum(['Traffic', 'Bandwidth']), Bandwidth: integer },
    (args, { state }) => {
      const eip = eipOf(args.EIPId, state);
      checkBandwidth(args.Bandwidth, args.PayMode);
      eip.payMode = args.PayMode;
      eip.bandwidth = args.Bandwidth;
      return {};
    },
  ),
};

/** @fails Refusal 8039 */
function eipOf(id: string, state: UnetSeen): EipRecord {
  const eip = state.eips.find((one) => one.id === id);
  if (eip === undefined) throw new Refusal(8039, `EIP ${id} does not exist`);
  return eip;
}

/**
 * Some regions are on the lines of the mainland, the others on international ones.
 * @source UCloud API reference, AllocateEIP: clients write Bgp and BGP; UK8S manual, eip-operator-name
 */
function readOperator(name: string, region: string): string {
  const lines = ['cn-bj2', 'cn-sh2', 'cn-sh', 'cn-gd', 'cn-wlcb'].includes(region)
    ? ['Bgp']
    : region === 'hk'
      ? ['International', 'BGPPro']
      : ['International'];
  const found = lines.find((line) => line === name || (line === 'Bgp' && name === 'BGP'));
  if (found === undefined) throw notValid('OperatorName', `"${name}": ${region} has ${lines.join(', ')}`);
  return found;
}

/** @unit Mb/s */
function checkBandwidth(bandwidth: number, payMode: string): void {
  const most = payMode === 'Traffic' ? 300 : 10_000;
  if (bandwidth < 1 || bandwidth > most) throw notValid('Bandwidth', `1 to ${most} Mb/s with PayMode ${payMode}`);
}

/** What is on its way to a resource does not lead there yet, and what is on its way from it still does. */
function isUsed({ at }: EipRecord): boolean {
  return at === 'used' || at === 'unbinding';
}

function eipForm(eip: EipRecord, state: UnetSeen): object {
  const used = isUsed(eip);
  const balancer = used ? allBalancers(state).find(({ id }) => id === eip.resource) : undefined;
  return {
    EIPId: eip.id,
    Weight: 50,
    BandwidthType: 0,
    Bandwidth: eip.bandwidth,
    Status: used ? 'used' : 'free',
    ChargeType: eip.chargeType,
    CreateTime: eip.createdAt,
    ExpireTime: eip.createdAt + eip.quantity * (lasts[eip.chargeType] ?? 0),
    Expire: false,
    Resource: {
      ResourceType: used ? 'ulb' : '',
      ResourceName: balancer?.name ?? '',
      ResourceID: used ? eip.resource : '',
      SubResourceType: '',
      SubResourceName: '',
      SubResourceId: '',
      EIPId: eip.id,
    },
    EIPAddr: [{ OperatorName: eip.operator, IP: eip.ip }],
    Name: eip.name,
    Tag: eip.tag,
    Remark: eip.remark,
    PayMode: eip.payMode,
    ShareBandwidthSet: { ShareBandwidth: 0, ShareBandwidthName: '', ShareBandwidthId: '' },
  };
}

/** @unit seconds */
const lasts: Readonly<Record<string, number>> = { Year: 365 * 86_400, Month: 30 * 86_400, Dynamic: 3600 };
