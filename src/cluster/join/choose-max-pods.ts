/**
 * How many pods kubelet may take on a site machine: as many as there are addresses for its pods, and never more than kubelet's usual
 * limit. The scheduler then sends the rest elsewhere, instead of here, where they would wait for an address. Of a cloud machine nobody
 * knows the limit when its kubelet starts (docs/decision/2026-11-29-max-pods-of-a-node.md).
 * @unit pods: addresses that they can have
 */
export function chooseMaxPods(pods: number): number {
  return Math.min(usualMaxPods, pods);
}

/** @source kubelet configuration v1beta1, maxPods */
const usualMaxPods = 110;
