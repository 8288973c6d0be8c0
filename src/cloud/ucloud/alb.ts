import type { ApplicationListener, ApplicationListening } from '../application-balancer.ts';
import type { BalancerKind } from './balancer-kind.ts';
import { pagesOf } from './list-pages.ts';
import {
  answeringParams,
  openedListener,
  parseApplicationBalancer,
  parseApplicationListener,
} from './parse-application.ts';
import { leaveRules } from './rules.ts';
import { applicationBalancerMade, applicationBalancers, applicationListeners } from './wire/shapes.ts';

/** The application load balancer, of layer 7. */
export const alb: BalancerKind<ApplicationListening, ApplicationListener> = {
  actions: {
    create: 'CreateLoadBalancer',
    remove: 'DeleteLoadBalancer',
    listen: 'CreateListener',
    change: 'UpdateListenerAttribute',
    unlisten: 'DeleteListener',
    addTargets: 'AddTargets',
    removeTargets: 'RemoveTargets',
  },
  idParam: 'LoadBalancerId',
  idFilter: 'LoadBalancerIds.0',
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
  made: applicationBalancerMade,
  // Left out of the last one, a listener that others redirect to can't be deleted.
  extra: { create: { Type: 'Application' }, remove: {}, unlisten: { RelatedRedirectDisabled: true } },
  openParams: (wish) => ({
    ListenerPort: wish.port,
    ListenerProtocol: wish.protocol,
    ...answeringParams(wish),
  }),
  opened: openedListener,
  hasPort: (one, { port }) => one.port === port,
  // UCloud API reference, AddTargets and RemoveTargets: at most 20.
  targetsAtOnce: 20,
  free: leaveRules,
};
