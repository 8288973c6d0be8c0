import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, page, pageOf, place, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { listed } from '../form.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import { name, remark } from '../name.ts';
import { between, port } from '../number.ts';
import type { UlbState } from '../state.ts';
import { listenerForm } from './form.ts';
import { certificateOf } from './lookup.ts';
import { ofBalancer, ofListener } from './named.ts';
import { applicationCheck, readCheck } from './read-check.ts';
import type { ApplicationBalancerRecord, ApplicationListenerRecord, RuleRecord, StickinessRecord } from './state.ts';

const scheduler = z.enum(['Roundrobin', 'Source', 'WeightRoundrobin', 'Leastconn', 'Backup']);
const idleTimeout = between(1, 86_400, 'seconds');
const targetProtocol = z.enum(['HTTP', 'HTTPS'], 'write HTTP or HTTPS; GRPC is not simulated');
const securityPolicy = z.enum(['Default'], 'no other policy than Default is simulated');
const stickiness = z.strictObject({
  Enabled: flag.optional(),
  Type: z.enum(['ServerInsert', 'UserDefined']).optional(),
  CookieName: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,255}$/, 'write the name of a cookie, 1 to 255 characters')
    .optional(),
});
/** What can be changed, too. */
const changeable = {
  Certificates: z.array(text).max(1, 'one at the most; AddSSLBinding adds more').optional(),
  SecurityPolicyId: securityPolicy.optional(),
  IdleTimeout: idleTimeout.optional(),
  Scheduler: scheduler.optional(),
  StickinessConfig: stickiness.optional(),
  HealthCheckConfig: applicationCheck.optional(),
  CompressionEnabled: flag.optional(),
  HTTP2Enabled: flag.optional(),
  RedirectEnabled: flag.optional(),
  RedirectPort: port.optional(),
  TargetProtocol: targetProtocol.optional(),
  Name: name.optional(),
  Remark: remark.optional(),
};
type Change = z.output<z.ZodObject<typeof changeable>>;

/**
 * Listeners of application load balancers. 4088: no such listener; 4107: another one has its port; 4207: too many; 4210: no such
 * certificate; 5024: another one redirects to it.
 * @source UCloud API reference, ulb-api; ucloud-sdk-python3 0.11.150 services/ulb
 */
export const applicationListenerActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateListener: action(
    {
      ...ofBalancer,
      ...changeable,
      ListenerPort: port.default(80),
      ListenerProtocol: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      checkQuota('application', 'listeners', balancer.listeners.length + 1);
      const twin = balancer.listeners.find((one) => one.port === args.ListenerPort);
      if (twin !== undefined) throw new Refusal(4107, `${twin.id} has port ${twin.port}`);
      const listedAt = balancers.listedAt();
      const id = `als-${drawName(state.chance, 12)}`;
      const blank = {
        ...defaults,
        id,
        port: args.ListenerPort,
        protocol: args.ListenerProtocol,
        listedAt,
        rules: [defaultRule(`rule-${drawName(state.chance, 12)}`, listedAt)],
      };
      const listener = changed(blank, args);
      if (listener.protocol === 'HTTPS' && listener.certificates.length === 0) throw missing('Certificates.0');
      checkListener(listener, balancer, state);
      balancer.listeners = [...balancer.listeners, listener];
      balancers.changed(balancer.id);
      return { ListenerId: id };
    },
  ),

  // By its own id a listener is found whosever it is.
  DescribeListeners: action(
    { ...place, ...page(100), LoadBalancerId: text.optional(), ListenerId: text.optional() },
    (args, { state, now }) => {
      const at = now();
      const { LoadBalancerId, ListenerId } = args;
      if (LoadBalancerId === undefined && ListenerId === undefined) throw missing('LoadBalancerId');
      const all =
        ListenerId === undefined
          ? balancerOf(LoadBalancerId ?? '', state.applicationBalancers).listeners
          : state.applicationBalancers.flatMap(({ listeners }) => listeners.filter(({ id }) => id === ListenerId));
      const { TotalCount, shown } = pageOf(listed(all, at), args);
      return { TotalCount, Listeners: shown.map((one) => listenerForm(one, state, at)) };
    },
  ),

  UpdateListenerAttribute: action({ ...ofListener, ...changeable }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = listenerOf(args.ListenerId, balancer);
    const wanted = changed(listener, args);
    if (wanted.scheduler === 'Backup' && listener.scheduler !== 'Backup' && listener.targets.length > 0)
      throw notValid('Scheduler', `${listener.id} has targets; only a listener without one can go over to Backup`);
    checkListener(wanted, balancer, state);
    Object.assign(listener, wanted);
    balancers.changed(balancer.id);
    return {};
  }),

  DeleteListener: action({ ...ofListener, RelatedRedirectDisabled: flag }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = listenerOf(args.ListenerId, balancer);
    const related = balancer.listeners.filter(({ redirect }) => redirect.enabled && redirect.port === listener.port);
    if (related.length > 0 && !args.RelatedRedirectDisabled)
      throw new Refusal(5024, `${related.map(({ id }) => id).join(', ')} redirects to ${listener.id}`);
    for (const one of related) one.redirect = { ...one.redirect, enabled: false };
    balancer.listeners = balancer.listeners.filter((one) => one !== listener);
    balancers.changed(balancer.id);
    return {};
  }),
};

