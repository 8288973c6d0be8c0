import type { BalancerWish, CloudListener, Listening } from '../balancer.ts';
import type { BalancerKind } from './balancer-kind.ts';
import { pagesOf } from './list-pages.ts';
import { directName, directParams, parseDirectBalancer, parseDirectListener } from './parse-direct.ts';
import { directBalancerMade, directBalancers, directListenerMade, directListeners } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** The classic load balancer that forwards packets (CLB4). */
export const clb: BalancerKind<Listening, CloudListener> = {
  actions: {
    create: 'CreateULB',
    remove: 'DeleteULB',
    listen: 'CreateVServer',
    change: 'UpdateVServerAttribute',
    unlisten: 'DeleteVServer',
  },
  idParam: 'ULBId',
  idFilter: 'ULBId',
  listenerParam: 'VServerId',
  balancers: {
    action: 'DescribeULB',
    params: {},
    shape: pagesOf(directBalancers, ({ DataSet }) => DataSet.map(parseDirectBalancer)),
    idOf: ({ id }) => id,
  },
  listeners: {
    action: 'DescribeVServer',
    params: {},
    shape: pagesOf(directListeners, ({ DataSet }) => DataSet.map(parseDirectListener)),
    idOf: ({ id }) => id,
  },
  bare: {},
  made: directBalancerMade,
  listenerMade: directListenerMade,
  extra: { remove: { ReleaseEip: false }, unlisten: {} },
  createParams,
  openParams: (wish) => ({
    VServerName: directName(wish),
    ListenType: packets,
    Protocol: wish.protocol,
    FrontendPort: wish.port,
    ...directParams(wish),
  }),
  opened(id, { mark, owner, protocol, port, scheduler, sticky }) {
    const told = { mark, owner, protocol, port, lastPort: port, scheduler, sticky, proxyProtocol: false };
    return { id, ...told, checkPort: port, backEnds: [] };
  },
  hasPort: (one, { protocol, port }) => one.protocol === protocol && one.port === port,
};

const packets = 'PacketsTransmit';

/** Of both modes the outer one wins, and it is the usual one. */
function createParams({ name, isPublic = false }: BalancerWish): Params {
  return { ULBName: name, ListenType: packets, ...(isPublic ? { OuterMode: 'Yes' } : { InnerMode: 'Yes' }) };
}
