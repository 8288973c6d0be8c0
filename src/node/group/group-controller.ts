import type { SharedCaches } from '#capability/controller-part.ts';
import { sharedLook } from '#cloud/shared-look.ts';
import { groupLabel, nodeGroups } from '#kube/api/node-group.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { minutes, ms, seconds, untilAborted } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { GroupKeeper } from './group-keeper.ts';
import type { GroupOptions } from './group-options.ts';
import type { GroupPolicy } from './seen.ts';

/** As the issue has it: a machine that has not joined three minutes after its boot, and makes no progress, is replaced. */
export const usualGroupPolicy: GroupPolicy & Pick<GroupOptions, 'settle' | 'apart' | 'shortFor'> = {
  untilNode: minutes(3),
  untilReady: minutes(10),
  // Longer than a machine that the cloud has accepted is missing in its lists. @source src/cloud/ucloud/make-once.ts
  settle: seconds(15),
  apart: minutes(1),
  shortFor: minutes(5),
};

/** Keeps as many cloud machines as each NodeGroup wants, until `end`; what was begun then comes to its end. */
export async function runGroupController(
  options: Omit<GroupOptions, 'nodes' | 'listMachines' | 'wake'> & { readonly caches: Pick<SharedCaches, 'nodes'> },
  end: AbortSignal,
): Promise<void> {
  const { kube, compute, mark, note } = options;
  const nodes = viewOf(options.caches.nodes(), (node) => node, end);
  const groups = kube.cache(nodeGroups, {}, end);
  await Promise.all([nodes.synced, groups.synced]);
  const keeper = new GroupKeeper({
    ...options,
    nodes,
    listMachines: sharedLook(() => compute.list(mark, { within: seconds(20) }), ms(500)),
    wake: (group) => queue.add(group),
  });
  const queue = workQueue({
    tend: (name) => keeper.tend(name),
    workers: 4,
    onError: (error, { key, failures, wait }) =>
      note({ group: key, fault: messageOf(error), failures, again: wait }, 'tending a group failed'),
    backoff: { first: ms(200), most: seconds(15) },
  });
  groups.onChange((name) => queue.add(name));
  for (const { metadata } of groups.list()) queue.add(metadata.name);
  nodes.onChange((name) => {
    const labelled = nodes.get({ name })?.metadata.labels?.[groupLabel];
    if (labelled !== undefined) queue.add(labelled);
  });
  try {
    await untilAborted(end);
  } finally {
    await queue.stop();
    await keeper.settled();
  }
}
