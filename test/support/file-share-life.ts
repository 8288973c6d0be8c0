import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { cloudIds } from '#lab/server/settings.ts';
import { minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { type CloudCall, untilNothingIsLeft } from './cloud-disk-life.ts';
import { killPods, podsOf } from './pods.ts';
import { claimOf, podOn, type VolumePods, withVolumePods } from './volume-pods.ts';

/** A lab with a converged cluster in which file shares are volumes. */
export interface SharesLab {
  readonly name: string;
  readonly kubectl: Kubectl;
  readonly call: CloudCall;
  /** Where the files of a share of the lab's cloud are on this computer. */
  readonly filesOf: (share: string) => string;
}

const many = { accessModes: ['ReadWriteMany'] };

/**
 * File shares from the claim to their end, both as directories of a share of somebody else and as whole shares: pods of two cloud nodes see each other's
 * bytes, mount options hold, both kinds grow, a pod on the site is warned, and after the claims are deleted what was to be kept is there and nothing else.
 */
export async function fileShareLife(lab: SharesLab): Promise<void> {
  const { kubectl, call } = lab;
  const share = await shareOfSomebodyElse(call, 'team-files');
  await withVolumePods(kubectl, async (pods) => {
    await pods.apply(
      classOf('team-files', { share, onDelete: 'archive' }, ['noatime', 'nconnect=4']),
      classOf('team-scratch', { share, onDelete: 'delete' }),
      claimOf('docs', 'team-files', '1Gi', many),
      claimOf('scratch', 'team-scratch', '1Gi', many),
      claimOf('whole', 'cloud-files', '100Gi', many),
    );
    const written = await bothSee(pods, 'docs');
    await bothSee(pods, 'scratch');
    await bothSee(pods, 'whole');
    const mounted = (pod: string): Promise<string> => pods.run(pod, "grep ' /data ' /proc/mounts");
    expect(await mounted('docs-1')).toContain('noatime');
    expect(await mounted('scratch-1')).not.toContain('noatime');

    await pods.grow('docs', '2Gi');
    await pods.grow('whole', '200Gi');
    const volume = await kubectl(['get', 'pvc', 'whole', '-o', 'jsonpath={.spec.volumeName}']);
    const handle = await kubectl(['get', 'pv', volume, '-o', 'jsonpath={.spec.csi.volumeHandle}']);
    expect(await sizesOf(call)).toMatchObject({ [share]: 100, [handle]: 200 });
    expect(await pods.sum('whole-1')).toBe(await pods.sum('whole-2'));

    expect(await pods.warningsOf(podOn('misplaced', 'docs', { 'isthmus.dev/ground': 'site' }))).toContain(
      'volume "data" (PersistentVolumeClaim docs) can only be used on cloud nodes, and nodeSelector isthmus.dev/ground=site keeps the pod off them: remove that, or use a StorageClass of the site',
    );

    const kept = `archived-${await kubectl(['get', 'pvc', 'docs', '-o', 'jsonpath={.spec.volumeName}'])}`;
    for (const claim of ['docs', 'scratch', 'whole']) {
      for (const pod of [`${claim}-1`, `${claim}-2`]) await pods.remove('pod', pod);
      await pods.remove('pvc', claim);
    }
    await untilNothingIsLeft(kubectl, call);
    expect(await listed(lab, share)).toEqual([kept]);
    const bytes = await readFile(join(lab.filesOf(share), kept, 'file'));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(written);
    for (const one of ['team-files', 'team-scratch']) await pods.remove('storageclass', one);
  });
}

/** A pod on each of two cloud nodes: what one writes the other one reads, in both directions. @shape the digest of what was written last */
async function bothSee(pods: VolumePods, claim: string): Promise<string> {
  await pods.start(`${claim}-1`, claim, 'web-1');
  await pods.start(`${claim}-2`, claim, 'web-2');
  expect(await pods.sum(`${claim}-2`).catch(() => 'nothing')).toBe('nothing');
  const first = await pods.write(`${claim}-1`);
  expect(await pods.sum(`${claim}-2`)).toBe(first);
  const second = await pods.write(`${claim}-2`);
  expect(await pods.sum(`${claim}-1`)).toBe(second);
  return second;
}

/**
 * The controller's half is killed again and again while volumes are made, and again while they are removed: all of them are made, and nothing is left.
 * @shape how often it was killed
 */
export async function shareControllerKilled(lab: SharesLab): Promise<number> {
  const { kubectl, call } = lab;
  const share = await shareOfSomebodyElse(call, 'killed-files');
  const claims = ['a', 'b', 'c', 'd', 'e', 'f'].map((one) => ({
    name: `killed-${one}`,
    of: 'killed-files',
    size: '1Gi',
  }));
  const wholes = ['y', 'z'].map((one) => ({ name: `killed-${one}`, of: 'cloud-files', size: '100Gi' }));
  const all = [...claims, ...wholes];
  const names = all.map(({ name }) => name);
  let kills = 0;
  await withVolumePods(kubectl, async (pods) => {
    await pods.apply(classOf('killed-files', { share, onDelete: 'delete' }));
    await pods.apply(...all.map(({ name, of, size }) => claimOf(name, of, size, many)));
    kills += await killUntil(lab, 'all claims to be bound', async () => {
      const phases = await kubectl(['get', 'pvc', ...names, '-o', 'jsonpath={.items[*].status.phase}']);
      return phases.split(' ').every((phase) => phase === 'Bound');
    });
    await kubectl(['delete', 'pvc', ...names, '--wait=false']);
    kills += await killUntil(lab, 'all volumes to be gone', async () => {
      return (await kubectl(['get', 'persistentvolumes', '-o', 'name'])).trim() === '';
    });
    await untilNothingIsLeft(kubectl, call);
    expect(await listed(lab, share)).toEqual([]);
    expect(await readdir(join(lab.filesOf(share), '.isthmus', lab.name))).toEqual([]);
    await pods.remove('storageclass', 'killed-files');
  });
  return kills;
}

/** Kills the controller's half twice, soon after what it was asked for and once more a little later, and waits for what it was asked for. @shape how often it ran */
async function killUntil(
  { name, kubectl }: Pick<SharesLab, 'name' | 'kubectl'>,
  what: string,
  isSo: () => Promise<boolean>,
): Promise<number> {
  const controllers = 'app.kubernetes.io/name=isthmus-csi-share-controller';
  let kills = 0;
  for (const after of [ms(300), ms(1_000)]) {
    await sleep(after);
    const pods = await podsOf(kubectl, controllers, '-n', 'isthmus-system');
    // One that waits to be started again has nothing to be killed.
    const wasKilled = await killPods(name, pods, 'csi-share-controller').then(
      () => true,
      () => false,
    );
    if (wasKilled) kills++;
  }
  await waitFor(what, isSo, { within: minutes(4), every: seconds(1) });
  return kills;
}

/** A file share that the cluster's subnet reaches and that is not the cluster's. @shape its id */
async function shareOfSomebodyElse(call: CloudCall, name: string): Promise<string> {
  const wish = { Zone: 'cn-bj2-04', Size: 100, StorageType: 'Advanced', ProtocolType: 'NFSv4', VolumeName: name };
  const { VolumeId } = (await call('CreateUFSVolume', wish)) as { readonly VolumeId: string };
  const place = { VpcId: cloudIds.vpc, SubnetId: cloudIds.subnet };
  const isAsked = async (): Promise<boolean> => {
    await call('AddUFSVolumeMountPoint', { VolumeId, MountPointName: name, ...place });
    return true;
  };
  await waitFor(`${VolumeId} to take a mount point`, isAsked, { within: minutes(1), every: ms(500) });
  const isOpen = async (): Promise<boolean> => {
    await call('DescribeUFSVolumeMountpoint', { VolumeId });
    return true;
  };
  await waitFor(`${VolumeId} to have a mount point`, isOpen, { within: minutes(1), every: ms(500) });
  return VolumeId;
}

/** @shape GiB by id */
async function sizesOf(call: CloudCall): Promise<Readonly<Record<string, number>>> {
  const { DataSet } = (await call('DescribeUFSVolume2', { Zone: 'cn-bj2-04', Limit: 100 })) as {
    readonly DataSet: readonly { readonly VolumeId: string; readonly Size: number }[];
  };
  return Object.fromEntries(DataSet.map(({ VolumeId, Size }) => [VolumeId, Size]));
}

/** What is in a share beside our own records. */
async function listed({ filesOf }: Pick<SharesLab, 'filesOf'>, share: string): Promise<readonly string[]> {
  return (await readdir(filesOf(share))).filter((one) => one !== '.isthmus').toSorted();
}

function classOf(
  name: string,
  parameters: Readonly<Record<string, string>>,
  mountOptions: readonly string[] = [],
): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'ufs.isthmus.dev',
    parameters,
    mountOptions,
    allowVolumeExpansion: true,
  };
}
