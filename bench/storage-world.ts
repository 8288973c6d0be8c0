import { regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Kube, KubeObject, Name, Resource, WatchCache } from '#kube/kube.ts';
import {
  configMaps,
  csiDrivers,
  namespaces,
  nodes,
  type PersistentVolumeClaimObject,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '#kube/resources.ts';
import { diskClasses, diskDriverObject } from '#storage/csi/classes.ts';
import { diskDriver } from '#storage/driver.ts';
import { gibi } from '#unit/bytes.ts';
import { type Ms, minutes, ms, sleep, WaitedTooLong } from '#unit/clock.ts';
import { account, makeMachines, type Sim } from './cloud.ts';

interface AttachmentObject extends KubeObject {
  readonly spec: {
    readonly attacher: string;
    readonly nodeName: string;
    readonly source: { readonly persistentVolumeName: string };
  };
  readonly status?: { readonly attached?: boolean };
}

const storageGroup = { group: 'storage.k8s.io', version: 'v1', namespaced: false } as const;
const attachments: Resource<AttachmentObject> = {
  ...storageGroup,
  plural: 'volumeattachments',
  kind: 'VolumeAttachment',
};
const csiNodes: Resource<KubeObject> = { ...storageGroup, plural: 'csinodes', kind: 'CSINode' };

/** As many disks as its driver gives to a machine. */
const disksPerMachine = 20;
const className = 'cloud-disk';
export const phases = ['create', 'attach', 'detach', 'delete'] as const;
export type PhaseName = (typeof phases)[number];

/** From the first object written to the last volume that is where it is to be, and how long each of them took. @unit milliseconds */
export interface Times {
  readonly took: number;
  readonly each: readonly number[];
}

/**
 * Claims in Kubernetes and disks in a cloud. What kube-scheduler and kube-controller-manager do about a volume is done here, so that nothing but the
 * sidecars and their driver is measured: a claim knows its node at once, a volume is attached by a VolumeAttachment, and released when it is to go.
 */
export interface StorageWorld {
  readonly volumes: number;
  /** One of the four phases, for all volumes at once. @fails WaitedTooLong · Error when the cloud is not as Kubernetes says */
  go(phase: PhaseName): Promise<Times>;
  /** What is left of volumes when all of them are deleted; empty when nothing is. */
  remains(): Promise<readonly string[]>;
}

export async function makeStorageWorld(
  sim: Sim,
  kube: Kube,
  { volumes: count, within, stop }: { readonly volumes: number; readonly within: Ms; readonly stop: AbortSignal },
): Promise<StorageWorld> {
  const machines = await makeMachines(sim, Math.ceil(count / disksPerMachine));
  await makeCluster(kube, machines);
  const numbers = Array.from({ length: count }, (_, n) => n);
  const volumesSeen = kube.cache(persistentVolumes, {}, stop, ({ metadata, spec }) => ({
    name: metadata.name,
    claim: spec?.claimRef?.name ?? '',
    disk: spec?.csi?.volumeHandle ?? '',
  }));
  const attachmentsSeen = kube.cache(attachments, {}, stop, ({ status }) => ({ attached: status?.attached === true }));
  await Promise.all([volumesSeen.synced, attachmentsSeen.synced]);
  const made = new Map<number, { readonly name: string; readonly disk: string }>();
  const machineOf = (n: number): string => machines[n % machines.length] ?? '';

  const steps: Readonly<Record<PhaseName, Step>> = {
    create: {
      ask: (n) => kube.create(persistentVolumeClaims, claim(n, `cloud-${n % machines.length}`)),
      isDone: (n) => {
        for (const { name, claim: of, disk } of volumesSeen.list()) made.set(numberOf(of), { name, disk });
        return made.has(n);
      },
    },
    attach: {
      ask: (n) => kube.create(attachments, attachment(n, `cloud-${n % machines.length}`, made.get(n)?.name ?? '')),
      isDone: (n) => attachmentsSeen.get(nameOf(n))?.attached === true,
    },
    detach: {
      ask: (n) => kube.delete(attachments, nameOf(n)),
      isDone: (n) => attachmentsSeen.get(nameOf(n)) === undefined,
    },
    delete: {
      ask: async (n) => {
        await kube.delete(persistentVolumeClaims, { ...nameOf(n), namespace: 'default' });
        const released = { status: { phase: 'Released' } };
        await kube.merge(persistentVolumes, { name: made.get(n)?.name ?? '' }, released, { subresource: 'status' });
      },
      isDone: (n) => isGone(volumesSeen, made.get(n)?.name ?? ''),
    },
  };
  return {
    volumes: count,
    async go(phase) {
      const times = await timed(numbers, steps[phase], phase, within);
      checkCloud(sim, phase, numbers, (n) => ({ disk: made.get(n)?.disk ?? '', machine: machineOf(n) }));
      return times;
    },
    remains: async () => [
      ...sim.cloud.objects().udisks.map(({ id }) => `disk ${id}`),
      ...(await left(kube, persistentVolumes)),
      ...(await left(kube, attachments)),
      ...(await left(kube, configMaps)).filter((name) => name.includes('isthmus-disk-')),
    ],
  };
}

interface Step {
  ask(this: void, n: number): Promise<unknown>;
  isDone(this: void, n: number): boolean;
}

/** Requests under way at once: what asks is not to be what is measured. */
const askers = 16;
const look = ms(50);

async function timed(numbers: readonly number[], { ask, isDone }: Step, phase: string, within: Ms): Promise<Times> {
  const began = performance.now();
  const asked = new Map<number, number>();
  const each: number[] = [];
  const waiting = new Set(numbers);
  const queue = numbers.values();
  const asking = Promise.all(
    Array.from({ length: askers }, async () => {
      for (const n of queue) {
        asked.set(n, performance.now());
        await ask(n);
      }
    }),
  );
  while (waiting.size > 0) {
    await Promise.race([sleep(look), asking.then(() => sleep(look))]);
    const at = performance.now();
    if (at - began > within)
      throw new WaitedTooLong(
        `all volumes to be done with ${phase}`,
        within,
        `${waiting.size} of ${numbers.length} are not`,
      );
    for (const n of waiting) {
      const since = asked.get(n);
      if (since === undefined || !isDone(n)) continue;
      waiting.delete(n);
      each.push(at - since);
    }
  }
  await asking;
  return { took: performance.now() - began, each: each.toSorted((a, b) => a - b) };
}

/** @fails Error when the cloud has another number of disks than volumes, or one of them elsewhere */
function checkCloud(
  { cloud }: Sim,
  phase: PhaseName,
  numbers: readonly number[],
  wanted: (n: number) => { readonly disk: string; readonly machine: string },
): void {
  const { udisks } = cloud.objects();
  const count = phase === 'delete' ? 0 : numbers.length;
  if (udisks.length !== count) throw new Error(`after ${phase} the cloud has ${udisks.length} disks, not ${count}`);
  if (phase === 'delete') return;
  const byId = new Map(udisks.map((disk) => [disk.id, disk]));
  for (const n of numbers) {
    const { disk, machine } = wanted(n);
    const holders = byId.get(disk)?.attachments.map((one) => `${one.machine} ${one.at}`) ?? ['it does not exist'];
    if (holders.join() !== (phase === 'attach' ? `${machine} attached` : ''))
      throw new Error(`after ${phase} disk ${disk} of claim ${n} is at: ${holders.join() || 'no machine'}`);
  }
}

async function makeCluster(kube: Kube, machines: readonly string[]): Promise<void> {
  await kube.create(namespaces, { metadata: { name: systemNamespace } });
  await kube.create(csiDrivers, diskDriverObject as KubeObject);
  for (const one of diskClasses)
    if (one.metadata.name === className) await kube.create(storageClasses, one as KubeObject);
  for (const [n, id] of machines.entries()) {
    const name = `cloud-${n}`;
    const labels = { [regionKey]: account.region, [zoneKey]: account.zone };
    await kube.create(nodes, { metadata: { name, labels }, spec: { providerID: `ucloud://${account.zone}/${id}` } });
    const driver = { name: diskDriver, nodeID: id, topologyKeys: [regionKey, zoneKey], allocatable: { count: 20 } };
    await kube.create(csiNodes, { metadata: { name }, spec: { drivers: [driver] } } as KubeObject);
  }
}

/** As the scheduler and the controller of volumes leave a claim for the provisioner. */
function claim(n: number, node: string): PersistentVolumeClaimObject {
  return {
    metadata: {
      ...nameOf(n),
      namespace: 'default',
      annotations: {
        'volume.kubernetes.io/selected-node': node,
        'volume.kubernetes.io/storage-provisioner': diskDriver,
        'volume.beta.kubernetes.io/storage-provisioner': diskDriver,
      },
    },
    spec: {
      storageClassName: className,
      accessModes: ['ReadWriteOncePod'],
      resources: { requests: { storage: `${gibi(10)}` } },
    },
  } as PersistentVolumeClaimObject;
}

/** As the controller of attachments makes it. */
function attachment(n: number, nodeName: string, persistentVolumeName: string): AttachmentObject {
  return { metadata: nameOf(n), spec: { attacher: diskDriver, nodeName, source: { persistentVolumeName } } };
}

function nameOf(n: number): Name {
  return { name: `v-${n}` };
}

function numberOf(name: string): number {
  return Number(name.slice(2));
}

function isGone<K>(cache: WatchCache<K>, name: string): boolean {
  return cache.get({ name }) === undefined;
}

async function left<T extends KubeObject>(kube: Kube, resource: Resource<T>): Promise<readonly string[]> {
  return (await kube.list(resource)).map(({ metadata }) => `${resource.kind} ${metadata.name}`);
}

/** The longest that a phase may take. */
export const longestPhase = minutes(30);
