import { nearest } from '#unit/nearest.ts';
import {
  type Annotation,
  type AnnotationTable,
  conditionAnnotation,
  ownPrefix,
  recordAnnotation,
} from './annotations.ts';

/** What the annotations of an object say, each in our own words; `undefined` where nothing is said and there is no default. */
export type AnnotationValues<K extends string> = Readonly<Record<K, string | undefined>>;

/** Reads all annotations with one of the two prefixes of the table. @shape faults: one sentence each, with what would be right */
export function parseAnnotations<K extends string>(
  table: AnnotationTable<K>,
  given: Readonly<Record<string, string>>,
): { readonly values: AnnotationValues<K>; readonly faults: readonly string[] } {
  const faults: string[] = unknownFaults(table, given);
  const values = Object.fromEntries(
    Object.entries<Annotation>(table.annotations).map(([key, annotation]) => {
      const read = parseOne(table.uk8sPrefix, annotation, given);
      faults.push(...read.faults);
      return [key, read.value];
    }),
  ) as AnnotationValues<K>;
  return { values, faults };
}

/** Whether anything was written for this key. */
export function isWritten<K extends string>(
  { annotations, uk8sPrefix }: AnnotationTable<K>,
  key: K,
  given: Readonly<Record<string, string>>,
): boolean {
  const { own, uk8s } = annotations[key];
  return (
    (own !== undefined && `${ownPrefix}${own}` in given) || (uk8s !== undefined && `${uk8sPrefix}${uk8s}` in given)
  );
}

/** `isthmus.dev/balancer-access`: how a key is called in messages. */
export function nameOf<K extends string>({ annotations, uk8sPrefix }: AnnotationTable<K>, key: K): string {
  const { own, uk8s } = annotations[key];
  return own === undefined ? `${uk8sPrefix}${uk8s}` : `${ownPrefix}${own}`;
}

function parseOne(
  uk8sPrefix: string,
  annotation: Annotation,
  given: Readonly<Record<string, string>>,
): { readonly value: string | undefined; readonly faults: readonly string[] } {
  const { own, uk8s, uk8sValues, uk8sRefused, pattern, values, fallback } = annotation;
  const ownName = `${ownPrefix}${own}`;
  const uk8sName = `${uk8sPrefix}${uk8s}`;
  const ownText = own === undefined ? undefined : given[ownName];
  const uk8sText = uk8s === undefined ? undefined : given[uk8sName];
  const uk8sValue = uk8sText === undefined || uk8sValues === undefined ? uk8sText : uk8sValues[uk8sText.toLowerCase()];
  const faults: string[] = [];
  if (ownText !== undefined && !pattern.test(ownText)) faults.push(`${ownName} is "${ownText}": write ${values}`);
  if (uk8sText !== undefined && (uk8sValue === undefined || !pattern.test(uk8sValue)))
    faults.push(
      `${uk8sName} is "${uk8sText}"${because(uk8sRefused?.[uk8sText.toLowerCase()])}: write ${uk8sValues === undefined ? values : listOf(uk8sValues)}`,
    );
  else if (ownText !== undefined && uk8sValue !== undefined && ownText !== uk8sValue)
    faults.push(`${ownName} is "${ownText}" but ${uk8sName} is "${uk8sText}": leave one of them out`);
  return { value: faults.length > 0 ? fallback : (ownText ?? uk8sValue ?? fallback), faults };
}

function because(why: string | undefined): string {
  return why === undefined ? '' : `, ${why}`;
}

function listOf(values: Readonly<Record<string, string>>): string {
  return Object.keys(values).join(', ');
}

function unknownFaults<K extends string>(
  { annotations, uk8sPrefix, page }: AnnotationTable<K>,
  given: Readonly<Record<string, string>>,
): string[] {
  /** All that people may write, by prefix. */
  const known: Readonly<Record<string, readonly string[]>> = {
    [ownPrefix]: Object.values<Annotation>(annotations).flatMap(({ own }) => own ?? []),
    [uk8sPrefix]: Object.values<Annotation>(annotations).flatMap(({ uk8s }) => uk8s ?? []),
  };
  return Object.keys(given)
    .toSorted()
    .flatMap((name) => {
      const prefix = Object.keys(known).find((one) => name.startsWith(one));
      const rest = name.slice(prefix?.length);
      if (prefix === undefined || known[prefix]?.includes(rest) === true || written.includes(name)) return [];
      const near = nearest(rest, known[prefix] ?? []);
      return near === undefined
        ? `unknown annotation ${name}: see ${page} for those there are`
        : `unknown annotation ${name}: did you mean ${prefix}${near}?`;
    });
}

/** By the controller itself. */
const written: readonly string[] = [recordAnnotation, conditionAnnotation];
