import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, page, pageOf, place, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { chooseAddresses } from '../../vpc/choose-address.ts';
import { rangeOf, subnetOf, takenIn, vpcOf } from '../../vpc/lookup.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { listed } from '../form.ts';
import { checkBalancerQuota } from '../limits.ts';
import { balancerOf } from '../lookup.ts';
import { name, remark } from '../name.ts';
import { balancerForm, simpleForm } from './form.ts';
import { ofBalancer, yes } from './named.ts';
import type { ClassicBalancerRecord } from './state.ts';

const filters = {
  ...place,
  ULBId: text.optional(),
  VPCId: text.optional(),
  SubnetId: text.optional(),
  BusinessId: text.optional(),
};
type Filters = { readonly [name in 'ULBId' | 'VPCId' | 'SubnetId' | 'BusinessId']?: string | undefined };

/**
 * Classic load balancers that forward packets (CLB4). 4103: no such balancer; 4207: five at the most; 57000: no address left in its subnet.
 * @source UCloud API reference, ulb-api; ucloud-sdk-python3 0.11.150 services/ulb
 */
export const classicBalancerActions: Readonly<Record<string, Action<UlbCloud>>> = {
  // Of both modes the outer one wins, and it is the usual one.
  CreateULB: action(
    {
      ...place,
      ULBName: name.default('ULB'),
      Tag: text.default('Default'),
      Remark: remark.default(''),
      OuterMode: yes.optional(),
      InnerMode: yes.default(false),
      ChargeType: z.enum(['Year', 'Month', 'Dynamic']).default('Month'),
      VPCId: text.optional(),
      SubnetId: text.optional(),
      BusinessId: text.optional(),
      ListenType: z.enum(['RequestProxy', 'PacketsTransmit']).optional(),
    },
    (args, { state, now, balancers }) => {
      const isInner = args.InnerMode && args.OuterMode !== true;
      if ((args.ListenType ?? (isInner ? 'PacketsTransmit' : 'RequestProxy')) === 'RequestProxy')
        throw notValid('ListenType', 'only PacketsTransmit is simulated; ALB is what answers requests');
      const vpc = vpcOf(args.VPCId ?? state.vpcs[0]?.id ?? '', state);
      if (isInner && args.SubnetId === undefined) throw missing('SubnetId');
      const subnet = args.SubnetId === undefined ? undefined : subnetOf(args.SubnetId, state);
      if (subnet !== undefined && subnet.vpc !== vpc.id)
        throw notValid('SubnetId', `${subnet.id} is in ${subnet.vpc}, not in ${vpc.id}`);
      checkBalancerQuota('classic', state);
      const [ip] =
        isInner && subnet !== undefined ? chooseAddresses(rangeOf(subnet), takenIn(subnet.id, state), 1) : [];
      if (isInner && ip === undefined) throw new Refusal(57000, `${subnet?.id} is out of addresses`);
      const id = `ulb-${drawName(state.chance, 12)}`;
      state.classicBalancers.push({
        id,
        name: args.ULBName,
        tag: args.BusinessId ?? args.Tag,
        remark: args.Remark,
        vpc: vpc.id,
        subnet: isInner ? (subnet?.id ?? '') : '',
        ip,
        chargeType: args.ChargeType,
        quantity: 1,
        createdAt: Math.floor(now() / 1000),
        listedAt: balancers.listedAt(),
        listeners: [],
        trouble: undefined,
      });
      balancers.changed(id);
      return { ULBId: id, IPv6AddressId: '' };
    },
  ),

  DescribeULB: action({ ...filters, ...page(20) }, (args, { state, now }) => {
    const at = now();
    const { TotalCount, shown } = pageOf(found(listed(state.classicBalancers, at), args), args);
    return { TotalCount, DataSet: shown.map((one) => balancerForm(one, { state, now: at })) };
  }),

  DescribeULBSimple: action({ ...filters, ...page(10_000) }, (args, { state, now }) => {
    const at = now();
    const { TotalCount, shown } = pageOf(found(listed(state.classicBalancers, at), args), args);
    return { TotalCount, DataSet: shown.map((one) => simpleForm(one, { state, now: at })) };
  }),

  UpdateULBAttribute: action(
    { ...ofBalancer, Name: name.optional(), Tag: text.optional(), Remark: remark.optional() },
    (args, { state }) => {
      if ([args.Name, args.Tag, args.Remark].every((one) => one === undefined)) throw missing('Name');
      const balancer = balancerOf(args.ULBId, state.classicBalancers);
      balancer.name = args.Name ?? balancer.name;
      balancer.tag = args.Tag ?? balancer.tag;
      balancer.remark = args.Remark ?? balancer.remark;
      return {};
    },
  ),

  // Its listeners go with it.
  DeleteULB: action({ ...ofBalancer, ReleaseEip: flag.default(false) }, (args, { state, balancers, eips }) => {
    const balancer = balancerOf(args.ULBId, state.classicBalancers);
    state.classicBalancers.splice(state.classicBalancers.indexOf(balancer), 1);
    eips.leave(balancer.id, args.ReleaseEip ? 'release' : 'keep');
    balancers.changed(balancer.id);
    return {};
  }),
};

function found(all: readonly ClassicBalancerRecord[], { ULBId, VPCId, SubnetId, BusinessId }: Filters) {
  return all
    .filter(({ id }) => ULBId === undefined || id === ULBId)
    .filter(({ vpc }) => VPCId === undefined || vpc === VPCId)
    .filter(({ subnet }) => SubnetId === undefined || subnet === SubnetId)
    .filter(({ tag }) => BusinessId === undefined || tag === BusinessId);
}
