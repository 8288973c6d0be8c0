import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { observeMounts } from '#host/mounts.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { account, closeServer, listen, urlOf } from '#lab/ucloud/test-cloud.ts';
import { createUcloud, type Ucloud } from '#lab/ucloud/ucloud.ts';
import type { UdiskWorld } from '#lab/ucloud/udisk/world.ts';
import type { UfsWorld } from '#lab/ucloud/ufs/world.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import type { Cloud } from '../../src/cloud/cloud.ts';
import { connectUcloud } from '../../src/cloud/ucloud/ucloud.ts';
import type { DiskMachine, TestDisk } from './disk-machine.ts';

/** The simulated cloud, a thousand times faster than the real one, and our provider for it. */
export interface DiskCloud {
  readonly cloud: Cloud;
  readonly ucloud: Ucloud;
  readonly region: string;
  readonly zone: string;
  /** Another connection of our provider, that tells of each call before it is sent and when it is answered; either may throw. */
  connect(tell: { readonly before: () => void; readonly after: () => void }): Cloud;
  /** A machine that runs. @shape its id */
  makeMachine(name: string): Promise<string>;
  close(): Promise<void>;
}

/** @unit machine: what all cloud machines are together, so that disks have bytes; without it disks are only remembered */
export async function openDiskCloud({
  machine,
  world: replaced = {},
  speed = 0.001,
}: {
  readonly machine?: DiskMachine;
  /** What happens to the world instead of being remembered. */
  readonly world?: Partial<UfsWorld>;
  readonly speed?: number;
}): Promise<DiskCloud> {
  const world = createRememberingWorld();
  const ucloud = createUcloud({
    world: Object.assign(world, machine === undefined ? {} : realDisks(machine), replaced),
    account,
    vpc: {
      id: 'uvnet-disks',
      name: 'disks',
      network: cidr('10.9.0.0/16'),
      subnets: [{ id: 'subnet-disks', name: 'disks', cidr: cidr('10.9.0.0/24') }],
    },
    images: [{ id: 'uimage-base', name: 'base', sizeGib: 20 }],
    speed,
    seed: 7,
    log: () => {},
  });
  const server = await listen(ucloud.api);
  const { publicKey, privateKey, region, zone, project } = account;
  const at = { endpoint: urlOf(server), region, zone, project: project.id, privateKey, poll: ms(20), pause: ms(10) };
  const cloud = connectUcloud({ ...at, publicKey });
  return {
    cloud,
    ucloud,
    region,
    zone,
    connect: ({ before, after }) =>
      connectUcloud({
        ...at,
        // Read anew for each call.
        get publicKey() {
          before();
          return publicKey;
        },
        note: after,
      }),
    async makeMachine(name) {
      const made = await cloud.compute.create(
        {
          name,
          mark: 'shop',
          zone,
          image: 'uimage-base',
          vpc: 'uvnet-disks',
          subnet: 'subnet-disks',
          cpu: 1,
          memory: gibi(1),
          bootDisk: gibi(20),
          charge: 'hour',
          elastic: false,
          userData: '#cloud-config\n',
        },
        { within: seconds(30) },
      );
      if (!made.ok) throw new Error(JSON.stringify(made.failure));
      const { id } = made.value;
      const isRunning = async (): Promise<boolean> => {
        const found = await cloud.compute.find(id, { within: seconds(10) });
        return found.ok && found.value.state === 'running';
      };
      await waitFor(`${id} to run`, isRunning, { within: seconds(30), every: ms(20) });
      return id;
    },
    async close() {
      world.release();
      await closeServer(server);
      await ucloud.close();
    },
  };
}

/** Disks that are files with holes, and loop devices of the one machine that all cloud machines are. */
function realDisks(machine: DiskMachine): UdiskWorld {
  const disks = new Map<string, TestDisk>();
  const snapshots = new Map<string, string>();
  const plugged = new Map<string, string>();
  const copy = (from: string, to: string) => machine.must('cp', '--sparse=always', from, to);
  const diskOf = (id: string): TestDisk => {
    const disk = disks.get(id);
    if (disk === undefined) throw new Error(`the world has no disk ${id}`);
    return disk;
  };
  const isUsed = async (id: string): Promise<boolean> => {
    const number = `7:${diskOf(id).loop.replace('/dev/loop', '')}`;
    return (await observeMounts(machine.inside)).some((mount) => mount.device === number);
  };
  return {
    async makeDisk({ id, sizeGib, copyOf }) {
      if (disks.has(id)) return;
      const from = copyOf === undefined ? undefined : (snapshots.get(copyOf.id) ?? disks.get(copyOf.id)?.image);
      const disk = await machine.makeDisk(id, gibi(sizeGib), async (image) => {
        if (from === undefined) return;
        await copy(from, image);
        await machine.must('truncate', '--size', `${gibi(sizeGib)}`, image);
      });
      disks.set(id, disk);
    },
    growDisk: (id, sizeGib) => machine.grow(diskOf(id), gibi(sizeGib)),
    async removeDisk(id) {
      const disk = disks.get(id);
      if (disk === undefined) return;
      disks.delete(id);
      await machine.dropDisk(disk);
    },
    async plugDisk(_machine, { id, device }) {
      if (plugged.has(id)) return;
      const name = device.replace('/dev/', '');
      await machine.attach(diskOf(id), name);
      plugged.set(id, name);
    },
    async unplugDisk(_machine, id) {
      const name = plugged.get(id);
      if (name === undefined) return 'unplugged';
      if (await isUsed(id)) return 'in-use';
      await machine.detach(name);
      plugged.delete(id);
      return 'unplugged';
    },
    usesDisk: (_machine, id) => isUsed(id),
    async makeSnapshot(id, disk) {
      const file = join(machine.shared, `${id}.snapshot`);
      await copy(diskOf(disk).image, file);
      snapshots.set(id, file);
    },
    async restoreDisk(disk, snapshot) {
      await copy(snapshots.get(snapshot) ?? '', diskOf(disk).image);
    },
    async removeSnapshot(id) {
      await rm(snapshots.get(id) ?? '', { force: true });
      snapshots.delete(id);
    },
  };
}
