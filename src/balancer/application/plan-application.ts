import {
  type ApplicationBalancer,
  type ApplicationListener,
  type ApplicationListening,
  type ApplicationRule,
  matchKey,
  type RuleMatch,
} from '#cloud/application-balancer.ts';
import { backEndKey } from '#cloud/balancer.ts';
import type { CloudCertificate } from '#cloud/certificate.ts';
import type { Inbound } from '#cloud/inbound.ts';
import type { ListenStep } from '../perform-step.ts';
import { type Fault, nodePortRange, planClosedPorts } from '../plan-checks.ts';
import {
  chooseStep,
  type Hold,
  isOurs,
  type LayerWish,
  type LifeSeen,
  type LifeStep,
  type LifeWish,
  type OwnedFault,
  planFixed,
  planLife,
  textOfStep,
} from '../plan-life.ts';
import { backEndsIn, idsInRules, planRoutes, type RouteStep } from './plan-routes.ts';
import type { ApplicationWish, CertificateRef, RouteAction, WishedEntry, WishedRoute } from './wish.ts';

/** What is asked of one ALB, and all that is in the cloud for it. */
export interface ApplicationSeen extends LifeSeen<ApplicationListener> {
  /** `undefined` when there is to be none. */
  readonly wish: LifeWish | undefined;
  /** `Service` or `Ingress`: who asks. */
  readonly kind: 'Service' | 'Ingress';
  /** What somebody who cannot be understood may have got before. */
  readonly kept: KeptRoutes;
  readonly inbound?: ReadonlyMap<string, Inbound> | undefined;
  /** By the address of a pod, the machine that it runs on. */
  readonly homes?: ReadonlyMap<string, string> | undefined;
  /** What stands against it on the side of the cluster. */
  readonly faults?: readonly Fault[];
  /** How often in a row the checks were looked at. */
  readonly looks: number;
  readonly mostListeners: number;
}

export interface KeptRoutes {
  /** By match, what a rule that is there is to do. */
  readonly actions: ReadonlyMap<string, RouteAction>;
  /** Whether ports and rules that nobody wants stay. */
  readonly others: boolean;
  /** Matches of those that have left: their rules go all the same. */
  readonly left: ReadonlySet<string>;
  /** By port, what the last rule is to do. */
  readonly last?: ReadonlyMap<number, RouteAction>;
}

export type ApplicationStep =
  | LifeStep
  | ListenStep<ApplicationListening>
  | (RouteStep & { readonly balancer: string; readonly listener: string })
  /** Gives a certificate to the cloud. */
  | { readonly do: 'certify'; readonly digest: string };

/** The next step for a balancer of layer 7. */
export function planApplication(seen: ApplicationSeen): ApplicationStep {
  return planLife<ApplicationListener, ApplicationStep, ApplicationWish>(seen, seen.wish, {
    isOwn,
    keep: (fault) => planKeeping(seen, fault),
    serve: (balancer, wish) => planEntries(seen, balancer, wish),
    rest: (balancer, wish, faults) => planRest(seen, balancer, wish, faults),
    ipMode: (wish) => (seen.kind === 'Ingress' || wish.listeners.length === 0 ? undefined : 'Proxy'),
  });
}

function isOwn(wish: LayerWish): wish is ApplicationWish {
  return wish.layer === 'application';
}

/** What there is goes on as it is, with the right back ends. */
function planKeeping(seen: ApplicationSeen, { reason, message }: Fault): Hold | ApplicationStep {
  const { cloud, isClaimed } = seen;
  const balancer = isClaimed && cloud.state === 'known' && cloud.markLost === undefined ? cloud.balancer : undefined;
  const own = balancer?.listeners.filter((one) => isOurs(seen, one)) ?? [];
  if (balancer === undefined || own.length === 0) return { do: 'hold', reason, message };
  const isDoubtful = cloud.state === 'known' && cloud.inDoubt;
  const keeping = { ...seen, kept: keptOf(seen) };
  const steps = own
    .flatMap((there) => routingSteps(keeping, balancer.id, there, undefined))
    .filter((one) => one.do !== 'add' || !isDoubtful);
  const step = steps.find((one) => one.do !== 'hold');
  if (step !== undefined) return step;
  const told: Hold = { do: 'hold', reason, message: `${message}; load balancer ${balancer.id} serves as before` };
  // What waits for the cloud is asked again; what a person has to mend is told all the same.
  return steps.length === 0 ? told : { ...told, lists: true };
}

