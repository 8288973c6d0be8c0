import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { makeMachine, openTestCloud, type TestCloud, until, waitForState, wish } from '../test-cloud.ts';

describe('trouble on request', () => {
  test('too many calls are refused and nothing is done, as often as asked', async () => {
    const { call, cloud, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'throttle', times: 2 });
    const codes = [];
    for (let n = 0; n < 3; n++) codes.push((await call('CreateUHostInstance', wish)).RetCode);
    assert.deepEqual(codes, [153, 153, 0]);
    assert.equal(cloud.objects().machines.length, 1);
  });

  test('a lost answer leaves the work done', async () => {
    const { call, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'timeout-done', times: 1 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 110);
    assert.equal((await call('DescribeUHostInstance', { Tag: 'isthmus-shop' })).TotalCount, 1);
  });

  test('a hung-up connection leaves the work done', async () => {
    const { call, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'hang-up-done', times: 1 });
    await assert.rejects(call('CreateUHostInstance', wish), /fetch failed/);
    assert.equal((await call('DescribeUHostInstance', { Tag: 'isthmus-shop' })).TotalCount, 1);
  });
});

describe('every kind of trouble', () => {
  const list = async ({ call }: TestCloud) => {
    const { TotalCount, UHostSet } = await call('DescribeUHostInstance');
    return [TotalCount, (UHostSet as readonly { State: string }[]).map(({ State }) => State)];
  };
  const refusals = [
    ['throttle', 153, 0],
    ['timeout', 110, 0],
    ['timeout-done', 110, 1],
    ['internal', 130, 0],
    ['unavailable', 150, 0],
  ] as const;
  test.each(refusals)('%s answers %i and leaves %i machines', async (kind, code, left) => {
    const { call, cloud, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind, times: 1 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, code);
    assert.equal(cloud.objects().machines.length, left);
    assert.equal(cloud.calls()[0]?.fault, kind);
  });

  test('a refusal has the code that was asked for', async () => {
    const { call, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'refuse', code: 8224 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 8224);
  });

  test('a connection that hangs up before the work leaves nothing', async () => {
    const { call, cloud, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'hang-up', times: 1 });
    await assert.rejects(call('CreateUHostInstance', wish), /fetch failed/);
    assert.equal(cloud.objects().machines.length, 0);
  });

  test('a slow answer comes after its delay', async () => {
    const { call, plant } = await openTestCloud();
    plant({ action: 'DescribeVPC', kind: 'slow', delay: '200ms' });
    const began = performance.now();
    assert.equal((await call('DescribeVPC')).RetCode, 0);
    assert.ok(performance.now() - began >= 199);
  });

  test('lists come empty, by halves and unread, and then true again', async () => {
    const cloud = await openTestCloud();
    await makeMachine(cloud);
    await makeMachine(cloud, { Name: 'web-2' });
    await makeMachine(cloud, { Name: 'web-3' });
    const one = { action: 'DescribeUHostInstance', times: 1 } as const;
    for (const kind of ['empty-list', 'half-page', 'unread-state'] as const) cloud.plant({ ...one, kind });
    const running = ['Running', 'Running', 'Running'];
    assert.deepEqual(
      [await list(cloud), await list(cloud), await list(cloud), await list(cloud)],
      [
        [0, []],
        [3, running.slice(0, 2)],
        [3, ['', '', '']],
        [3, running],
      ],
    );
  });

  test('a stale list stays as it stood when it was planted', async () => {
    const cloud = await openTestCloud();
    cloud.plant({ action: 'DescribeUHostInstance', kind: 'stale-list', times: 2 });
    await cloud.call('CreateUHostInstance', wish);
    const counts = [];
    for (let n = 0; n < 3; n++) counts.push((await cloud.call('DescribeUHostInstance')).TotalCount);
    assert.deepEqual(counts, [0, 0, 1]);
  });

  test('a batch is made by halves, without an error', async () => {
    const { call, plant } = await openTestCloud();
    plant({ action: 'CreateUHostInstance', kind: 'fewer' });
    const made = await call('CreateUHostInstance', { ...wish, MaxCount: 5 });
    assert.deepEqual([made.RetCode, (made.UHostIds as readonly string[]).length], [0, 2]);
  });

  test('a machine whose installation fails can be powered off and terminated', async () => {
    const test1 = await openTestCloud();
    test1.plant({ action: 'CreateUHostInstance', kind: 'install-fail', times: 1 });
    const [id] = (await test1.call('CreateUHostInstance', wish)).UHostIds as [string];
    await waitForState(test1, id, 'Install Fail');
    assert.equal((await test1.call('PoweroffUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Stopped');
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 0);
    await until('its record to go', () => test1.cloud.objects().machines.length === 0);
    assert.deepEqual(test1.world.told, [`destroy ${id}`]);
  });

  test('what was planted is listed with what it met, survives a restart, and can be taken out', async () => {
    const before = await openTestCloud();
    before.plant({ action: 'CreateUHostInstance', kind: 'throttle', times: 2 });
    await before.call('CreateUHostInstance', wish);
    const after = await openTestCloud({ restore: before.cloud.snapshot() });
    assert.deepEqual(
      after.cloud.faults().map(({ id, met, spent }) => [id, met, spent]),
      [['fault-1', 1, false]],
    );
    assert.equal(after.plant({ action: '*', kind: 'internal' }).id, 'fault-2');
    after.cloud.clear('fault-2');
    assert.throws(() => after.cloud.clear('fault-2'), /no fault "fault-2" is planted/);
    assert.equal((await after.call('CreateUHostInstance', wish)).RetCode, 153);
    after.cloud.clear();
    assert.deepEqual(after.cloud.faults(), []);
  });

  test('what was answered is written down before', async () => {
    const kept: number[] = [];
    const { call } = await openTestCloud({ keep: async ({ machines }) => void kept.push(machines.length) });
    await call('CreateUHostInstance', wish);
    assert.equal(kept.at(-1), 1);
  });
});
