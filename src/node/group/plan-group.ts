import { machinesWanted, mostMachines } from '#kube/api/node-group.ts';
import { few } from '#unit/few.ts';
import { chooseLeaving } from './choose-leaving.ts';
import { choosePlaces, samePlace } from './choose-places.ts';
import { heldBy, type MemberAct, type MemberRecord, type MemberWait, planMember } from './plan-member.ts';
import { type ScaledReason, scaledReasons } from './reasons.ts';
import type { GroupPolicy, GroupSeen, MemberSeen, Place } from './seen.ts';

/** What is written down before anything follows from it. */
export type GroupRecord =
  | MemberRecord
  | { readonly do: 'add'; readonly place: Place }
  | { readonly do: 'move'; readonly member: string; readonly place: Place };

export interface GroupPlan {
  /** A change of the object itself; nothing else is done before. */
  readonly object?:
    | { readonly do: 'hold' | 'release' }
    | { readonly do: 'begin'; readonly desired: number }
    | { readonly do: 'tidy'; readonly leaveFirst: readonly string[] };
  /** To be written at once, all together; nothing else is done before. */
  readonly records: readonly GroupRecord[];
  readonly acts: readonly MemberAct[];
  readonly says: { readonly reason: ScaledReason; readonly message: string };
}

/** What is next for a group: the object, then what is to be written down, then what follows from what is written. */
export function planGroup(seen: GroupSeen, policy: GroupPolicy): GroupPlan {
  const { at, members } = seen;
  const staying = members.filter(({ recorded }) => recorded.leaving === undefined);
  const wanted = wantedOf(seen);
  const excess = planExcess(seen, staying, Math.max(0, staying.length - wanted));
  const more = planMissing(seen, staying, wanted - staying.length);
  const moves = planMoves(seen, staying);
  const leaving = new Set(excess.records.map(({ member }) => member));
  // What is decided of the whole group goes before what is of one machine.
  const own = members
    .filter(({ recorded: { name } }) => !leaving.has(name) && !moves.stuck.has(name))
    .map((member) => planMember(member, at, policy));
  const records: GroupRecord[] = [
    ...excess.records,
    ...moves.records.filter(({ member }) => !leaving.has(member)),
    ...own.flatMap(({ record }) => record ?? []),
    ...more.records,
  ];
  const waits = [...own.flatMap(({ wait }) => wait ?? []), ...excess.waits, ...moves.waits, ...more.waits];
  const object = planObject(seen);
  return {
    ...(object !== undefined && { object }),
    records,
    acts: own.flatMap(({ act }) => act ?? []),
    says: explain(seen, waits),
  };
}

export function wantedOf({ bounds, isDeleted }: Pick<GroupSeen, 'bounds' | 'isDeleted'>): number {
  return isDeleted ? 0 : machinesWanted(bounds);
}

function planObject(seen: GroupSeen): GroupPlan['object'] {
  const { isDeleted, isHeld, members, bounds, leaveFirst } = seen;
  if (isDeleted) return isHeld && members.length === 0 ? { do: 'release' } : undefined;
  if (!isHeld) return { do: 'hold' };
  if (bounds.desired === undefined) return { do: 'begin', desired: wantedOf(seen) };
  const there = leaveFirst.filter((name) => members.some(({ recorded }) => recorded.name === name));
  return there.length < leaveFirst.length ? { do: 'tidy', leaveFirst: there } : undefined;
}

interface Part<Step extends GroupRecord['do']> {
  readonly records: readonly Extract<GroupRecord, { readonly do: Step }>[];
  readonly waits: readonly Wait[];
}
type Wait = MemberWait | { readonly why: 'Exhausted' | 'MachinesDoNotJoin'; readonly says: string };

