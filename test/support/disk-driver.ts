import { join } from 'node:path';
import { diskWatch } from '#cloud/disk-watch.ts';
import { serve } from '#rpc/serve.ts';
import { type Instant, ms, now } from '#unit/clock.ts';
import { diskController } from '../../src/storage/controller/disk-controller.ts';
import type { Intents } from '../../src/storage/controller/intents.ts';
import { diskDriver } from '../../src/storage/driver.ts';
import { identity } from '../../src/storage/identity.ts';
import { diskNode } from '../../src/storage/node/disk-node.ts';
import { type DiskCloud, openDiskCloud } from './disk-cloud.ts';
import { type DiskMachine, openDiskMachine } from './disk-machine.ts';

export const testMark = 'shop';

/** Both halves of the driver of cloud disks on one socket, over the simulated cloud, with disks that have bytes. */
export interface DiskDriver {
  readonly socket: string;
  readonly machine: DiskMachine;
  readonly cloud: DiskCloud;
  /** The cloud machine that the node's half runs on. */
  readonly node: string;
  close(): Promise<void>;
}

export async function openDiskDriver(): Promise<DiskDriver> {
  const machine = await openDiskMachine();
  const cloud = await openDiskCloud({ machine });
  const node = await cloud.makeMachine('web-1');
  const socket = join(machine.shared, 'csi.sock');
  const { disks, snapshots } = cloud.cloud;
  const { region, zone } = cloud;
  const server = await serve(
    socket,
    [
      identity(diskDriver, '0.0.0'),
      diskController({
        cloud: { disks, snapshots },
        watch: diskWatch(disks, testMark, ms(20)),
        mark: testMark,
        region,
        zone,
        intents: rememberedIntents(),
        machineFor: async () => undefined,
      }),
      diskNode(machine.inside, { machine: node, region, zone, mostVolumes: disks.mostPerMachine }),
    ],
    { note: () => {} },
  );
  return {
    socket,
    machine,
    cloud,
    node,
    async close() {
      await server.close();
      await cloud.close();
      await machine.close();
    },
  };
}

/** Intents that end with the process: for tests that do not end it. */
export function rememberedIntents(): Intents {
  const noted = new Map<string, Instant>();
  return {
    async note(owner) {
      noted.set(owner, now());
    },
    async settle(owner) {
      noted.delete(owner);
    },
    list: async () => [...noted].map(([owner, at]) => ({ owner, at })),
  };
}
