import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, integer, page, pageOf, place, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { listed } from '../form.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import { name } from '../name.ts';
import { port } from '../number.ts';
import { listenerForm } from './form.ts';
import { ofBalancer, ofListener } from './named.ts';
import type { ClassicCheckRecord, VServerRecord } from './state.ts';

const changeable = {
  VServerName: name.optional(),
  Method: z
    .enum(
      ['Roundrobin', 'WeightRoundrobin', 'Source', 'ConsistentHash'],
      'write Roundrobin, WeightRoundrobin, Source or ConsistentHash; no other is simulated for packets',
    )
    .optional(),
  ClientTimeout: integer.refine((s) => s === 0 || (s >= 60 && s <= 900), 'write 0, or 60 to 900 seconds').optional(),
  MonitorType: z.enum(['Port', 'Ping', 'Customize']).optional(),
  RequestMsg: text.optional(),
  ResponseMsg: text.optional(),
};
type Change = z.output<z.ZodObject<typeof changeable>>;

/**
 * Listeners of classic load balancers, VServers. 4088: no such listener; 4103: the same, in DescribeVServer; 4107: its port is in use for its
 * protocol; 4144: HTTP where packets are forwarded; 4207: too many.
 * @source UCloud API reference, ulb-api; 4103: terraform-provider-ucloud
 */
export const vserverActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateVServer: action(
    {
      ...ofBalancer,
      ...changeable,
      ListenType: z.enum(['RequestProxy', 'PacketsTransmit']).default('RequestProxy'),
      Protocol: z.enum(['HTTP', 'HTTPS', 'TCP', 'UDP']).default('HTTP'),
      FrontendPort: port.default(80),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.ULBId, state.classicBalancers);
      if (args.ListenType === 'RequestProxy')
        throw notValid('ListenType', 'only PacketsTransmit is simulated; ALB is what answers requests');
      if (args.Protocol === 'HTTP' || args.Protocol === 'HTTPS')
        throw new Refusal(4144, `${args.Protocol} is not for PacketsTransmit`);
      checkQuota('classic', 'listeners', balancer.listeners.length + 1);
      const { Protocol: protocol, FrontendPort } = args;
      const twin = balancer.listeners.find((one) => one.port === FrontendPort && one.protocol === protocol);
      if (twin !== undefined) throw new Refusal(4107, `${twin.id} has ${protocol} port ${FrontendPort}`);
      const blank: VServerRecord = {
        id: `vserver-${drawName(state.chance, 12)}`,
        name: 'VServer',
        protocol,
        port: FrontendPort,
        method: 'Roundrobin',
        stickiness: 60,
        check: { type: protocol === 'UDP' ? 'Ping' : 'Port', request: '', response: '' },
        listedAt: balancers.listedAt(),
        targets: [],
      };
      const listener = changed(blank, args);
      balancer.listeners = [...balancer.listeners, listener];
      balancers.changed(balancer.id);
      return { VServerId: listener.id };
    },
  ),

  DescribeVServer: action(
    { ...place, ...page(20), ULBId: text.optional(), VServerId: text.optional() },
    (args, { state, now }) => {
      const at = now();
      const homes =
        args.ULBId === undefined ? state.classicBalancers : [balancerOf(args.ULBId, state.classicBalancers)];
      const all = homes.flatMap((balancer) =>
        listed(balancer.listeners, at)
          .filter(({ id }) => args.VServerId === undefined || id === args.VServerId)
          .map((listener) => ({ balancer, listener })),
      );
      if (args.VServerId !== undefined && all.length === 0)
        throw new Refusal(4103, `listener ${args.VServerId} does not exist`);
      const { TotalCount, shown } = pageOf(all, args);
      const DataSet = shown.map(({ balancer, listener }) => listenerForm(listener, balancer, { state, now: at }));
      return { TotalCount, DataSet };
    },
  ),

  UpdateVServerAttribute: action({ ...ofListener, ...changeable }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.ULBId, state.classicBalancers);
    const listener = listenerOf(args.VServerId, balancer);
    Object.assign(listener, changed(listener, args));
    balancers.changed(balancer.id);
    return {};
  }),

  DeleteVServer: action(ofListener, (args, { state, balancers }) => {
    const balancer = balancerOf(args.ULBId, state.classicBalancers);
    const listener = listenerOf(args.VServerId, balancer);
    balancer.listeners = balancer.listeners.filter((one) => one !== listener);
    balancers.changed(balancer.id);
    return {};
  }),
};

/** What is left out stays as it was. */
function changed(before: VServerRecord, args: Change): VServerRecord {
  return {
    ...before,
    name: args.VServerName ?? before.name,
    method: args.Method ?? before.method,
    stickiness: args.ClientTimeout ?? before.stickiness,
    check: readCheck(args, before),
  };
}

/** @fails Refusal 220, 230 */
function readCheck(
  { MonitorType, RequestMsg, ResponseMsg }: Change,
  { protocol, check }: VServerRecord,
): ClassicCheckRecord {
  const wanted = {
    type: MonitorType ?? check.type,
    request: RequestMsg ?? check.request,
    response: ResponseMsg ?? check.response,
  };
  if (protocol === 'TCP' && wanted.type !== 'Port')
    throw notValid('MonitorType', `${wanted.type} is for UDP listeners only`);
  if (wanted.type === 'Customize' && wanted.request === '') throw missing('RequestMsg');
  if (wanted.type === 'Customize' && wanted.response === '') throw missing('ResponseMsg');
  return wanted;
}
