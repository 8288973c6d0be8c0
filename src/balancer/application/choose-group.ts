import { matchKey, type RuleMatch } from '#cloud/application-balancer.ts';
import { seconds } from '#unit/clock.ts';
import type { Result } from '#unit/result.ts';
import { askedOf } from '../asked.ts';
import { type AnnotationValues, nameOf } from '../parse-annotations.ts';
import type { Fault } from '../plan-checks.ts';
import { groupKeys, type IngressKey, ingressAnnotations } from './annotations.ts';
import type { Certificate } from './certificate.ts';
import type { TargetsChosen } from './choose-targets.ts';
import { byPrecedence, takesAllPaths } from './match.ts';
import type { BackendRef, Entry, IngressWish, ParsedIngress, WishedPath } from './parse-ingress.ts';
import type { ApplicationWish, CertificateRef, RouteAction, WishedEntry, WishedRoute } from './wish.ts';

/** One Ingress of a group, and what it refers to. */
export interface MemberSeen {
  /** `shop/web` */
  readonly key: string;
  /** RFC 3339; of two members the older one comes first. */
  readonly createdAt: string;
  readonly parsed: ParsedIngress;
  /** By the Secret's name. */
  readonly secrets: ReadonlyMap<string, Result<SecretCertificate, string>>;
  readonly targetsOf: (ref: BackendRef, toPods: boolean) => TargetsChosen;
}

export interface SecretCertificate extends Pick<Certificate, 'covers' | 'notAfter'> {
  readonly digest: string;
  /** Of certificates that it had before, as far as they were seen. */
  readonly before: readonly string[];
}

export interface GroupLimits {
  /** Of a cluster whose Ingresses name none. */
  readonly subnet: string;
  readonly most: { readonly listeners: number; readonly rules: number; readonly certificates: number };
  /** Ports that answer HTTPS now. */
  readonly secure: ReadonlySet<number>;
}

export interface GroupChosen {
  /** `undefined` when nothing can be served of any member. */
  readonly wish: ApplicationWish | undefined;
  /** By member, what stands against it; a member without an entry is served as it wishes. */
  readonly told: ReadonlyMap<string, readonly Fault[]>;
  /** Members that cannot be understood or agreed with: what they may have got before must stay. */
  readonly refused: ReadonlySet<string>;
  /** By match, what such members' paths are to do where a rule is for them already. */
  readonly kept: ReadonlyMap<string, RouteAction>;
  /** What the last rule is to do while such a member may have its default backend there. */
  readonly keptLast: RouteAction | undefined;
}

/**
 * Puts the Ingresses of one group together. What contradicts what an older one says is told on the younger one, and everything else is
 * served. @unit at: Unix seconds
 */
export function chooseGroup(members: readonly MemberSeen[], limits: GroupLimits, at: number): GroupChosen {
  const told = new Map<string, Fault[]>();
  const tell: Tell = (member, faults) => {
    if (faults.length > 0) told.set(member, [...(told.get(member) ?? []), ...faults]);
  };
  const sorted = members.toSorted(byAge).map((one): Member => ({ ...one, wish: one.parsed.wish }));
  for (const { key, parsed, wish } of sorted) tell(key, [...parsed.refusals, ...wish.faults]);
  const readable = sorted.filter(({ parsed }) => parsed.refusals.length === 0);
  const settings = settingsOf(readable);
  const agreeing = readable.filter((one) => {
    const faults = differences(one, settings);
    tell(one.key, faults);
    return faults.length === 0;
  });
  const refused = sorted.filter((one) => !agreeing.includes(one));
  const fallback = [...agreeing, ...refused].flatMap((one) =>
    one.wish.fallback === undefined ? [] : sendTo(one, one.wish.fallback).action,
  )[0];
  const rest = {
    told,
    refused: new Set(refused.map(({ key }) => key)),
    kept: keptOf(refused, fallback),
    keptLast: refused.length > 0 ? fallback : undefined,
  };
  const [first] = agreeing;
  if (first === undefined) return { wish: undefined, ...rest };
  const values = Object.fromEntries(
    groupKeys.map((key) => [key, settings.get(key)?.value ?? first.wish.values[key]]),
  ) as AnnotationValues<IngressKey>;
  const listeners = listenersOf(entriesOf(agreeing, tell), values, limits, tell, at);
  return { wish: listeners.length === 0 ? undefined : wishOf(values, listeners, limits), ...rest };
}

