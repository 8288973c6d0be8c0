import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, integer, page, pageOf, place, text, texts } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { chooseAddresses } from '../../vpc/choose-address.ts';
import { rangeOf, subnetOf, takenIn } from '../../vpc/lookup.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { listed } from '../form.ts';
import { checkBalancerQuota } from '../limits.ts';
import { balancerOf } from '../lookup.ts';
import { name, remark } from '../name.ts';
import { newHead } from '../new-balancer.ts';
import { balancerForm } from './form.ts';
import { ofBalancer } from './named.ts';

/**
 * Network load balancers. Codes are those of the older balancers, none are published: 4103 no such balancer, 4207 quota, 57000 no
 * address left in its subnet.
 * @source UCloud API reference, nlb-api; ucloud-sdk-python3 0.11.150 services/nlb
 */
export const networkBalancerActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateNetworkLoadBalancer: action(
    {
      ...place,
      VPCId: text,
      SubnetId: text,
      ApiVersion: z.enum(['v1.0', 'v2.0']).default('v2.0'),
      Tag: text.default('Default'),
      Name: name.default('nlb'),
      Remark: remark.default(''),
      IPVersion: z.enum(['IPv4'], 'only IPv4 is simulated').default('IPv4'),
      ChargeType: z.enum(['Dynamic', 'Month', 'Year']).default('Month'),
      Quantity: integer.default(1),
    },
    (args, { state, now, balancers }) => {
      const subnet = subnetOf(args.SubnetId, state);
      if (subnet.vpc !== args.VPCId)
        throw notValid('SubnetId', `${subnet.id} is in ${subnet.vpc}, not in ${args.VPCId}`);
      checkBalancerQuota('network', state);
      const [ip, backIp] = chooseAddresses(rangeOf(subnet), takenIn(subnet.id, state), 2);
      if (ip === undefined || backIp === undefined) throw new Refusal(57000, `${subnet.id} is out of addresses`);
      const id = `nlb-${drawName(state.chance, 12)}`;
      state.balancers.push({
        ...newHead(args, { id, subnet, ip }, { now, balancers }),
        backIp,
        listeners: [],
      });
      balancers.changed(id);
      return { NLBId: id };
    },
  ),

  DescribeNetworkLoadBalancers: action(
    {
      ...place,
      ...page(100),
      ShowDetail: flag.default(false),
      NLBIds: texts,
      VPCId: text.optional(),
      SubnetId: text.optional(),
    },
    (args, { state, now }) => {
      const at = now();
      const found = listed(state.balancers, at)
        .filter(({ id }) => args.NLBIds.length === 0 || args.NLBIds.includes(id))
        .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
        .filter(({ subnet }) => args.SubnetId === undefined || subnet === args.SubnetId);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, NLBs: shown.map((one) => balancerForm(one, state, { now: at, detail: args.ShowDetail })) };
    },
  ),

  UpdateNetworkLoadBalancerAttribute: action(
    { ...ofBalancer, Name: name.optional(), Tag: text.optional(), Remark: remark.optional() },
    (args, { state }) => {
      if ([args.Name, args.Tag, args.Remark].every((one) => one === undefined)) throw missing('Name');
      const balancer = balancerOf(args.NLBId, state.balancers);
      balancer.name = args.Name ?? balancer.name;
      balancer.tag = args.Tag ?? balancer.tag;
      balancer.remark = args.Remark ?? balancer.remark;
      return {};
    },
  ),

  // Its listeners go with it.
  DeleteNetworkLoadBalancer: action({ ...ofBalancer, ReleaseEIP: flag.default(false) }, (args, cloud) => {
    const { state, balancers, eips } = cloud;
    const balancer = balancerOf(args.NLBId, state.balancers);
    state.balancers.splice(state.balancers.indexOf(balancer), 1);
    eips.leave(balancer.id, args.ReleaseEIP ? 'release' : 'keep');
    balancers.changed(balancer.id);
    return {};
  }),
};
