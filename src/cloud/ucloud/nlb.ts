import type { CloudListener, Listening } from '../balancer.ts';
import type { TargetKind } from './balancer-kind.ts';
import { paidParams } from './balancers.ts';
import { pagesOf } from './list-pages.ts';
import { ownedParams } from './listeners.ts';
import { listeningParams, parseBalancer, parseListener } from './parse-balancer.ts';
import { balancerListeners, listenerMade, networkBalancerMade, networkBalancers } from './wire/shapes.ts';

/** The network load balancer, of layer 4. */
export const nlb: TargetKind<Listening, CloudListener> = {
  actions: {
    create: 'CreateNetworkLoadBalancer',
    remove: 'DeleteNetworkLoadBalancer',
    listen: 'CreateNLBListener',
    change: 'UpdateNLBListenerAttribute',
    unlisten: 'DeleteNLBListener',
  },
  idParam: 'NLBId',
  idFilter: 'NLBIds.0',
  listenerParam: 'ListenerId',
  balancers: {
    action: 'DescribeNetworkLoadBalancers',
    params: { ShowDetail: true },
    shape: pagesOf(networkBalancers, ({ NLBs }) => NLBs.map(parseBalancer)),
    idOf: ({ id }) => id,
  },
  listeners: {
    action: 'DescribeNLBListeners',
    params: {},
    shape: pagesOf(balancerListeners, ({ Listeners }) => Listeners.map(parseListener)),
    idOf: ({ id }) => id,
  },
  bare: { ShowDetail: false },
  made: networkBalancerMade,
  listenerMade,
  extra: { remove: { ReleaseEIP: false }, unlisten: {} },
  createParams: paidParams,
  openParams: (wish) => ({
    ...ownedParams(wish),
    Protocol: wish.protocol,
    // Left out they are 1 to 65535.
    StartPort: wish.port,
    EndPort: wish.port,
    ...listeningParams(wish),
  }),
  opened(id, { mark, owner, protocol, port, scheduler, sticky, proxyProtocol, checkPort }) {
    const told = { mark, owner, protocol, port, lastPort: port, scheduler, sticky, proxyProtocol, checkPort };
    return { id, ...told, backEnds: [] };
  },
  hasPort: (one, { protocol, port }) => one.protocol === protocol && one.port <= port && port <= one.lastPort,
  targets: { add: 'AddNLBTargets', remove: 'RemoveNLBTargets' },
  // UCloud API reference, RemoveNLBTargets: at most 40 ids a call; the same is kept to when adding.
  targetsAtOnce: 40,
};
