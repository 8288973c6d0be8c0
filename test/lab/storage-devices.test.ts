import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { observeBlockDevices } from '#host/block-devices.ts';
import { insideOf } from '#host/inside.ts';
import { observeLoops } from '#lab/machine/loop-device.ts';
import { observeMachines } from '#lab/server/machines.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { chooseDevice } from '../../src/storage/node/choose-device.ts';
import { keepEvidence } from '../support/evidence.ts';
import { labOk, makeBundle, type Probe, probe, removeBundle, tracesOf } from './lab-tools.ts';

/** Disks and file systems of the cloud in real machines: what a node does with them, and what becomes of the bytes. */
const name = `d${process.pid}`.slice(0, 12);
const second = `e${process.pid}`.slice(0, 12);
const Zone = 'cn-bj2-04';
let bundle: string;
let at: Probe;
/** Ids of the machines web-1 and web-2. */
let [one, two] = ['', ''];
keepEvidence(name);

beforeAll(async () => {
  bundle = await makeBundle(1024);
  await labOk('up', '--name', name, '--machines', 'base-1', '--speed', '0.02', '--bundle', bundle);
  at = await probe(name);
  [one, two] = await Promise.all([makeMachine('web-1'), makeMachine('web-2')]);
});

afterAll(async () => {
  for (const lab of [name, second]) await labOk('down', '--name', lab);
  await labOk('saved', 'remove', name).catch(() => undefined);
  await removeBundle(bundle);
});

const until = (what: string, look: () => Promise<boolean>) =>
  waitFor(what, look, { within: seconds(60), every: ms(100) });

async function makeMachine(called: string): Promise<string> {
  const { UHostIds } = await at.call('CreateUHostInstance', {
    Zone,
    ImageId: 'uimage-base',
    Name: called,
    CPU: 1,
    Memory: 1024,
    ChargeType: 'Dynamic',
    LoginMode: 'ImagePasswd',
    'Disks.0.IsBoot': 'True',
    'Disks.0.Type': 'CLOUD_SSD',
    'Disks.0.Size': 20,
    VPCId: 'uvnet-1',
    SubnetId: 'subnet-1',
  });
  const [id] = UHostIds as [string];
  await untilPower(id, 'Running');
  await untilBooted(called);
  return id;
}

/** While cloud-init runs it looks at all block devices, and a disk that is open is not let go. */
async function untilBooted(machine: string): Promise<void> {
  await at.ok(machine, 'cloud-init status --wait');
}

async function untilPower(id: string, state: string): Promise<void> {
  await until(`${id} to be ${state}`, async () => {
    const { UHostSet } = await at.call('DescribeUHostInstance', { 'UHostIds.0': id });
    return (UHostSet as [{ State: string }])[0].State === state;
  });
}

/** Process 1 of a machine, as this computer numbers it. */
function initOf(machine: string): number {
  const pid = observeMachines(name).find(({ key }) => key === machine)?.init?.pid;
  if (pid === undefined) throw new Error(`${machine} is off`);
  return pid;
}

interface Disk {
  readonly Status: string;
  readonly Size: number;
}

async function untilDisk(id: string, is: (disk: Disk) => boolean): Promise<void> {
  await until(`${id} to be as wished`, async () => {
    const { DataSet } = await at.call('DescribeUDisk', { UDiskId: id });
    return is((DataSet as [Disk])[0]);
  });
}

const isStatus = (status: string) => (disk: Disk) => disk.Status === status;

async function makeDisk(more: Readonly<Record<string, string | number>> = {}, action = 'CreateUDisk'): Promise<string> {
  const { UDiskId } = await at.call(action, {
    Zone,
    Name: 'pvc',
    ...(action === 'CreateUDisk' ? { Size: 1 } : {}),
    ...more,
  });
  const [id] = UDiskId as [string];
  await untilDisk(id, isStatus('Available'));
  return id;
}

async function attach(UDiskId: string, HostId: string, MultiAttach = 'No'): Promise<string> {
  const { DeviceName } = await at.call('AttachUDisk', { Zone, UDiskId, HostId, MultiAttach });
  await untilDisk(UDiskId, isStatus('InUse'));
  return DeviceName as string;
}

async function detach(UDiskId: string, HostId: string): Promise<void> {
  await at.call('DetachUDisk', { Zone, UDiskId, HostId });
  await untilDisk(UDiskId, isStatus('Available'));
}

async function remove(...disks: readonly string[]): Promise<void> {
  for (const UDiskId of disks) await at.call('DeleteUDisk', { Zone, UDiskId });
}