/** By Service, `namespace/name`, the ports on which its pods are the back ends. */
export function portsToPods({ wish }: Pick<GroupChosen, 'wish'>): ReadonlyMap<string, ReadonlySet<number>> {
  const ports = (wish?.listeners ?? []).flatMap(({ port, redirectTo, routes, last, lastService }) => {
    if (redirectTo !== undefined) return [];
    const all = [
      ...routes.map(({ of, service, action }) => ({ action, by: of && service && serviceOf(of, service) })),
      { action: last, by: lastService },
    ];
    return all.flatMap(({ action, by }) => (by !== undefined && isToPods(action) ? { by, port } : []));
  });
  return new Map(
    [...Map.groupBy(ports, ({ by }) => by)].map(([by, all]) => [by, new Set(all.map(({ port }) => port))]),
  );
}

/** How many back ends a port of one Service may have, so that all together are no more than an ALB takes. @unit most: of the ALB */
export function shareOfService(wishes: readonly IngressWish[], most: number): number {
  const refs = wishes.flatMap(({ paths, fallback }) => [
    ...paths.map(({ backend }) => backend),
    ...(fallback === undefined ? [] : [fallback]),
  ]);
  const services = new Set(refs.map(({ service, port }) => `${service}:${port}`)).size;
  const ports = new Set(wishes.flatMap((wish) => (wish.listen ?? usualEntries(wish)).map(({ port }) => port))).size;
  return Math.max(1, Math.floor(most / Math.max(1, services * ports)));
}

function isToPods(action: RouteAction): boolean {
  return action.do === 'send' && action.to.some(({ address }) => address !== undefined);
}

/** @unit ingress: `namespace/name` of the one that names it */
function serviceOf(ingress: string, service: string): string {
  const [namespace = ''] = ingress.split('/');
  return `${namespace}/${service}`;
}

function keptOf(refused: readonly Member[], fallback: RouteAction | undefined): ReadonlyMap<string, RouteAction> {
  const routes = refused.flatMap((member) =>
    member.wish.paths.map(({ match, backend }) => [matchKey(match), sendTo(member, backend).action] as const),
  );
  const hosts = refused.flatMap(({ wish }) => wish.paths.flatMap(({ match: { host } }) => host ?? []));
  const others = fallback === undefined ? [] : hosts.map((host) => [matchKey(everyPath(host)), fallback] as const);
  return new Map([...others, ...routes]);
}

function sendTo(
  { targetsOf, wish }: Member,
  backend: BackendRef,
): { readonly action: RouteAction; readonly faults: readonly Fault[] } {
  const { to, faults } = targetsOf(backend, wish.values.targets !== 'nodes');
  return { action: { do: 'send', to }, faults };
}

type Member = MemberSeen & { readonly wish: IngressWish };
type Tell = (member: string, faults: readonly Fault[]) => void;

function byAge(a: MemberSeen, b: MemberSeen): number {
  return a.createdAt === b.createdAt ? (a.key < b.key ? -1 : 1) : a.createdAt < b.createdAt ? -1 : 1;
}

interface Setting {
  readonly value: string | undefined;
  readonly by: string;
}

/** Of the ALB as a whole: the oldest Ingress that says something says it for all. */
function settingsOf(members: readonly Member[]): ReadonlyMap<IngressKey, Setting> {
  const settings = new Map<IngressKey, Setting>();
  for (const { key: by, wish } of members)
    for (const key of wish.written) if (!settings.has(key)) settings.set(key, { value: wish.values[key], by });
  return settings;
}

function differences({ wish }: Member, settings: ReadonlyMap<IngressKey, Setting>): readonly Fault[] {
  return wish.written.flatMap((key): readonly Fault[] => {
    const setting = settings.get(key);
    if (setting === undefined || setting.value === wish.values[key]) return [];
    const name = nameOf(ingressAnnotations, key);
    const message = `${name} is "${wish.values[key]}", but the older Ingress ${setting.by} of the same group has "${setting.value}": write the same, or leave it out`;
    return [{ reason: 'BadAnnotation', message }];
  });
}

/** A port, and the Ingresses that are served on it. */
interface OpenEntry extends Entry {
  readonly members: readonly Member[];
}

function entriesOf(members: readonly Member[], tell: Tell): readonly OpenEntry[] {
  const byPort = new Map<number, { readonly entry: Entry; readonly members: Member[] }>();
  for (const member of members) {
    for (const entry of member.wish.listen ?? usualEntries(member.wish)) {
      const open = byPort.get(entry.port) ?? { entry, members: [] };
      const [oldest] = open.members;
      if (open.entry.protocol === entry.protocol)
        byPort.set(entry.port, { ...open, members: [...open.members, member] });
      else {
        const message = `port ${entry.port} is ${entry.protocol}, but the older Ingress ${oldest?.key ?? ''} of the same group has it for ${open.entry.protocol}: use another port`;
        tell(member.key, [{ reason: 'PortInUse', message }]);
      }
    }
  }
  return [...byPort.values()]
    .map(({ entry, members: all }) => ({ ...entry, members: all }))
    .toSorted((a, b) => a.port - b.port);
}

