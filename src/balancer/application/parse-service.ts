import type { ServiceObject, ServicePort } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { type ServiceKey, serviceAnnotations } from '../annotations.ts';
import type { Asked } from '../asked.ts';
import type { BackEndsChosen } from '../choose-back-ends.ts';
import { type AnnotationValues, isWritten, nameOf } from '../parse-annotations.ts';
import type { Layer } from '../record.ts';
import type { ApplicationWish, RouteAction, WishedEntry } from './wish.ts';

/** What a Service asks of an ALB, before it is known who answers. */
export interface ServiceAlbWish extends Asked {
  readonly layer: 'application';
  readonly isLocal: boolean;
  readonly toPods: boolean;
  readonly listeners: readonly ServiceEntry[];
}

export interface ServiceEntry extends Omit<WishedEntry, 'routes' | 'last'> {
  readonly nodePort: number;
  /** Of the Service's port, as EndpointSlices have it. */
  readonly name: string;
}

/** Which kind a Service asks for. What it calls the balancer counts before the protocol. */
export function layerOf({ kind, protocol }: AnnotationValues<ServiceKey>): Layer {
  const said = kind?.toLowerCase();
  if (said === 'application' || said === 'direct') return said;
  return said === undefined && isHttp(protocol) ? 'application' : 'network';
}

export function entriesOf({ spec }: ServiceObject, values: AnnotationValues<ServiceKey>): readonly ServiceEntry[] {
  const secure = securePorts(spec?.ports ?? [], values);
  const certificates = listOf(values.certificates).map((id) => ({ id }));
  const isSticky = spec?.sessionAffinity === 'ClientIP';
  return (spec?.ports ?? []).map(({ name = '', port, nodePort = 0 }) => ({
    protocol: secure.has(port) ? 'HTTPS' : 'HTTP',
    port,
    nodePort,
    name,
    scheduler: isSticky ? 'source-hash' : schedulerOf(values.scheduler),
    // What a Service says of a client's connection is how long it may be silent here.
    idleTimeout: values.sticky === '0' ? seconds(60) : seconds(Number(values.sticky)),
    sticky: stickinessOf(values),
    check: checkOf(values),
    redirectTo: undefined,
    certificates: secure.has(port) ? certificates : [],
  }));
}

/** With those who answer. */
export function wishWith(
  wish: ServiceAlbWish,
  backEnds: BackEndsChosen,
  place: { readonly vpc: string; readonly subnet: string },
): ApplicationWish {
  const listeners = wish.listeners.map(
    ({ nodePort, name, ...entry }): WishedEntry => ({
      ...entry,
      routes: [],
      last: actionFor({ nodePort, name }, backEnds, place),
    }),
  );
  return { ...wish, listeners };
}

/** Who answers for one port of a Service. */
export function actionFor(
  { nodePort, name }: { readonly nodePort: number; readonly name: string },
  { machines, pods }: BackEndsChosen,
  { vpc, subnet }: { readonly vpc: string; readonly subnet: string },
): RouteAction {
  if (pods === undefined) return { do: 'send', to: machines.map((machine) => ({ machine, port: nodePort })) };
  const to = pods.flatMap(({ address, ports }) => {
    const port = ports[name];
    return port === undefined ? [] : [{ address, vpc, subnet, port }];
  });
  return { do: 'send', to };
}

