import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { type CloudCall, untilNothingIsLeft } from './cloud-disk-life.ts';
import { claimOf, withVolumePods } from './volume-pods.ts';

const topology = 'topology.udisk.csi.ucloud.cn';

/** A class as the manual of UK8S writes it. @source UCloud product manual of UK8S, UDisk volumes */
const dynamic = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'udisk-ssd-test' },
  provisioner: 'udisk.csi.ucloud.cn',
  parameters: { type: 'ssd', fsType: 'ext4', udataArkMode: 'no', chargeType: 'dynamic' },
  reclaimPolicy: 'Retain',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
  mountOptions: ['debug', 'rw'],
};

/** A PersistentVolume as the manual of UK8S writes it for a disk that is there. */
const fixed = (volumeHandle: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'udisk-pv-static' },
  spec: {
    storageClassName: 'udisk-ssd-test',
    capacity: { storage: '10Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    csi: { driver: 'udisk.csi.ucloud.cn', volumeAttributes: { type: 'ssd' }, volumeHandle },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: `${topology}/region`, operator: 'In', values: ['cn-bj2'] },
              { key: `${topology}/zone`, operator: 'In', values: ['cn-bj2-04'] },
            ],
          },
        ],
      },
    },
  },
});

/**
 * Manifests of UK8S's users, unchanged: a claim of their class gets a disk; and the same disk, named in a PersistentVolume as they write it, is found with its
 * bytes and grows, although nothing says that it was made here.
 */
export async function uk8sVolumesLive(kubectl: Kubectl, call: CloudCall): Promise<void> {
  await withVolumePods(kubectl, async (pods) => {
    const once = { accessModes: ['ReadWriteOnce'] };
    await pods.apply(dynamic, claimOf('udisk-claim', 'udisk-ssd-test', '10Gi', once));
    await pods.start('uk8s-writer', 'udisk-claim');
    const written = await pods.write('uk8s-writer');
    await pods.remove('pod', 'uk8s-writer');
    const volume = await kubectl(['get', 'pvc', 'udisk-claim', '-o', 'jsonpath={.spec.volumeName}']);
    const disk = await kubectl(['get', 'pv', volume, '-o', 'jsonpath={.spec.csi.volumeHandle}']);
    await pods.remove('pvc', 'udisk-claim');
    await pods.remove('pv', volume);

    const bound = { ...once, volumeName: 'udisk-pv-static' };
    await pods.apply(fixed(disk), claimOf('udisk-static', 'udisk-ssd-test', '10Gi', bound));
    await pods.start('uk8s-reader', 'udisk-static', 'web-2');
    expect(await pods.sum('uk8s-reader')).toBe(written);
    await pods.grow('udisk-static', '20Gi');
    expect(await pods.sum('uk8s-reader')).toBe(written);
    await pods.remove('pod', 'uk8s-reader');
    await pods.remove('pvc', 'udisk-static');
    await pods.remove('pv', 'udisk-pv-static');
    await pods.remove('storageclass', 'udisk-ssd-test');
    await call('DeleteUDisk', { Zone: 'cn-bj2-04', UDiskId: disk });
  });
  await untilNothingIsLeft(kubectl, call);
}