/** A loop device that a machine makes of a file or a device, and the look whether that is still there. */
async function makeLoop(machine: string, of: string): Promise<() => Promise<boolean>> {
  const made = (await at.ok(machine, `losetup --find --show ${of}`)).replace('/dev/', '');
  const seen = (await observeLoops()).find((loop) => loop.name === made);
  // Its name may be another's soon.
  return async () => (await observeLoops()).some((loop) => loop.name === made && loop.inode === seen?.inode);
}

const areGone = (loops: readonly (() => Promise<boolean>)[]) => async (): Promise<boolean> =>
  (await Promise.all(loops.map((isThere) => isThere()))).every((isThere) => !isThere);

const loopsOf = async (lab: string): Promise<number> =>
  (await observeLoops()).filter(({ file }) => file.includes(`isthmus-lab/${lab}/`)).length;

describe('a disk', () => {
  test('is a block device of its machine that tells its serial, and nothing of any other', async () => {
    const disk = await makeDisk();
    const device = await attach(disk, one);
    expect(device).toBe('/dev/vdb');
    const seen = await at.ok(
      'web-1',
      `test -b /dev/vdb; readlink /dev/disk/by-id/*; cat /sys/block/vdb/serial; echo
       cat /sys/dev/block/$(stat -c %Hr:%Lr /dev/vdb)/serial; echo; blockdev --getsize64 /dev/vdb`,
    );
    expect(seen.split('\n')).toEqual(['../../vdb', disk, disk, String(2 ** 30)]);
    expect(await at.ok('web-1', 'ls /dev/disk/by-id')).toBe(`virtio-${disk}`);
    // Under one name only: of two devices with one serial a node could trust neither.
    expect(await at.ok('web-1', `grep -l ${disk} /sys/block/*/serial`)).toBe('/sys/block/vdb/serial');
    // The product looks with its own eyes: it must find the disk in the lab as it would in the cloud.
    const choice = chooseDevice(await observeBlockDevices(await insideOf('web-1', initOf(one))), disk);
    expect(choice).toMatchObject({ is: 'there', device: { name: 'vdb', serial: disk, size: 2 ** 30, users: [] } });
    expect((await at.run('web-2', 'ls /dev/vdb')).code).not.toBe(0);
    await detach(disk, one);
    expect((await at.run('web-1', 'ls /dev/vdb')).code).not.toBe(0);
    expect(await at.ok('web-1', 'ls /dev/disk/by-id; ls -d /sys/block/vdb 2>/dev/null || echo gone')).toBe('gone');
    await remove(disk);
  });

  test('takes what was written to another machine, and is not let go while somebody has mounted it', async () => {
    const disk = await makeDisk();
    await attach(disk, one);
    await at.ok('web-1', 'mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; echo written > /mnt/file');
    await expect(detach(disk, one)).rejects.toThrow(/"RetCode":17060/);
    // As a container does: it has the mount in a namespace of its own, and the machine itself no longer has it.
    await at.ok('web-1', 'systemd-run -q --unit holder -p MountFlags=private sleep 1000; sleep 0.5; umount /mnt');
    await expect(detach(disk, one)).rejects.toThrow(/"RetCode":17060/);
    await at.ok('web-1', 'systemctl stop holder');
    await detach(disk, one);
    await attach(disk, two);
    expect(await at.ok('web-2', 'mount /dev/vdb /mnt; cat /mnt/file; umount /mnt')).toBe('written');
    await detach(disk, two);
    await remove(disk);
  });

  test('is not let go while it is open, or under a loop device, and both end with the power', async () => {
    const disk = await makeDisk();
    await attach(disk, one);
    await at.ok('web-1', 'systemd-run -q --unit holder -p StandardInput=file:/dev/vdb sleep 1000');
    await expect(detach(disk, one)).rejects.toThrow(/"RetCode":17060/);
    await at.ok('web-1', 'systemctl stop holder; truncate -s 10M /var/lib/kubelet/file /root/file');
    const loops = [await makeLoop('web-1', '/dev/vdb')];
    await expect(detach(disk, one)).rejects.toThrow(/"RetCode":17060/);
    for (const file of ['/var/lib/kubelet/file', '/root/file']) loops.push(await makeLoop('web-1', file));
    await at.call('PoweroffUHostInstance', { UHostId: one });
    await untilPower(one, 'Stopped');
    await until('its loop devices to go', areGone(loops));
    expect(await loopsOf(name)).toBe(0);
    await detach(disk, one);
    await at.call('StartUHostInstance', { UHostId: one });
    await untilPower(one, 'Running');
    await untilBooted('web-1');
    await remove(disk);
  }, 90_000);

  test('grows under a mounted file system', async () => {
    const disk = await makeDisk();
    await attach(disk, one);
    await at.ok('web-1', 'mkfs.xfs -q /dev/vdb; mount /dev/vdb /mnt');
    await at.call('ResizeUDisk', { Zone, UDiskId: disk, Size: 3 });
    await untilDisk(disk, ({ Size }) => Size === 3);
    expect(await at.ok('web-1', 'cat /sys/block/vdb/size')).toBe(String((3 * 2 ** 30) / 512));
    expect(await at.ok('web-1', 'xfs_growfs /mnt >/dev/null; df --output=size -BG /mnt | tail -1')).toMatch(/3G/);
    await at.ok('web-1', 'umount /mnt');
    await detach(disk, one);
    await remove(disk);
  });

  test('is there again after the power was cut, with what was synced and under its name', async () => {
    const [a, b] = [await makeDisk(), await makeDisk()];
    expect([await attach(a, one), await attach(b, one)]).toEqual(['/dev/vdb', '/dev/vdc']);
    await at.ok('web-1', 'mkfs.ext4 -q /dev/vdc; mount /dev/vdc /mnt; echo synced > /mnt/file; sync /mnt/file');
    await labOk('machine', 'off', '--name', name, 'web-1');
    await labOk('machine', 'start', '--name', name, 'web-1');
    await untilBooted('web-1');
    expect(await at.ok('web-1', 'cat /sys/block/vdb/serial; echo; cat /sys/block/vdc/serial')).toBe(`${a}\n${b}`);
    expect(await at.ok('web-1', 'mount /dev/vdc /mnt; cat /mnt/file; umount /mnt')).toBe('synced');
    for (const disk of [a, b]) await detach(disk, one);
    await remove(a, b);
  });

  test('has two writers where both machines allowed it', async () => {
    const disk = await makeDisk();
    await attach(disk, one, 'Yes');
    await attach(disk, two, 'Yes');
    await at.ok('web-1', 'printf from-web-1 | dd of=/dev/vdb conv=notrunc oflag=sync status=none');
    await at.ok('web-2', 'blockdev --flushbufs /dev/vdb');
    expect(await at.ok('web-2', 'dd if=/dev/vdb bs=10 count=1 iflag=fullblock status=none')).toBe('from-web-1');
    await at.call('DetachUDisk', { Zone, UDiskId: disk, HostId: one });
    await until('one holder', async () => (await loopsOf(name)) === 1);
    await detach(disk, two);
    await remove(disk);
  });
});

