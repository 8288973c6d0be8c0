import { ingressFinalizer } from '#kube/api/leaving.ts';
import type { IngressClassObject, IngressObject } from '#kube/resources.ts';

/** The IngressClass that we bring. */
export const albClass = 'alb';
/** What an IngressClass names when its Ingresses are ours. */
export const albController = 'isthmus.dev/alb';

/** By name, the controllers of the classes that there are. */
export type ClassesSeen = ReadonlyMap<string, string | undefined>;

export function classesSeen(all: readonly IngressClassObject[]): ClassesSeen {
  return new Map(all.map(({ metadata, spec }) => [metadata.name, spec?.controller]));
}

/**
 * Whether an Ingress is to be served by us. `unclear` is one whose class has gone: nobody else serves it, and whoever deletes a class does
 * not mean to give up addresses.
 */
export function isOurs({ spec }: IngressObject, classes: ClassesSeen): boolean | 'unclear' {
  const name = spec?.ingressClassName;
  if (name === undefined) return false;
  return classes.has(name) ? classes.get(name) === albController : 'unclear';
}

/** Whether something may be in the cloud for it. */
export function isClaimed({ metadata }: IngressObject): boolean {
  return (metadata.finalizers ?? []).includes(ingressFinalizer);
}

/** `shop/web` */
export function keyOf({ metadata }: IngressObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** `namespace/name` of the Services that an Ingress names. */
export function servicesOf({ metadata, spec }: IngressObject): ReadonlySet<string> {
  const backends = [
    spec?.defaultBackend,
    ...(spec?.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend)),
  ];
  return new Set(
    backends.flatMap((one) => (one?.service === undefined ? [] : `${metadata.namespace ?? ''}/${one.service.name}`)),
  );
}