const defaults = {
  name: 'listener',
  remark: '',
  targetProtocol: 'HTTP',
  certificates: [],
  http2: false,
  idleTimeout: 60,
  scheduler: 'Roundrobin',
  stickiness: { enabled: false, type: 'ServerInsert', cookie: '' },
  check: {
    type: 'Port',
    port: 0,
    domain: '',
    path: '/',
    method: 'HEAD',
    codes: '2xx,3xx',
    interval: 2,
    timeout: 1,
    minSuccess: 3,
    maxFail: 3,
  },
  compresses: false,
  redirect: { enabled: false, port: 443 },
  targets: [],
} as const satisfies Partial<ApplicationListenerRecord>;

function defaultRule(id: string, listedAt: number): RuleRecord {
  const actions = [{ type: 'Forward', targets: 'all' }] as const;
  return { id, isDefault: true, host: undefined, path: undefined, pass: false, actions, listedAt };
}

/** What is left out stays as it was. @fails Refusal 220, 230 */
function changed(before: ApplicationListenerRecord, args: Change): ApplicationListenerRecord {
  if (before.protocol === 'HTTP') refuseAny(args, ['Certificates', 'SecurityPolicyId'], 'is for HTTPS listeners only');
  const [certificate] = args.Certificates ?? [];
  const others = before.certificates.slice(1).filter((one) => one !== certificate);
  return {
    ...before,
    name: args.Name ?? before.name,
    remark: args.Remark ?? before.remark,
    targetProtocol: args.TargetProtocol ?? before.targetProtocol,
    certificates: certificate === undefined ? before.certificates : [certificate, ...others],
    http2: args.HTTP2Enabled ?? before.http2,
    idleTimeout: args.IdleTimeout ?? before.idleTimeout,
    scheduler: args.Scheduler ?? before.scheduler,
    stickiness: readStickiness(args.StickinessConfig, before.stickiness),
    check: readCheck(args.HealthCheckConfig, before.check),
    compresses: args.CompressionEnabled ?? before.compresses,
    redirect: {
      enabled: args.RedirectEnabled ?? before.redirect.enabled,
      port: args.RedirectPort ?? before.redirect.port,
    },
  };
}

function refuseAny(args: Change, names: readonly (keyof Change)[], why: string): void {
  const given = names.find((one) => args[one] !== undefined);
  if (given !== undefined) throw notValid(given, why);
}

function readStickiness(
  { Enabled, Type, CookieName }: z.output<typeof stickiness> = {},
  before: StickinessRecord,
): StickinessRecord {
  const wanted = { enabled: Enabled ?? before.enabled, type: Type ?? before.type, cookie: CookieName ?? before.cookie };
  if (wanted.enabled && wanted.type === 'UserDefined' && wanted.cookie === '')
    throw missing('StickinessConfig.CookieName');
  return wanted;
}

/** @fails Refusal 230, 4088, 4210 */
function checkListener(
  { protocol, certificates, http2, redirect }: ApplicationListenerRecord,
  { id, listeners }: ApplicationBalancerRecord,
  state: UlbState,
): void {
  for (const one of certificates) certificateOf(one, state);
  if (protocol === 'HTTP' && http2) throw notValid('HTTP2Enabled', 'HTTP/2 is for HTTPS listeners only');
  if (!redirect.enabled) return;
  if (protocol === 'HTTPS') throw notValid('RedirectEnabled', 'only HTTP listeners redirect');
  if (!listeners.some((one) => one.protocol === 'HTTPS' && one.port === redirect.port))
    throw new Refusal(4088, `load balancer ${id} has no HTTPS listener on port ${redirect.port} to redirect to`);
}
