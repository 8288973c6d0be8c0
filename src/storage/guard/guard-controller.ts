import { isDeepStrictEqual } from 'node:util';
import type { SharedCaches } from '#capability/controller-part.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { volumePlaces } from '#kube/api/volume-places.ts';
import type { Events } from '#kube/events.ts';
import { type Kube, KubeError, type WatchCache } from '#kube/kube.ts';
import {
  type NodeObject,
  type PersistentVolumeClaimObject,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageCapacityObject,
  type StorageClassObject,
  storageCapacities,
  storageClasses,
} from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, minutes, untilAborted } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { gauge } from '#unit/metrics.ts';
import { groundOfDriver } from '../grounds.ts';
import { type Place, placeOfVolume } from '../place.ts';
import { explainNoRoom } from './explain-no-room.ts';
import { volumeFacts } from './facts.ts';
import { capacityName, planCapacity } from './plan-capacity.ts';
import { planClaimFacts } from './plan-claim-facts.ts';
import { planPlaces } from './plan-places.ts';

const lost = gauge(
  'isthmus_volume_machine_gone',
  '1 for each PersistentVolumeClaim whose volume is on a machine that is not in the cluster.',
  ['namespace', 'claim'],
);

export interface GuardOptions {
  readonly kube: Kube;
  readonly caches: SharedCaches;
  readonly events: Events;
  readonly note: (facts: object, doing: string) => void;
}

/** Keeps what admission policies and users read of volumes and machines: on claims, and in each namespace. */
export async function runGuardController(
  { kube, caches, events, note }: GuardOptions,
  end: AbortSignal,
): Promise<void> {
  const views: Views = {
    claims: kube.cache(persistentVolumeClaims, {}, end, claimSeen),
    volumes: kube.cache(persistentVolumes, {}, end, (volume) => ({ place: placeOfVolume(volume) })),
    classes: kube.cache(storageClasses, {}, end),
    capacities: kube.cache(storageCapacities, { namespace: systemNamespace }, end),
    written: kube.cache(volumePlaces, {}, end, ({ spec }) => spec.claims),
    nodes: viewOf(caches.nodes(), (node) => node, end),
  };
  const complete = Promise.all(Object.values(views).map(({ synced }: WatchCache<unknown>) => synced));
  const queue = workQueue({
    async tend(key) {
      await complete;
      const [what = '', at = ''] = key.split(' ');
      switch (what) {
        case 'claim':
          return tendClaim(kube, views, at);
        case 'room':
          return tellRoom(events, views, at);
        case 'class':
          return tendClass(kube, views, at);
        default:
          return tendNamespace(kube, views, at);
      }
    },
    workers: 4,
    onError: (error, { key, failures, wait }) =>
      note({ key, fault: messageOf(error), failures, again: wait }, 'telling where volumes can be used failed'),
  });
  const claimsThat = (isMeant: (claim: ClaimSeen) => boolean): void => {
    for (const claim of views.claims.list().filter(isMeant)) addClaim(`${claim.namespace}/${claim.name}`);
  };
  const addClaim = (key: string): void => {
    queue.add(`claim ${key}`);
    queue.add(`room ${key}`);
    queue.add(`namespace ${namespaceOf(key)}`);
  };
  views.claims.onChange(addClaim);
  views.written.onChange((key) => queue.add(`namespace ${namespaceOf(key)}`));
  views.volumes.onChange((name) => claimsThat(({ volume }) => volume === name));
  views.classes.onChange((name) => {
    queue.add(`class ${name}`);
    claimsThat(({ className }) => className === name);
  });
  views.capacities.onChange((key) => {
    for (const { metadata } of views.classes.list())
      if (key === `${systemNamespace}/${capacityName(metadata.name)}`) queue.add(`class ${metadata.name}`);
    for (const { namespace, name, waitsFor } of views.claims.list())
      if (waitsFor !== undefined) queue.add(`room ${namespace}/${name}`);
  });
  views.nodes.onChange((name) => claimsThat((claim) => placeOf(views, claim)?.machine === name));
  try {
    await complete;
    await untilAborted(end);
  } finally {
    await queue.stop();
    lost.reset();
  }
}

interface Views {
  readonly claims: WatchCache<ClaimSeen>;
  readonly volumes: WatchCache<{ readonly place: Place | undefined }>;
  readonly classes: WatchCache<StorageClassObject>;
  readonly capacities: WatchCache<StorageCapacityObject>;
  readonly written: WatchCache<Readonly<Record<string, object>>>;
  readonly nodes: WatchCache<NodeObject>;
}

