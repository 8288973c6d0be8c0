import type { MemberSeen } from './seen.ts';

/**
 * Which machines go first when there are too many: those that were named, then those that do least for the cluster, and of equals the youngest.
 * One with a pod that says `isthmus.dev/do-not-disrupt` stays; no other goes in the place of one that was named.
 * @unit members: those that stay so far
 */
export function chooseLeaving(
  members: readonly MemberSeen[],
  count: number,
  named: readonly string[],
): readonly MemberSeen[] {
  const isNamed = ({ recorded }: MemberSeen): boolean => named.includes(recorded.name);
  const first = members.filter(isNamed).toSorted(byWorth).slice(0, count);
  const others = members.filter((member) => !isNamed(member) && isFree(member)).toSorted(byWorth);
  return [...first.filter(isFree), ...others.slice(0, count - first.length)];
}

function isFree({ node }: MemberSeen): boolean {
  return (node?.pods?.held ?? []).length === 0;
}

function byWorth(a: MemberSeen, b: MemberSeen): number {
  const [first, second] = [worthOf(a), worthOf(b)];
  const at = first.findIndex((value, i) => value !== second[i]);
  return at === -1 ? a.recorded.name.localeCompare(b.recorded.name, 'en') : (first[at] ?? 0) - (second[at] ?? 0);
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