describe('copies', () => {
  test('a snapshot of a disk under load is a whole file system with all that was synced before it', async () => {
    const disk = await makeDisk();
    await attach(disk, one);
    await at.ok('web-1', 'mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; echo before > /mnt/file; sync /mnt/file');
    const load = 'while :; do dd if=/dev/urandom of=/mnt/load bs=4k count=16 conv=fsync status=none; sleep 0.02; done';
    await at.ok('web-1', `systemd-run -q --unit load sh -c '${load}'`);
    const { SnapshotId } = await at.call('CreateUDiskSnapshot', { Zone, UDiskId: disk, Name: 'backup' });
    const [snapshot] = SnapshotId as [string];
    await until('the snapshot', async () => {
      const { DataSet } = await at.call('DescribeUDiskSnapshot', { Zone, SnapshotId: snapshot });
      const [{ Status }] = DataSet as [Disk];
      if (Status === 'Failed') throw new Error(Status);
      return Status === 'Normal';
    });
    await at.ok('web-1', 'systemctl stop load; echo after > /mnt/file; umount /mnt');

    const copy = await makeDisk({ SourceId: snapshot, Size: 2, ChargeType: 'Dynamic' }, 'CloneUDiskSnapshot');
    await attach(copy, two);
    // A journal may have to be played; nothing may be left to mend.
    await at.ok('web-2', 'mount /dev/vdb /mnt; umount /mnt; e2fsck -fn /dev/vdb');
    expect(await at.ok('web-2', 'mount /dev/vdb /mnt; cat /mnt/file; umount /mnt')).toBe('before');
    await detach(copy, two);

    await detach(disk, one);
    await at.call('RestoreUDisk', { Zone, UDiskId: disk, SnapshotId: snapshot });
    await untilDisk(disk, isStatus('Available'));
    await attach(disk, two);
    expect(await at.ok('web-2', 'mount /dev/vdb /mnt; cat /mnt/file; umount /mnt')).toBe('before');
    await detach(disk, two);
    await at.call('DeleteUDiskSnapshot', { Zone, SnapshotId: snapshot });
    await remove(disk, copy);
  });
});