/** What a Service cannot ask of the balancer that it asks for. */
export function layerFaults(
  { spec }: ServiceObject,
  values: AnnotationValues<ServiceKey>,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  const name = (key: ServiceKey): string => nameOf(serviceAnnotations, key);
  const faults: string[] = [];
  const say = (isWrong: boolean, fault: string): void => void (isWrong && faults.push(fault));
  const written = (key: ServiceKey): boolean => isWritten(serviceAnnotations, key, given);
  const layer = layerOf(values);
  if (layer !== 'application') {
    const only = (['tlsPorts', 'certificates', 'cookie', 'cookieName', 'checkHost', 'checkPath'] as const).filter(
      (key) => written(key) && values[key] !== 'none',
    );
    say(
      only.length > 0,
      `${only.map(name).join(', ')} needs ${name('kind')} "application": a ${layer} load balancer knows no HTTP`,
    );
    say(
      isHttp(values.protocol),
      `${name('protocol')} is "${values.protocol}", but ${name('kind')} is "${layer}": write application`,
    );
    say(values.check === 'http', `${name('check')} is "http", which needs ${name('kind')} "application"`);
    if (layer === 'network') return faults;
    say(
      values.proxyProtocol === 'true',
      `${name('proxyProtocol')} is "true", but ${name('kind')} is "direct": packets are forwarded as they are, with the client's address; leave it out`,
    );
    say(
      values.targets === 'pods',
      `${name('targets')} is "pods", but ${name('kind')} is "direct", which has machines alone as back ends: leave it out`,
    );
    say(
      written('scheduler') && !['round-robin', 'source-hash'].includes(values.scheduler ?? ''),
      `${name('scheduler')} is "${values.scheduler}", but ${name('kind')} is "direct", which cannot count connections: write round-robin or source-hash`,
    );
    return faults;
  }
  const ports = (spec?.ports ?? []).map(({ port }) => port);
  const udp = (spec?.ports ?? []).filter(({ protocol }) => protocol === 'UDP').map(({ port }) => port);
  const strange = listOf(values.tlsPorts).filter((port) => !ports.includes(Number(port)));
  const secure = securePorts(spec?.ports ?? [], values);
  say(
    udp.length > 0,
    `port ${udp.join(', ')} is UDP: an application load balancer takes HTTP over TCP; put UDP ports into a Service of their own`,
  );
  say(
    values.protocol !== undefined && !isHttp(values.protocol) && written('kind'),
    `${name('protocol')} is "${values.protocol}", but ${name('kind')} is "application": write http or https`,
  );
  say(strange.length > 0, `${name('tlsPorts')} has ${strange.join(', ')}, which is no port of the Service`);
  say(
    secure.size > 0 && values.certificates === undefined,
    `port ${[...secure].join(', ')} needs a certificate: name one with ${name('certificates')}`,
  );
  say(
    secure.size === 0 && values.certificates !== undefined,
    `${name('certificates')} needs a port for HTTPS: name it with ${name('tlsPorts')}`,
  );
  say(
    values.proxyProtocol === 'true',
    `${name('proxyProtocol')} is "true", but an application load balancer tells the client in X-Forwarded-For: leave it out`,
  );
  say(
    written('scheduler') && values.scheduler === 'weighted-least-connections',
    `${name('scheduler')} is "weighted-least-connections", which an application load balancer does not know: write least-connections`,
  );
  say(
    values.cookie === 'application' && values.cookieName === undefined,
    `${name('cookie')} is "application": name the cookie with ${name('cookieName')}`,
  );
  const ofCheck = (['checkHost', 'checkPath'] as const).filter((key) => written(key));
  say(
    ofCheck.length > 0 && values.check !== 'http',
    `${ofCheck.map(name).join(', ')} needs ${name('check')} "http": without it back ends are checked by a connection alone`,
  );
  say(
    values.cookie !== 'application' && values.cookieName !== undefined,
    `${name('cookieName')} needs ${name('cookie')} "application"`,
  );
  return faults;
}

function isHttp(protocol: string | undefined): boolean {
  return protocol !== undefined && /^https?$/i.test(protocol);
}

/** Those that are named; with `https` alone all. */
function securePorts(ports: readonly ServicePort[], values: AnnotationValues<ServiceKey>): ReadonlySet<number> {
  const named = listOf(values.tlsPorts).map(Number);
  if (named.length > 0) return new Set(named);
  return new Set(values.protocol?.toLowerCase() === 'https' ? ports.map(({ port }) => port) : []);
}

function schedulerOf(scheduler: string | undefined): WishedEntry['scheduler'] {
  return scheduler === 'source-hash' || scheduler === 'least-connections' ? scheduler : 'round-robin';
}

function stickinessOf({ cookie, cookieName }: AnnotationValues<ServiceKey>): WishedEntry['sticky'] {
  if (cookie === 'balancer') return { by: 'own-cookie' };
  return cookie === 'application' ? { by: 'cookie', name: cookieName ?? '' } : { by: 'nothing' };
}

/** UK8S leaves the first / of the path out. */
function checkOf({ check, checkHost, checkPath }: AnnotationValues<ServiceKey>): WishedEntry['check'] {
  if (check !== 'http') return { by: 'connection' };
  return { by: 'http', method: 'HEAD', path: `/${checkPath?.replace(/^\//, '') ?? ''}`, host: checkHost };
}

function listOf(text: string | undefined): readonly string[] {
  return text?.split(',').map((one) => one.trim()) ?? [];
}