/** Whatever serves stays, that of a wish too which can be understood and has to wait for another balancer. */
function keptOf({ wish, kept }: ApplicationSeen): KeptRoutes {
  const entries = wish?.ok === true && isOwn(wish.wish) ? wish.wish.listeners : [];
  const wished = entries.flatMap(({ routes }) => routes.map(({ match, action }) => [matchKey(match), action] as const));
  return {
    ...kept,
    others: true,
    actions: new Map([...kept.actions, ...wished]),
    last: new Map([
      ...(kept.last ?? []),
      ...entries.flatMap(({ port, last }) => (last.do === 'send' ? [[port, last] as const] : [])),
    ]),
  };
}

/** One port after the other: those that others are sent to first, and those that nobody wants before new ones. */
function planEntries(
  seen: ApplicationSeen,
  balancer: ApplicationBalancer,
  wish: ApplicationWish,
): { readonly step: ApplicationStep | undefined; readonly faults: readonly Fault[] } {
  const { cloud, kept } = seen;
  const certificates = cloud.state === 'known' ? cloud.certificates : [];
  const ids = new Map(
    certificates.toReversed().flatMap(({ digest, id }) => (digest === undefined ? [] : [[digest, id]])),
  );
  const wanted = wish.listeners.flatMap((one) => one.certificates.flatMap(({ digest }) => digest ?? []));
  const missing = wanted.find((digest) => !ids.has(digest));
  const own = balancer.listeners.filter((one) => isOurs(seen, one));
  if (missing !== undefined) return { step: planCertifying(seen, balancer, wish, own, missing), faults: [] };
  const faults: Fault[] = [];
  const steps: ApplicationStep[] = [];
  const chosen = new Set<string>();
  for (const wished of wish.listeners.toSorted((a, b) =>
    a.protocol === b.protocol ? a.port - b.port : a.protocol === 'HTTPS' ? -1 : 1,
  )) {
    const there = own.find((one) => one.port === wished.port && one.protocol === wished.protocol);
    const listening = listeningOf(wished, certificates, ids, there);
    if (there !== undefined) {
      chosen.add(there.id);
      steps.push(...entrySteps(seen, balancer.id, there, wished, listening));
      continue;
    }
    // It was to stay as it is, and has gone meanwhile.
    if (wished.protocol === 'HTTPS' && wished.certificates.length === 0) continue;
    const inTheWay = own.find((one) => one.port === wished.port);
    const other = balancer.listeners.find((one) => !isOurs(seen, one) && one.port === wished.port);
    if (inTheWay !== undefined) steps.push({ do: 'unlisten', balancer: balancer.id, listener: inTheWay.id });
    else if (other !== undefined) faults.push(takenPort(balancer.id, wished.port, other));
    else if (balancer.listeners.length >= seen.mostListeners) faults.push(fullBalancer(balancer, wished.port));
    else steps.push({ do: 'listen', balancer: balancer.id, listener: '', wish: listening });
  }
  for (const there of own.filter(({ id }) => !chosen.has(id)))
    if (!kept.others) steps.push({ do: 'unlisten', balancer: balancer.id, listener: there.id });
    else steps.push(...routingSteps(seen, balancer.id, there, undefined));
  // Last: a certificate goes when no port has it any more, and none that cannot be opened waits for it.
  const used = new Set([
    ...balancer.listeners.flatMap((one) => one.certificates),
    ...wanted.flatMap((digest) => ids.get(digest) ?? []),
  ]);
  const spare = certificates.find(({ id }) => !used.has(id));
  if (spare !== undefined && !kept.others) steps.push({ do: 'discard', certificate: spare.id });
  return {
    step:
      chooseStep(
        steps.filter((one) => one.do !== 'hold'),
        seen,
      ) ?? steps[0],
    faults,
  };
}

/** A certificate comes before the port that shows it; while the cloud refuses it, what is open is sent to the right back ends first. */
function planCertifying(
  seen: ApplicationSeen,
  balancer: ApplicationBalancer,
  { listeners }: ApplicationWish,
  own: readonly ApplicationListener[],
  digest: string,
): ApplicationStep | undefined {
  const others = own.flatMap((there) =>
    routingSteps(
      seen,
      balancer.id,
      there,
      listeners.find(({ port, protocol }) => port === there.port && protocol === there.protocol),
    ).filter((one) => one.do !== 'hold'),
  );
  return chooseStep([{ do: 'certify', digest }, ...others], seen);
}