describe('a file system', () => {
  test('is mounted by machines that reach its mount point, and shared between them', async () => {
    const wish = { StorageType: 'Basic', ProtocolType: 'NFSv4', Size: 500 };
    const { VolumeId } = await at.call('CreateUFSVolume', wish);
    const home = { VolumeId: VolumeId as string, VpcId: 'uvnet-1', SubnetId: 'subnet-1' };
    await until('the file system', async () =>
      at.call('AddUFSVolumeMountPoint', { ...home, MountPointName: 'nodes' }).then(
        () => true,
        () => false,
      ),
    );
    const where = async (): Promise<string> => {
      const { DataSet } = await at.call('DescribeUFSVolumeMountpoint', { VolumeId: home.VolumeId });
      return (DataSet as [{ MountPointIp: string }])[0].MountPointIp;
    };
    const source = await waitFor('the mount point', where, { within: seconds(30), every: ms(100) });
    const mount = 'mount -t nfs4 -o nolock,nfsvers=4.0';
    await at.ok('web-1', `${mount} ${source} /mnt; mkdir /mnt/sub; echo shared > /mnt/sub/file; umount /mnt`);
    expect(await at.ok('web-2', `${mount},ro ${source}sub /mnt; cat /mnt/file`)).toBe('shared');
    expect((await at.run('web-2', 'touch /mnt/other')).err).toContain('Read-only file system');
    await at.ok('web-2', 'umount /mnt');
    expect((await at.run('web-2', `${mount} ${source}none /mnt`)).err).toContain('No such file or directory');
    expect((await at.run('web-2', `${mount} ${source}../../ /mnt`)).err).toContain('access denied by server');
    expect((await at.run('web-2', `${mount} 10.9.0.200:/ /mnt`)).err).toContain('Connection refused');
    const { DataSet } = await at.call('DescribeUFSVolume2', { VolumeId: home.VolumeId });
    expect((DataSet as [{ UsedSize: number }])[0].UsedSize).toBe(1);
    await at.call('RemoveUFSVolumeMountPoint', home);
    await until('it to close', async () => {
      const { DataSet: left } = await at.call('DescribeUFSVolume2', { VolumeId: home.VolumeId });
      return (left as [{ TotalMountPointNum: number }])[0].TotalMountPointNum === 0;
    });
    expect((await at.run('web-1', `${mount} ${source} /mnt`)).code).toBe(32);
    await at.call('RemoveUFSVolume', { VolumeId: home.VolumeId });
  });
});

test('disks outlive the lab’s server, and a saved lab has them; neither lab sees what the other writes', async () => {
  const disk = await makeDisk();
  await attach(disk, one);
  await at.ok('web-1', 'mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; echo kept > /mnt/file; sync /mnt/file');
  const server = Number((await readFile(`/var/lib/isthmus-lab/${name}/server`, 'utf8')).split(' ')[0]);
  process.kill(server, 'SIGKILL');
  await labOk('up', '--name', name);
  await until('web-1', async () => (await at.run('web-1', 'true').catch(() => ({ code: 1 }))).code === 0);
  expect(await at.ok('web-1', 'mount /dev/vdb /mnt; cat /mnt/file; echo unsynced > /mnt/other')).toBe('kept');

  await labOk('save', '--name', name, name);
  await labOk('up', '--name', second, '--from', name, '--bundle', bundle);
  const there = await probe(second);
  await until(
    'web-1 of the second',
    async () => (await there.run('web-1', 'true').catch(() => ({ code: 1 }))).code === 0,
  );
  // A save is a power cut: what was written a moment ago is there if it was on its way to the disk.
  expect(await there.ok('web-1', 'cat /sys/block/vdb/serial; mount /dev/vdb /mnt; cat /mnt/file')).toBe(`${disk}kept`);
  await there.ok('web-1', 'echo second > /mnt/file; sync /mnt/file');
  expect(await at.ok('web-1', 'cat /mnt/file')).toBe('kept');
  expect([await loopsOf(name), await loopsOf(second)]).toEqual([1, 1]);
  await labOk('down', '--name', second);
  await labOk('saved', 'remove', name);
  expect(await at.ok('web-1', 'echo still > /mnt/file; cat /mnt/file; umount /mnt')).toBe('still');
}, 120_000);

test('nothing is left of a lab that is taken down with mounted disks and loop devices of its machines', async () => {
  const disk = await makeDisk();
  const device = await attach(disk, two);
  await at.ok('web-2', `mkfs.ext4 -q ${device}; mount ${device} /mnt; truncate -s 10M /mnt/file`);
  const loops = [await makeLoop('web-2', '/mnt/file')];
  const server = Number((await readFile(`/var/lib/isthmus-lab/${name}/server`, 'utf8')).split(' ')[0]);
  process.kill(server, 'SIGKILL');
  await labOk('down', '--name', name);
  expect(tracesOf(name)).toEqual([]);
  await until('its loop devices to go', areGone(loops));
}, 60_000);
