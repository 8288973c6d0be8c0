import { afterAll, beforeAll, expect, test } from 'vitest';
import { dial } from '#rpc/client.ts';
import { Controller } from '#rpc/gen/csi_pb.js';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { type DiskDriver, openDiskDriver } from '../../support/disk-driver.ts';
import { asBlock, nameOf, onFile } from '../../support/local-calls.ts';

/** What the events of a claim, a pod or a snapshot say when somebody asked for what cannot be: the sidecars pass on what the driver answers. */
let driver: DiskDriver;
let controller: ReturnType<typeof dial<typeof Controller>>;
beforeAll(async () => {
  driver = await openDiskDriver();
  controller = dial(driver.socket, Controller);
});
afterAll(async () => {
  controller.close();
  await driver.close();
});

const opts = { within: seconds(20) };
let count = 100;

interface Wish {
  readonly name?: string;
  readonly parameters?: { readonly [name: string]: string };
  readonly capacityRange?: { readonly requiredBytes: bigint; readonly limitBytes?: bigint };
  readonly volumeCapabilities?: ReturnType<typeof onFile>[];
  readonly volumeContentSource?: { readonly type: From };
}
type From =
  | { readonly case: 'snapshot'; readonly value: { readonly snapshotId: string } }
  | { readonly case: 'volume'; readonly value: { readonly volumeId: string } };

function make(more: Wish) {
  count += 1;
  return controller.ask.createVolume(
    {
      name: nameOf(count),
      parameters: { type: 'ssd' },
      capacityRange: { requiredBytes: BigInt(gibi(10)) },
      volumeCapabilities: [onFile('ext4')],
      ...more,
    },
    opts,
  );
}

test.each<[string, () => Promise<unknown>, string, string]>([
  [
    'a class with unknown parameters: each is named, with what was meant',
    () => make({ parameters: { typ: 'ssd', type: 'ssd', chargetype: 'hour' } }),
    'INVALID_ARGUMENT',
    'parameter chargetype: "hour": unknown parameter; did you mean chargeType?; parameter typ: "ssd": unknown parameter; did you mean type?',
  ],
  [
    'a class with a kind that nobody sells',
    () => make({ parameters: { type: 'nvme' } }),
    'INVALID_ARGUMENT',
    'parameter type: "nvme": write one of ',
  ],
  [
    'a size off the cloud’s steps that may not be more',
    () => make({ capacityRange: { requiredBytes: BigInt(gibi(15)), limitBytes: BigInt(gibi(15)) } }),
    'OUT_OF_RANGE',
    'the smallest disk that holds what is asked for has 20Gi, more than the limit of 16106127360 bytes: disks come in steps of 10Gi from ',
  ],
  [
    'a size that nobody sells',
    () => make({ capacityRange: { requiredBytes: BigInt(gibi(100_000)) } }),
    'OUT_OF_RANGE',
    'the largest disk of this kind: ask for less',
  ],
  [
    'a file system that nobody has',
    () => make({ volumeCapabilities: [onFile('btrfs')] }),
    'INVALID_ARGUMENT',
    'file system "btrfs"',
  ],
  [
    'a class and a claim that ask for two file systems',
    () => make({ parameters: { type: 'ssd', fsType: 'xfs' } }),
    'INVALID_ARGUMENT',
    'parameter fsType says xfs, and the volume is to be ext4: let both say the same',
  ],
  [
    'a PersistentVolume with the handle of another project or region',
    () => attach('bsr-elsewhere'),
    'NOT_FOUND',
    'the cloud knows nothing of that id in this project and region: look whether it was removed, or is in another project or region',
  ],
  [
    'a snapshot of a disk that is gone',
    () => controller.ask.createSnapshot({ name: 'snapshot-1', sourceVolumeId: 'bsr-gone' }, opts),
    'NOT_FOUND',
    'taking snapshot snapshot-1 of bsr-gone: ',
  ],
  [
    'a claim of a snapshot that is gone',
    () =>
      make({
        volumeContentSource: { type: { case: 'snapshot', value: { snapshotId: 'snap-gone' } } },
      }),
    'NOT_FOUND',
    'of snapshot snap-gone: ',
  ],
  [
    'a copy of a disk that is gone',
    () => make({ volumeContentSource: { type: { case: 'volume', value: { volumeId: 'bsr-gone' } } } }),
    'NOT_FOUND',
    'as a copy of bsr-gone: ',
  ],
])('%s', async (_what, ask, code, message) => {
  await expect(ask()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

function attach(volumeId: string) {
  return controller.ask.controllerPublishVolume(
    { volumeId, nodeId: driver.node, volumeCapability: onFile('ext4') },
    opts,
  );
}

test('a size off the cloud’s steps becomes the next one', async () => {
  const { volume } = await make({ capacityRange: { requiredBytes: BigInt(gibi(15)) } });
  expect(volume?.capacityBytes).toBe(BigInt(gibi(20)));
  // Below what it has nothing is done, and its size is told.
  const smaller = { volumeId: volume?.volumeId ?? '', capacityRange: { requiredBytes: BigInt(gibi(5)) } };
  expect(await controller.ask.controllerExpandVolume(smaller, opts)).toMatchObject({
    capacityBytes: BigInt(gibi(20)),
  });
});

test('a disk for a file system says that it was made of nothing, and one for raw use does not: nobody could tell what is on it', async () => {
  const ofFiles = await make({});
  expect(ofFiles.volume?.volumeContext).toHaveProperty(['isthmus.dev/made-blank'], `${gibi(10)}`);
  for (const volumeCapabilities of [[asBlock], [onFile('ext4'), asBlock]]) {
    const { volume } = await make({ volumeCapabilities });
    expect(Object.keys(volume?.volumeContext ?? {})).toEqual(['isthmus.dev/owner']);
  }
});

test('a full quota: the claim says so, and what helps, and gets its disk when there is room', async () => {
  const { ucloud } = driver.cloud;
  const used = ucloud.objects().udisks.length;
  ucloud.limit({ udisks: used });
  const name = nameOf(1);
  const ask = () => make({ name });
  await expect(ask()).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('remove what is not needed, or ask the provider to raise the quota'),
  });
  ucloud.limit({ udisks: used + 1 });
  await waitFor('the disk to be made', async () => (await ask()).volume?.volumeId, {
    within: seconds(20),
    every: ms(100),
  });
});
