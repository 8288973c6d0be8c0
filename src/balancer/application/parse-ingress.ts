import type { HostMatch, PathMatch, RuleMatch } from '#cloud/application-balancer.ts';
import type { IngressBackend, IngressObject, IngressPath } from '#kube/resources.ts';
import { type AnnotationValues, isWritten, nameOf, parseAnnotations } from '../parse-annotations.ts';
import type { Fault } from '../plan-checks.ts';
import { groupKeys, type IngressKey, ingressAnnotations } from './annotations.ts';

/** What one Ingress asks for. */
export interface IngressWish {
  readonly values: AnnotationValues<IngressKey>;
  /** Of `groupKeys`, those that the Ingress itself says. */
  readonly written: readonly IngressKey[];
  /** `undefined`: HTTP 80, and HTTPS 443 when there is a certificate. */
  readonly listen: readonly Entry[] | undefined;
  /** Ids of certificates that the cloud has, the default first. */
  readonly certificates: readonly string[];
  readonly tls: readonly { readonly secret: string; readonly hosts: readonly string[] }[];
  readonly paths: readonly WishedPath[];
  /** Who answers what no path is for. */
  readonly fallback: BackendRef | undefined;
  /** Paths that cannot be served, each with the reason; the others are. */
  readonly faults: readonly Fault[];
}

/** A port on which HTTP is answered. */
export interface Entry {
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly port: number;
}

export interface WishedPath {
  /** For people: `shop.example/cart`. */
  readonly says: string;
  readonly match: RuleMatch;
  readonly backend: BackendRef;
}

/** @unit port: the name or the number of a port of the Service */
export interface BackendRef {
  readonly service: string;
  readonly port: string | number;
}

export interface ParsedIngress {
  readonly wish: IngressWish;
  /** Why nothing of it may be changed until it is right; empty when all is well. */
  readonly refusals: readonly Fault[];
}

/** Everything that is wrong is told at once. */
export function parseIngress({ metadata, spec }: IngressObject): ParsedIngress {
  const given = metadata.annotations ?? {};
  const { values, faults } = parseAnnotations(ingressAnnotations, given);
  const listen = parseEntries(values.listen);
  const certificates = values.certificates?.split(',').map((id) => id.trim()) ?? [];
  const tls = (spec?.tls ?? []).flatMap(({ secretName, hosts = [] }) =>
    secretName === undefined || secretName === '' ? [] : [{ secret: secretName, hosts }],
  );
  const wrong = [...faults, ...contradictions(values, listen, certificates.length + tls.length > 0)];
  const read = (spec?.rules ?? []).flatMap(({ host, http }) =>
    (http?.paths ?? []).map((path) => parsePath(host, path)),
  );
  const fallback = spec?.defaultBackend === undefined ? undefined : parseBackend(spec.defaultBackend);
  return {
    refusals: wrong.map((message) => ({ reason: 'BadAnnotation', message })),
    wish: {
      values,
      written: groupKeys.filter((key) => isWritten(ingressAnnotations, key, given)),
      listen,
      certificates,
      tls,
      paths: read.flatMap((one) => ('path' in one ? one.path : [])),
      fallback: fallback !== undefined && 'service' in fallback ? fallback : undefined,
      faults: [
        ...read.flatMap((one) => ('fault' in one ? one.fault : [])),
        ...(fallback !== undefined && 'why' in fallback ? [notSupported(`its default backend ${fallback.why}`)] : []),
      ],
    },
  };
}

function parsePath(
  host: string | undefined,
  { path = '/', pathType, backend }: IngressPath,
): { readonly path: WishedPath } | { readonly fault: Fault } {
  const says = `${host ?? '*'}${path}`;
  const to = parseBackend(backend);
  if ('why' in to) return { fault: notSupported(`path ${says} ${to.why}`) };
  return { path: { says, match: { host: hostMatch(host), path: pathMatch(path, pathType) }, backend: to } };
}

function parseBackend({ service, resource }: IngressBackend): BackendRef | { readonly why: string } {
  const port = service?.port?.name ?? service?.port?.number;
  if (service !== undefined && port !== undefined) return { service: service.name, port };
  return {
    why: `sends to ${resource === undefined ? 'nothing' : `${resource.kind} ${resource.name}`}: only Services with a port can be back ends`,
  };
}

function hostMatch(host: string | undefined): HostMatch | undefined {
  if (host === undefined || host === '') return undefined;
  return { by: host.startsWith('*.') ? 'wildcard' : 'exact', text: host.toLowerCase() };
}

/**
 * ImplementationSpecific is read as Prefix: an expression of one cloud would not be understood by another.
 * @source networking.k8s.io/v1 HTTPIngressPath: a prefix is matched element by element, and its last / does not count
 */
function pathMatch(path: string, pathType: string): PathMatch {
  if (pathType === 'Exact') return { by: 'exact', text: path };
  return { by: 'prefix', text: path.replace(/\/+$/, '') || '/' };
}

function parseEntries(text: string | undefined): readonly Entry[] | undefined {
  if (text === undefined) return undefined;
  // The pattern of the annotation lets nothing else through.
  const listed = JSON.parse(text) as readonly Readonly<Record<string, number>>[];
  const entries = listed.flatMap((one) =>
    Object.entries(one).map(([protocol, port]) => ({ protocol: protocol as Entry['protocol'], port })),
  );
  return [...new Map(entries.map((one) => [`${one.protocol} ${one.port}`, one])).values()];
}

function contradictions(
  values: AnnotationValues<IngressKey>,
  listen: readonly Entry[] | undefined,
  hasCertificate: boolean,
): readonly string[] {
  const name = (key: IngressKey): string => nameOf(ingressAnnotations, key);
  const faults: string[] = [];
  const say = (isWrong: boolean, fault: string): void => void (isWrong && faults.push(fault));
  const ports = (listen ?? []).map(({ port }) => port);
  const wrong = ports.filter((port) => port < 1 || port > 65_535);
  const twice = ports.filter((port, at) => ports.indexOf(port) !== at);
  say(wrong.length > 0, `${name('listen')} has the port ${wrong.join(', ')}: write 1 to 65535`);
  say(
    twice.length > 0,
    `${name('listen')} has the port ${twice.join(', ')} for HTTP and for HTTPS: leave one of them out`,
  );
  say(
    !hasCertificate && (listen ?? []).some(({ protocol }) => protocol === 'HTTPS'),
    `${name('listen')} has HTTPS, but there is no certificate: name a Secret in spec.tls, or a certificate with ${name('certificates')}`,
  );
  say(
    values.redirect === 'true' && !hasCertificate,
    `${name('redirect')} is "true", but there is no certificate for HTTPS: name a Secret in spec.tls, or a certificate with ${name('certificates')}`,
  );
  say(
    values.pays === 'shared' && values.sharedBandwidth === undefined,
    `${name('pays')} is "shared": name the shared bandwidth with ${name('sharedBandwidth')}`,
  );
  say(
    values.pays !== 'shared' && values.sharedBandwidth !== undefined,
    `${name('sharedBandwidth')} needs ${name('pays')} "shared"`,
  );
  return faults;
}

function notSupported(message: string): Fault {
  return { reason: 'NotSupported', message };
}
