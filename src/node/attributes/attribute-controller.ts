import type { SharedCaches } from '#capability/controller-part.ts';
import { groundOf } from '#capability/ground.ts';
import type { CloudMachine, Compute } from '#cloud/compute.ts';
import { explainFailure } from '#cloud/failure.ts';
import { sharedLook } from '#cloud/shared-look.ts';
import type { Kube } from '#kube/kube.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { formatBytes } from '#unit/bytes.ts';
import { type Ms, minutes, seconds, untilAborted } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { instanceTypeLabel, planNodeLabels } from './plan-node-labels.ts';
import { planNodeTaints } from './plan-node-taints.ts';

export interface AttributeOptions {
  readonly kube: Kube;
  readonly compute: Pick<Compute, 'list'>;
  readonly caches: Pick<SharedCaches, 'nodes'>;
  /** The ownership mark of this cluster. */
  readonly mark: string;
  readonly region: string;
  readonly note: (facts: object, doing: string) => void;
}

/** Keeps what users select nodes by, and takes off what keeps pods from them for nothing. */
export async function runAttributeController(options: AttributeOptions, end: AbortSignal): Promise<void> {
  const { kube, region, note } = options;
  const seen = viewOf(options.caches.nodes(), (node) => node, end);
  await seen.synced;
  const typeOf = instanceTypes(options);
  const queue = workQueue({
    async tend(name) {
      const node = seen.get({ name });
      if (node === undefined) return;
      await writeTaints(kube, node);
      const instanceType = lacksType(node) ? await typeOf(node) : undefined;
      const labels = planNodeLabels(node, { region, instanceType });
      if (labels !== undefined) await kube.merge(nodes, { name }, { metadata: { labels } });
      return lacksType(node) && instanceType === undefined ? { again: unknownFor } : undefined;
    },
    // Those that wait for the cloud wait for the same answer.
    workers: 16,
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

/** Taints are one list that others write too: only over the version that was read. */
async function writeTaints(kube: Kube, node: NodeObject): Promise<void> {
  const taints = planNodeTaints(node);
  const { name, resourceVersion } = node.metadata;
  if (taints !== undefined) await kube.merge(nodes, { name }, { metadata: { resourceVersion }, spec: { taints } });
}

function lacksType(node: NodeObject): boolean {
  return groundOf(node).ground === 'cloud' && !(instanceTypeLabel in (node.metadata.labels ?? {}));
}

/** Asks the cloud once for all nodes that want to know. @shape `undefined` when it does not say */
function instanceTypes({ compute, mark, note }: AttributeOptions): (node: NodeObject) => Promise<string | undefined> {
  const look = sharedLook(() => compute.list(mark, { within: lookWithin }), seconds(1));
  return async (node) => {
    const place = groundOf(node);
    if (place.ground !== 'cloud') return undefined;
    const listed = await look();
    if (!listed.ok)
      note({ fault: explainFailure(listed.failure) }, 'asking the cloud for the shapes of machines failed');
    const machine = listed.ok ? listed.value.find(({ id }) => id === place.id) : undefined;
    return machine && formatType(machine);
  };
}

/** `2c-4Gi` */
function formatType({ cpu, memory }: CloudMachine): string {
  return `${cpu}c-${formatBytes(memory)}`;
}

const lookWithin: Ms = seconds(30);
const unknownFor = minutes(1);
