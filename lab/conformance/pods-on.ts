import type { Note } from '../toolchain/artifact.ts';

/** kubectl of the lab's cluster. @fails Error with what it said */
export type Kubectl = (...args: readonly string[]) => Promise<string>;

export const sides = ['cloud', 'site'] as const;
export type Side = (typeof sides)[number];

/** Does something while only nodes of one side take new pods; the others take them again afterwards, however it ends. */
export async function withPodsOn<T>(
  side: Side | undefined,
  { kubectl, note }: { readonly kubectl: Kubectl; readonly note: Note },
  work: () => Promise<T>,
): Promise<T> {
  if (side === undefined) return work();
  const others = sides.filter((one) => one !== side).join(',');
  const asked = [
    'nodes',
    '-l',
    // The control plane takes no pods of specs anyway, and its own must be able to come back.
    `isthmus.dev/ground in (${others}),!node-role.kubernetes.io/control-plane`,
    '-o',
    'jsonpath={range .items[*]}{.metadata.name}={.spec.unschedulable} {end}',
  ];
  const names = (await kubectl('get', ...asked))
    .split(' ')
    .flatMap((one) => (one.endsWith('=') ? one.slice(0, -1) : []));
  if (names.length === 0) return work();
  await kubectl('cordon', ...names);
  note(`${names.join(', ')}: cordoned until the run ends (kubectl uncordon, if it is cut off)`);
  try {
    return await work();
  } finally {
    await kubectl('uncordon', ...names);
  }
}

/** How many nodes take pods. */
export async function countSchedulable(kubectl: Kubectl): Promise<number> {
  const { items } = JSON.parse(await kubectl('get', 'nodes', '-o', 'json')) as { readonly items: readonly NodeSeen[] };
  // The taint of a cordoned node comes a moment after.
  const takes = ({ spec: { unschedulable, taints = [] } }: NodeSeen): boolean =>
    unschedulable !== true && taints.every(({ effect }) => effect === 'PreferNoSchedule');
  return items.filter(takes).length;
}

interface NodeSeen {
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly effect: string }[] };
}
