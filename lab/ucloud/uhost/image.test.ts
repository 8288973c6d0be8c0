import assert from 'node:assert/strict';
import { test } from 'vitest';
import { makeMachine, openTestCloud, type TestCloud, until, waitForState, wish } from '../test-cloud.ts';

async function stoppedMachine(cloud: TestCloud) {
  const machine = await makeMachine(cloud);
  await cloud.call('StopUHostInstance', { UHostId: machine.id });
  await waitForState(cloud, machine.id, 'Stopped');
  return machine;
}

async function makeImage({ call }: TestCloud, machine: { readonly id: string }): Promise<string> {
  const made = await call('CreateCustomImage', { UHostId: machine.id, ImageName: 'golden' });
  assert.equal(made.RetCode, 0, String(made.Message));
  return made.ImageId as string;
}

const imageOf = ({ cloud }: TestCloud, id: string) => cloud.objects().images.find((image) => image.id === id);

test('an image is Making until its disk is copied, and a machine that is started meanwhile waits for that', async () => {
  const cloud = await openTestCloud();
  const machine = await stoppedMachine(cloud);
  const letGo = cloud.world.hold('make');
  const id = await makeImage(cloud, machine);
  await until('the world to be at it', () => cloud.world.told.includes(`make ${id} of ${machine.id}`));
  assert.equal(imageOf(cloud, id)?.at, 'Making');
  assert.equal((await cloud.call('CreateUHostInstance', { ...wish, ImageId: id })).RetCode, 230);
  assert.equal((await cloud.call('TerminateCustomImage', { ImageId: id })).RetCode, 230);
  await cloud.call('StartUHostInstance', { UHostId: machine.id });
  assert.equal(cloud.world.on.has(machine.id), false);
  letGo();
  await waitForState(cloud, machine.id, 'Running');
  assert.equal(imageOf(cloud, id)?.at, 'Available');
});

test('a machine boots with the image that it names, and an image of that machine has the same base', async () => {
  const cloud = await openTestCloud();
  const id = await makeImage(cloud, await stoppedMachine(cloud));
  await until('it to be made', () => imageOf(cloud, id)?.at === 'Available');
  const copy = await makeMachine(cloud, { ImageId: id });
  assert.equal(cloud.world.booted.get(copy.id)?.image, id);
  await cloud.call('StopUHostInstance', { UHostId: copy.id });
  await waitForState(cloud, copy.id, 'Stopped');
  const again = await makeImage(cloud, copy);
  assert.equal(imageOf(cloud, again)?.base, 'uimage-base');
});

test('an image is as large as the boot disk that it was made of, and needs one as large', async () => {
  const cloud = await openTestCloud();
  const machine = await makeMachine(cloud, { 'Disks.0.Size': 40 });
  await cloud.call('StopUHostInstance', { UHostId: machine.id });
  await waitForState(cloud, machine.id, 'Stopped');
  const id = await makeImage(cloud, machine);
  await until('it to be made', () => imageOf(cloud, id)?.at === 'Available');
  assert.equal((await cloud.call('CreateUHostInstance', { ...wish, ImageId: id })).RetCode, 8316);
});

test('an image that the world can not make is Unavailable, says why, and can be removed', async () => {
  const cloud = await openTestCloud();
  const machine = await stoppedMachine(cloud);
  cloud.world.failAt('make', 'no space left');
  const id = await makeImage(cloud, machine);
  await until('the failure', () => imageOf(cloud, id)?.at === 'Unavailable');
  assert.equal(imageOf(cloud, id)?.trouble, 'no space left');
  assert.equal((await cloud.call('TerminateCustomImage', { ImageId: id })).RetCode, 0);
  await until('the world to remove it', () => cloud.world.told.includes(`remove ${id}`));
});

test('an image that was being made when the cloud was restarted is made', async () => {
  const before = await openTestCloud();
  const machine = await stoppedMachine(before);
  before.clock.stand();
  const id = await makeImage(before, machine);
  await before.cloud.close();
  const after = await openTestCloud({ restore: before.cloud.snapshot() }, before.world);
  await until('it to be made', () => imageOf(after, id)?.at === 'Available');
});

test('what can be no image is refused', async () => {
  const cloud = await openTestCloud();
  const machine = await makeMachine(cloud);
  const asked = { UHostId: machine.id, ImageName: 'golden' };
  const codes = [];
  for (const change of [{}, { UHostId: 'uhost-none' }, { 'DataUDiskIds.0': 'bsr-1' }, { ImageName: '' }])
    codes.push((await cloud.call('CreateCustomImage', { ...asked, ...change })).RetCode);
  assert.deepEqual(codes, [8905, 8039, 8039, 220]);
  assert.equal((await cloud.call('TerminateCustomImage', { ImageId: 'uimage-base' })).RetCode, 230);
  assert.equal(cloud.cloud.objects().images.length, 1);
});
