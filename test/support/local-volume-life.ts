import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { claimOf, withVolumePods } from './volume-pods.ts';

const claim = 'site-data';

/**
 * A volume of a machine of the site from the claim to its end: the pod goes to the machine that has room without being told, the next pod follows
 * the volume there, both grow; and when the claim is deleted nothing is left in the cluster, nor in the folder that the machine gives.
 * @unit home: the only machine that gives a folder; folder: which; inMachine: runs a script there
 */
export async function localVolumeLife(
  kubectl: Kubectl,
  {
    home,
    folder,
    inMachine,
  }: {
    readonly home: string;
    readonly folder: string;
    readonly inMachine: (script: string) => Promise<string>;
  },
): Promise<void> {
  const inFolder = async (): Promise<readonly string[]> =>
    (await inMachine(`find ${folder} -type f`)).split('\n').filter((line) => line !== '');
  const before = await inFolder();
  await withVolumePods(kubectl, async (pods) => {
    await pods.apply(claimOf(claim, 'local', '100Mi'));
    await pods.start('first', claim);
    const nodeOf = (pod: string): Promise<string> => kubectl(['get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}']);
    expect(await nodeOf('first')).toBe(home);
    const written = await pods.write('first');
    await pods.grow(claim, '200Mi');
    await pods.remove('pod', 'first');
    await letGo(inMachine);
    await pods.start('second', claim);
    expect(await nodeOf('second')).toBe(home);
    expect(await pods.sum('second')).toBe(written);
    // The driver hears of the growth when the volume is mounted. Where the kernel lets no mounted ext4 grow, the next pod has it.
    await pods.remove('pod', 'second');
    await letGo(inMachine);
    await pods.start('third', claim);
    expect(await pods.sum('third')).toBe(written);
    expect(await pods.size('third')).toBeGreaterThan(150 * 1024);
    await pods.remove('pod', 'third');
    await pods.remove('pvc', claim);
  });
  await waitFor(
    'nothing to be left of the volume',
    async () => {
      const volumes = await kubectl(['get', 'persistentvolumes', '-o', 'name']);
      const left = [volumes, ...(await inFolder()).filter((name) => !before.includes(name))];
      if (left.join('') === '') return true;
      throw new Error(left.join('; '));
    },
    { within: minutes(2), every: ms(500) },
  );
}

/** A pod that comes at once would find the volume still mounted. */
async function letGo(inMachine: (script: string) => Promise<string>): Promise<void> {
  await waitFor(
    'kubelet to let go of the volume',
    async () => {
      const mounts = await inMachine("grep 'csi/local.isthmus.dev/.*/globalmount' /proc/self/mounts || true");
      if (mounts === '') return true;
      throw new Error(mounts);
    },
    { within: minutes(1), every: ms(500) },
  );
}
