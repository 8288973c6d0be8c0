import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { asBlock, nameOf, onFile } from '../../../support/local-calls.ts';
import { Mortal } from '../../../support/local-life.ts';
import { type LocalMachine, openLocalMachine } from '../../../support/local-machine.ts';

const within = seconds(60);
const staging = '/var/lib/kubelet/stage';
const target = '/var/lib/kubelet/pod/device';
const parameters = { from: 'disks' };
const state = '/var/lib/isthmus-volumes/disks';
let machine: LocalMachine;
let disk: { readonly link: string; readonly loop: string };

beforeAll(async () => {
  machine = await openLocalMachine(gibi(1));
  await machine.must('mkdir', '-p', staging);
  disk = await machine.addDisk('ata-GOOD', mebi(100));
  await machine.give({ disks: [disk.link] });
});
afterAll(() => machine.close());

const roomOf = async (mortal: Mortal): Promise<number> =>
  Number((await mortal.call(({ controller }) => controller.getCapacity({ parameters }, { within }))).availableCapacity);

/** Of the first bytes of the disk, and of the last. */
const edges = (): Promise<string> =>
  machine.must('sh', '-c', `(head -c 64K ${disk.loop}; tail -c 4M ${disk.loop}) | tr -d '\\0' | wc -c`);

async function liveAsDisk(mortal: Mortal, n: number): Promise<void> {
  const asked = {
    name: nameOf(n),
    parameters,
    capacityRange: { requiredBytes: BigInt(mebi(50)) },
    volumeCapabilities: [asBlock],
  };
  const made = await mortal.call(({ controller }) => controller.createVolume(asked, { within }));
  expect(made.volume).toMatchObject({ volumeId: `base-1/disk/${nameOf(n)}`, capacityBytes: BigInt(mebi(100)) });
  const volumeId = made.volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: asBlock };
  await mortal.call(({ node }) => node.nodeStageVolume(staged, { within }));
  await mortal.call(({ node }) => node.nodePublishVolume({ ...staged, targetPath: target }, { within }));
  await machine.must('sh', '-c', `head -c 64K /dev/urandom | dd of=${target} bs=64K conv=fsync status=none`);
  await mortal.call(({ node }) => node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within }));
  await mortal.call(({ node }) => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
  expect(await roomOf(mortal)).toBe(0);
  expect(Number(await edges())).toBeGreaterThan(60_000);
  await mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within }));
  await mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within }));
  await expect.poll(() => roomOf(mortal), { timeout: 20_000 }).toBe(mebi(100));
  expect(Number(await edges())).toBe(0);
}

test('a blank disk becomes one volume, and is blank again after it, whenever its server is killed', async () => {
  const whole = await Mortal.start(machine);
  expect(await roomOf(whole)).toBe(mebi(100));
  await liveAsDisk(whole, 1);
  await whole.stop();
  expect(whole.steps.map(({ step }) => step)).toEqual([
    'writing its record',
    'recording that its disk is wiped',
    'overwriting its disk',
    'removing its record',
  ]);
  for (let dieBefore = 1; dieBefore <= whole.steps.length; dieBefore++) {
    const mortal = await Mortal.start(machine, dieBefore);
    await liveAsDisk(mortal, dieBefore);
    await mortal.stop();
    expect({ dieBefore, deaths: mortal.deaths, told: mortal.told }).toEqual({ dieBefore, deaths: 1, told: [] });
  }
  expect(await machine.must('sh', '-c', `ls ${state} | wc -l`)).toBe('0\n');
});

test('a disk that is looked at by many at once is free to each of them', async () => {
  const mortal = await Mortal.start(machine);
  const seen = await Promise.all(Array.from({ length: 12 }, () => roomOf(mortal)));
  expect(new Set(seen)).toEqual(new Set([mebi(100)]));
  await mortal.stop();
});