function usualEntries({ certificates, tls }: IngressWish): readonly Entry[] {
  const http: Entry = { protocol: 'HTTP', port: 80 };
  return certificates.length + tls.length > 0 ? [http, { protocol: 'HTTPS', port: 443 }] : [http];
}

function listenersOf(
  entries: readonly OpenEntry[],
  values: AnnotationValues<IngressKey>,
  { most, secure: answering }: GroupLimits,
  tell: Tell,
  at: number,
): readonly WishedEntry[] {
  const certified = entries.map((entry) => ({
    ...entry,
    ...(entry.protocol === 'HTTPS'
      ? certificatesOf(entry, { most: most.certificates, isOpen: answering.has(entry.port) }, tell, at)
      : { certificates: [], lacks: undefined }),
  }));
  // A port that answers is not closed because a Secret is written anew, and no redirect to it ends.
  const open = certified.filter(
    ({ protocol, certificates, port }) => protocol === 'HTTP' || certificates.length > 0 || answering.has(port),
  );
  for (const { port, members } of open.slice(most.listeners))
    for (const { key } of members)
      tell(key, [
        { reason: 'TooManyPorts', message: `an ALB takes ${most.listeners} ports, so port ${port} is not served` },
      ]);
  const secure = open.find(({ protocol }) => protocol === 'HTTPS')?.port;
  let room = most.rules;
  // Oldest first: who comes later must not take a rule away from who is there.
  return open.slice(0, most.listeners).map((entry): WishedEntry => {
    const redirectTo = entry.protocol === 'HTTP' && values.redirect === 'true' ? secure : undefined;
    const routes = redirectTo === undefined ? routesOf(entry, room, tell) : { routes: [], ...noneElse };
    room -= routes.routes.length;
    return {
      protocol: entry.protocol,
      port: entry.port,
      scheduler: 'round-robin',
      idleTimeout: seconds(60),
      sticky: { by: 'nothing' },
      check: checkOf(values),
      redirectTo,
      certificates: entry.certificates,
      ...(entry.lacks !== undefined && { lacks: entry.lacks }),
      ...routes,
    };
  });
}

/** Those that the cloud has before those of Secrets; the first is the default. */
function certificatesOf(
  entry: OpenEntry,
  { most, isOpen }: { readonly most: number; readonly isOpen: boolean },
  tell: Tell,
  at: number,
): Pick<WishedEntry, 'certificates' | 'lacks'> {
  const ids = entry.members.flatMap(({ wish }) => wish.certificates);
  const replaced = entry.members.flatMap(({ secrets }) =>
    [...secrets.values()].flatMap((found) => (found.ok ? found.value.before : [])),
  );
  const digests = entry.members.flatMap((member) =>
    member.wish.tls.flatMap(({ secret, hosts }) => {
      const found = member.secrets.get(secret);
      if (found?.ok !== true) {
        const why = found === undefined ? 'it has not been read yet' : found.failure;
        const meanwhile = isOpen ? `; port ${entry.port} keeps the certificates that it has until it can` : '';
        const message = `Secret ${secret} cannot be used for TLS: ${why}${meanwhile}`;
        tell(member.key, [{ reason: 'SecretUnusable', message }]);
        return [undefined];
      }
      tell(member.key, unfit(secret, found.value, hosts, at));
      return [found.value.digest];
    }),
  );
  const all = [...new Set(ids)].map((id): CertificateRef => ({ id }));
  const own = [...new Set(digests)].flatMap((digest): readonly CertificateRef[] =>
    digest === undefined ? [] : [{ digest }],
  );
  const refs = [...all, ...own];
  // Beside the default.
  if (refs.length > most + 1)
    for (const { key } of entry.members)
      tell(key, [
        {
          reason: 'TooManyCertificates',
          message: `port ${entry.port} has ${refs.length} certificates, and an ALB takes ${most + 1}: the last ones are left out`,
        },
      ]);
  const isDefault = ids.length === 0 && digests[0] === undefined;
  const lacks = digests.includes(undefined) ? { isDefault, replaced } : undefined;
  return { certificates: refs.slice(0, most + 1), lacks };
}

function unfit(
  secret: string,
  { covers, notAfter }: SecretCertificate,
  hosts: readonly string[],
  at: number,
): readonly Fault[] {
  const uncovered = hosts.filter((host) => !covers(host));
  return [
    ...(notAfter <= at
      ? [{ reason: 'CertificateUnfit', message: `the certificate of Secret ${secret} has expired: renew it` } as const]
      : []),
    ...(uncovered.length > 0
      ? [
          {
            reason: 'CertificateUnfit',
            message: `the certificate of Secret ${secret} is not for ${uncovered.join(', ')}: clients refuse it there`,
          } as const,
        ]
      : []),
  ];
}

