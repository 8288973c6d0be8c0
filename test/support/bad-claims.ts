import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { claimOf, podOn, withVolumePods } from './volume-pods.ts';

const zone = { 'topology.udisk.csi.ucloud.cn/region': 'cn-bj2', 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' };

/** Claims that cannot be met, of each driver: the class that they are of, how much they ask for, and what their event says. */
const claims: readonly (readonly [
  name: string,
  provisioner: string,
  parameters: object,
  size: string,
  says: string,
])[] = [
  [
    'bad-name',
    'udisk.csi.ucloud.cn',
    { typ: 'ssd' },
    '10Gi',
    'parameter typ: "ssd": unknown parameter; did you mean type?',
  ],
  [
    'bad-system',
    'udisk.csi.ucloud.cn',
    { type: 'ssd', 'csi.storage.k8s.io/fstype': 'btrfs' },
    '10Gi',
    'file system "btrfs"',
  ],
  ['bad-size', 'udisk.csi.ucloud.cn', { type: 'ssd' }, '100Ti', 'the largest disk of this kind: ask for less'],
  ['bad-kind', 'ufs.isthmus.dev', { kind: 'gold' }, '100Gi', 'parameter kind: "gold": write one of basic, advanced'],
  [
    'bad-share',
    'ufs.isthmus.dev',
    { share: 'ufs-none' },
    '1Gi',
    'parameter share: "ufs-none": there is no such file share here',
  ],
  ['bad-from', 'local.isthmus.dev', { from: 'folders' }, '1Gi', 'from: "folders"; write "directories" or "disks"'],
];

/** Asks for what cannot be, as a user does, and reads the events. Everything is removed again. */
export async function askForWhatCannotBe(kubectl: Kubectl): Promise<void> {
  await withVolumePods(kubectl, async (pods) => {
    const classes = claims.map(([name, provisioner, parameters]) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name },
      provisioner,
      parameters,
    }));
    const elsewhere = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'bad-handle' },
      spec: {
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOncePod'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: '',
        csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-elsewhere' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: Object.entries(zone).map(([key, value]) => ({
                  key,
                  operator: 'In',
                  values: [value],
                })),
              },
            ],
          },
        },
      },
    };
    await pods.apply(
      ...classes,
      ...claims.map(([name, , , size]) => claimOf(name, name, size)),
      elsewhere,
      claimOf('bad-handle', '', '10Gi', { volumeName: 'bad-handle' }),
      podOn('bad-handle', 'bad-handle', {}),
      // More than any machine of the site has: the scheduler knows it by what each tells of its room.
      claimOf('bad-room', 'local', '900Gi'),
      podOn('bad-room', 'bad-room', {}),
    );
    for (const [name, , , , says] of claims) await untilToldOf(kubectl, 'PersistentVolumeClaim', name, says);
    await untilToldOf(kubectl, 'Pod', 'bad-handle', 'is in another project or region');
    await untilToldOf(kubectl, 'Pod', 'bad-room', 'did not have enough free storage');
    await untilToldOf(
      kubectl,
      'PersistentVolumeClaim',
      'bad-room',
      'no machine has room for a volume of 900Gi of class local',
    );
    await untilToldOf(kubectl, 'PersistentVolumeClaim', 'bad-room', '(spec.resources.requests.storage)');
    // The API server itself keeps claims from becoming smaller.
    const smaller = { spec: { resources: { requests: { storage: '1Gi' } } } };
    const shrunk = kubectl(['patch', 'pvc', 'bad-handle', '--type=merge', '-p', JSON.stringify(smaller)]);
    expect(await shrunk.then(() => 'done', messageOf)).toContain('can not be less than status.capacity');
    for (const pod of ['bad-handle', 'bad-room']) await pods.remove('pod', pod);
    for (const [name] of claims) {
      await pods.remove('pvc', name);
      await pods.remove('storageclass', name);
    }
    for (const claim of ['bad-handle', 'bad-room']) await pods.remove('pvc', claim);
    await pods.remove('pv', 'bad-handle');
  });
}

async function untilToldOf(kubectl: Kubectl, kind: string, name: string, words: string): Promise<void> {
  const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
  await waitFor(
    `an event of ${kind} ${name} with "${words}"`,
    async () => {
      const told = await kubectl(['get', 'events', '--field-selector', selector, '-o', 'jsonpath={.items[*].message}']);
      if (told.includes(words)) return true;
      throw new Error(told);
    },
    { within: minutes(1), every: ms(500) },
  );
}
