/**
 * How many pods kubelet may take on a site machine: as many as its subnet has addresses, and never more than kubelet's usual
 * limit. The scheduler then sends the rest elsewhere, instead of here, where they would wait for an address. Of a cloud machine nobody
 * knows the limit when its kubelet starts (docs/decision/2026-11-29-max-pods-of-a-node.md).
 * @unit perMachine: prefix length of the subnet; its first and last address go to no pod
 */
export function chooseMaxPods(perMachine: number): number {
  return Math.min(usualMaxPods, 2 ** (32 - perMachine) - 2);
}

/** @source kubelet configuration v1beta1, maxPods */
const usualMaxPods = 110;