const nobody: RouteAction = { do: 'answer', status: 404, text: 'no Ingress is for this host and path' };
const noneElse: Fallback = { last: nobody, lastService: undefined };

type Fallback = Pick<WishedEntry, 'last' | 'lastService'>;

function routesOf(
  { members }: OpenEntry,
  room: number,
  tell: Tell,
): Fallback & { readonly routes: readonly WishedRoute[] } {
  const taken = new Map<string, string>();
  const routes: WishedRoute[] = [];
  const hosts = new Map<string, RuleMatch['host']>();
  const fallback = fallbackOf(members, tell);
  const add = (member: Member, path: WishedPath): void => {
    const { match, says, backend } = path;
    const key = matchKey(match);
    const by = taken.get(key);
    if (by !== undefined) {
      const whose = by === member.key ? 'twice in it' : `already in the older Ingress ${by}`;
      return tell(member.key, [{ reason: 'PathTaken', message: `path ${says} is ${whose}: the first one is served` }]);
    }
    // A host needs one more, for the paths that nobody named.
    const needs = hosts.has(hostKey(match)) || match.host === undefined || takesAllPaths(match) ? 1 : 2;
    if (reserved(routes, hosts) + needs > room)
      return tell(member.key, [
        {
          reason: 'TooManyRules',
          message: `path ${says} is not served, because the ALB takes no more rules: put it into another group`,
        },
      ]);
    taken.set(key, member.key);
    if (match.host !== undefined) hosts.set(hostKey(match), match.host);
    const { action, faults } = sendTo(member, backend);
    tell(
      member.key,
      faults.map(({ reason, message }) => ({ reason, message: `path ${says}: ${message}` })),
    );
    routes.push({ of: member.key, service: backend.service, match, action });
  };
  for (const member of members) for (const path of member.wish.paths) add(member, path);
  return {
    routes: [...routes, ...catchAlls(routes, hosts, fallback.last)].toSorted((a, b) => byPrecedence(a.match, b.match)),
    ...fallback,
  };
}

function hostKey({ host }: RuleMatch): string {
  return matchKey({ host });
}

function reserved(routes: readonly WishedRoute[], hosts: ReadonlyMap<string, RuleMatch['host']>): number {
  return routes.length + catchAlls(routes, hosts, nobody).length;
}

/** For each host without a path for everything: some clouds look no further once a host matches. */
function catchAlls(
  routes: readonly WishedRoute[],
  hosts: ReadonlyMap<string, RuleMatch['host']>,
  action: RouteAction,
): readonly WishedRoute[] {
  const closed = new Set(routes.filter(({ match }) => takesAllPaths(match)).map(({ match }) => hostKey(match)));
  return [...hosts].flatMap(([key, host]) =>
    closed.has(key) ? [] : [{ of: undefined, match: everyPath(host), action }],
  );
}

function everyPath(host: RuleMatch['host']): RuleMatch {
  return { host, path: { by: 'prefix', text: '/' } };
}

function fallbackOf(members: readonly Member[], tell: Tell): Fallback {
  const [first, ...others] = members.filter(({ wish }) => wish.fallback !== undefined);
  if (first?.wish.fallback === undefined) return noneElse;
  for (const { key, wish } of others)
    if (JSON.stringify(wish.fallback) !== JSON.stringify(first.wish.fallback))
      tell(key, [
        {
          reason: 'PathTaken',
          message: `its default backend is not used, because the older Ingress ${first.key} of the same group has one: leave one of them out`,
        },
      ]);
  const { action, faults } = sendTo(first, first.wish.fallback);
  tell(
    first.key,
    faults.map(({ reason, message }) => ({ reason, message: `default backend: ${message}` })),
  );
  return { last: action, lastService: serviceOf(first.key, first.wish.fallback.service) };
}

function checkOf({ checkHost, checkPath, checkMethod }: AnnotationValues<IngressKey>): WishedEntry['check'] {
  if (checkHost === undefined && checkPath === undefined) return { by: 'connection' };
  return { by: 'http', method: checkMethod === 'GET' ? 'GET' : 'HEAD', path: checkPath ?? '/', host: checkHost };
}

function wishOf(
  values: AnnotationValues<IngressKey>,
  listeners: readonly WishedEntry[],
  { subnet }: GroupLimits,
): ApplicationWish {
  return { ...askedOf(values, subnet), layer: 'application', listeners };
}
