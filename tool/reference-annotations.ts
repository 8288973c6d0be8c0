import { type Annotation, type AnnotationTable, ownPrefix, serviceAnnotations } from '#balancer/annotations.ts';
import { ingressAnnotations } from '#balancer/application/annotations.ts';

/** Every annotation of a Service of type LoadBalancer that is understood. */
export function serviceAnnotationsPage(): string {
  return `# Annotations of Services

Made from the code by \`npm run docs\`. They say how a Service of type LoadBalancer is served; [the guide](../guide/expose.md) says how to use
them. An annotation with one of the two prefixes that is not listed here, or has another value, is refused with an Event and the condition
\`isthmus.dev/Balancer\` of the Service, and nothing is changed in the cloud until it is right.

${sections(serviceAnnotations, 'Service')}`;
}

/** Every annotation of an Ingress of the class `alb` that is understood. */
export function ingressAnnotationsPage(): string {
  return `# Annotations of Ingresses

Made from the code by \`npm run docs\`. They say how an Ingress of the class \`alb\` is served; [the guide](../guide/alb.md) says how to use
them. An annotation with one of the two prefixes that is not listed here, or has another value, is refused with an Event and the annotation
\`${ownPrefix}condition\` of the Ingress, and nothing but back ends is changed in the cloud until it is right.

${sections(ingressAnnotations, 'Ingress')}
\`${ownPrefix}condition\` is written by the controller too: an Ingress has no conditions of its own.
`;
}

function sections<K extends string>({ annotations, uk8sPrefix }: AnnotationTable<K>, kind: string): string {
  const rows = Object.values<Annotation>(annotations);
  const ours = rows.flatMap(({ own, uk8s, values, fallback, later, meaning }) =>
    own === undefined
      ? []
      : [
          [
            code(own),
            values,
            fallback === undefined ? '' : code(fallback),
            later ? 'yes' : 'no',
            uk8s === undefined ? '' : code(uk8s),
            meaning,
          ],
        ],
  );
  const others = rows.flatMap(({ own, uk8s, uk8sValues, values, meaning }) =>
    uk8s === undefined
      ? []
      : [
          [
            code(uk8s),
            uk8sValues === undefined ? values : Object.keys(uk8sValues).join(', '),
            own === undefined ? meaning : `as ${code(own)}`,
          ],
        ],
  );
  return `## Ours, the same on any cloud

Each begins with \`${ownPrefix}\`. "Later" says whether a change is followed on a balancer that exists.

${table(['annotation', 'values', 'default', 'later', 'in UK8S', 'meaning'], ours)}
\`${ownPrefix}record\` is written by the controller: what it has made for the ${kind}.

## Those of UK8S

A manifest that was written for UCloud's own Kubernetes works unchanged as far as these go. Each begins with \`${uk8sPrefix}\`. Where both
are written they must say the same. One thing differs: what is not said to be paid by the month is paid by the hour.

${table(['annotation', 'values', 'meaning'], others)}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return `${line(heads)}|${'---|'.repeat(heads.length)}\n${rows.map(line).join('')}`;
}
