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

const type = z.enum(['Application', 'Network']).default('Application');
/** How many addresses of its subnet it has towards its targets: more than one, so that nobody counts on one. */
const snatAddresses = 2;

/**
 * Application load balancers. Codes are those of the older balancers, none are published: 4103 no such balancer, 4207 quota, 57000 no
 * address left in its subnet.
 * @source UCloud API reference, ulb-api; ucloud-sdk-python3 0.11.150 services/ulb
 */
export const applicationBalancerActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateLoadBalancer: action(
    {
      ...place,
      VPCId: text,
      SubnetId: text,
      Type: type.refine((one) => one === 'Application', 'a network load balancer is made by CreateNetworkLoadBalancer'),
      Name: name.default('lb'),
      Tag: text.default('Default'),
      Remark: remark.default(''),
      IPVersion: z.enum(['IPv4'], 'only IPv4 is simulated').default('IPv4'),
      ChargeType: z.enum(['Year', 'Month', 'Day', 'Dynamic']).default('Month'),
      Quantity: integer.pipe(z.number().min(0)).default(1),
      LabelInfos: z.array(z.strictObject({ Key: text, Value: text })).default([]),
    },
    (args, { state, now, balancers }) => {
      const subnet = subnetOf(args.SubnetId, state);
      if (subnet.vpc !== args.VPCId)
        throw notValid('SubnetId', `${subnet.id} is in ${subnet.vpc}, not in ${args.VPCId}`);
      checkBalancerQuota('application', state);
      const wanted = 1 + snatAddresses;
      const [ip, ...snatIps] = chooseAddresses(rangeOf(subnet), takenIn(subnet.id, state), wanted);
      if (ip === undefined || snatIps.length < snatAddresses)
        throw new Refusal(57000, `${subnet.id} has fewer than ${wanted} addresses left`);
      const id = `alb-${drawName(state.chance, 12)}`;
      state.applicationBalancers.push({
        ...newHead(args, { id, subnet, ip }, { now, balancers }),
        snatIps,
        listeners: [],
      });
      for (const { Key, Value } of args.LabelInfos) state.labels.push({ resource: id, key: Key, value: Value });
      balancers.changed(id);
      return { LoadBalancerId: id };
    },
  ),

  // With ids all other filters but the type are ignored.
  DescribeLoadBalancers: action(
    {
      ...place,
      ...page(100),
      Type: type,
      ShowDetail: flag.default(false),
      LoadBalancerIds: texts,
      VPCId: text.optional(),
      SubnetId: text.optional(),
    },
    (args, { state, now }) => {
      const at = now();
      const all = args.Type === 'Application' ? listed(state.applicationBalancers, at) : [];
      const found =
        args.LoadBalancerIds.length > 0
          ? all.filter(({ id }) => args.LoadBalancerIds.includes(id))
          : all
              .filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId)
              .filter(({ subnet }) => args.SubnetId === undefined || subnet === args.SubnetId);
      const { TotalCount, shown } = pageOf(found, args);
      const LoadBalancers = shown.map((one) => balancerForm(one, state, { now: at, detail: args.ShowDetail }));
      return { TotalCount, LoadBalancers };
    },
  ),

  UpdateLoadBalancerAttribute: action(
    {
      ...ofBalancer,
      Name: name.optional(),
      Tag: text.optional(),
      Remark: remark.optional(),
      AccessLogConfig: z
        .strictObject({
          Enabled: flag.refine((on) => !on, 'access logs are not simulated').optional(),
          US3BucketName: text.optional(),
          US3TokenId: text.optional(),
        })
        .optional(),
    },
    (args, { state }) => {
      if ([args.Name, args.Tag, args.Remark, args.AccessLogConfig].every((one) => one === undefined))
        throw missing('Name');
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      balancer.name = args.Name ?? balancer.name;
      balancer.tag = args.Tag ?? balancer.tag;
      balancer.remark = args.Remark ?? balancer.remark;
      return {};
    },
  ),

  // Its listeners go with it, its EIPs stay.
  DeleteLoadBalancer: action(ofBalancer, (args, { state, balancers, eips }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    state.applicationBalancers.splice(state.applicationBalancers.indexOf(balancer), 1);
    eips.leave(balancer.id, 'keep');
    balancers.changed(balancer.id);
    return {};
  }),
};
