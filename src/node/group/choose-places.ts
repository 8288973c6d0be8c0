import type { GroupSeen, Place } from './seen.ts';

/**
 * Where the next machines are asked for: by the first shape that some zone is not short of, and there in the zone that has the fewest.
 * @unit there: places of the machines that stay
 * @shape at most `count`; none where the cloud is short of everything
 */
export function choosePlaces(
  { at, shapes, zones, shortages }: Pick<GroupSeen, 'at' | 'shapes' | 'zones' | 'shortages'>,
  there: readonly Place[],
  count: number,
): readonly Place[] {
  const chosen: Place[] = [];
  const inZone = (zone: string): number => [...there, ...chosen].filter((place) => place.zone === zone).length;
  const isShort = (place: Place): boolean => shortages.some((one) => one.until > at && samePlace(one.place, place));
  while (chosen.length < count) {
    // Sorting is stable: zones with the same number keep the order in which they are written.
    const spread = zones.toSorted((a, b) => inZone(a.zone) - inZone(b.zone));
    const next = shapes
      .flatMap((shape) => spread.map((zone) => ({ ...shape, ...zone })))
      .find((place) => !isShort(place));
    if (next === undefined) return chosen;
    chosen.push(next);
  }
  return chosen;
}

export function samePlace(a: Place, b: Place): boolean {
  return a.cpu === b.cpu && a.memory === b.memory && a.zone === b.zone && a.subnet === b.subnet;
}
