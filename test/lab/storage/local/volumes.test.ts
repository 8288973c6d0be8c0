import { readFile, stat, statfs } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { asBlock, nameOf, onFile } from '../../../support/local-calls.ts';
import { type LocalMachine, type LocalServer, openLocalMachine, pool } from '../../../support/local-machine.ts';

const within = seconds(60);
const staging = '/var/lib/kubelet/stage';
const target = '/var/lib/kubelet/pod/mount';
let machine: LocalMachine;
let server: LocalServer;

beforeAll(async () => {
  machine = await openLocalMachine(gibi(1));
  await machine.must('mkdir', '-p', staging);
  server = await machine.start();
});
afterAll(() => machine.close());

async function make(n: number, size: number, capability = onFile('ext4')): Promise<string> {
  const asked = { name: nameOf(n), capacityRange: { requiredBytes: BigInt(size) }, volumeCapabilities: [capability] };
  const made = await server.controller.createVolume(asked, { within });
  expect(await server.controller.createVolume(asked, { within })).toEqual(made);
  return made.volume?.volumeId ?? '';
}

const grow = (volumeId: string, size: number) =>
  server.node.nodeExpandVolume(
    { volumeId, volumePath: target, capacityRange: { requiredBytes: BigInt(size) } },
    { within },
  );

const totalAt = async (volumeId: string): Promise<number> => {
  const { usage } = await server.node.nodeGetVolumeStats({ volumeId, volumePath: target }, { within });
  return Number(usage[0]?.total);
};

test.each(['ext4', 'xfs'])(
  'a volume with %s keeps what is written over its life, grows, and leaves nothing',
  async (type) => {
    const { controller, node } = server;
    const volumeId = await make(1, mebi(320), onFile(type));
    const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile(type) };
    const published = { ...staged, targetPath: target };
    for (let again = 0; again < 2; again++) {
      await node.nodeStageVolume(staged, { within });
      await node.nodePublishVolume(published, { within });
    }
    await machine.must('sh', '-c', `echo kept >${target}/file`);
    const small = await totalAt(volumeId);
    // Without CAP_SYS_RESOURCE, which labs lack, the kernel lets ext4 grow only unmounted.
    const isOnline = await grow(volumeId, mebi(400)).then(
      ({ capacityBytes }) => Number(capacityBytes) === mebi(400),
      (e: Error) => !e.message.includes('does not let ext4 grow while it is mounted'),
    );
    if (isOnline) expect(await totalAt(volumeId)).toBeGreaterThan(small + mebi(60));
    await node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within });
    await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
    expect((await machine.remains()).loops).toEqual([]);
    await node.nodeStageVolume(staged, { within });
    await node.nodePublishVolume(published, { within });
    expect(await totalAt(volumeId)).toBeGreaterThan(small + mebi(60));
    expect(await readFile(machine.inside.at(`${target}/file`), 'utf8')).toBe('kept\n');
    await node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within });
    await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
    for (let again = 0; again < 2; again++) await controller.deleteVolume({ volumeId }, { within });
    expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
  },
);

test('a block volume is a device of exactly its size, and grows under its user', async () => {
  const { controller, node } = server;
  const volumeId = await make(2, mebi(32), asBlock);
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: asBlock };
  await node.nodeStageVolume(staged, { within });
  await node.nodePublishVolume({ ...staged, targetPath: target }, { within });
  expect(Number(await machine.must('blockdev', '--getsize64', target))).toBe(mebi(32));
  expect(await totalAt(volumeId)).toBe(mebi(32));
  await machine.must('sh', '-c', `echo kept | dd of=${target} bs=512 conv=fsync,notrunc status=none`);
  await grow(volumeId, mebi(48));
  expect(Number(await machine.must('blockdev', '--getsize64', target))).toBe(mebi(48));
  expect(await machine.must('head', '-c', '5', target)).toBe('kept\n');
  await node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within });
  await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
  await controller.deleteVolume({ volumeId }, { within });
  expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
});

test('a volume that is mounted is not deleted, and told where', async () => {
  const { controller, node } = server;
  const volumeId = await make(3, mebi(32));
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') };
  await node.nodeStageVolume(staged, { within });
  await expect(controller.deleteVolume({ volumeId }, { within })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringMatching(
      /^volume pvc-\S+ is still in use on base-1, as \/dev\/loop\d+: stop what has it mounted or opened$/,
    ),
  });
  await machine.must('sh', '-c', `echo kept >${staging}/file`);
  await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
  await controller.deleteVolume({ volumeId }, { within });
});

