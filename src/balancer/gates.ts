import type { SharedCaches } from '#capability/controller-part.ts';
import type { Kube } from '#kube/kube.ts';
import { pods } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { now } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { type GatedPod, type GateService, gatedPod, planGate } from './plan-gate.ts';

export interface GatesOptions {
  readonly kube: Kube;
  readonly caches: SharedCaches;
  readonly note: (facts: object, doing: string) => void;
  /** The Services of type LoadBalancer that select a pod; `undefined` while they are not known. */
  readonly servicesOf: (pod: GatedPod) => readonly GateService[] | undefined;
  /** A pod with the gate could serve now, or cannot any more. */
  readonly onChange: (pod: GatedPod) => void;
}

/** Opens the readiness gates of pods. */
export interface Gates {
  readonly synced: Promise<void>;
  /** Whether a pod lacks nothing but its gate. @unit pod: `namespace/name` */
  readonly isFit: (pod: string) => boolean;
  /** Something about Services has changed. */
  readonly look: () => void;
  readonly stop: () => Promise<void>;
}

export function openGates({ kube, caches, note, servicesOf, onChange }: GatesOptions, end: AbortSignal): Gates {
  const view = viewOf(caches.pods(), gatedPod, end);
  const fit = new Set<string>();
  const at = (key: string) => {
    const [namespace = '', name = ''] = key.split('/');
    return { namespace, name };
  };
  const queue = workQueue({
    async tend(key) {
      const pod = view.get(at(key));
      const services = pod && servicesOf(pod);
      if (pod === undefined || services === undefined) return;
      const condition = planGate(pod, services, new Date(now()).toISOString());
      if (condition === undefined) return;
      await kube.apply(
        pods,
        { metadata: at(key), status: { conditions: [condition] } },
        { manager: 'isthmus-balancer', force: true, subresource: 'status' },
      );
    },
    workers: 4,
    onError: (error, { key, failures, wait }) =>
      note({ pod: key, fault: messageOf(error), failures, again: wait }, 'opening the readiness gate of a pod failed'),
  });
  view.onChange((key) => {
    const pod = view.get(at(key));
    if (pod?.isFit === true) fit.add(key);
    else if (!fit.delete(key)) return;
    if (pod !== undefined) onChange(pod);
    if (pod?.isFit === true) queue.add(key);
  });
  return {
    synced: view.synced,
    isFit: (pod) => fit.has(pod),
    look() {
      for (const key of fit) queue.add(key);
    },
    stop: () => queue.stop(),
  };
}