interface ClaimSeen {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly className: string | undefined;
  readonly volume: string | undefined;
  /** The size that it asks for, while no node was chosen for its volume. */
  readonly waitsFor: string | undefined;
}

function claimSeen({ metadata, spec }: PersistentVolumeClaimObject): ClaimSeen {
  const { namespace = '', name, uid = '', labels = {}, annotations = {} } = metadata;
  const ours = (written: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(written).filter(([key]) => Object.values<string>(volumeFacts).includes(key)));
  const { storageClassName, volumeName, resources } = spec ?? {};
  const waits = volumeName === undefined && annotations['volume.kubernetes.io/selected-node'] === undefined;
  return {
    namespace,
    name,
    uid,
    labels: ours(labels),
    annotations: ours(annotations),
    className: storageClassName,
    volume: volumeName,
    waitsFor: waits ? resources?.requests?.['storage'] : undefined,
  };
}

/** As the volume says; before it is there, or seen, as its class does. */
function placeOf({ volumes, classes }: Views, { volume, className }: ClaimSeen): Place | undefined {
  const known = volume === undefined ? undefined : volumes.get({ name: volume });
  if (known !== undefined) return known.place;
  const ground = groundOfDriver[classes.get({ name: className ?? '' })?.provisioner ?? ''];
  return ground && { ground };
}

async function tendClaim(kube: Kube, views: Views, key: string): Promise<void> {
  const at = { namespace: namespaceOf(key), name: key.slice(key.indexOf('/') + 1) };
  const measured = { namespace: at.namespace, claim: at.name };
  const claim = views.claims.get(at);
  if (claim === undefined) return lost.remove(measured);
  const place = placeOf(views, claim);
  const isGone = place?.machine !== undefined && views.nodes.get({ name: place.machine }) === undefined;
  if (isGone) lost.set(measured, 1);
  else lost.remove(measured);
  const patch = planClaimFacts({ ...claim, place, isGone });
  if (patch !== undefined) await ifThere(kube.merge(persistentVolumeClaims, at, { metadata: patch }));
}

/** Again as long as it is so: the API server forgets Events after an hour. */
async function tellRoom(events: Events, views: Views, key: string): Promise<void | { readonly again: Ms }> {
  const namespace = namespaceOf(key);
  const claim = views.claims.get({ namespace, name: key.slice(key.indexOf('/') + 1) });
  const ofClass = claim && views.classes.get({ name: claim.className ?? '' });
  if (claim?.waitsFor === undefined || ofClass === undefined) return;
  const says = explainNoRoom(claim.waitsFor, ofClass, views.capacities.list());
  if (says === undefined) return;
  const { name, uid } = claim;
  const regarding = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
  events.tell(regarding, { reason: 'NoRoom', type: 'Warning', action: 'Provisioning' }, says);
  return { again: minutes(5) };
}

async function tendNamespace(kube: Kube, views: Views, namespace: string): Promise<void> {
  const places = views.claims
    .list()
    .filter((claim) => claim.namespace === namespace)
    .flatMap((claim) => {
      const place = placeOf(views, claim);
      return place === undefined ? [] : [[claim.name, place] as const];
    });
  const wanted = planPlaces(new Map(places));
  const at = { namespace, name: placesName };
  const written = views.written.get(at);
  if (isDeepStrictEqual(written, wanted)) return;
  if (wanted === undefined) return kube.delete(volumePlaces, at);
  await ifThere(
    kube.apply(volumePlaces, { metadata: at, spec: { claims: wanted } }, { manager: 'isthmus-storage', force: true }),
  );
}

async function tendClass(kube: Kube, views: Views, name: string): Promise<void> {
  const found = views.classes.get({ name });
  const wanted = found && planCapacity(found);
  // With its class it goes by itself.
  if (wanted === undefined) return;
  const { metadata, ...said } = wanted;
  const seen = views.capacities.get(metadata);
  if (seen !== undefined) {
    const { storageClassName, capacity, nodeTopology } = seen;
    if (isDeepStrictEqual({ storageClassName, capacity, nodeTopology }, said)) return;
    await kube.delete(storageCapacities, metadata);
  }
  await kube.create(storageCapacities, wanted);
}

/** What went away meanwhile, with its namespace perhaps, needs nothing. */
async function ifThere(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (e) {
    const isEnding = e instanceof KubeError && e.status === 403 && e.message.includes('is being terminated');
    if (!isEnding && !(e instanceof KubeError && e.status === 404)) throw e;
  }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

const placesName = 'isthmus';
