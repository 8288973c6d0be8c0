import type { NodeRequirement, NodeSelectorTerm, Taint, Toleration } from './resources.ts';

/** A node as the scheduler sees it. */
export interface NodeLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether one of the terms holds on the node; true when there are none. @source k8s.io/component-helpers scheduling/corev1/nodeaffinity v0.36 */
export function matchesTerms(terms: readonly NodeSelectorTerm[] | undefined, node: NodeLabels): boolean {
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** An empty term holds nowhere. */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { name, labels }: NodeLabels,
): boolean {
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((requirement) => holds(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => holds(requirement, name))
  );
}

/** Whether a requirement of a selector holds of the label with its key; selectors of pods know the first four operators alone. */
export function holds({ operator, values = [] }: NodeRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}

/**
 * An empty key matches every key, an empty effect every effect; no operator is Equal.
 * @source k8s.io/api v0.36.3 core/v1/toleration.go. Lt and Gt belong to a feature that is off in Kubernetes 1.36, whose API server refuses them.
 */
export function tolerates(
  { key = '', operator = 'Equal', value = '', effect = '' }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (operator === 'Equal' && value === (taint.value ?? ''));
}