function listeningOf(
  wished: WishedEntry,
  certificates: readonly CloudCertificate[],
  ids: ReadonlyMap<string, string>,
  there: ApplicationListener | undefined,
): ApplicationListening {
  const { port, scheduler, idleTimeout, sticky, check, redirectTo } = wished;
  const answering = { port, scheduler, idleTimeout, sticky, check };
  if (wished.protocol === 'HTTP') return { ...answering, protocol: 'HTTP', redirectTo };
  const idOf = (ref: CertificateRef): string => ref.id ?? ids.get(ref.digest) ?? '';
  const wanted = wished.certificates.map(idOf);
  const kept = keptOfPort(wished, certificates, there);
  const all = wished.lacks?.isDefault === true ? [...kept.slice(0, 1), ...wanted, ...kept] : [...wanted, ...kept];
  const [first = '', ...others] = [...new Set(all)];
  return { ...answering, protocol: 'HTTPS', certificates: [first, ...others.toSorted()] };
}

/** What a port has while a Secret cannot be used. A certificate does not say which Secret it is of, but some are known to have a successor. */
function keptOfPort(
  { lacks }: WishedEntry,
  certificates: readonly CloudCertificate[],
  there: ApplicationListener | undefined,
): readonly string[] {
  if (lacks === undefined) return [];
  const replaced = certificates.flatMap(({ id, digest = '' }) => (lacks.replaced.includes(digest) ? id : []));
  return (there?.certificates ?? []).filter((id) => !replaced.includes(id));
}

function entrySteps(
  seen: ApplicationSeen,
  balancer: string,
  there: ApplicationListener,
  wished: WishedEntry,
  listening: ApplicationListening,
): readonly ApplicationStep[] {
  const change: ApplicationStep = { do: 'change', balancer, listener: there.id, wish: listening };
  return [...(isAsWished(there, listening) ? [] : [change]), ...routingSteps(seen, balancer, there, wished)];
}

function isAsWished(there: ApplicationListener, wish: ApplicationListening): boolean {
  const certificates = wish.protocol === 'HTTPS' ? wish.certificates : [];
  return (
    there.scheduler === wish.scheduler &&
    there.idleTimeout === wish.idleTimeout &&
    JSON.stringify(there.sticky) === JSON.stringify(wish.sticky) &&
    sameCheck(there.check, wish.check) &&
    there.redirectTo === (wish.protocol === 'HTTP' ? wish.redirectTo : undefined) &&
    there.certificates.join() === certificates.join()
  );
}

function sameCheck(a: ApplicationListener['check'], b: ApplicationListening['check']): boolean {
  if (a?.by !== b.by) return false;
  if (a.by === 'connection' || b.by === 'connection') return true;
  // Whoever names no host takes the one that the cloud has.
  return a.method === b.method && a.path === b.path && (b.host === undefined || a.host === b.host);
}

/**
 * Back ends first, then the rules that send to them, then back ends that no rule sends to any more.
 * @unit wished: `undefined` for a port that is only kept
 */
function routingSteps(
  seen: ApplicationSeen,
  balancer: string,
  there: ApplicationListener,
  wished: WishedEntry | undefined,
): readonly ApplicationStep[] {
  return stepsOfRoutes(seen, { balancer, listener: there.id }, there, effective(seen.kept, there, wished));
}

