import type { ApplicationListener, ApplicationListening } from '../application-balancer.ts';
import type { TargetKind } from './balancer-kind.ts';
import { paidParams } from './balancers.ts';
import { pagesOf } from './list-pages.ts';
import { ownedParams } from './listeners.ts';
import {
  answeringParams,
  openedListener,
  parseApplicationBalancer,
  parseApplicationListener,
} from './parse-application.ts';
import { leaveRules } from './rules.ts';
import { applicationBalancerMade, applicationBalancers, applicationListeners, listenerMade } from './wire/shapes.ts';

/** The application load balancer, of layer 7. */
export const alb: TargetKind<ApplicationListening, ApplicationListener> = {
  actions: {
    create: 'CreateLoadBalancer',
    remove: 'DeleteLoadBalancer',
    listen: 'CreateListener',
    change: 'UpdateListenerAttribute',
    unlisten: 'DeleteListener',
  },
  idParam: 'LoadBalancerId',
  idFilter: 'LoadBalancerIds.0',
  listenerParam: 'ListenerId',
  balancers: {
    action: 'DescribeLoadBalancers',
    params: { Type: 'Application', ShowDetail: true },
    shape: pagesOf(applicationBalancers, ({ LoadBalancers }) => LoadBalancers.map(parseApplicationBalancer)),
    idOf: ({ id }) => id,
  },
  listeners: {
    action: 'DescribeListeners',
    params: {},
    shape: pagesOf(applicationListeners, ({ Listeners }) => Listeners.map(parseApplicationListener)),
    idOf: ({ id }) => id,
  },
  bare: { ShowDetail: false },
  made: applicationBalancerMade,
  listenerMade,
  // Left out of the last one, a listener that others redirect to can't be deleted.
  extra: { remove: {}, unlisten: { RelatedRedirectDisabled: true } },
  createParams: (wish) => ({ Type: 'Application', ...paidParams(wish) }),
  openParams: (wish) => ({
    ...ownedParams(wish),
    ListenerPort: wish.port,
    ListenerProtocol: wish.protocol,
    ...answeringParams(wish),
  }),
  opened: openedListener,
  hasPort: (one, { port }) => one.port === port,
  targets: { add: 'AddTargets', remove: 'RemoveTargets' },
  // UCloud API reference, AddTargets and RemoveTargets: at most 20.
  targetsAtOnce: 20,
  free: leaveRules,
};
