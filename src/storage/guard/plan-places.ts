import { areApart, type Place } from '../place.ts';

/**
 * What the admission policy must know of the volumes of one namespace: by claim, where each can be used; `undefined` when one place is in
 * reach of all, as in most namespaces. A volume whose zone or machine is not known yet is apart from those of the other side alone.
 */
export function planPlaces(places: ReadonlyMap<string, Place>): Readonly<Record<string, Place>> | undefined {
  const all = [...places.values()];
  const kinds = all.filter((place, i) => all.findIndex((other) => isSame(place, other)) === i);
  if (!kinds.some((one) => kinds.some((other) => areApart(one, other)))) return undefined;
  // Sorted: what is written again unchanged must look unchanged.
  return Object.fromEntries([...places].toSorted(([a], [b]) => a.localeCompare(b)));
}

function isSame(a: Place, b: Place): boolean {
  return a.ground === b.ground && a.zone === b.zone && a.machine === b.machine;
}