function stepsOfRoutes(
  seen: ApplicationSeen,
  at: { readonly balancer: string; readonly listener: string },
  there: ApplicationListener,
  { routes, last }: ReturnType<typeof effective>,
): readonly ApplicationStep[] {
  // First: a cloud may put new back ends under the last rule, and nobody may get what no Ingress is for.
  const lastRule = there.rules.find(({ match }) => match === undefined);
  if (lastRule === undefined) return [lastRuleMissing(at.balancer, there)];
  if (last?.do === 'answer' && JSON.stringify(lastRule.action) !== JSON.stringify(last))
    return [{ do: 'reroute', ...at, rule: lastRule.id, wish: { action: last } }];
  const needed = backEndsIn([...routes.map(({ action }) => action), ...(last === undefined ? [] : [last])]);
  const has = new Set(there.backEnds.map(backEndKey));
  const missing = needed.filter((one) => !has.has(backEndKey(one)));
  if (missing.length > 0) return [{ do: 'add', ...at, backEnds: missing }];
  const stays = (match: RuleMatch): boolean => seen.kept.others && !seen.kept.left.has(matchKey(match));
  const step = planRoutes(there, { routes, last }, stays);
  if (step !== undefined) {
    const asked = { ...step, ...at };
    if (step.do !== 'route' || seen.refused?.has(textOfStep(asked)) !== true) return [asked];
    const others = routes.filter(({ match }) => matchKey(match) !== matchKey(step.wish.match));
    return [...stepsOfRoutes(seen, at, there, { routes: others, last }), asked];
  }
  const wanted = new Set(needed.map(backEndKey));
  const inRules = idsInRules(there);
  const twice = new Set<string>();
  const ids = there.backEnds.flatMap((one) => {
    const key = backEndKey(one);
    const isFirst = !twice.has(key);
    twice.add(key);
    return isFirst && (wanted.has(key) || inRules.has(one.id)) ? [] : one.id;
  });
  return ids.length === 0 ? [] : [{ do: 'drop', ...at, ids }];
}

/**
 * A listener always has one. Until the cloud lists it, its other rules may be missing from the list as well: nobody can say which back ends
 * are needed, and every new one might answer what no rule is for.
 */
function lastRuleMissing(balancer: string, { port }: ApplicationListener): Hold {
  const message = `the cloud does not show yet what port ${port} of load balancer ${balancer} does with requests of no rule: it is asked again before its back ends are changed`;
  return { do: 'hold', reason: 'InDoubt', message, lists: true };
}

/** What is wished of a port, and what is kept of it. */
function effective(
  kept: KeptRoutes,
  there: ApplicationListener,
  wished: WishedEntry | undefined,
): { readonly routes: readonly WishedRoute[]; readonly last: RouteAction | undefined } {
  const routes = wished?.routes ?? [];
  const wanted = new Set(routes.map(({ match }) => matchKey(match)));
  const also = there.rules.flatMap(({ match }: ApplicationRule): readonly WishedRoute[] => {
    const action = match === undefined || wanted.has(matchKey(match)) ? undefined : kept.actions.get(matchKey(match));
    return match === undefined || action === undefined ? [] : [{ of: undefined, match, action }];
  });
  const lastKept = kept.last?.get(there.port);
  const serves = there.rules.some(({ match, action }) => match === undefined && action?.do === 'send');
  // Somebody who cannot be understood goes on answering what nobody else answers.
  const isKept = serves && wished?.last.do !== 'send';
  return { routes: [...routes, ...also], last: isKept ? (lastKept ?? wished?.last) : wished?.last };
}

function takenPort(id: string, port: number, other: ApplicationListener): Fault {
  const whose = other.owner === undefined ? 'by somebody else' : 'by another Service or Ingress';
  return {
    reason: 'PortInUse',
    message: `port ${port} of load balancer ${id} is already in use ${whose} (listener ${other.id}): use another port`,
  };
}

function fullBalancer({ id, listeners }: ApplicationBalancer, port: number): Fault {
  return {
    reason: 'TooManyPorts',
    message: `load balancer ${id} has ${listeners.length} listeners and takes no more, so port ${port} is not served`,
  };
}

/** A new back end counts as unwell until three checks, 2 s apart, have said otherwise. */
const patientLooks = 6;

