import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLab } from '#lab/server/client.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes } from '#unit/clock.ts';
import { type Probe, probe } from '../../lab/lab-tools.ts';
import { askForWhatCannotBe } from '../../support/bad-claims.ts';
import { cloudDiskLife, untilNothingIsLeft } from '../../support/cloud-disk-life.ts';
import { driversByNode } from '../../support/drivers-by-node.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { fileShareLife, type SharesLab, shareControllerKilled } from '../../support/file-share-life.ts';
import { giveRoom } from '../../support/give-room.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { localVolumeLife } from '../../support/local-volume-life.ts';
import { dataMoves } from '../../support/moved-data.ts';
import { OneWriter, schedulesOf } from '../../support/one-writer.ts';
import { uk8sVolumesLive } from '../../support/uk8s-volumes.ts';
import { claimOf, withVolumePods } from '../../support/volume-pods.ts';

/** Volumes of both sides in one cluster, by what a user writes: cluster.yaml, claims and pods. */
const name = 'volumes';
const folder = '/srv/volumes';
keepEvidence(name);

let at: Probe;
beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--speed', '0.05'], { within: minutes(8) });
  at = await probe(name);
  await giveRoom(name, { home: 'base-1', folder });
  const up = ['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'];
  await succeeds(up, { within: minutes(12) });
}, minutes(24));
afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(2) });

test(
  'a disk of the cloud follows its pod from node to node, grows, comes back from a snapshot, and nothing of it is left',
  () => cloudDiskLife(kubectl, (action, params) => at.call(action, params)),
  minutes(8),
);

test(
  'a pod with a local volume goes to the machine that has room, stays with it, and nothing of it is left',
  () => localVolumeLife(kubectl, { home: 'base-1', folder, inMachine: (script) => at.ok('base-1', script) }),
  minutes(8),
);

test(
  'a machine of the site that was off finds its volumes: its pod starts again with what it wrote',
  () =>
    withVolumePods(kubectl, async (pods) => {
      await pods.apply(claimOf('kept', 'local', '100Mi'));
      await pods.start('keeper', 'kept');
      const written = await pods.write('keeper');
      await succeeds(['lab', 'machine', 'off', '--name', name, 'base-1'], { within: minutes(1) });
      await succeeds(['lab', 'machine', 'start', '--name', name, 'base-1'], { within: minutes(1) });
      await expect.poll(() => pods.sum('keeper').catch(String), { timeout: 180_000, interval: 2_000 }).toBe(written);
      await pods.remove('pod', 'keeper');
      await pods.remove('pvc', 'kept');
    }),
  minutes(8),
);

test('data moves from the site to the cloud as the guide says', () => dataMoves(kubectl), minutes(6));

test(
  'who asks for what cannot be reads in an event what is wrong with it, and what would work',
  () => askForWhatCannotBe(kubectl),
  minutes(6),
);

test(
  'manifests of UK8S work unchanged: its classes, and its PersistentVolumes of disks that are there',
  () => uk8sVolumesLive(kubectl, (action, params) => at.call(action, params)),
  minutes(8),
);

const sharesLab = (): SharesLab => ({
  name,
  kubectl,
  call: (action, params) => at.call(action, params),
  filesOf: (share) => join(pathsOf(name).shares, share),
});

test(
  'file shares and directories of them are written by two cloud nodes at once, grow, and end as their class says',
  () => fileShareLife(sharesLab()),
  minutes(8),
);

test(
  'a share controller that is killed while it makes and removes volumes leaves nothing behind',
  async () => {
    // Once at least while they are made, and once while they are removed.
    expect(await shareControllerKilled(sharesLab())).toBeGreaterThan(1);
  },
  minutes(12),
);

test(
  'a disk that comes late, and disks whose names are swapped, are still the ones that their pods wrote to',
  async () => {
    const names = ['late', 'swapped-1', 'swapped-2'];
    const { cloud } = await openLab(name);
    await withVolumePods(kubectl, async (pods) => {
      const written = new Map<string, string>();
      for (const one of names) {
        await pods.apply(claimOf(one, 'cloud-disk', '10Gi'));
        await pods.start(one, one, 'web-1');
        written.set(one, await pods.write(one));
        await pods.remove('pod', one);
      }
      // Each is told to be another device than it is: the first as the second, and the second as the third.
      const faults = [
        { action: 'AttachUDisk', kind: 'late-device', times: 1, delay: '8s' },
        { action: 'AttachUDisk', kind: 'swapped-device', times: 2 },
      ] as const;
      for (const [n, fault] of faults.entries()) {
        await cloud.play({ faults: [fault] });
        const some = names.filter((one) => one.startsWith(n === 0 ? 'late' : 'swapped'));
        await Promise.all(some.map((one) => pods.start(one, one, 'web-2')));
        expect((await cloud.faults()).filter(({ spent }) => !spent)).toEqual([]);
        for (const one of some) expect(await pods.sum(one)).toBe(written.get(one));
      }
      await cloud.clear();
      for (const one of names) await pods.remove('pod', one);
      for (const one of names) await pods.remove('pvc', one);
    });
    await untilNothingIsLeft(kubectl, (action, params) => at.call(action, params));
  },
  minutes(8),
);

test('each driver is registered on the nodes of its side alone', async () => {
  const cloud = ['udisk.csi.ucloud.cn', 'ufs.isthmus.dev'];
  expect(await driversByNode(kubectl)).toEqual({
    'base-1': ['local.isthmus.dev'],
    'base-2': ['local.isthmus.dev'],
    'cp-1': cloud,
    'web-1': cloud,
    'web-2': cloud,
  });
});

describe('a pod that counts on a disk of the cloud, each number synced before it is noted', () => {
  let writer: OneWriter;
  beforeAll(async () => {
    writer = await OneWriter.begin(name);
  }, minutes(6));

  test.each([1, 2, 3, 4, 5])(
    'is the only writer, and loses nothing, in ten random schedules (%i) of moves, dead machines, cuts and restarts',
    async (seed) => {
      for (const [n, schedule] of schedulesOf(seed, 10).entries())
        await writer.live(
          schedule,
          `schedule ${seed}.${n + 1} (${schedule.events.map(({ what }) => what).join(', ')})`,
        );
      const { writes, starts, fenced, faults } = await writer.told();
      console.log(
        `${writes} synced writes in ${starts} starts of the pod; ${fenced} times its machine was off until it moved`,
      );
      expect(faults).toEqual([]);
    },
    minutes(30),
  );
});
