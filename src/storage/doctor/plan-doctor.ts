import { regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { groundLabel } from '#capability/ground.ts';
import type { NodeSelectorTerm, PersistentVolumeObject } from '#kube/resources.ts';
import { diskDriver } from '../driver.ts';
import { matchesTerms, type NodeLabels } from '../explain/match-node.ts';
import { flexDriver } from '../grounds.ts';
import { explainPlace, type Place, placeOfVolume } from '../place.ts';

/** A volume of which something is wrong. */
export interface VolumeFinding {
  readonly volume: string;
  /** `namespace/name` of the claim that has it. */
  readonly claim: string | undefined;
  readonly fault: 'no-topology' | 'no-disk' | 'machine-gone' | 'no-node' | 'old-driver';
  /** What is wrong and what helps. */
  readonly says: string;
  /** What `--fix` would write; `undefined` for what a person must do. */
  readonly fix: TopologyFix | undefined;
}

/** The node affinity of a PersistentVolume that has none. Once it is there it cannot be changed. */
export interface TopologyFix {
  readonly terms: readonly NodeSelectorTerm[];
}

/** What the cloud says of one disk. */
export type DiskSeen =
  | { readonly is: 'there'; readonly zone: string }
  | { readonly is: 'gone' }
  | { readonly is: 'unclear'; readonly why: string };

export interface DoctorSeen {
  readonly volumes: readonly PersistentVolumeObject[];
  readonly nodes: readonly NodeLabels[];
  /** Disks by their ids, those of `disksToAsk` at least. */
  readonly disks: ReadonlyMap<string, DiskSeen>;
  readonly region: string;
}

/** What keeps volumes from being used, sorted by name. */
export function planDoctor(seen: DoctorSeen): readonly VolumeFinding[] {
  return seen.volumes
    .flatMap((volume) => findingOf(volume, seen) ?? [])
    .toSorted((a, b) => a.volume.localeCompare(b.volume));
}

/** Ids of disks whose volumes do not say where they are. */
export function disksToAsk(volumes: readonly PersistentVolumeObject[]): readonly string[] {
  return volumes.filter(isBlind).flatMap(({ spec }) => (spec?.csi?.driver === diskDriver ? spec.csi.volumeHandle : []));
}

function findingOf(volume: PersistentVolumeObject, seen: DoctorSeen): VolumeFinding | undefined {
  const { spec, status } = volume;
  // Nobody will use it again before a person has looked.
  if (status?.phase === 'Released' || status?.phase === 'Failed') return undefined;
  if (spec?.flexVolume?.driver === flexDriver)
    return tell(
      volume,
      'old-driver',
      `it is of ${flexDriver}, a driver from before CSI that nothing serves any more: make a PersistentVolume of ${diskDriver} for the same disk`,
    );
  const place = placeOfVolume(volume);
  if (place === undefined) return undefined;
  if (isBlind(volume)) return blindFinding(volume, seen);
  if (place.machine !== undefined && !seen.nodes.some(({ name }) => name === place.machine))
    return tell(
      volume,
      'machine-gone',
      `it is on machine ${place.machine}, which is not in the cluster: join the machine again, or restore the data into a new claim`,
    );
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (seen.nodes.some((node) => matchesTerms(terms, node))) return undefined;
  return tell(volume, 'no-node', noNode(place));
}

function isBlind(volume: PersistentVolumeObject): boolean {
  const isOfCloud = placeOfVolume(volume)?.ground === 'cloud';
  return isOfCloud && volume.spec?.nodeAffinity?.required?.nodeSelectorTerms === undefined;
}

/** That it can be used on nodes of the cloud is certain; in which zone a disk is, only the cloud knows. Both are for good, so both must be known. */
function blindFinding(volume: PersistentVolumeObject, { disks, region }: DoctorSeen): VolumeFinding {
  const blind =
    'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it';
  const ground = { [groundLabel]: 'cloud' };
  if (volume.spec?.csi?.driver !== diskDriver) return tell(volume, 'no-topology', blind, ground);
  const disk = volume.spec.csi.volumeHandle;
  const seen = disks.get(disk);
  switch (seen?.is) {
    case 'there':
      return tell(volume, 'no-topology', blind, { ...ground, [regionKey]: region, [zoneKey]: seen.zone });
    case 'gone':
      return tell(
        volume,
        'no-disk',
        `the cloud does not know its disk ${disk}: look in which project it is, or remove the PersistentVolume`,
      );
    case 'unclear':
      return tell(volume, 'no-topology', `${blind}; its zone is not known, because ${seen.why}`);
    case undefined:
      return tell(volume, 'no-topology', `${blind}; its zone is not known, because the cloud was not asked`);
  }
}

function noNode(place: Place): string {
  return `it is ${explainPlace(place)}, and no node says that it is there: add a node there, or look whether the driver runs on those that are`;
}

function tell(
  { metadata, spec }: PersistentVolumeObject,
  fault: VolumeFinding['fault'],
  says: string,
  labels?: Readonly<Record<string, string>>,
): VolumeFinding {
  const { namespace, name } = spec?.claimRef ?? {};
  const matchExpressions = Object.entries(labels ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  return {
    volume: metadata.name,
    claim: name === undefined ? undefined : `${namespace}/${name}`,
    fault,
    says,
    fix: labels && { terms: [{ matchExpressions }] },
  };
}

/** `set the node affinity of PersistentVolume pv-1 to isthmus.dev/ground=cloud; …` */
export function explainFix({ volume, claim, fix }: VolumeFinding): string {
  const demands = (fix?.terms ?? []).flatMap(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, values = [] }) => `${key}=${values.join('|')}`),
  );
  const of = claim === undefined ? '' : ` of ${claim}`;
  return `set the node affinity of PersistentVolume ${volume}${of} to ${demands.join(' and ')}; it cannot be changed afterwards`;
}
