import { regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { groundLabel } from '#capability/ground.ts';
import { matchesTerms, type NodeLabels } from '#kube/match-node.ts';
import type { NodeSelectorTerm, PersistentVolumeObject } from '#kube/resources.ts';
import { formatBytes } from '#unit/bytes.ts';
import type { Ip } from '#unit/ip.ts';
import { diskDriver } from '../driver.ts';
import { flexDriver } from '../grounds.ts';
import { formatHandle } from '../local/handle.ts';
import type { LeftVolume } from '../local/plan-left.ts';
import type { CloudOrphan } from '../orphans/plan-cloud-orphans.ts';
import { explainPlace, type Place, placeOfVolume } from '../place.ts';
import { formatShareHandle } from '../share/handle.ts';
import type { LeftFolder } from '../share/plan-left-folders.ts';
import { type CloudPlace, type KeptVolume, planKeepFolder, planKeepLeft, planKeepOrphan } from './plan-keep.ts';

/** A volume of which something is wrong. */
export interface VolumeFinding {
  /** What `volume` names. */
  readonly what: 'PersistentVolume' | CloudOrphan['what'] | 'directory' | 'local volume';
  /** The name of the PersistentVolume; of what none names, the cloud's id or the handle. */
  readonly volume: string;
  /** `namespace/name` of the claim that has it, or had it. */
  readonly claim: string | undefined;
  readonly fault: 'no-topology' | 'no-disk' | 'machine-gone' | 'no-node' | 'old-driver' | 'orphan';
  /** What is wrong and what helps. */
  readonly says: string;
  /** What `--fix` would write; `undefined` for what a person must do. */
  readonly fix: VolumeFix | undefined;
}

export type VolumeFix =
  /** The node affinity of a PersistentVolume that has none: what nodes that can use it have. Once it is there it cannot be changed. */
  | { readonly do: 'place'; readonly labels: Readonly<Record<string, string>> }
  /** A PersistentVolume for what none names. */
  | { readonly do: 'keep'; readonly volume: KeptVolume };

export interface FixableFinding extends VolumeFinding {
  readonly fix: VolumeFix;
}

export function isFixable(finding: VolumeFinding): finding is FixableFinding {
  return finding.fix !== undefined;
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
  return volumes.filter((volume) => termsOf(volume) === undefined).flatMap((volume) => diskOf(volume) ?? []);
}

function findingOf(volume: PersistentVolumeObject, seen: DoctorSeen): VolumeFinding | undefined {
  const { spec = {}, status } = volume;
  // Nobody will use it again before a person has looked.
  if (status?.phase === 'Released' || status?.phase === 'Failed') return undefined;
  if (spec.flexVolume?.driver === flexDriver)
    return tell(
      volume,
      'old-driver',
      `it is of ${flexDriver}, a driver from before CSI that nothing serves any more: make a PersistentVolume of ${diskDriver} for the same disk`,
    );
  const place = placeOfVolume(volume);
  if (place === undefined) return undefined;
  const terms = termsOf(volume);
  if (place.ground === 'cloud' && terms === undefined) return blindFinding(volume, seen);
  if (place.machine !== undefined && !seen.nodes.some(({ name }) => name === place.machine))
    return tell(
      volume,
      'machine-gone',
      `it is on machine ${place.machine}, which is not in the cluster: join the machine again, or restore the data into a new claim`,
    );
  if (seen.nodes.some((node) => matchesTerms(terms, node))) return undefined;
  return tell(volume, 'no-node', noNode(place));
}

/** Where it says that it can be used; `undefined` when it does not say so. */
function termsOf({ spec = {} }: PersistentVolumeObject): readonly NodeSelectorTerm[] | undefined {
  return spec.nodeAffinity?.required?.nodeSelectorTerms;
}

/** The id of the disk of the cloud that it is. */
function diskOf({ spec = {} }: PersistentVolumeObject): string | undefined {
  return spec.csi?.driver === diskDriver ? spec.csi.volumeHandle : undefined;
}

/** That it can be used on nodes of the cloud is certain; in which zone a disk is, only the cloud knows. Both are for good, so both must be known. */
function blindFinding(volume: PersistentVolumeObject, { disks, region }: DoctorSeen): VolumeFinding {
  const blind =
    'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it';
  const ground = { [groundLabel]: 'cloud' };
  const disk = diskOf(volume);
  if (disk === undefined) return tell(volume, 'no-topology', blind, ground);
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
  { metadata, spec = {} }: PersistentVolumeObject,
  fault: VolumeFinding['fault'],
  says: string,
  labels?: Readonly<Record<string, string>>,
): VolumeFinding {
  const { namespace, name } = spec.claimRef ?? {};
  return {
    what: 'PersistentVolume',
    volume: metadata.name,
    claim: name === undefined ? undefined : `${namespace}/${name}`,
    fault,
    says,
    fix: labels && { do: 'place', labels },
  };
}

/** What the cloud bills the cluster for and no PersistentVolume names. @unit server: the address where machines of the cluster mount it */
export function findOrphan(orphan: CloudOrphan, place: CloudPlace): VolumeFinding {
  const { what, id, owner, size } = orphan;
  const volume = planKeepOrphan(orphan, place);
  const made = owner === undefined ? '' : `, made for ${owner}`;
  const way =
    volume === undefined
      ? 'add a mount point in the cluster’s VPC and look again, or remove it'
      : 'keep it, or remove it';
  return {
    what,
    volume: id,
    claim: undefined,
    fault: 'orphan',
    says: `no PersistentVolume names it (${formatBytes(size)}${made}), so nobody can use it and it is billed: ${way} in the provider's console when nothing on it is needed`,
    fix: volume && { do: 'keep', volume },
  };
}

/** What lies in a file share and no PersistentVolume names. */
export function findFolder(left: LeftFolder, server: Ip | undefined): VolumeFinding {
  const volume = planKeepFolder(left, server);
  const way = volume === undefined ? ': add a mount point of the file share in the cluster’s VPC and look again' : '';
  return {
    what: 'directory',
    volume: formatShareHandle(left),
    claim: undefined,
    fault: 'orphan',
    says: `no PersistentVolume names it (${formatBytes(left.size)}), so nobody can use it${way}`,
    fix: volume && { do: 'keep', volume },
  };
}

/** What lies on a machine and no PersistentVolume names. */
export function findLeft(left: LeftVolume): VolumeFinding {
  const { handle, size, claim } = left;
  return {
    what: 'local volume',
    volume: formatHandle(handle),
    claim: claim && `${claim.namespace}/${claim.name}`,
    fault: 'orphan',
    says: `no PersistentVolume names it (${formatBytes(size)}), so nobody can use it and its room on ${handle.node} is taken`,
    fix: { do: 'keep', volume: planKeepLeft(left) },
  };
}

/**
 * Findings whose PersistentVolumes have names that nobody else has. One claim may have been served twice: then its PersistentVolume, or that of the
 * other orphan, has the name already, and this one gets that of what it keeps.
 * @param taken names of PersistentVolumes that there are
 */
export function planNames(findings: readonly VolumeFinding[], taken: Iterable<string>): readonly VolumeFinding[] {
  const names = new Set(taken);
  return findings.map((finding) => {
    const { fix } = finding;
    if (fix?.do !== 'keep') return finding;
    const { metadata } = fix.volume;
    const name = names.has(metadata.name) ? finding.volume.replaceAll('/', '-') : metadata.name;
    names.add(name);
    return { ...finding, fix: { ...fix, volume: { ...fix.volume, metadata: { ...metadata, name } } } };
  });
}

/** `set the node affinity of PersistentVolume pv-1 to isthmus.dev/ground=cloud; …` */
export function explainFix({ what, volume, claim, fix }: FixableFinding): string {
  const of = claim === undefined ? '' : ` of ${claim}`;
  if (fix.do === 'keep')
    return `make PersistentVolume ${fix.volume.metadata.name} for ${what} ${volume}${of}, with reclaim policy Retain`;
  const demands = Object.entries(fix.labels).map(([key, value]) => `${key}=${value}`);
  return `set the node affinity of PersistentVolume ${volume}${of} to ${demands.join(' and ')}; it cannot be changed afterwards`;
}
