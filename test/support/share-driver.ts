import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UfsWorld } from '#lab/ucloud/ufs/world.ts';
import type { Service } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { identity } from '../../src/storage/identity.ts';
import { inFlight } from '../../src/storage/in-flight.ts';
import { shareDriver } from '../../src/storage/share/driver.ts';
import { type ShareControllerOptions, shareController } from '../../src/storage/share/share-controller.ts';
import { shareNode } from '../../src/storage/share/share-node.ts';
import { shareRoots } from '../../src/storage/share/share-roots.ts';
import { type DiskCloud, openDiskCloud } from './disk-cloud.ts';
import { testMark } from './disk-driver.ts';
import { type DiskMachine, openDiskMachine } from './disk-machine.ts';

/** Both halves of the driver of file shares on one socket, over the simulated cloud, with shares that have files. */
export interface ShareDriver {
  readonly socket: string;
  readonly machine: DiskMachine;
  readonly cloud: DiskCloud;
  /** Where the files of a share are on this computer. */
  readonly filesOf: (share: string) => string;
  /** A file share of somebody else that the VPC reaches. @shape its id */
  readonly makeForeign: (name: string) => Promise<string>;
  /** Another program for the same machine and cloud, which lives beside the first. @unit hands: what it works with instead */
  readonly controllerWith: (hands: ShareHands) => Service;
  close(): Promise<void>;
}

/** What the controller's half touches the world by. */
export type ShareHands = Partial<Pick<ShareControllerOptions, 'inside' | 'shares' | 'before'>>;

const place = { vpc: 'uvnet-disks', subnet: 'subnet-disks' };

/** Where the lab's `mount.nfs4` looks for file systems. */
const shares = '/run/isthmus-lab/shares';
const addresses = '/run/isthmus-lab/addresses';

export async function openShareDriver(): Promise<ShareDriver> {
  const machine = await openDiskMachine();
  const files = join(machine.shared, 'shares');
  await mkdir(files);
  await mkdir(machine.inside.at(addresses), { recursive: true });
  // On the file system of this computer, whose directories keep their numbers.
  await symlink(files, machine.inside.at(shares));
  await installMount(machine);
  const cloud = await openDiskCloud({ machine, world: realShares(machine, files) });
  const { fileShares } = cloud.cloud;
  const socket = join(machine.shared, 'csi.sock');
  const controllerWith = ({ inside = machine.inside, shares: asked = fileShares, before = () => {} }: ShareHands) =>
    shareController({
      shares: asked,
      inside,
      roots: shareRoots(inside, () => {}),
      flight: inFlight(),
      mark: testMark,
      zone: cloud.zone,
      place,
      poll: ms(20),
      before,
    });
  const services = [identity(shareDriver, '0.0.0'), controllerWith({}), shareNode(machine.inside, 'web-1')];
  const server = await serve(socket, services, { note: () => {} });
  return {
    socket,
    machine,
    cloud,
    filesOf: (share) => join(files, share),
    controllerWith,
    async makeForeign(name) {
      const opts = { within: seconds(20) };
      const size = gibi(100);
      const wish = { name, mark: 'others', owner: name, zone: cloud.zone, kind: 'advanced', size } as const;
      const made = await fileShares.create({ ...wish, charge: 'hour', quantity: 1 }, opts);
      if (!made.ok) throw new Error(JSON.stringify(made.failure));
      const { id } = made.value;
      const isReached = async (): Promise<boolean> => {
        await fileShares.open(id, { name, ...place }, opts);
        const points = await fileShares.mountPoints(id, opts);
        return points.ok && points.value.some(({ address }) => address !== undefined);
      };
      await waitFor(`${id} to have a mount point`, isReached, { within: seconds(20), every: ms(20) });
      return id;
    },
    async close() {
      await server.close();
      await cloud.close();
      await machine.close();
    },
  };
}

/** The lab's own `mount.nfs4`, which here learns from a file where an address leads: this machine has no network of the VPC. */
async function installMount({ inside }: DiskMachine): Promise<void> {
  const script = await readFile(new URL('../../lab/machine/mount-nfs4.sh', import.meta.url), 'utf8');
  const asking = /^share=\$\(.*\)$/m;
  if (!asking.test(script)) throw new Error('lab/machine/mount-nfs4.sh no longer asks for its share in one line');
  const program = inside.at('/usr/sbin/mount.nfs4');
  await rm(program, { force: true });
  await writeFile(program, script.replace(asking, `share=$(cat "${addresses}/$address" 2>/dev/null)`));
  await chmod(program, 0o755);
}

function realShares({ inside }: DiskMachine, files: string): UfsWorld {
  return {
    async makeShare(id) {
      await mkdir(join(files, id), { recursive: true });
    },
    async removeShare(id) {
      await rm(join(files, id), { recursive: true, force: true });
    },
    async openMountPoint(share, address) {
      await writeFile(inside.at(`${addresses}/${address}`), share);
    },
    async closeMountPoint(_share, address) {
      await rm(inside.at(`${addresses}/${address}`), { force: true });
    },
    shareUsage: async () => 0,
  };
}
