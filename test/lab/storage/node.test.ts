import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { observeMounts } from '#host/mounts.ts';
import { dial } from '#rpc/client.ts';
import { VolumeCapability_AccessMode_Mode as Mode, Node, VolumeHealthErrorType } from '#rpc/gen/csi_pb.js';
import { RpcError } from '#rpc/rpc.ts';
import { type RpcServer, serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { diskNode } from '../../../src/storage/node/disk-node.ts';
import { type DiskMachine, openDiskMachine, type TestDisk } from '../../support/disk-machine.ts';

let machine: DiskMachine;
let node: ReturnType<typeof dial<typeof Node>>;
let server: RpcServer;
const within = seconds(30);

beforeAll(async () => {
  machine = await openDiskMachine();
  const socket = join(machine.shared, 'csi.sock');
  const facts = { machine: 'uhost-1', region: 'cn-bj2', zone: 'cn-bj2-04', mostVolumes: 20 };
  server = await serve(socket, [diskNode(machine.inside, facts)], { note: () => {} });
  node = dial(socket, Node);
});
afterAll(async () => {
  node.close();
  await server.close();
  await machine.close();
});
afterEach(async () => {
  for (const name of ['vdb', 'vdc']) await machine.detach(name);
});

let made = 0;

/** A blank disk of 1 GiB in the machine as vdb, and calls about it as kubelet makes them. */
async function volume(change: { readonly fsType?: string; readonly mode?: Mode; readonly blank?: boolean } = {}) {
  const { fsType = 'ext4', mode = Mode.SINGLE_NODE_MULTI_WRITER, blank = true } = change;
  const id = `bsr-${++made}`;
  const disk = await machine.makeDisk(id, gibi(1));
  await machine.attach(disk, 'vdb');
  const staging = `/var/lib/kubelet/${id}/globalmount`;
  const pod = `/var/lib/kubelet/${id}/pod`;
  await machine.must('mkdir', '-p', staging, pod);
  const asked = {
    volumeId: id,
    stagingTargetPath: staging,
    volumeCapability: { accessMode: { mode }, accessType: { case: 'mount' as const, value: { fsType } } },
    volumeContext: blank ? { 'isthmus.dev/made-blank': `${gibi(1)}` } : {},
  };
  const { ask } = node;
  return {
    id,
    disk,
    staging,
    target: `${pod}/mount`,
    asked,
    stage: (more: Partial<typeof asked> = {}) => ask.nodeStageVolume({ ...asked, ...more }, { within }),
    unstage: () => ask.nodeUnstageVolume({ volumeId: id, stagingTargetPath: staging }, { within }),
    publish: (targetPath = `${pod}/mount`, more: { readonly?: boolean } = {}) =>
      ask.nodePublishVolume({ ...asked, targetPath, ...more }, { within }),
    unpublish: (targetPath = `${pod}/mount`) => ask.nodeUnpublishVolume({ volumeId: id, targetPath }, { within }),
    bytes: async (path: string) => {
      const { usage } = await ask.nodeGetVolumeStats({ volumeId: id, volumePath: path }, { within });
      return Number(usage[0]?.total);
    },
    health: async (path: string) => {
      const { volumeHealth } = await ask.nodeGetVolumeHealth({ volumeId: id, volumePublishPath: path }, { within });
      return volumeHealth?.healthStatuses.map(({ status, reason }) => `${VolumeHealthErrorType[status]} ${reason}`);
    },
    grow: async (disk: TestDisk, path: string) => {
      await machine.grow(disk, gibi(2));
      const capacityRange = { requiredBytes: BigInt(gibi(2)) };
      return ask.nodeExpandVolume({ volumeId: id, volumePath: path, capacityRange }, { within });
    },
  };
}

async function mountsUnder(path: string): Promise<readonly string[]> {
  return (await observeMounts(machine.inside)).map((mount) => mount.path).filter((one) => one.startsWith(path));
}

/** The code and message of a call that must fail. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (e) {
    if (e instanceof RpcError) return `${e.code}: ${e.message}`;
    throw e;
  }
  throw new Error('it was not refused');
}

test.each(['ext4', 'xfs'])('a blank disk becomes %s, and keeps what is written when it comes back', async (fsType) => {
  const one = await volume({ fsType });
  await one.stage();
  await one.publish();
  await machine.must('sh', '-c', `echo kept >${one.target}/file`);
  expect(await one.bytes(one.target)).toBeGreaterThan(gibi(1) * 0.9);
  expect(await one.health(one.target)).toEqual([]);
  await one.unpublish();
  await one.unstage();
  expect(await mountsUnder(`/var/lib/kubelet/${one.id}`)).toEqual([]);
  await machine.detach('vdb');
  await machine.attach(one.disk, 'vdc');
  await one.stage();
  expect(await readFile(machine.inside.at(`${one.staging}/file`), 'utf8')).toBe('kept\n');
  await one.unstage();
});

test.each(['ext4', 'xfs'])('%s grows with its disk, at the latest when it is staged again', async (fsType) => {
  const one = await volume({ fsType });
  await one.stage();
  const expanded = await one.grow(one.disk, one.staging).then(
    () => 'grown',
    (e: unknown) => (e as RpcError).message,
  );
  // Growing a mounted ext4 wants CAP_SYS_RESOURCE, which not every computer gives.
  expect(expanded).toMatch(/^grown$|does not let ext4 grow while it is mounted/);
  await one.unstage();
  await one.stage();
  expect(await one.bytes(one.staging)).toBeGreaterThan(gibi(2) * 0.9);
  await one.unstage();
});

test('every call may be repeated, and what differs is refused', async () => {
  const one = await volume();
  await one.stage();
  await one.stage();
  const noatime = { accessType: { case: 'mount' as const, value: { fsType: 'ext4', mountFlags: ['noatime'] } } };
  const volumeCapability = { accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER }, ...noatime } as never;
  expect(await refusal(one.stage({ volumeCapability }))).toContain('ALREADY_EXISTS');
  await one.publish(one.target, { readonly: true });
  await one.publish(one.target, { readonly: true });
  await expect(machine.must('touch', `${one.target}/file`)).rejects.toThrow('Read-only file system');
  expect(await refusal(one.publish())).toBe('ALREADY_EXISTS: it is published there already, read-only');
  // Several pods of a node may have it.
  await one.publish(`${one.target}-2`);
  for (const target of [one.target, one.target, `${one.target}-2`]) await one.unpublish(target);
  await one.unstage();
  await one.unstage();
  expect(await mountsUnder(`/var/lib/kubelet/${one.id}`)).toEqual([]);
});

test('ReadWriteOncePod has one pod', async () => {
  const one = await volume({ mode: Mode.SINGLE_NODE_SINGLE_WRITER });
  await one.stage();
  await one.publish();
  expect(await refusal(one.publish(`${one.target}-2`))).toBe(
    `FAILED_PRECONDITION: it may be used at one path alone, and is published at ${one.target}`,
  );
  await one.unpublish();
  await one.unstage();
});

test('a block volume is the device itself', async () => {
  const one = await volume();
  const volumeCapability = {
    accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
    accessType: { case: 'block' as const, value: {} },
  };
  const asked = { ...one.asked, volumeCapability, targetPath: one.target };
  await node.ask.nodeStageVolume(asked, { within });
  await node.ask.nodePublishVolume(asked, { within });
  await node.ask.nodePublishVolume(asked, { within });
  await machine.must('sh', '-c', `printf data >${one.target}`);
  expect(await machine.must('head', '-c', '4', one.disk.image)).toBe('data');
  expect(await one.bytes(one.target)).toBe(gibi(1));
  await one.grow(one.disk, one.target);
  expect(await one.bytes(one.target)).toBe(gibi(2));
  await one.unpublish();
  await one.unstage();
});

test('a device that comes late is waited for, and one that does not come is told within the caller’s time', async () => {
  const one = await volume();
  await machine.detach('vdb');
  const late = await refusal(node.ask.nodeStageVolume(one.asked, { within: seconds(1) }));
  expect(late).toBe(
    `UNAVAILABLE: disk ${one.id} has not appeared on this node yet: no device of this machine has the serial ${one.id}`,
  );
  const staging = one.stage();
  await machine.attach(one.disk, 'vdc', { link: false });
  await staging;
  await one.unstage();
});

test('another disk at the expected name is not taken', async () => {
  const one = await volume();
  const other = await machine.makeDisk('bsr-other', gibi(1));
  await machine.detach('vdb');
  await machine.attach(other, 'vdb');
  await machine.link(one.id, 'vdb');
  expect(await refusal(node.ask.nodeStageVolume(one.asked, { within: seconds(1) }))).toContain(
    `/dev/disk/by-id/virtio-${one.id} leads to vdb, which says that it is bsr-other`,
  );
  await machine.must('rm', `/dev/disk/by-id/virtio-${one.id}`);
});

test('a copy that holds nothing is not formatted, whatever it looks like', async () => {
  const one = await volume({ blank: false });
  expect(await refusal(one.stage())).toContain('FAILED_PRECONDITION: disk');
});

test('a disk that was taken from the machine is told, and nothing stays behind', async () => {
  const one = await volume();
  await one.stage();
  await one.publish();
  // The device that the mount is of is no device of the machine any more.
  await machine.must('mount', '-t', 'tmpfs', 'none', '/sys/dev/block');
  try {
    expect(await one.health(one.target)).toEqual(['INACCESSIBLE DiskTaken']);
    expect(await refusal(one.publish(`${one.target}-2`))).toContain('the disk was taken from the machine');
    await one.unpublish();
    await one.unstage();
  } finally {
    await machine.must('umount', '/sys/dev/block');
  }
  expect(await mountsUnder(`/var/lib/kubelet/${one.id}`)).toEqual([]);
});

test('what lies at a path that should be removed is never removed with it', async () => {
  const one = await volume();
  await machine.must('sh', '-c', `mkdir -p ${one.target} && echo mine >${one.target}/file`);
  expect(await refusal(one.unpublish())).toContain('UNAVAILABLE');
  expect(await machine.must('cat', `${one.target}/file`)).toBe('mine\n');
});

test('paths below a symbolic link are those of the machine', async () => {
  const one = await volume();
  await machine.must('sh', '-c', `mkdir -p /data/${one.id} && ln -s /data/${one.id} /var/lib/kubelet/${one.id}/link`);
  await one.stage();
  const target = `/var/lib/kubelet/${one.id}/link/mount`;
  await one.publish(target);
  await one.publish(target);
  expect(await mountsUnder(`/data/${one.id}`)).toEqual([`/data/${one.id}/mount`]);
  await one.unpublish(target);
  await one.unstage();
});