test.each([
  ['a file system', ['mkfs.ext4', '-q'], /holds ext4/],
  [
    'a partition table',
    ['sh', '-c', 'echo ",,L" | sfdisk --quiet "$0"'],
    /holds .*partition table|has .* on it, which are partitions/,
  ],
  ['swap space', ['mkswap'], /holds swap/],
  [
    'something that nobody knows',
    ['sh', '-c', 'printf data | dd of="$0" bs=1 seek=5000 conv=notrunc status=none'],
    /holds something at byte 5000 that is no known format/,
  ],
])('a disk with %s is never taken, and told with how to release it', async (_, write, told) => {
  const mortal = await Mortal.start(machine);
  await machine.must(...write, disk.loop);
  const before = await machine.must('sha256sum', disk.loop);
  const asked = { name: nameOf(50), parameters, volumeCapabilities: [onFile('ext4')] };
  await expect(
    mortal.call(({ controller }) =>
      controller.createVolume({ ...asked, capacityRange: { requiredBytes: BigInt(mebi(50)) } }, { within }),
    ),
  ).rejects.toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringMatching(
      new RegExp(
        `^base-1 has no free disk of at least 50Mi: ${disk.link} .*${told.source}.*: it is left as it is. If nothing on it is needed, make it blank with blkdiscard --zeroout ${disk.link}$`,
      ),
    ),
  });
  expect(await roomOf(mortal)).toBe(0);
  expect(await machine.must('sha256sum', disk.loop)).toBe(before);
  // What the sentence says is true.
  await machine.must('blkdiscard', '--zeroout', disk.link);
  expect(await roomOf(mortal)).toBe(mebi(100));
  await mortal.stop();
});

test('a disk that was exchanged under its name is neither used nor overwritten', async () => {
  const mortal = await Mortal.start(machine);
  const asked = {
    name: nameOf(60),
    parameters,
    capacityRange: { requiredBytes: BigInt(mebi(50)) },
    volumeCapabilities: [onFile('ext4')],
  };
  const made = await mortal.call(({ controller }) => controller.createVolume(asked, { within }));
  const volumeId = made.volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') };
  await mortal.call(({ node }) => node.nodeStageVolume(staged, { within }));
  await machine.must('sh', '-c', `echo kept >${staging}/file`);
  await mortal.call(({ node }) => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
  const other = await machine.addDisk('ata-OTHER', mebi(60));
  await machine.must('sh', '-c', `printf precious | dd of=${other.loop} conv=notrunc,fsync status=none`);
  await machine.must('ln', '-sfn', `../../${other.loop.slice('/dev/'.length)}`, disk.link);
  const before = await machine.must('sha256sum', other.loop);
  const refused = { message: expect.stringContaining('it is another disk') };
  await expect(mortal.call(({ node }) => node.nodeStageVolume(staged, { within }))).rejects.toMatchObject(refused);
  await expect(
    mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within })),
  ).rejects.toMatchObject(refused);
  expect(await machine.must('sha256sum', other.loop)).toBe(before);
  await machine.must('rm', disk.link);
  await expect(
    mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within })),
  ).rejects.toMatchObject({
    message: `the disk ${disk.link} of volume ${nameOf(60)} is not in the machine: put it back; when it is gone for good, remove ${state}/ata-GOOD.json`,
  });
  await machine.must('ln', '-s', `../../${disk.loop.slice('/dev/'.length)}`, disk.link);
  await mortal.call(({ node }) => node.nodeStageVolume(staged, { within }));
  expect(await machine.must('cat', `${staging}/file`)).toBe('kept\n');
  await expect(
    mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within })),
  ).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: `the disk ${disk.link} of volume ${nameOf(60)} is in use: ${staging}`,
  });
  await mortal.call(({ node }) => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
  await mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within }));
  await expect.poll(() => roomOf(mortal), { timeout: 20_000 }).toBe(mebi(100));
  await mortal.stop();
});