/** Nothing is to be done; what stands against it all the same is told, each to whom it concerns. */
function planRest(
  seen: ApplicationSeen,
  balancer: ApplicationBalancer,
  wish: ApplicationWish,
  entryFaults: readonly Fault[],
): Hold {
  const own = balancer.listeners.filter((one) => isOurs(seen, one));
  const forAll = [
    ...entryFaults,
    ...closedPorts(seen, balancer, wish),
    ...(seen.faults ?? []),
    ...planFixed(seen, balancer, wish, seen.kind),
  ];
  const dead = wish.listeners.flatMap((wished) => unhealthy(own, wished));
  const isPatient = seen.looks < patientLooks;
  const faults: readonly OwnedFault[] = [
    ...forAll.map((fault) => ({ ...fault, of: undefined })),
    ...(isPatient ? [] : dead),
  ];
  const waits = (isPatient && dead.length > 0) || own.some((there) => inChange(there, wish));
  const checks = waits || faults.some(({ reason }) => reason === 'PortClosed' || reason === 'ChecksFail');
  const [first] = faults;
  if (first !== undefined) {
    const message = faults.map((one) => one.message).join('; ');
    return { do: 'hold', reason: first.reason, message, faults, ...(checks && { checks }) };
  }
  if (waits) {
    const message = `load balancer ${balancer.id} still checks new back ends; what it had before serves until one of them is well`;
    return { do: 'hold', reason: 'Making', message, checks: true };
  }
  // Those that are open: an HTTPS port without certificate is not, and one that nobody wants may be kept.
  const ports = own.toSorted((a, b) => a.port - b.port).map(({ protocol, port }) => `${protocol} ${port}`);
  const backEnds = new Set(own.flatMap((one) => one.backEnds.map(backEndKey))).size;
  const message = `load balancer ${balancer.id} answers ${ports.length === 0 ? 'no port' : ports.join(', ')} and sends to ${backEnds === 1 ? '1 back end' : `${backEnds} back ends`}`;
  return { do: 'hold', reason: 'Serving', message };
}

/** Rules that send to somebody who is not wanted any more, until those who are have been found well. */
function inChange(there: ApplicationListener, wish: ApplicationWish): boolean {
  const wished = wish.listeners.find(({ port, protocol }) => port === there.port && protocol === there.protocol);
  if (wished === undefined) return false;
  const keys = new Map(there.backEnds.map((one) => [one.id, backEndKey(one)]));
  const wanted = new Map(wished.routes.map(({ match, action }) => [matchKey(match), action]));
  return there.rules.some(({ match, action }) => {
    const goal = match === undefined ? wished.last : wanted.get(matchKey(match));
    if (action?.do !== 'send' || goal?.do !== 'send') return false;
    const named = new Set(goal.to.map(backEndKey));
    return action.to.some(({ backEnd }) => !named.has(keys.get(backEnd) ?? ''));
  });
}

/** Paths of which no back end passes the check. */
function unhealthy(own: readonly ApplicationListener[], wished: WishedEntry): readonly OwnedFault[] {
  const there = own.find(({ port, protocol }) => port === wished.port && protocol === wished.protocol);
  const health = new Map((there?.backEnds ?? []).map((one) => [backEndKey(one), one.healthy]));
  const isDead = (action: RouteAction): boolean =>
    action.do === 'send' && action.to.length > 0 && action.to.every((one) => health.get(backEndKey(one)) === false);
  const asked = wished.check.by === 'http' ? `${wished.check.method} ${wished.check.path}` : 'a connection to its port';
  const fault = (what: string, of: string | undefined): OwnedFault => ({
    of,
    reason: 'ChecksFail',
    message: `no back end of ${what} on port ${wished.port} passes the check of the load balancer (${asked}): look whether the pods answer it and nothing drops it on the way`,
  });
  return [
    ...wished.routes.flatMap(({ of, match, action }) =>
      of !== undefined && isDead(action) ? fault(textOf(match), of) : [],
    ),
    ...(isDead(wished.last) ? [fault('the default', undefined)] : []),
  ];
}

/** `shop.example/cart` */
function textOf({ host, path }: RuleMatch): string {
  return `${host?.text ?? '*'}${path?.text ?? '/'}`;
}

function closedPorts(
  { inbound, homes }: ApplicationSeen,
  balancer: ApplicationBalancer,
  wish: ApplicationWish,
): readonly Fault[] {
  const all = wish.listeners.flatMap(({ routes, last }) => backEndsIn([...routes.map(({ action }) => action), last]));
  const asked = all.flatMap(({ machine, address, port }) => {
    const on = machine ?? homes?.get(address ?? '');
    return on === undefined ? [] : [{ on, port, open: machine === undefined ? String(port) : nodePortRange }];
  });
  const byPort = Map.groupBy(asked, ({ port, open }) => `${String(port).padStart(5, '0')} ${open}`);
  return planClosedPorts({
    senders: balancer.senders ?? [],
    subnet: balancer.subnet,
    to: [...byPort]
      .toSorted(([x], [y]) => (x < y ? -1 : 1))
      .flatMap(([, some]) => {
        const machines = [...new Set(some.map(({ on }) => on))].toSorted();
        return some.slice(0, 1).map(({ port, open }) => ({ protocol: 'TCP' as const, port, machines, open }));
      }),
    inbound: inbound ?? new Map(),
  });
}
