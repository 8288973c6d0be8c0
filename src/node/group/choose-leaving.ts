import type { MemberSeen } from './seen.ts';

/**
 * Which machines go first when there are too many: those that do least for the cluster, and of equals the youngest. One with a pod that says
 * `isthmus.dev/do-not-disrupt` stays.
 * @unit members: those that stay so far
 */
export function chooseLeaving(members: readonly MemberSeen[], count: number): readonly MemberSeen[] {
  return members
    .filter(({ node }) => (node?.pods?.held ?? []).length === 0)
    .toSorted((a, b) => {
      const [first, second] = [worthOf(a), worthOf(b)];
      const at = first.findIndex((value, i) => value !== second[i]);
      return at === -1 ? a.recorded.name.localeCompare(b.recorded.name, 'en') : (first[at] ?? 0) - (second[at] ?? 0);
    })
    .slice(0, count);
}

/** From the least to the most, in the order in which it counts. */
function worthOf({ recorded, node }: MemberSeen): readonly number[] {
  return [
    recorded.id === undefined ? 0 : 1,
    recorded.joined === true ? 1 : 0,
    node?.ready === true ? 1 : 0,
    node?.cordoned === true ? 0 : 1,
    node?.pods?.toLeave ?? 0,
    -(node?.since ?? Date.parse(recorded.asked)),
  ];
}
