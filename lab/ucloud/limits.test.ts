import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { createPace } from './gateway/pace.ts';
import { changeLimits, limitChange, parseLimit } from './limits.ts';
import { homeOf, makeMachine, openTestCloud, wish } from './test-cloud.ts';

describe('what is limited', () => {
  test('machines: a create that goes beyond the quota makes none at all', async () => {
    const { call, cloud } = await openTestCloud();
    cloud.limit({ machines: 3 });
    assert.equal((await call('CreateUHostInstance', { ...wish, MaxCount: 2 })).RetCode, 0);
    assert.equal((await call('CreateUHostInstance', { ...wish, MaxCount: 2 })).RetCode, 8095);
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 0);
    assert.equal(cloud.objects().machines.length, 3);
    cloud.limit({ machines: null });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 0);
  });

  test('CPUs: of all machines together', async () => {
    const { call, cloud } = await openTestCloud();
    cloud.limit({ cpus: 5 });
    assert.equal((await call('CreateUHostInstance', { ...wish, CPU: 4 })).RetCode, 0);
    assert.equal((await call('CreateUHostInstance', { ...wish, CPU: 2 })).RetCode, 8095);
    assert.equal((await call('CreateUHostInstance', { ...wish, CPU: 1 })).RetCode, 0);
    assert.deepEqual(cloud.limits(), {
      limits: { cpus: 5 },
      used: {
        machines: 2,
        cpus: 5,
        interfaces: 0,
        addresses: 0,
        stock: 2,
        eips: 0,
        balancers: 0,
        applicationBalancers: 0,
        classicBalancers: 0,
        udisks: 0,
        attachments: 0,
        diskStock: 0,
        shares: 0,
      },
    });
  });

  test('addresses: a batch gets what is left, and one more is refused until one is given back', async () => {
    const test1 = await openTestCloud();
    const [one, two] = [await makeMachine(test1), await makeMachine(test1)];
    test1.cloud.limit({ addresses: 3 });
    await test1.call('AllocateBatchSecondaryIp', { ...homeOf(one), Count: 2 });
    const { IpsInfo } = await test1.call('AllocateBatchSecondaryIp', { ...homeOf(two), Count: 2 });
    const [first, second] = IpsInfo as readonly { Ip: string; Status: { StatusCode: string; Message: string } }[];
    assert.equal(first?.Status.StatusCode, 'Succeeded');
    assert.match(second?.Status.Message ?? '', /the account has as many secondary addresses as its quota of 3 allows/);
    assert.equal((await test1.call('AllocateSecondaryIp', homeOf(two))).RetCode, '4207');
    await test1.call('DeleteSecondaryIp', { ...homeOf(two), Ip: first?.Ip ?? '' });
    assert.equal((await test1.call('AllocateSecondaryIp', homeOf(two))).RetCode, '0');
  });

  test('calls: those of one action beyond the rate answer 153 and do nothing, another action is not concerned', async () => {
    const { call, cloud, clock } = await openTestCloud();
    cloud.limit({ calls: 2 });
    clock.stand();
    const codes = [];
    for (let n = 0; n < 3; n++) codes.push((await call('CreateUHostInstance', wish)).RetCode);
    assert.deepEqual(codes, [0, 0, 153]);
    assert.equal((await call('DescribeUHostInstance')).TotalCount, 2);
  });

  test('limits outlive a restart', async () => {
    const before = await openTestCloud();
    before.cloud.limit({ machines: 1 });
    const after = await openTestCloud({ restore: before.cloud.snapshot() });
    assert.deepEqual(after.cloud.limits().limits, { machines: 1 });
  });
});

test('a call is admitted again when a second has gone since the one before, and refused ones do not count', () => {
  const pace = createPace();
  const at = [0, 400, 999, 1000, 1399, 1400];
  assert.deepEqual(
    at.map((ms) => pace.admits('A', 2, ms)),
    [true, true, false, true, false, true],
  );
  assert.equal(pace.admits('B', undefined, 0), true);
});

test('a change names limits that there are, by numbers that they can have', () => {
  assert.deepEqual(limitChange.parse({ machines: 0, cpus: null, calls: 1 }), { machines: 0, cpus: null, calls: 1 });
  for (const wrong of [{ machnes: 3 }, { machines: -1 }, { machines: 1.5 }])
    assert.equal(limitChange.safeParse(wrong).success, false);
  assert.equal(limitChange.safeParse({ calls: 0 }).error?.issues[0]?.message, 'write at least 1');
});

test('a change leaves the other limits as they are', () => {
  assert.deepEqual(changeLimits({ machines: 3, cpus: 8 }, { machines: null, calls: 5 }), { cpus: 8, calls: 5 });
});

test.each([
  ['machines', '3', { machines: 3 }],
  ['machines', '120', { machines: 120 }],
  ['stock', '0', { stock: 0 }],
  ['calls', '5/s', { calls: 5 }],
  ['calls', '120/s', { calls: 120 }],
  ['calls', 'none', { calls: null }],
])('limit %s is written as %s', (kind, text, change) => assert.deepEqual(parseLimit(kind, text), change));

test.each([
  ['machnes', '3', /limit "machnes": there is none of that name; write machines, cpus/],
  ['machines', '3/s', /limit machines "3\/s": write a number such as 3, or none/],
  ['calls', '5', /limit calls "5": write a rate such as 5\/s, or none/],
  ['calls', '0/s', /limit calls "0\/s"/],
  ['calls', '5/s now', /limit calls "5\/s now"/],
  ['calls', '-5/s', /limit calls "-5\/s"/],
  ['machines', '-3', /limit machines "-3"/],
])('limit %s %s is refused with its cure', (kind, text, message) =>
  assert.throws(() => parseLimit(kind, text), message),
);
