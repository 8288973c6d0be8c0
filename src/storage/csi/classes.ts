import type { ICSIDriver, IStorageClass } from 'kubernetes-models/storage.k8s.io/v1';
import type { Named } from '#capability/named.ts';
import type { KubeObject } from '#kube/kube.ts';
import { diskDriver } from '../driver.ts';
import { localDriver } from '../local/driver.ts';
import { shareDriver } from '../share/driver.ts';

/** ext4, xfs and the cloud's shares have owners, so that kubelet may hand the files to the pod's group. */
function driverObject(name: string, { attachRequired }: { readonly attachRequired: boolean }): Named<ICSIDriver> {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name },
    spec: {
      attachRequired,
      fsGroupPolicy: 'File',
      podInfoOnMount: false,
      requiresRepublish: false,
      // Of local volumes the room counts: a pod goes to a machine that has it. The cloud says itself when it has no more; by the nodes that the
      // controller writes there, the scheduler keeps pods whose volume is yet to be made off machines of the site.
      storageCapacity: true,
      volumeLifecycleModes: ['Persistent'],
    },
  };
}

/** One node at a time writes. */
export const diskDriverObject = driverObject(diskDriver, { attachRequired: true });
/** A volume is where it was made. */
export const localDriverObject = driverObject(localDriver, { attachRequired: false });
/** Many nodes mount a share at once, and the cloud need not be asked before. */
export const shareDriverObject = driverObject(shareDriver, { attachRequired: false });

/** Names of ours by what a disk is good for, and those under which UK8S's users know the same kinds. */
const kinds: readonly { readonly type: string; readonly names: readonly string[] }[] = [
  { type: 'ssd', names: ['cloud-disk', 'ssd-csi-udisk'] },
  { type: 'rssd', names: ['cloud-disk-fast', 'csi-udisk-rssd'] },
  { type: 'sata', names: ['cloud-disk-bulk', 'sata-csi-udisk'] },
];

/**
 * None is the default: on which side of the line data lives is a decision, and a claim that names no class says that nobody took it.
 * @source UCloud product manual of UK8S, UDisk volumes: names and parameters of its classes
 */
export const diskClasses: readonly Named<IStorageClass>[] = kinds.flatMap(({ type, names }) =>
  names.map((name) => ({
    apiVersion: 'storage.k8s.io/v1' as const,
    kind: 'StorageClass' as const,
    metadata: { name },
    provisioner: diskDriver,
    // By the hour: a claim of a few minutes must never buy a month.
    parameters: { type, fsType: 'ext4', chargeType: 'dynamic' },
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    // A disk belongs to a zone: it is made where its pod was put.
    volumeBindingMode: 'WaitForFirstConsumer',
  })),
);

export const diskSnapshotClass: KubeObject & { readonly driver: string; readonly deletionPolicy: string } = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshotClass',
  metadata: { name: 'cloud-disk' },
  driver: diskDriver,
  deletionPolicy: 'Delete',
};

export const localClasses: readonly Named<IStorageClass>[] = [
  { name: 'local', from: 'directories' },
  { name: 'local-disk', from: 'disks' },
].map(({ name, from }) => ({
  apiVersion: 'storage.k8s.io/v1' as const,
  kind: 'StorageClass' as const,
  metadata: { name },
  provisioner: localDriver,
  parameters: { from },
  reclaimPolicy: 'Delete',
  // A whole disk has the size that it has.
  allowVolumeExpansion: from === 'directories',
  volumeBindingMode: 'WaitForFirstConsumer',
}));

/** A whole file share for each claim. Classes of directories name a share that is there, so that they are for people to write. */
export const shareClasses: readonly Named<IStorageClass>[] = [
  { name: 'cloud-files', kind: 'advanced' },
  { name: 'cloud-files-bulk', kind: 'basic' },
].map(({ name, kind }) => ({
  apiVersion: 'storage.k8s.io/v1' as const,
  kind: 'StorageClass' as const,
  metadata: { name },
  provisioner: shareDriver,
  // By the hour: a claim of a few minutes must never buy a month.
  parameters: { kind, charge: 'hour' },
  reclaimPolicy: 'Delete',
  allowVolumeExpansion: true,
  // Every cloud node reaches it, so that there is nothing to wait for.
  volumeBindingMode: 'Immediate',
}));
