import * as z from 'zod';

/**
 * One fact about an object, in the form that all of Kubernetes uses: `status` True means that all is well with what `type`
 * names. @source k8s.io/apimachinery meta/v1 Condition
 */
export const conditionShape = z.object({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.number().int().optional(),
  lastTransitionTime: z.iso.datetime(),
  reason: z
    .string()
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/),
  message: z.string().max(32_768),
});

/** A list by type: each writer applies its own entries and leaves the others' alone. */
export const conditionsShape = z
  .array(conditionShape)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

export type Condition = z.infer<typeof conditionShape>;

/**
 * The condition as it is to be written: the time of its last change stays as long as its status does.
 * @unit at: now, RFC 3339
 */
export function conditionAfter(
  before: readonly Condition[] | undefined,
  said: Omit<Condition, 'lastTransitionTime'>,
  at: string,
): Condition {
  const last = before?.find(({ type }) => type === said.type);
  return { ...said, lastTransitionTime: last?.status === said.status ? last.lastTransitionTime : at };
}

/** What stands against an object, in the words of whoever sees it: the messages of its conditions that are False. */
export function complaintsOf(conditions: readonly Condition[] | undefined): readonly string[] {
  return (conditions ?? []).filter(({ status }) => status === 'False').map(({ message }) => message);
}

/** Whether a Node or a Pod is ready, as its kubelet says. */
export function isReady({
  status,
}: {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}
