import type { NodeSelectorTerm, PersistentVolumeObject } from '#kube/resources.ts';
import { groundOfDriver, machineKeys, zoneKeys } from './grounds.ts';

/** Where a volume can be used. */
export interface Place {
  readonly ground: 'cloud' | 'site';
  /** The zone of the cloud, once it is known. */
  readonly zone?: string;
  /** The only machine that has it, once it is known. */
  readonly machine?: string;
}

/** Where the volume can be used; `undefined` for a driver that is not ours to judge. */
export function placeOfVolume({ spec }: PersistentVolumeObject): Place | undefined {
  const ground = groundOfDriver[spec?.csi?.driver ?? ''];
  if (ground === undefined) return undefined;
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const zone = ground === 'cloud' ? pinnedTo(terms, zoneKeys) : undefined;
  const machine = pinnedTo(terms, machineKeys);
  return { ground, ...(zone !== undefined && { zone }), ...(machine !== undefined && { machine }) };
}

/** The one value that every term demands of one of the labels. Terms are alternatives, and one that demands nothing of them allows anything. */
function pinnedTo(terms: readonly NodeSelectorTerm[], keys: readonly string[]): string | undefined {
  const values = terms.flatMap(({ matchExpressions = [] }): readonly (string | undefined)[] => {
    const demanded = matchExpressions.find(({ key, operator }) => operator === 'In' && keys.includes(key));
    return demanded?.values ?? [undefined];
  });
  const [first, ...others] = new Set(values);
  return others.length === 0 ? first : undefined;
}

/** Whether no node can use both. */
export function areApart(a: Place, b: Place): boolean {
  return a.ground !== b.ground || differ(a.zone, b.zone) || differ(a.machine, b.machine);
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}

/** `on machine base-1`, `in zone cn-bj2-04 of the cloud`, `in the cloud`, `on a machine of the site` */
export function explainPlace({ ground, zone, machine }: Place): string {
  if (machine !== undefined) return `on machine ${machine}`;
  if (zone !== undefined) return `in zone ${zone} of the cloud`;
  return ground === 'cloud' ? 'in the cloud' : 'on a machine of the site';
}
