import type { Explain } from '#capability/capability.ts';
import { fencedCondition } from '#kube/api/out-of-service.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Kube, Name } from '#kube/kube.ts';
import {
  type NodeObject,
  nodes,
  type PersistentVolumeClaimObject,
  type PersistentVolumeObject,
  type PodObject,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClassObject,
  storageCapacities,
  storageClasses,
} from '#kube/resources.ts';
import { groundOfDriver } from '../grounds.ts';
import { explainNoRoom } from '../guard/explain-no-room.ts';
import { localDriver, poolsCondition } from '../local/driver.ts';
import { placeOfVolume } from '../place.ts';
import {
  type ClaimSeen,
  type NodeSeen,
  type PodSeen,
  planExplainClaim,
  planExplainPod,
  planPathOfClaim,
  planPathOfPod,
} from './plan-explain-volumes.ts';

/** What is done about a node that does not answer, and what is wrong with the folders and disks that a machine gives to volumes. */
export const explainNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return (node?.status?.conditions ?? [])
    .filter((one) => one.type === fencedCondition || (one.type === poolsCondition && one.status === 'False'))
    .flatMap(({ message }) => message ?? []);
};

/** The folders and disks that a machine gives to volumes, as they were when that was last written. */
export const pathOfNode: Explain = async (kube, { name }) => {
  const node = await kube.get(nodes, { name });
  return (node?.status?.conditions ?? [])
    .filter(({ type, status }) => type === poolsCondition && status === 'True')
    .map(({ message = '' }) => `for volumes: ${message}`);
};

type At = Name & { readonly namespace: string };

/** Why a pod does not run, as far as its volumes are concerned. */
export const explainPod: Explain = async (kube, at) => {
  const seen = await observePod(kube, at);
  return seen === undefined ? [] : planExplainPod(seen.pod, seen.nodes);
};

/** Its volumes, and where it may run with them. */
export const pathOfPod: Explain = async (kube, at) => {
  const seen = await observePod(kube, at);
  return seen === undefined ? [] : planPathOfPod(seen.pod, seen.nodes);
};

export const explainClaim: Explain = async (kube, at) => {
  const seen = await observeClaim(kube, at);
  return seen === undefined ? [] : planExplainClaim(seen.claim, seen.nodes, seen.pods);
};

export const pathOfClaim: Explain = async (kube, at) => {
  const seen = await observeClaim(kube, at);
  return seen === undefined ? [] : planPathOfClaim(seen.claim, seen.nodes, seen.pods);
};

async function observePod(kube: Kube, at: At): Promise<{ pod: PodSeen; nodes: readonly NodeSeen[] } | undefined> {
  const pod = await kube.get(pods, at);
  if (pod === undefined) return undefined;
  const used = claimsOf(pod);
  if (used.length === 0) return { pod: podSeen(pod, []), nodes: [] };
  const [all, claims, classes] = await Promise.all([
    kube.list(nodes),
    Promise.all(
      used.map(({ claimName }) => kube.get(persistentVolumeClaims, { name: claimName, namespace: at.namespace })),
    ),
    kube.list(storageClasses),
  ]);
  const volumes = await Promise.all(
    used.map(async (one, i) => {
      const claim = claims[i];
      return claim === undefined ? one : { ...one, claim: await claimSeen(kube, claim, classes) };
    }),
  );
  return { pod: podSeen(pod, volumes), nodes: all.map(nodeSeen) };
}

async function observeClaim(
  kube: Kube,
  at: At,
): Promise<{ claim: ClaimSeen; nodes: readonly NodeSeen[]; pods: readonly string[] } | undefined> {
  const claim = await kube.get(persistentVolumeClaims, at);
  if (claim === undefined) return undefined;
  const [all, near, classes] = await Promise.all([
    kube.list(nodes),
    kube.list(pods, { namespace: at.namespace }),
    kube.list(storageClasses),
  ]);
  const users = near.filter((pod) => claimsOf(pod).some(({ claimName }) => claimName === at.name));
  return {
    claim: await claimSeen(kube, claim, classes),
    nodes: all.map(nodeSeen),
    pods: users.map(({ metadata }) => metadata.name),
  };
}

/** Volumes that name a claim, and ephemeral ones, whose claim is named after pod and volume. */
function claimsOf({ metadata, spec }: PodObject): readonly { readonly name: string; readonly claimName: string }[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [{ name, claimName: persistentVolumeClaim.claimName }];
    return ephemeral === undefined ? [] : [{ name, claimName: `${metadata.name}-${name}` }];
  });
}

function podSeen({ spec, status }: PodObject, volumes: PodSeen['volumes']): PodSeen {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    phase: status?.phase ?? 'Pending',
    nodeName: spec?.nodeName,
    nodeSelector: spec?.nodeSelector ?? {},
    terms: required?.nodeSelectorTerms,
    volumes,
  };
}

function nodeSeen({ metadata, spec, status }: NodeObject): NodeSeen {
  const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
  return { name: metadata.name, labels: metadata.labels ?? {}, takesPods: isReady && spec?.unschedulable !== true };
}

async function claimSeen(
  kube: Kube,
  { metadata, spec }: PersistentVolumeClaimObject,
  classes: readonly StorageClassObject[],
): Promise<ClaimSeen> {
  const { storageClassName: className, volumeName } = spec ?? {};
  const ofClass = classes.find((one) => one.metadata.name === className);
  const volume = volumeName === undefined ? undefined : await kube.get(persistentVolumes, { name: volumeName });
  const driver = volume?.spec?.csi?.driver ?? ofClass?.provisioner;
  const ground = groundOfDriver[driver ?? ''];
  return {
    name: metadata.name,
    className,
    driver,
    waitsForPod: ofClass?.volumeBindingMode === 'WaitForFirstConsumer',
    volume: volume && volumeSeen(volume),
    place: volume === undefined ? ground && { ground } : placeOfVolume(volume),
    noRoom:
      volumeName === undefined && ofClass !== undefined
        ? await noRoom(kube, ofClass, spec?.resources?.requests?.['storage'])
        : undefined,
  };
}

async function noRoom(kube: Kube, ofClass: StorageClassObject, asked = ''): Promise<string | undefined> {
  if (ofClass.provisioner !== localDriver) return undefined;
  return explainNoRoom(asked, ofClass, await kube.list(storageCapacities, { namespace: systemNamespace }));
}

function volumeSeen({ metadata, spec }: PersistentVolumeObject): ClaimSeen['volume'] {
  return {
    name: metadata.name,
    handle: spec?.csi?.volumeHandle,
    terms: spec?.nodeAffinity?.required?.nodeSelectorTerms,
  };
}
