import { type Condition, conditionShape } from '#kube/api/condition.ts';
import type { IngressObject } from '#kube/resources.ts';
import { conditionAnnotation } from '../annotations.ts';

/** What is said of an Ingress. A text that somebody changed by hand counts as none. */
export function conditionOf({ metadata }: IngressObject): Condition | undefined {
  const text = metadata.annotations?.[conditionAnnotation];
  if (text === undefined) return undefined;
  try {
    const parsed = conditionShape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
