import type { SharedCaches } from '#capability/controller-part.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { untilAborted } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { planNodeLabels } from './plan-node-labels.ts';

export interface LabelOptions {
  readonly kube: Kube;
  readonly caches: SharedCaches;
  readonly note: (facts: object, doing: string) => void;
}

/** Keeps what users select nodes by. */
export async function runLabelController({ kube, caches, note }: LabelOptions, end: AbortSignal): Promise<void> {
  const seen = viewOf(caches.nodes(), (node) => node, end);
  await seen.synced;
  const queue = workQueue({
    async tend(name) {
      const node = seen.get({ name });
      const labels = node && planNodeLabels(node);
      if (labels !== undefined) await kube.merge(nodes, { name }, { metadata: { labels } });
    },
    onError: (error, { key, failures, wait }) =>
      note({ node: key, fault: messageOf(error), failures, again: wait }, 'labelling a node failed'),
  });
  seen.onChange((name) => queue.add(name));
  try {
    await untilAborted(end);
  } finally {
    await queue.stop();
  }
}
