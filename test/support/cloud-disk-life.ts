import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { claimOf, withVolumePods } from './volume-pods.ts';

/** A call of the cloud's API. */
export type CloudCall = (
  action: string,
  params: Readonly<Record<string, string | number>>,
) => Promise<Record<string, unknown>>;

const first = 'cloud-data';
const second = 'cloud-data-again';
const snapshot = 'cloud-data-then';

/**
 * A disk of the cloud from the claim to its end: a pod writes, another on another node reads the same bytes, disk and file system
 * grow, a snapshot becomes a second claim that has the bytes of then; and when all claims are deleted nothing is left, in the cloud and in the cluster.
 */
export async function cloudDiskLife(kubectl: Kubectl, call: CloudCall): Promise<void> {
  await withVolumePods(kubectl, async (pods) => {
    await pods.apply(claimOf(first, 'cloud-disk', '10Gi'));
    await pods.start('writer', first, 'web-1');
    const written = await pods.write('writer');
    await pods.remove('pod', 'writer');
    await pods.start('reader', first, 'web-2');
    expect(await pods.sum('reader')).toBe(written);

    await pods.grow(first, '20Gi');
    // Where the kernel lets no mounted ext4 grow, it grows before the next pod has it; and the disk goes back to where it was.
    await pods.remove('pod', 'reader');
    await pods.start('again', first, 'web-1');
    expect(await pods.size('again')).toBeGreaterThan(18 * 1024 * 1024);
    expect(await pods.sum('again')).toBe(written);

    await pods.apply(snapshotOf(first));
    const isReady = '--for=jsonpath={.status.readyToUse}=true';
    await kubectl(['wait', isReady, '--timeout=110s', `volumesnapshot/${snapshot}`]);
    await pods.run('again', 'echo changed > /data/file && sync /data/file');
    const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot };
    await pods.apply(claimOf(second, 'cloud-disk', '20Gi', { dataSource }));
    await pods.start('restored', second, 'web-2');
    expect(await pods.sum('restored')).toBe(written);

    for (const pod of ['again', 'restored']) await pods.remove('pod', pod);
    await pods.remove('volumesnapshot', snapshot);
    for (const claim of [first, second]) await pods.remove('pvc', claim);
  });
  await untilNothingIsLeft(kubectl, call);
}

/** Waits until neither the cluster nor the cloud knows of any volume, snapshot, disk or file share, but disks that machines start from and shares of others. */
export async function untilNothingIsLeft(kubectl: Kubectl, call: CloudCall): Promise<void> {
  await waitFor(
    'nothing to be left of disks and file shares',
    async () => {
      const left = await leftOf(kubectl, call);
      if (left.length === 0) return true;
      throw new Error(left.join('; '));
    },
    { within: minutes(2), every: ms(500) },
  );
}

/** Everything that says that there is, or was to be, a disk or a file share. */
async function leftOf(kubectl: Kubectl, call: CloudCall): Promise<readonly string[]> {
  const zone = { Zone: 'cn-bj2-04' };
  const objects = await kubectl(['get', 'persistentvolumes,volumeattachments,volumesnapshotcontents', '-o', 'name']);
  const intent = ['-n', 'isthmus-system', '-l', 'isthmus.dev/disk-intent'];
  const intents = await kubectl(['get', 'configmaps', ...intent, '-o', 'name']);
  const disks = (await call('DescribeUDisk', { ...zone, ProtocolVersion: 1, Limit: 100 }))['DataSet'] as readonly {
    readonly UDiskId: string;
    readonly IsBoot: string;
  }[];
  const snapshots = (await call('DescribeUDiskSnapshot', zone))['DataSet'] as readonly {
    readonly SnapshotId: string;
  }[];
  const shares = (await call('DescribeUFSVolume2', zone))['DataSet'] as readonly {
    readonly VolumeId: string;
    readonly Remark: string;
  }[];
  return [
    ...`${objects}\n${intents}`.split('\n').filter((line) => line !== ''),
    ...disks.filter(({ IsBoot }) => IsBoot === 'False').map(({ UDiskId }) => `disk ${UDiskId}`),
    ...snapshots.map(({ SnapshotId }) => `snapshot ${SnapshotId}`),
    ...shares.filter(({ Remark }) => Remark !== '').map(({ VolumeId }) => `file share ${VolumeId}`),
  ];
}

function snapshotOf(name: string): object {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name: snapshot },
    spec: { volumeSnapshotClassName: 'cloud-disk', source: { persistentVolumeClaimName: name } },
  };
}
