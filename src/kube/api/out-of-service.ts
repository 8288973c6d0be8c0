/**
 * On a Node whose machine is certainly off: its pods are deleted at once and its volumes detached without waiting. The value tells that we set it,
 * and may take it away. @source kubernetes KEP-2268, non-graceful node shutdown
 */
export const outOfService = {
  key: 'node.kubernetes.io/out-of-service',
  value: 'isthmus-machine-off',
  effect: 'NoExecute',
} as const;

/** Condition of a cloud Node that does not answer: True when its machine is off and it has the taint, False with what keeps it from that. */
export const fencedCondition = 'isthmus.dev/Fenced';
