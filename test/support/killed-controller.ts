import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskWatch } from '#cloud/disk-watch.ts';
import { dial } from '#rpc/client.ts';
import { Controller, VolumeCapability_AccessMode_Mode as Mode } from '#rpc/gen/csi_pb.js';
import type { RpcError } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { diskController } from '../../src/storage/controller/disk-controller.ts';
import type { Intents } from '../../src/storage/controller/intents.ts';
import type { DiskCloud } from './disk-cloud.ts';
import { rememberedIntents, testMark } from './disk-driver.ts';

/** Where a controller dies: before its so-many-th step outside itself, or after it, before it hears what became of it. */
export interface Death {
  readonly step: number;
  readonly moment: 'before' | 'after';
}

/** What a life came to. */
export interface LifeTold {
  /** Steps of the first controller: calls of the cloud, and what it wrote down in the cluster. */
  readonly steps: number;
  /** After each part of the life: disks, the machines that have them, and intents. */
  readonly seen: readonly string[];
}

/** Shared by all steps of one controller. Once it is dead, none of them comes to anything. */
class Fate {
  readonly #death: Death | undefined;
  steps = 0;
  isDead = false;

  constructor(death: Death | undefined) {
    this.#death = death;
  }

  before(): void {
    if (this.#death?.moment === 'before' && this.steps === this.#death.step) this.isDead = true;
    if (this.isDead) throw new Error('killed');
    this.steps++;
  }

  after(): void {
    if (this.#death?.moment === 'after' && this.steps === this.#death.step + 1) this.isDead = true;
    if (this.isDead) throw new Error('killed');
  }
}

/** A volume is made, attached, grown, detached and deleted; the controller that dies is followed by another one, which is asked the same. */
export async function lifeKilledAt(cloud: DiskCloud, machine: string, death: Death | undefined): Promise<LifeTold> {
  const kept = rememberedIntents();
  const first = new Fate(death);
  let running = await start(cloud, kept, first);
  const seen: string[] = [];
  let volumeId = '';
  let volumeContext = {};
  const parts: readonly ((ask: Ask) => Promise<unknown>)[] = [
    async (ask) => {
      const made = await ask.createVolume(volume, { within });
      volumeId = made.volume?.volumeId ?? '';
      volumeContext = made.volume?.volumeContext ?? {};
    },
    (ask) =>
      ask.controllerPublishVolume(
        { volumeId, volumeContext, nodeId: machine, volumeCapability: capability },
        { within },
      ),
    (ask) => ask.controllerExpandVolume({ volumeId, capacityRange: { requiredBytes: BigInt(gibi(20)) } }, { within }),
    (ask) => ask.controllerUnpublishVolume({ volumeId, nodeId: machine }, { within }),
    (ask) => ask.deleteVolume({ volumeId }, { within }),
  ];
  try {
    for (const part of parts) {
      for (let tries = 0; ; tries++) {
        const failure = await part(running.ask).then(
          () => undefined,
          (e: unknown) => e as RpcError,
        );
        if (first.isDead && running.fate === first) {
          await running.close();
          running = await start(cloud, kept, new Fate(undefined));
        } else if (failure === undefined) break;
        else if (tries > 100) throw failure;
        await sleep(ms(5));
      }
      seen.push(await booksOf(cloud, kept));
    }
    return { steps: first.steps, seen };
  } finally {
    await running.close();
  }
}

type Ask = ReturnType<typeof dial<typeof Controller>>['ask'];
const within = seconds(10);
const capability = {
  accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
  accessType: { case: 'mount' as const, value: { fsType: 'ext4' } },
};
const volume = {
  name: 'pvc-1',
  parameters: { type: 'ssd' },
  capacityRange: { requiredBytes: BigInt(gibi(10)) },
  volumeCapabilities: [capability],
};

async function booksOf({ ucloud }: DiskCloud, intents: Intents): Promise<string> {
  const disks = ucloud.objects().udisks.map(({ sizeGib, attachments }) => `${sizeGib} GiB at ${attachments.length}`);
  return `${disks.join(', ') || 'no disk'}; ${(await intents.list()).length} intents`;
}

interface Running {
  readonly ask: Ask;
  readonly fate: Fate;
  close(): Promise<void>;
}

async function start(cloud: DiskCloud, kept: Intents, fate: Fate): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'killed-controller-'));
  const socket = join(folder, 'csi.sock');
  const { disks, snapshots } = cloud.connect({ before: () => fate.before(), after: () => fate.after() });
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    fate.before();
    const done = await work();
    fate.after();
    return done;
  };
  const server = await serve(
    socket,
    [
      diskController({
        cloud: { disks, snapshots },
        watch: diskWatch(disks, testMark, ms(10)),
        mark: testMark,
        region: cloud.region,
        zone: cloud.zone,
        intents: {
          note: (owner) => step(() => kept.note(owner)),
          settle: (owner) => step(() => kept.settle(owner)),
          list: () => kept.list(),
        },
        machineFor: async () => undefined,
      }),
    ],
    { note: () => {} },
  );
  const { ask, close } = dial(socket, Controller);
  return {
    ask,
    fate,
    async close() {
      close();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}
