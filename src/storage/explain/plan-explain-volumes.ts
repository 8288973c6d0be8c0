import { matchesTerms, type NodeLabels } from '#kube/match-node.ts';
import type { NodeSelectorTerm } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import { areApart, explainPlace, type Place } from '../place.ts';

export interface NodeSeen extends NodeLabels {
  readonly takesPods: boolean;
}

/** A claim, with the volume that it got. */
export interface ClaimSeen {
  readonly name: string;
  readonly className: string | undefined;
  /** Of its class; `undefined` for one that does not exist. */
  readonly driver: string | undefined;
  readonly waitsForPod: boolean;
  readonly volume:
    | {
        readonly name: string;
        /** The id of the disk or share, as its driver calls it. */
        readonly handle: string | undefined;
        /** `undefined`: it can be used on every node. */
        readonly terms: readonly NodeSelectorTerm[] | undefined;
      }
    | undefined;
  /** As far as it is known; `undefined` for a driver that is not ours. */
  readonly place: Place | undefined;
  /** That no machine has the room that it asks for, with what would work. */
  readonly noRoom: string | undefined;
}

/** A pod and where it wants to run. */
export interface PodSeen {
  readonly phase: string;
  readonly nodeName: string | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly terms: readonly NodeSelectorTerm[] | undefined;
  /** `claim` is absent while there is no such claim. */
  readonly volumes: readonly { readonly name: string; readonly claimName: string; readonly claim?: ClaimSeen }[];
}

/** Each volume of the pod, and on which nodes the pod may run, with what keeps it off the others. Nothing for a pod without volumes. */
export function planPathOfPod(pod: PodSeen, nodes: readonly NodeSeen[]): readonly string[] {
  if (pod.volumes.length === 0) return [];
  const volumes = pod.volumes.map(({ name, claimName, claim }) => {
    const where = claim === undefined ? ', which does not exist' : `: ${explainVolume(claim)}`;
    return `volume "${name}" (PersistentVolumeClaim ${claimName})${where}`;
  });
  return [...volumes, ...explainNodes(nodes, (node) => obstacleOf(pod, node), 'may run on')];
}

/** What keeps the pod from running that has to do with its volumes. */
export function planExplainPod(pod: PodSeen, nodes: readonly NodeSeen[]): readonly string[] {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return [];
  return [
    ...pod.volumes.flatMap(({ name, claimName, claim }) =>
      claim === undefined
        ? [`volume "${name}" needs PersistentVolumeClaim ${claimName}, which does not exist: create it`]
        : faultsOfClaim(claim, nodes).map((says) => `volume "${name}" (PersistentVolumeClaim ${claimName}): ${says}`),
    ),
    ...explainApart(pod),
    ...explainNowhere(pod, nodes),
  ];
}

function explainApart({ volumes }: PodSeen): readonly string[] {
  const known = volumes.flatMap(({ name, claim }) =>
    claim?.place === undefined ? [] : [{ name, place: claim.place }],
  );
  for (const one of known) {
    const other = known.find(({ place }) => areApart(one.place, place));
    if (other !== undefined)
      return [
        `volume "${one.name}" is ${explainPlace(one.place)} and volume "${other.name}" ${explainPlace(other.place)}: no node can use both; use them in pods of their own, or restore one of them beside the other`,
      ];
  }
  return [];
}

/** Nodes of its volumes there are, and the pod itself wants none of them. */
function explainNowhere(pod: PodSeen, nodes: readonly NodeSeen[]): readonly string[] {
  const claims = pod.volumes.flatMap(({ claim }) => claim ?? []);
  if (claims.length === 0) return [];
  const inReach = nodes.filter((node) => claims.every((claim) => isInReach(claim, node)));
  const obstacles = inReach.map((node) => obstacleOf(pod, node));
  if (inReach.length === 0 || obstacles.includes(undefined)) return [];
  const why = [...new Set(obstacles)].join('; ');
  return [`its volumes can be used on ${few(inReach.map(({ name }) => name))}, but: ${why}`];
}

/** Where the volume of a claim is, where it can be used, and by whom it is. @unit pods: names of those that use it */
export function planPathOfClaim(
  claim: ClaimSeen,
  nodes: readonly NodeSeen[],
  pods: readonly string[],
): readonly string[] {
  const { className, driver } = claim;
  return [
    ...(className === undefined ? [] : [`StorageClass ${className}${driver === undefined ? '' : ` (${driver})`}`]),
    explainVolume(claim),
    ...explainNodes(nodes, (node) => obstacleOfClaim('the volume', claim, node), 'can be used on'),
    pods.length === 0 ? 'used by no pod' : `used by ${few(pods)}`,
  ];
}

