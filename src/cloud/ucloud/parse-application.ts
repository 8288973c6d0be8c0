import { seconds } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import type {
  ApplicationBalancer,
  ApplicationCheck,
  ApplicationListener,
  ApplicationListening,
  ApplicationScheduler,
  Stickiness,
} from '../application-balancer.ts';
import type { Owned } from '../owned.ts';
import { byPlace, keyOf, parseBackEnd, parseRemark, whoseAndWhere } from './parse-balancer.ts';
import { parseRules } from './parse-rule.ts';
import type { ApplicationBalancerSeen, ApplicationListenerSeen } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** A balancer as DescribeLoadBalancers tells it with ShowDetail. @source UCloud API reference, LoadBalancer */
export function parseApplicationBalancer(seen: ApplicationBalancerSeen): ApplicationBalancer {
  const inner = seen.IPInfos.find(({ AddressType }) => AddressType !== 'Internet');
  return {
    id: seen.LoadBalancerId,
    ...whoseAndWhere(seen, seen.ChargeType),
    address: parseIp(inner?.IP ?? ''),
    senders: seen.SnatIPs.flatMap((text) => parseIp(text) ?? []),
    listeners: seen.Listeners.map(parseApplicationListener).sort((a, b) => a.port - b.port),
  };
}

export function parseApplicationListener(seen: ApplicationListenerSeen): ApplicationListener {
  const { mark, owner } = parseRemark(seen.Remark);
  const [ours, others] = [true, false].map((isDefault) =>
    seen.Certificates.flatMap(({ SSLId, IsDefault }) => (IsDefault === isDefault ? SSLId : [])),
  );
  return {
    id: seen.ListenerId,
    mark,
    owner,
    protocol: seen.ListenerProtocol.toUpperCase(),
    port: seen.ListenerPort,
    scheduler: keyOf(schedulerNames, seen.Scheduler),
    idleTimeout: seen.IdleTimeout === undefined ? undefined : seconds(seen.IdleTimeout),
    sticky: parseStickiness(seen),
    check: parseCheck(seen),
    redirectTo: seen.RedirectEnabled ? seen.RedirectPort : undefined,
    certificates: [...(ours ?? []), ...(others ?? []).toSorted()],
    backEnds: seen.Targets.map(parseBackEnd).sort(byPlace),
    rules: parseRules(seen.Rules),
  };
}

function parseStickiness({ StickinessConfig: config }: ApplicationListenerSeen): Stickiness | undefined {
  if (config === undefined || !config.Enabled) return { by: 'nothing' };
  if (config.Type === 'ServerInsert') return { by: 'own-cookie' };
  return config.CookieName === undefined ? undefined : { by: 'cookie', name: config.CookieName };
}

function parseCheck({ HealthCheckConfig: config }: ApplicationListenerSeen): ApplicationCheck | undefined {
  if (config?.Type === 'Port') return { by: 'connection' };
  const { Type, Method: method = 'HEAD', Path: path = '/', Domain: host } = config ?? {};
  return Type === 'HTTP' && (method === 'GET' || method === 'HEAD') ? { by: 'http', method, path, host } : undefined;
}

/** How a port is to be answered, as both CreateListener and UpdateListenerAttribute want it; of certificates the default alone. */
export function answeringParams(wish: ApplicationListening): Params {
  return {
    ...(wish.protocol === 'HTTPS'
      ? { 'Certificates.0': wish.certificates[0] }
      : {
          RedirectEnabled: wish.redirectTo !== undefined,
          ...(wish.redirectTo !== undefined && { RedirectPort: wish.redirectTo }),
        }),
    IdleTimeout: wish.idleTimeout / seconds(1),
    Scheduler: schedulerNames[wish.scheduler],
    ...stickinessParams(wish.sticky),
    ...checkParams(wish.check),
  };
}

function stickinessParams(sticky: Stickiness): Params {
  if (sticky.by === 'nothing') return { 'StickinessConfig.Enabled': false };
  return {
    'StickinessConfig.Enabled': true,
    'StickinessConfig.Type': sticky.by === 'cookie' ? 'UserDefined' : 'ServerInsert',
    ...(sticky.by === 'cookie' && { 'StickinessConfig.CookieName': sticky.name }),
  };
}

function checkParams(check: ApplicationCheck): Params {
  if (check.by === 'connection') return { 'HealthCheckConfig.Enabled': true, 'HealthCheckConfig.Type': 'Port' };
  return {
    'HealthCheckConfig.Enabled': true,
    'HealthCheckConfig.Type': 'HTTP',
    'HealthCheckConfig.Method': check.method,
    'HealthCheckConfig.Path': check.path,
    // An empty text counts as left out, and what is left out of a change stays as it was.
    'HealthCheckConfig.Domain': check.host,
  };
}

/** A listener as it was accepted. */
export function openedListener(id: string, wish: ApplicationListening & Owned): ApplicationListener {
  const { mark, owner, protocol, port, scheduler, idleTimeout, sticky, check } = wish;
  const entry =
    wish.protocol === 'HTTP'
      ? { redirectTo: wish.redirectTo, certificates: [] }
      : { redirectTo: undefined, certificates: [wish.certificates[0], ...wish.certificates.slice(1).toSorted()] };
  return { id, mark, owner, protocol, port, scheduler, idleTimeout, sticky, check, ...entry, backEnds: [], rules: [] };
}

const schedulerNames: Readonly<Record<ApplicationScheduler, string>> = {
  'round-robin': 'Roundrobin',
  'weighted-round-robin': 'WeightRoundrobin',
  'source-hash': 'Source',
  'least-connections': 'Leastconn',
};
