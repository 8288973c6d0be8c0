import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { diskWatch } from '#cloud/disk-watch.ts';
import { type FaultText, parseFault } from '#lab/ucloud/gateway/fault-wish.ts';
import { dial } from '#rpc/client.ts';
import { Controller, VolumeCapability_AccessMode_Mode as Mode } from '#rpc/gen/csi_pb.js';
import type { RpcError } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import { diskController } from '../../src/storage/controller/disk-controller.ts';
import { type DiskCloud, openDiskCloud } from './disk-cloud.ts';
import { rememberedIntents, testMark } from './disk-driver.ts';

/** What happens to one volume, step by step; each step is asked several times at once. */
export interface Life {
  readonly steps: readonly Step[];
  /** What the cloud does meanwhile. */
  readonly faults: readonly FaultText[];
}

export interface Step {
  readonly do: 'create' | 'publish-1' | 'publish-2' | 'unpublish-1' | 'unpublish-2' | 'expand' | 'delete';
  /** When each of the calls is sent. */
  readonly at: readonly Ms[];
  /** The server is ended and started again while they are being answered. */
  readonly restarts: boolean;
}

const order = ['create', 'publish-1', 'expand', 'unpublish-1', 'publish-2', 'unpublish-2', 'delete'] as const;

const stepOf = (name: Step['do']) =>
  fc.record({
    do: fc.constant(name),
    at: fc.array(fc.integer({ min: 0, max: 30 }).map(ms), { minLength: 2, maxLength: 10 }),
    restarts: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  });

