import { neutralZoneKey, regionKey, zoneKey } from '#capability/cloud-labels.ts';

/** Labels of places, as the provisioner hands them on. */
export type Segments = Readonly<Record<string, string>>;

export interface ZoneAsked {
  /** The chosen node's first. */
  readonly preferred: readonly Segments[];
  /** Empty: anywhere. */
  readonly requisite: readonly Segments[];
}

export type ZoneChoice = { readonly ok: true; readonly zone: string } | { readonly ok: false; readonly fault: string };

/**
 * The zone that a disk is made in: that of the chosen node, as far as the class allows it.
 * @unit only: the zone of what it is a copy; usual: where nothing is asked for
 */
export function chooseZone(
  { preferred, requisite }: ZoneAsked,
  at: { readonly region: string; readonly usual: string; readonly only: string | undefined },
): ZoneChoice {
  const places = [...preferred, ...requisite];
  if (places.length === 0) return { ok: true, zone: at.only ?? at.usual };
  const here = places.filter((place) => place[regionKey] === undefined || place[regionKey] === at.region);
  const zones = here.map((place) => place[zoneKey] ?? place[neutralZoneKey] ?? at.usual);
  const zone = at.only === undefined ? zones[0] : zones.find((one) => one === at.only);
  if (zone !== undefined) return { ok: true, zone };
  const asked = [...new Set(places.map((place) => Object.values(place).sort().join('/')))].join(', ');
  if (zones.length > 0)
    return { ok: false, fault: `what it is copied from is in zone ${at.only}, and the volume is wanted in ${asked}` };
  return {
    ok: false,
    fault: `cloud disks of this cluster are in region ${at.region}, and the volume is wanted in ${asked}`,
  };
}

/** Where a disk of a zone can be used. */
export function segmentsOf(region: string, zone: string): Record<string, string> {
  return { [regionKey]: region, [zoneKey]: zone };
}