test('what a volume was promised stays its own: discards make no holes in its file', async () => {
  const { controller, node } = server;
  const volumeId = await make(4, mebi(64));
  const file = `${pool}/volumes/${nameOf(4)}/image`;
  const has = async (): Promise<number> => (await stat(machine.inside.at(file))).blocks * 512;
  expect(await has()).toBeGreaterThanOrEqual(mebi(64));
  await node.nodeStageVolume({ volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') }, { within });
  const trimmed = await machine.inside.run(['fstrim', staging], { within });
  expect(trimmed.code).not.toBe(0);
  expect(await has()).toBeGreaterThanOrEqual(mebi(64));
  await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
  await controller.deleteVolume({ volumeId }, { within });
});

test('of many that are asked for at once as many are made as there is room for, and what is refused leaves nothing', async () => {
  const { controller } = server;
  const capacity = await controller.getCapacity({}, { within });
  const size = mebi(90);
  const fit = Math.floor(Number(capacity.availableCapacity) / size);
  expect(fit).toBeGreaterThan(3);
  const asked = Array.from({ length: fit + 4 }, (_, i) => ({
    name: nameOf(100 + i),
    capacityRange: { requiredBytes: BigInt(size) },
    volumeCapabilities: [onFile('ext4')],
  }));
  const answers = await Promise.allSettled(asked.map((one) => controller.createVolume(one, { within })));
  const made = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value.volume?.volumeId ?? ''] : []));
  const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  // Each volume takes a little room beside itself.
  expect(fit - made.length).toBeLessThanOrEqual(1);
  for (const one of refused)
    expect(one).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringMatching(
        /^base-1 has no room for 90Mi: \/srv\/volumes has room for [\d.]+Mi \([\d.]+Mi free, 16Mi of it kept/,
      ),
    });
  expect((await machine.remains()).files.filter((path) => path.endsWith('/image'))).toHaveLength(made.length);
  const { bavail, bsize } = await statfs(machine.inside.at(pool));
  expect(bavail * bsize).toBeGreaterThanOrEqual(mebi(16));
  await Promise.all(made.map((volumeId) => controller.deleteVolume({ volumeId }, { within })));
  expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
  expect(await controller.getCapacity({}, { within })).toEqual(capacity);
});

test('a volume grows only as far as there is room, and is as it was otherwise', async () => {
  const { controller, node } = server;
  const volumeId = await make(5, mebi(32));
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') };
  await node.nodeStageVolume(staged, { within });
  await node.nodePublishVolume({ ...staged, targetPath: target }, { within });
  const room = await controller.getCapacity({}, { within });
  await expect(grow(volumeId, gibi(4))).rejects.toMatchObject({
    code: 'OUT_OF_RANGE',
    message: expect.stringMatching(
      /^volume pvc-\S+ can not grow: it needs 4064Mi more, and \/srv\/volumes has room for /,
    ),
  });
  expect(await controller.getCapacity({}, { within })).toEqual(room);
  await node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within });
  await node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
  await controller.deleteVolume({ volumeId }, { within });
});

test.each(['are still attached', 'went with it'])(
  'a machine that was switched off finds its volumes when their loop devices %s',
  async (loops) => {
    const volumeId = await make(6, mebi(32));
    const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') };
    await server.node.nodeStageVolume(staged, { within });
    await machine.must('sh', '-c', `echo kept >${staging}/file && sync -f ${staging}/file`);
    await server.kill();
    await machine.must('umount', staging);
    if (loops === 'went with it')
      await machine.must(
        'sh',
        '-c',
        `for one in $(losetup -nO NAME -j ${pool}/volumes/${nameOf(6)}/image); do losetup -d $one; done`,
      );
    expect((await machine.remains()).loops).toHaveLength(loops === 'went with it' ? 0 : 1);
    server = await machine.start();
    await server.node.nodeStageVolume(staged, { within });
    expect(await readFile(machine.inside.at(`${staging}/file`), 'utf8')).toBe('kept\n');
    expect((await machine.remains()).loops).toHaveLength(1);
    await server.node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within });
    await server.controller.deleteVolume({ volumeId }, { within });
    await expect(server.node.nodeStageVolume(staged, { within })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  },
);

test('every call may be sent many times at once: there is one volume, one device, one mount', async () => {
  const { controller, node } = server;
  const many = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      const answers = await Promise.allSettled(Array.from({ length: 6 }, call));
      for (const one of answers) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ABORTED' });
      const done = answers.find((one) => one.status === 'fulfilled');
      if (done?.status === 'fulfilled') return done.value;
    }
  };
  const asked = {
    name: nameOf(7),
    capacityRange: { requiredBytes: BigInt(mebi(32)) },
    volumeCapabilities: [onFile('ext4')],
  };
  const made = await many(() => controller.createVolume(asked, { within }));
  const volumeId = made.volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile('ext4') };
  await many(() => node.nodeStageVolume(staged, { within }));
  await many(() => node.nodePublishVolume({ ...staged, targetPath: target }, { within }));
  const between = await machine.remains();
  expect(between.loops).toHaveLength(1);
  expect(between.mounts).toEqual([target, staging]);
  await many(() => node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within }));
  await many(() => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
  await many(() => controller.deleteVolume({ volumeId }, { within }));
  expect(await machine.remains()).toEqual({ loops: [], mounts: [], files: [] });
  expect(server.told).toEqual([]);
});