/** Lives in the order in which Kubernetes lives them, with faults of the cloud anywhere. */
export const anyLife: fc.Arbitrary<Life> = fc.record({
  steps: fc.tuple(...order.map(stepOf)),
  faults: fc.array(
    fc.record({
      action: fc.constantFrom(
        'CreateUDisk',
        'AttachUDisk',
        'DetachUDisk',
        'DeleteUDisk',
        'ResizeUDisk',
        'DescribeUDisk',
      ),
      kind: fc.constantFrom('timeout' as const, 'internal' as const, 'throttle' as const, 'hang-up' as const),
      times: fc.integer({ min: 1, max: 2 }),
      skip: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 3 },
  ),
});

/** The same with changes that were made although nobody heard of it. */
export const anyLifeWithLostAnswers: fc.Arbitrary<Life> = fc.record({
  steps: fc.tuple(...order.map(stepOf)),
  faults: fc.array(
    fc.record({
      action: fc.constantFrom('CreateUDisk', 'AttachUDisk', 'DetachUDisk', 'DeleteUDisk', 'ResizeUDisk'),
      kind: fc.constantFrom('timeout-done' as const, 'hang-up-done' as const),
      times: fc.constant(1),
      skip: fc.integer({ min: 0, max: 1 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

/** Codes after which every caller of CSI asks again. */
const again = ['ABORTED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED'];

/**
 * Lives one life over the simulated cloud.
 * @shape what must not be; empty when every call of a step had the same answer and the cloud has at each step what was asked
 */
export async function live({ steps, faults }: Life): Promise<readonly string[]> {
  const cloud = await openDiskCloud({});
  const machines = [await cloud.makeMachine('web-1'), await cloud.makeMachine('web-2')];
  for (const fault of faults) cloud.ucloud.plant(parseFault(fault));
  const driver = await startController(cloud);
  const wrongs: string[] = [];
  let volume = '';
  try {
    for (const step of steps) {
      const asking = Promise.all(
        step.at.map(async (at) => {
          await sleep(at);
          return answerTo(driver, step.do, volume, machines);
        }),
      );
      if (step.restarts) await driver.restart();
      const answers = new Set(await asking);
      const [answer = ''] = answers;
      if (answers.size > 1) wrongs.push(`${step.do} had ${[...answers].join(' and ')}`);
      if (step.do === 'create') volume = answer;
      wrongs.push(...difference(cloud, step.do, volume, machines));
    }
    return wrongs;
  } finally {
    await driver.close();
    await cloud.close();
  }
}

/** One caller that asks until it has an answer. */
async function answerTo(
  driver: RunningController,
  step: Step['do'],
  volumeId: string,
  machines: readonly string[],
): Promise<string> {
  const within = seconds(10);
  const nodeId = machines[step.endsWith('2') ? 1 : 0] ?? '';
  const capability = {
    accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
    accessType: { case: 'mount' as const, value: { fsType: 'ext4' } },
  };
  for (let tries = 0; tries < 200; tries++) {
    try {
      const { ask } = driver;
      switch (step) {
        case 'create': {
          const parameters = { type: 'ssd' };
          const range = { requiredBytes: BigInt(gibi(10)) };
          const wish = { name: 'pvc-1', parameters, capacityRange: range, volumeCapabilities: [capability] };
          return (await ask.createVolume(wish, { within })).volume?.volumeId ?? '';
        }
        case 'publish-1':
        case 'publish-2': {
          const wish = { volumeId, nodeId, volumeCapability: capability };
          return JSON.stringify((await ask.controllerPublishVolume(wish, { within })).publishContext);
        }
        case 'unpublish-1':
        case 'unpublish-2':
          await ask.controllerUnpublishVolume({ volumeId, nodeId }, { within });
          return 'unpublished';
        case 'expand': {
          const wish = { volumeId, capacityRange: { requiredBytes: BigInt(gibi(20)) } };
          return `${(await ask.controllerExpandVolume(wish, { within })).capacityBytes}`;
        }
        case 'delete':
          await ask.deleteVolume({ volumeId }, { within });
          return 'deleted';
      }
    } catch (e) {
      const { code, message } = e as RpcError;
      if (!again.includes(code)) return `${code}: ${message}`;
      await sleep(ms(20));
    }
  }
  return 'no answer';
}

/** What the cloud's own books have against what was answered. */
function difference(
  { ucloud }: DiskCloud,
  step: Step['do'],
  volume: string,
  machines: readonly string[],
): readonly string[] {
  const { udisks } = ucloud.objects();
  const seen = udisks.map(({ id, sizeGib, attachments }) => ({
    id,
    sizeGib,
    at: attachments.map(({ machine }) => machine),
  }));
  const has = (want: boolean, what: string): readonly string[] =>
    want ? [] : [`after ${step}: ${what}: ${JSON.stringify(seen)}`];
  const [disk] = seen;
  if (step === 'delete') return has(seen.length === 0, 'a disk is left');
  const one = has(seen.length === 1 && disk?.id === volume, `there is not the one disk ${volume}`);
  switch (step) {
    case 'publish-1':
    case 'publish-2':
      return [
        ...one,
        ...has(disk?.at.join() === machines[step === 'publish-1' ? 0 : 1], 'it is not at its machine alone'),
      ];
    case 'unpublish-1':
    case 'unpublish-2':
      return [...one, ...has(disk?.at.length === 0, 'it is at a machine')];
    case 'expand':
      return [...one, ...has(disk?.sizeGib === 20, 'it did not grow')];
    case 'create':
      return one;
  }
}

interface RunningController {
  readonly ask: ReturnType<typeof dial<typeof Controller>>['ask'];
  /** Ends it as a new version would, and starts it anew. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function startController(cloud: DiskCloud): Promise<RunningController> {
  const folder = await mkdtemp(join(tmpdir(), 'repeated-'));
  const socket = join(folder, 'csi.sock');
  const { disks, snapshots } = cloud.cloud;
  const { region, zone } = cloud;
  const intents = rememberedIntents();
  const begin = () =>
    serve(
      socket,
      [
        diskController({
          cloud: { disks, snapshots },
          watch: diskWatch(disks, testMark, ms(10)),
          mark: testMark,
          region,
          zone,
          intents,
          machineFor: async () => undefined,
        }),
      ],
      { note: () => {} },
    );
  let server = await begin();
  const { ask, close } = dial(socket, Controller);
  return {
    ask,
    async restart() {
      await server.close();
      server = await begin();
    },
    async close() {
      close();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}