/** What keeps a claim from being used, each with its cure. @unit pods: names of those that use it */
export function planExplainClaim(
  claim: ClaimSeen,
  nodes: readonly NodeSeen[],
  pods: readonly string[],
): readonly string[] {
  const { driver, waitsForPod, volume, noRoom } = claim;
  if (volume === undefined && driver !== undefined && waitsForPod && pods.length === 0 && noRoom === undefined)
    return ['it has no volume yet: one is made when a pod that uses the claim is scheduled'];
  return faultsOfClaim(claim, nodes);
}

function faultsOfClaim(claim: ClaimSeen, nodes: readonly NodeSeen[]): readonly string[] {
  const { className, driver, volume, place, noRoom } = claim;
  if (volume === undefined) {
    if (className === undefined || className === '')
      return ['it has no volume, and names no StorageClass: name one, or make a PersistentVolume for it'];
    if (driver === undefined)
      return [`StorageClass ${className} does not exist; kubectl get storageclass shows those that do`];
    return noRoom === undefined ? [] : [noRoom];
  }
  if (place?.machine !== undefined && !nodes.some(({ name }) => name === place.machine))
    return [
      `the volume is on machine ${place.machine}, which is not in the cluster: join the machine again, or restore the data into a new claim`,
    ];
  if (place?.ground === 'cloud' && volume.terms === undefined)
    return [
      'the volume does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it: run isthmus doctor storage --fix',
    ];
  if (nodes.some((node) => isInReach(claim, node))) return [];
  return [
    `the volume is ${place === undefined ? 'limited to certain nodes' : explainPlace(place)}, and the cluster has no such node`,
  ];
}

function explainVolume({ volume, place }: ClaimSeen): string {
  const where = place === undefined ? '' : `, ${explainPlace(place)}`;
  if (volume === undefined) return `no volume yet${place === undefined ? '' : `; it will be ${explainPlace(place)}`}`;
  return `volume ${volume.name}${volume.handle === undefined ? '' : ` (${volume.handle})`}${where}`;
}

/** `may run on web-1, web-2`, and of the others why not. */
function explainNodes(
  nodes: readonly NodeSeen[],
  obstacle: (node: NodeSeen) => string | undefined,
  verb: string,
): readonly string[] {
  const groups = [...Map.groupBy(nodes, obstacle)].map(([why, group]) => ({
    why,
    names: few(group.map(({ name }) => name)),
  }));
  const free = groups.find(({ why }) => why === undefined);
  return [
    `${verb} ${free?.names ?? 'no node'}`,
    ...groups.flatMap(({ why, names }) => (why === undefined ? [] : `not on ${names}: ${why}`)),
  ];
}

/** What keeps the pod off the node, as far as volumes and its own wishes are concerned. */
function obstacleOf(pod: PodSeen, node: NodeSeen): string | undefined {
  for (const { name, claim } of pod.volumes) {
    const obstacle = claim && obstacleOfClaim(`volume "${name}"`, claim, node);
    if (obstacle !== undefined) return obstacle;
  }
  // Once it is bound, that was decided.
  if (pod.nodeName !== undefined) return pod.nodeName === node.name ? undefined : `it is bound to ${pod.nodeName}`;
  const [key] = Object.entries(pod.nodeSelector).find(([label, value]) => node.labels[label] !== value) ?? [];
  if (key !== undefined) return `its nodeSelector asks for ${key}=${pod.nodeSelector[key]}`;
  if (!matchesTerms(pod.terms, node)) return 'its node affinity excludes it';
  return node.takesPods ? undefined : 'the node takes no pods now';
}

function obstacleOfClaim(called: string, claim: ClaimSeen, node: NodeSeen): string | undefined {
  if (isInReach(claim, node)) return undefined;
  const { place } = claim;
  return `${called} is ${place === undefined ? 'limited to other nodes' : explainPlace(place)}`;
}

function isInReach(claim: ClaimSeen, node: NodeSeen): boolean {
  if (claim.volume?.terms !== undefined && !matchesTerms(claim.volume.terms, node)) return false;
  // What the volume does not say, its driver does.
  const ground = claim.place?.ground;
  return ground === undefined || node.labels['isthmus.dev/ground'] === ground;
}