function planExcess(
  { isDeleted, leaveFirst }: GroupSeen,
  staying: readonly MemberSeen[],
  count: number,
): Part<'leave'> {
  const why = isDeleted ? 'GroupDeleted' : 'ScaledIn';
  const isNamed = ({ recorded }: MemberSeen): boolean => leaveFirst.includes(recorded.name);
  const saysOf = (member: MemberSeen): string => {
    if (isDeleted) return 'its group is being deleted';
    const many = 'there are more machines than are wanted';
    return isNamed(member) ? `${many}, and this one was named to go first` : many;
  };
  const chosen = chooseLeaving(staying, count, leaveFirst);
  // Of those that hold, the named ones are meant first.
  const held = staying
    .toSorted((a, b) => Number(isNamed(b)) - Number(isNamed(a)))
    .flatMap(({ recorded, node }): readonly Wait[] => {
      const pods = node?.pods?.held ?? [];
      return pods.length === 0 ? [] : [heldBy(recorded.name, pods)];
    });
  return {
    records: chosen.map((member) => ({ do: 'leave', member: member.recorded.name, why, says: saysOf(member) })),
    waits: [
      ...chosen.map((member): Wait => {
        return { why: 'Leaving', says: `${member.recorded.name} leaves: ${saysOf(member)}` };
      }),
      ...held.slice(0, count - chosen.length),
    ],
  };
}

function planMissing(seen: GroupSeen, staying: readonly MemberSeen[], count: number): Part<'add'> {
  if (count <= 0) return { records: [], waits: [] };
  const { at, pause, members } = seen;
  if (pause !== undefined && pause.until > at)
    return { records: [], waits: [{ why: 'MachinesDoNotJoin', says: pause.says }] };
  // No more than one object can hold.
  const asked = Math.min(count, 2 * mostMachines - members.length);
  const places = choosePlaces(
    seen,
    staying.map(({ recorded }) => recorded),
    asked,
  );
  return {
    records: places.map((place) => ({ do: 'add', place })),
    waits: [
      ...(places.length > 0 ? [{ why: 'Making', says: `${places.length} more are asked for` } as const] : []),
      ...(places.length < asked ? exhausted(seen) : []),
    ],
  };
}

/** A machine that the cloud was short of, and certainly did not make, is asked for elsewhere, by the same name. */
function planMoves(
  seen: GroupSeen,
  staying: readonly MemberSeen[],
): Part<'move'> & { readonly stuck: ReadonlySet<string> } {
  const { at, shortages } = seen;
  const isStuck = ({ recorded, machine, busy, notMade }: MemberSeen): boolean =>
    recorded.id === undefined &&
    machine === 'absent' &&
    notMade &&
    !busy &&
    shortages.some(({ place, until }) => until > at && samePlace(place, recorded));
  const stuck = staying.filter(isStuck).map(({ recorded }) => recorded.name);
  const settled = staying.filter((member) => !isStuck(member)).map(({ recorded }) => recorded);
  const places = choosePlaces(seen, settled, stuck.length);
  const moves = stuck.flatMap((member, i) => {
    const place = places[i];
    return place === undefined ? [] : [{ member, place }];
  });
  return {
    records: moves.map((move) => ({ do: 'move', ...move })),
    waits: [
      ...moves.map(({ member }): Wait => ({ why: 'Making', says: `${member} is asked for elsewhere` })),
      ...(moves.length < stuck.length ? exhausted(seen) : []),
    ],
    stuck: new Set(stuck),
  };
}

function exhausted({ at, shortages }: GroupSeen): readonly Wait[] {
  const words = [...new Set(shortages.filter(({ until }) => until > at).map(({ says }) => says))];
  return [{ why: 'Exhausted', says: `the cloud has no machine of any shape in any zone of the group: ${few(words)}` }];
}

const order = Object.keys(scaledReasons) as readonly ScaledReason[];

/** The heaviest reason, with everything that has it. */
function explain(seen: GroupSeen, waits: readonly Wait[]): GroupPlan['says'] {
  const wanted = wantedOf(seen);
  const ready = seen.members.filter(
    ({ recorded, node }) => recorded.leaving === undefined && node?.ready === true,
  ).length;
  const counts = `${ready} of ${wanted} machines are Ready`;
  const reason = order.find((one) => waits.some(({ why }) => why === one)) ?? 'AsWanted';
  const says = waits.filter(({ why }) => why === reason).map((one) => one.says);
  return { reason, message: [counts, ...(says.length === 0 ? [] : [few(says)])].join('; ') };
}
