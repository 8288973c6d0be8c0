import { groundLabel } from '#capability/ground.ts';
import type { NodeSelectorTerm, PersistentVolumeObject } from '#kube/resources.ts';
import { regionKey, zoneKey } from '../driver.ts';
import { matchesTerms, type NodeLabels } from '../explain/match-node.ts';
import { flexDriver } from '../grounds.ts';
import { explainPlace, type Place, placeOfVolume } from '../place.ts';

/** A volume of which something is wrong. */
export interface VolumeFinding {
  readonly volume: string;
  /** `namespace/name` of the claim that has it. */
  readonly claim: string | undefined;
  readonly fault: 'no-topology' | 'machine-gone' | 'no-node' | 'old-driver';
  /** What is wrong and what helps. */
  readonly says: string;
  /** What `--fix` would write; `undefined` for what a person must do. */
  readonly fix: TopologyFix | undefined;
}

/** The node affinity of a PersistentVolume that has none. Once it is there it cannot be changed. */
export interface TopologyFix {
  readonly terms: readonly NodeSelectorTerm[];
}

export interface DoctorSeen {
  readonly volumes: readonly PersistentVolumeObject[];
  readonly nodes: readonly NodeLabels[];
}

/** What keeps volumes from being used, sorted by name. */
export function planDoctor({ volumes, nodes }: DoctorSeen): readonly VolumeFinding[] {
  return volumes
    .flatMap((volume) => findingOf(volume, nodes) ?? [])
    .toSorted((a, b) => a.volume.localeCompare(b.volume));
}

function findingOf(volume: PersistentVolumeObject, nodes: readonly NodeLabels[]): VolumeFinding | undefined {
  const { metadata, spec, status } = volume;
  const claimRef = spec?.claimRef;
  const claim = claimRef === undefined ? undefined : `${claimRef.namespace}/${claimRef.name}`;
  const tell = (fault: VolumeFinding['fault'], says: string, fix?: TopologyFix): VolumeFinding => ({
    volume: metadata.name,
    claim,
    fault,
    says,
    fix,
  });
  // Nobody will use it again before a person has looked.
  if (status?.phase === 'Released' || status?.phase === 'Failed') return undefined;
  if (spec?.flexVolume?.driver === flexDriver)
    return tell(
      'old-driver',
      `it is of ${flexDriver}, a driver from before CSI that nothing serves any more: make a PersistentVolume of udisk.csi.ucloud.cn for the same disk`,
    );
  const place = placeOfVolume(volume);
  if (place === undefined) return undefined;
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (terms === undefined && place.ground === 'cloud')
    return tell(
      'no-topology',
      'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it',
      { terms: topologyOf(volume) },
    );
  if (place.machine !== undefined && !nodes.some(({ name }) => name === place.machine))
    return tell(
      'machine-gone',
      `it is on machine ${place.machine}, which is not in the cluster: join the machine again, or restore the data into a new claim`,
    );
  if (nodes.some((node) => matchesTerms(terms, node))) return undefined;
  return tell('no-node', noNode(place));
}

function noNode(place: Place): string {
  return `it is ${explainPlace(place)}, and no node says that it is there: add a node there, or look whether the driver runs on those that are`;
}

/**
 * That it can be used on nodes of the cloud is certain; in which zone, only when the volume says so. Labels are what an older Kubernetes wrote there.
 * @source kubernetes PersistentVolumeLabel; UK8S's driver writes both keys for new volumes
 */
function topologyOf({ metadata }: PersistentVolumeObject): readonly NodeSelectorTerm[] {
  const labelled = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => metadata.labels?.[key]).find((value) => value !== undefined);
  const zone = labelled('topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone', zoneKey);
  const region = labelled('topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region', regionKey);
  const wanted = { [groundLabel]: 'cloud', [zoneKey]: zone, ...(zone !== undefined && { [regionKey]: region }) };
  return [
    {
      matchExpressions: Object.entries(wanted).flatMap(([key, value]) =>
        value === undefined ? [] : [{ key, operator: 'In', values: [value] }],
      ),
    },
  ];
}

/** `PersistentVolume pv-1: set the node affinity isthmus.dev/ground=cloud` */
export function explainFix({ volume, claim, fix }: VolumeFinding): string {
  const demands = (fix?.terms ?? []).flatMap(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, values = [] }) => `${key}=${values.join('|')}`),
  );
  const of = claim === undefined ? '' : ` of ${claim}`;
  return `set the node affinity of PersistentVolume ${volume}${of} to ${demands.join(' and ')}; it cannot be changed afterwards`;
}
