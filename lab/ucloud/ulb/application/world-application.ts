import type { UnetState } from '../../unet/state.ts';
import type { Placed } from '../../vpc/state.ts';
import { worldPlace } from '../place-in-world.ts';
import type { UlbState } from '../state.ts';
import type { WorldQuestion } from '../world.ts';
import { certificateOf } from './lookup.ts';
import { targetsOf } from './rule-form.ts';
import type {
  ApplicationBalancerRecord,
  ApplicationListenerRecord,
  ApplicationTargetRecord,
  FinalAction,
  HeaderAction,
  RuleRecord,
} from './state.ts';
import type { WorldApplicationBalancer, WorldApplicationListener, WorldRule } from './world.ts';

/** What an application load balancer of the world has to do, so that requests go as the records say. */
export function worldApplication(
  balancer: ApplicationBalancerRecord,
  state: Placed & UnetState,
): WorldApplicationBalancer {
  const { snatIps, listeners } = balancer;
  return {
    ...worldPlace(balancer, state),
    snatIps,
    listeners: listeners.map((listener) => worldListener(listener, state)),
  };
}

/** @source UCloud ALB manual: the cookie's name is not published when the balancer makes one */
const ownCookie = 'ucloud-alb';

function worldListener(listener: ApplicationListenerRecord, state: UlbState): WorldApplicationListener {
  const { id, port, protocol, targetProtocol, idleTimeout, stickiness, compresses, redirect, http2 } = listener;
  const certificates = listener.certificates.map((one) => certificateOf(one, state));
  const isOwn = stickiness.type === 'ServerInsert';
  return {
    id,
    port,
    tls:
      protocol === 'HTTPS'
        ? { certificates: certificates.map(({ chain, key }) => ({ chain, key })), http2 }
        : undefined,
    targetProtocol,
    idleTimeout,
    scheduler: schedulers[listener.scheduler],
    cookie: stickiness.enabled ? { name: isOwn ? ownCookie : stickiness.cookie, isOwn } : undefined,
    compresses,
    redirectTo: redirect.enabled ? redirect.port : undefined,
    rules: inForce(listener).map((rule) => worldRule(rule, listener)),
  };
}

/** Of a main target and a backup the one that is healthy has everything: that is decided here, where targets are chosen. */
const schedulers = {
  Roundrobin: 'RoundRobin',
  Source: 'SourceHash',
  WeightRoundrobin: 'WeightRoundRobin',
  Leastconn: 'LeastConn',
  Backup: 'RoundRobin',
} as const;

/** The latest first. A rule that may be passed over is not there while nothing is to be forwarded to. */
function inForce(listener: ApplicationListenerRecord): readonly RuleRecord[] {
  return listener.rules.toReversed().filter((rule) => {
    const last = rule.actions.at(-1);
    return !rule.pass || last?.type !== 'Forward' || targetsOf(last, listener).length > 0;
  });
}

function worldRule({ id, host, path, actions }: RuleRecord, listener: ApplicationListenerRecord): WorldRule {
  const last = actions.at(-1) as FinalAction;
  return {
    id,
    host,
    path,
    headers: actions.slice(0, -1) as readonly HeaderAction[],
    last: last.type === 'FixedResponse' ? last : { type: 'Forward', targets: worldTargets(last, listener) },
  };
}

function worldTargets(last: Extract<FinalAction, { type: 'Forward' }>, listener: ApplicationListenerRecord) {
  const fit = targetsOf(last, listener).filter(({ target: { enabled, health } }) => enabled && health.isHealthy);
  const main = fit.filter(({ target }) => !target.isBackup);
  const chosen = listener.scheduler !== 'Backup' || main.length === 0 ? fit : main;
  return chosen.map(({ target: { id, ip, port }, weight }) => ({ id, ip, port, weight }));
}

export function questionTo(target: ApplicationTargetRecord, listener: ApplicationListenerRecord): WorldQuestion {
  const { type, domain, path, method, codes, timeout, ...check } = listener.check;
  const port = check.port === 0 ? target.port : check.port;
  if (type === 'Port') return { type, port, request: '', response: '', within: timeout };
  const good = codes.split(',').map((code) => Number(code[0]));
  return { type, port, protocol: listener.targetProtocol, method, domain, path, good, within: timeout };
}
