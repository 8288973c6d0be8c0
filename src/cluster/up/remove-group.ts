import { nodeGroups } from '#kube/api/node-group.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import type { At } from './at.ts';

/** How long the machines of a group may take to leave. */
export const groupLimit = minutes(15);

/**
 * Deletes the NodeGroup and waits until the controller has taken its machines away.
 * @fails Error with what the group says; it goes on by itself
 */
export async function removeNodeGroup({ session, connections, say }: At, name: string): Promise<void> {
  const kube = await connections.kube();
  await kube.delete(nodeGroups, { name });
  let told = '';
  const isGone = async (): Promise<boolean> => {
    const group = await kube.get(nodeGroups, { name });
    if (group === undefined) return true;
    const line = group.status?.conditions?.find(({ type }) => type === 'Scaled')?.message ?? 'its machines leave';
    if (line !== told) say(line);
    told = line;
    throw new Error(`${line}; it goes on by itself: kubectl describe nodegroup ${name} says more`);
  };
  await waitFor(`the machines of node group ${name} to leave`, isGone, {
    within: groupLimit,
    every: seconds(1),
    signal: session.signal,
  });
}
