import { nearest } from '#unit/nearest.ts';
import {
  type Annotation,
  type AnnotationKey,
  annotations,
  ownPrefix,
  recordAnnotation,
  uk8sPrefix,
} from './annotations.ts';

/** What the annotations of a Service say, each in our own words; `undefined` where nothing is said and there is no default. */
export type AnnotationValues = Readonly<Record<AnnotationKey, string | undefined>>;

/** Reads all annotations with one of the two prefixes. @shape faults: one sentence each, with what would be right */
export function parseAnnotations(given: Readonly<Record<string, string>>): {
  readonly values: AnnotationValues;
  readonly faults: readonly string[];
} {
  const faults: string[] = unknownKeys(given).map(unknown);
  const values = Object.fromEntries(
    Object.entries(annotations).map(([key, annotation]) => {
      const read = parseOne(annotation, given);
      faults.push(...read.faults);
      return [key, read.value];
    }),
  ) as AnnotationValues;
  return { values, faults };
}

/** Whether anything was written for this key. */
export function isWritten(key: AnnotationKey, given: Readonly<Record<string, string>>): boolean {
  const { own, uk8s } = annotations[key];
  return (
    (own !== undefined && `${ownPrefix}${own}` in given) || (uk8s !== undefined && `${uk8sPrefix}${uk8s}` in given)
  );
}

/** `isthmus.dev/balancer-access`: how a key is called in messages. */
export function nameOf(key: AnnotationKey): string {
  const { own, uk8s } = annotations[key];
  return own === undefined ? `${uk8sPrefix}${uk8s}` : `${ownPrefix}${own}`;
}

function parseOne(
  annotation: Annotation,
  given: Readonly<Record<string, string>>,
): { readonly value: string | undefined; readonly faults: readonly string[] } {
  const { own, uk8s, uk8sValues, pattern, values, fallback } = annotation;
  const ownName = `${ownPrefix}${own}`;
  const uk8sName = `${uk8sPrefix}${uk8s}`;
  const ownText = own === undefined ? undefined : given[ownName];
  const uk8sText = uk8s === undefined ? undefined : given[uk8sName];
  const uk8sValue = uk8sText === undefined || uk8sValues === undefined ? uk8sText : uk8sValues[uk8sText.toLowerCase()];
  const faults: string[] = [];
  if (ownText !== undefined && !pattern.test(ownText)) faults.push(`${ownName} is "${ownText}": write ${values}`);
  if (uk8sText !== undefined && (uk8sValue === undefined || !pattern.test(uk8sValue)))
    faults.push(`${uk8sName} is "${uk8sText}": write ${uk8sValues === undefined ? values : listOf(uk8sValues)}`);
  else if (ownText !== undefined && uk8sValue !== undefined && ownText !== uk8sValue)
    faults.push(`${ownName} is "${ownText}" but ${uk8sName} is "${uk8sText}": leave one of them out`);
  return { value: faults.length > 0 ? fallback : (ownText ?? uk8sValue ?? fallback), faults };
}

function listOf(values: Readonly<Record<string, string>>): string {
  return Object.keys(values).join(', ');
}

function unknown(name: string): string {
  const prefix = name.startsWith(ownPrefix) ? ownPrefix : uk8sPrefix;
  const names = [...known].flatMap((one) => (one.startsWith(prefix) ? one.slice(prefix.length) : []));
  const near = nearest(name.slice(prefix.length), names);
  return near === undefined
    ? `unknown annotation ${name}: see docs/reference/service-annotations.md for those there are`
    : `unknown annotation ${name}: did you mean ${prefix}${near}?`;
}

function unknownKeys(given: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(given)
    .filter(
      (name) =>
        (name.startsWith(ownPrefix) || name.startsWith(uk8sPrefix)) && !known.has(name) && name !== recordAnnotation,
    )
    .toSorted();
}

/** All that people may write. */
const known = new Set<string>(
  Object.values(annotations).flatMap(({ own, uk8s }) => [
    ...(own === undefined ? [] : [`${ownPrefix}${own}`]),
    ...(uk8s === undefined ? [] : [`${uk8sPrefix}${uk8s}`]),
  ]),
);
