import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'vitest';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { createRememberingWorld } from './remembering-world.ts';
import { type Received, signatureOf } from './signature.ts';
import type { State } from './state.ts';
import { account, makeMachine, signedForm, startTestCloud, type TestCloud, waitForState, wish } from './test-cloud.ts';

const open: TestCloud[] = [];
async function start(...args: Parameters<typeof startTestCloud>): Promise<TestCloud> {
  const cloud = await startTestCloud(...args);
  open.push(cloud);
  return cloud;
}
afterEach(async () => {
  for (const cloud of open.splice(0)) await cloud.close();
});

const until = (what: string, look: () => boolean): Promise<boolean> =>
  waitFor(what, async () => look(), { within: seconds(10), every: ms(2) });

function homeOf(machine: { id: string; mac: string; nic: string }) {
  return { ObjectId: machine.nic || machine.id, Mac: machine.mac, SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' };
}

const describeCall = { Action: 'DescribeUHostInstance', Region: 'cn-bj2', PublicKey: account.publicKey };
const signed = (params: Record<string, Received>) => ({
  ...params,
  Signature: signatureOf(params, account.privateKey),
});
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('the gateway', () => {
  const rows: readonly [string, RequestInit & { query?: string }, number | string][] = [
    ['a signed form', signedForm({ Action: 'DescribeUHostInstance', Region: 'cn-bj2' }), 0],
    ['a signed JSON body', json(signed({ ...describeCall, Limit: 10 })), 0],
    ['a JSON body with a nested list', json(signed({ ...describeCall, UHostIds: ['uhost-a', 'uhost-b'] })), 0],
    ['a JSON body with a flat list', json(signed({ ...describeCall, 'UHostIds.0': 'uhost-a' })), 0],
    [
      'a signed query',
      { query: `?${new URLSearchParams(signed(describeCall) as Record<string, string>).toString()}` },
      0,
    ],
    ['a back end that writes its code as text', signedForm({ ...secondaryQuery() }), '0'],
    ['no action', signedForm({ Region: 'cn-bj2' }), 160],
    ['an unknown action', signedForm({ Action: 'DescribeNothing' }), 161],
    ['an action named like a property of every object', signedForm({ Action: 'constructor' }), 161],
    ['no signature', json(describeCall), 170],
    ['a wrong signature', json({ ...describeCall, Signature: '0'.repeat(40) }), 171],
    ['a parameter changed after signing', json({ ...signed(describeCall), Limit: 1 }), 171],
    ['an unknown user', json({ ...signed(describeCall), PublicKey: 'nobody' }), 172],
    ['a temporary token that was never given', json(signed({ ...describeCall, SecurityToken: 't' })), 174],
    ['an unknown project', signedForm({ ...describeCall, ProjectId: 'org-none' }), 292],
    ['a zone of another region', signedForm({ ...describeCall, Zone: 'hk-02' }), 293],
    ['a region without anything', signedForm({ ...describeCall, Region: 'hk' }), 230],
    ['an unknown parameter', signedForm({ ...describeCall, Colour: 'red' }), 230],
    ['a list where one value is due', signedForm({ ...describeCall, 'Tag.0': 'red' }), 230],
    ['a text where a number is due', signedForm({ ...describeCall, Limit: 'ten' }), 230],
    ['a page beyond the largest', signedForm({ ...describeCall, Limit: 101 }), 230],
    ['a missing parameter', signedForm({ Action: 'DescribeUHostInstance' }), 220],
  ];

  test.each(rows)('answers %s', async (_, init, code) => {
    const { send } = await start();
    const response = await send(init);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('x-ucloud-request-uuid') ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const body = (await response.json()) as { RetCode: unknown; Message?: string };
    assert.equal(body.RetCode, code, body.Message);
    assert.equal('Message' in body, Number(code) !== 0);
  });

  test('names what is missing and what is not valid', async () => {
    const { call } = await start();
    const lacking = await call('CreateUHostInstance', { ...wish, 'Disks.0.Size': '' });
    assert.deepEqual([lacking.RetCode, lacking.Message], [220, 'Missing params [Disks.0.Size]']);
    const wrong = await call('CreateUHostInstance', { ...wish, 'Disks.0.Colour': 'red' });
    assert.match(String(wrong.Message), /^Params \[Disks\.0\.Colour\] not available/);
  });

  test('answers what is no request with an HTTP status', async () => {
    const { send } = await start();
    assert.equal((await send({ method: 'PUT', body: 'x' })).status, 405);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await send({ method: 'POST', headers, body: '{' })).status, 400);
    assert.equal((await send({ method: 'POST', headers, body: '[]' })).status, 400);
    assert.equal((await send({ method: 'POST', body: 'x'.repeat(2 << 20) })).status, 413);
  });

  test('remembers calls without their parameters', async () => {
    const test1 = await start();
    await test1.call('CreateUHostInstance', { ...wish, LoginMode: 'Password', Password: 'c2VjcmV0', ImageId: 'none' });
    const [call] = test1.cloud.calls();
    assert.equal(call?.action, 'CreateUHostInstance');
    assert.equal(call?.code, 8039);
    assert.doesNotMatch(JSON.stringify([test1.log, test1.cloud.calls()]), /c2VjcmV0|secret/);
  });

  function secondaryQuery() {
    return { Action: 'DescribeSecondaryIp', Region: 'cn-bj2', SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' };
  }
});

describe('trouble on request', () => {
  test('too many calls are refused and nothing is done, as often as asked', async () => {
    const { call, cloud, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind: 'throttle', times: 2 });
    const codes = [];
    for (let n = 0; n < 3; n++) codes.push((await call('CreateUHostInstance', wish)).RetCode);
    assert.deepEqual(codes, [153, 153, 0]);
    assert.equal(cloud.objects().machines.length, 1);
  });

  test('a lost answer leaves the work done', async () => {
    const { call, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind: 'timeout-done', times: 1 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 110);
    assert.equal((await call('DescribeUHostInstance', { Tag: 'isthmus-shop' })).TotalCount, 1);
  });

  test('a hung-up connection leaves the work done', async () => {
    const { call, plant } = await start();
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
    const { call, cloud, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind, times: 1 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, code);
    assert.equal(cloud.objects().machines.length, left);
    assert.equal(cloud.calls()[0]?.fault, kind);
  });

  test('a refusal has the code that was asked for', async () => {
    const { call, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind: 'refuse', code: 8224 });
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 8224);
  });

  test('a connection that hangs up before the work leaves nothing', async () => {
    const { call, cloud, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind: 'hang-up', times: 1 });
    await assert.rejects(call('CreateUHostInstance', wish), /fetch failed/);
    assert.equal(cloud.objects().machines.length, 0);
  });

  test('a slow answer comes after its delay', async () => {
    const { call, plant } = await start();
    plant({ action: 'DescribeVPC', kind: 'slow', delay: '200ms' });
    const began = performance.now();
    assert.equal((await call('DescribeVPC')).RetCode, 0);
    assert.ok(performance.now() - began >= 199);
  });

  test('lists come empty, by halves and unread, and then true again', async () => {
    const cloud = await start();
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
    const cloud = await start();
    cloud.plant({ action: 'DescribeUHostInstance', kind: 'stale-list', times: 2 });
    await cloud.call('CreateUHostInstance', wish);
    const counts = [];
    for (let n = 0; n < 3; n++) counts.push((await cloud.call('DescribeUHostInstance')).TotalCount);
    assert.deepEqual(counts, [0, 0, 1]);
  });

  test('a batch is made by halves, without an error', async () => {
    const { call, plant } = await start();
    plant({ action: 'CreateUHostInstance', kind: 'fewer' });
    const made = await call('CreateUHostInstance', { ...wish, MaxCount: 5 });
    assert.deepEqual([made.RetCode, (made.UHostIds as readonly string[]).length], [0, 2]);
  });

  test('a machine whose installation fails can be powered off and terminated', async () => {
    const test1 = await start();
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
    const before = await start();
    before.plant({ action: 'CreateUHostInstance', kind: 'throttle', times: 2 });
    await before.call('CreateUHostInstance', wish);
    const after = await start({ restore: before.cloud.snapshot() });
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
    const { call } = await start({ keep: async ({ machines }) => void kept.push(machines.length) });
    await call('CreateUHostInstance', wish);
    assert.equal(kept.at(-1), 1);
  });
});

describe('ends and credentials', () => {
  test('a subnet is deleted only when the address of its last machine has rested', async () => {
    const test1 = await start({ speed: 0.01 });
    const { id } = await makeMachine(test1, { SubnetId: 'subnet-small' });
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    await test1.call('TerminateUHostInstance', { UHostId: id });
    assert.equal((await test1.call('DescribeUHostInstance')).TotalCount, 0);
    assert.equal((await test1.call('DeleteSubnet', { SubnetId: 'subnet-small' })).RetCode, 4411);
    await until('its record to go', () => test1.cloud.objects().machines.length === 0);
    assert.equal((await test1.call('DeleteSubnet', { SubnetId: 'subnet-small' })).RetCode, 0);
  });

  test('temporary keys end with their time', async () => {
    const test1 = await start();
    const role = { RoleUrn: 'ucs:iam::company:role/reader', RoleSessionName: 'test' };
    // It takes place nowhere: an empty Zone is as good as none.
    const { Credentials } = await test1.call('AssumeRole', { ...role, DurationSeconds: 900, Zone: '' });
    const given = Credentials as Readonly<Record<'AccessKeyId' | 'AccessKeySecret' | 'SecurityToken', string>>;
    const params = {
      Action: 'DescribeVPC',
      Region: account.region,
      ProjectId: account.project.id,
      PublicKey: given.AccessKeyId,
      SecurityToken: given.SecurityToken,
    };
    const asGuest = async ({ send }: TestCloud) => {
      const response = await send(json({ ...params, Signature: signatureOf(params, given.AccessKeySecret) }));
      return ((await response.json()) as { RetCode: number }).RetCode;
    };
    assert.equal(await asGuest(test1), 0);
    const { sessions, ...rest } = test1.cloud.snapshot();
    const later = await start({ restore: { ...rest, sessions: sessions.map((one) => ({ ...one, expiresAt: 1 })) } });
    assert.equal(await asGuest(later), 174);
  });

  test('labels of a creation and a firewall of a creation are on the machine', async () => {
    const test1 = await start();
    const firewall = await test1.call('CreateFirewall', { Name: 'edge', 'Rule.0': 'TCP|22|0.0.0.0/0|ACCEPT|HIGH|' });
    const params = { SecurityGroupId: firewall.FWId as string, 'Labels.0.Key': 'shop', 'Labels.0.Value': 'a' };
    const { id } = await makeMachine(test1, params);
    const labels = await test1.call('ListLabelsByResourceIds', { 'ResourceIds.0': id, Zone: '' });
    assert.deepEqual(labels.Labels, [{ ResourceId: id, Key: 'shop', Value: 'a', Category: 'custom' }]);
    const [seen] = (await test1.call('DescribeFirewall', { ResourceId: id })).DataSet as readonly { FWId: string }[];
    assert.equal(seen?.FWId, firewall.FWId);
  });
});

describe('machines', () => {
  test('a machine boots with what was asked for, on the address that was told', async () => {
    const test1 = await start();
    const { id, ip, mac } = await makeMachine(test1);
    assert.deepEqual(test1.world.booted.get(id), {
      id,
      name: 'web-1',
      image: 'uimage-base',
      mac: mac.toLowerCase(),
      ip,
      prefixLength: 24,
      gateway: '10.9.0.1',
      cpu: 2,
      memoryMib: 4096,
    });
    assert.equal(ip, '10.9.0.2');
    assert.match(mac, /^52:54:00(:[0-9A-F]{2}){3}$/);
  });

  const refused: readonly [string, Record<string, string | number>, number][] = [
    ['two boot disks', { 'Disks.1.IsBoot': 'True', 'Disks.1.Type': 'CLOUD_SSD', 'Disks.1.Size': 20 }, 230],
    ['no boot disk', { 'Disks.0.IsBoot': 'False' }, 230],
    ['a boot disk of a kind for data only', { 'Disks.0.Type': 'CLOUD_NORMAL' }, 230],
    ['a boot disk that is too large', { 'Disks.0.Size': 501 }, 230],
    ['a boot disk of the wrong kind for the machine', { MachineType: 'O' }, 230],
    ['memory that is no multiple of 1024', { Memory: 1000 }, 8045],
    ['no CPU', { CPU: 0 }, 8044],
    ['an unknown image', { ImageId: 'uimage-none' }, 8039],
    ['an unknown VPC', { VPCId: 'uvnet-none' }, 8123],
    ['an unknown subnet', { SubnetId: 'subnet-none' }, 8124],
    ['a password that is missing', { LoginMode: 'Password' }, 220],
    ['user data that is not base64', { UserData: '#cloud-config' }, 230],
    ['user data that is too long', { UserData: Buffer.alloc(16_385).toString('base64') }, 230],
    ['the gateway as its address', { 'PrivateIp.0': '10.9.0.1' }, 230],
    ['one address for two machines', { 'PrivateIp.0': '10.9.0.9', MaxCount: 2 }, 230],
    ['a firewall that does not exist', { SecurityGroupId: 'firewall-1' }, 4600],
    ['a name of 64 characters', { Name: 'x'.repeat(64) }, 230],
  ];
  test.each(refused)('a create with %s is refused and leaves nothing', async (_, change, code) => {
    const { call, cloud, world } = await start();
    assert.equal((await call('CreateUHostInstance', { ...wish, ...change })).RetCode, code);
    assert.deepEqual(cloud.objects().machines, []);
    assert.deepEqual(world.told, []);
  });

  test('a chosen address is given, and not twice', async () => {
    const { call } = await start();
    const chosen = { ...wish, 'PrivateIp.0': '10.9.0.77' };
    assert.deepEqual((await call('CreateUHostInstance', chosen)).IPs, ['10.9.0.77']);
    assert.equal((await call('CreateUHostInstance', chosen)).RetCode, 230);
  });

  test('stock that is short gives fewer machines, and none only below MinCount', async () => {
    const { call } = await start({ stock: 3 });
    const first = await call('CreateUHostInstance', { ...wish, MaxCount: 5 });
    assert.equal((first.UHostIds as string[]).length, 3);
    assert.equal((await call('CreateUHostInstance', wish)).RetCode, 8224);
    const { VPCId: _, SubnetId: __, Name: ___, Tag: ____, LoginMode: _____, ...capacity } = wish;
    assert.equal((await call('CheckUHostResourceCapacity', capacity)).ResourceEnough, false);
  });

  test('a machine that does not boot is an Install Fail, says why, and can be powered off and terminated', async () => {
    const test1 = await start();
    test1.world.failAt('boot', 'no space left');
    const created = await test1.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    await waitForState(test1, id, 'Install Fail');
    assert.equal(test1.cloud.objects().machines[0]?.trouble, 'install: no space left');
    assert.ok(test1.log.some((entry) => entry.kind === 'world' && entry.error === 'no space left'));
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 8856);
    assert.equal((await test1.call('PoweroffUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Stopped');
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 0);
  });

  test('a machine that shut itself down is Stopped and can be started', async () => {
    const test1 = await start();
    const { id } = await makeMachine(test1);
    test1.world.shutDownFromInside(id);
    assert.equal((await test1.call('StartUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Running');
    assert.deepEqual(test1.world.told, [`boot ${id}`, `start ${id}`]);
  });

  test('a state that can not be read is the empty string', async () => {
    const test1 = await start();
    const { id } = await makeMachine(test1);
    test1.world.failAt('isOn', 'the host does not answer');
    await waitForState(test1, id, '');
    test1.world.failAt('isOn', undefined);
    await waitForState(test1, id, 'Running');
  });

  test('power-off ends a stop that hangs', async () => {
    const test1 = await start();
    const { id } = await makeMachine(test1);
    test1.world.hold('stop');
    await test1.call('StopUHostInstance', { UHostId: id });
    await until('the stop to reach the world', () => test1.world.told.includes(`stop ${id}`));
    assert.equal((await test1.call('StartUHostInstance', { UHostId: id })).RetCode, 8905);
    assert.equal((await test1.call('PoweroffUHostInstance', { UHostId: id })).RetCode, 0);
    await waitForState(test1, id, 'Stopped');
    assert.equal(test1.world.on.has(id), false);
  });

  test('a terminated machine is gone from every answer, and its address rests before it is given again', async () => {
    // Slow enough that the rest of 60 s is seen: 1.2 s here.
    const test1 = await start({ speed: 0.02 });
    const created = await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' });
    const [id] = created.UHostIds as [string];
    await waitForState(test1, id, 'Running');
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    await test1.call('TerminateUHostInstance', { UHostId: id });
    assert.equal((await test1.call('DescribeUHostInstance')).TotalCount, 0);
    assert.equal((await test1.call('TerminateUHostInstance', { UHostId: id })).RetCode, 8039);
    await until('the world to destroy it', () => test1.world.told.includes(`destroy ${id}`));
    assert.equal((await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' })).RetCode, 230);
    await until('its record to go', () => test1.cloud.objects().machines.length === 0);
    assert.equal((await test1.call('CreateUHostInstance', { ...wish, 'PrivateIp.0': '10.9.0.9' })).RetCode, 0);
  });

  test('a machine that the world can not destroy stays visible with the reason', async () => {
    const test1 = await start();
    const { id } = await makeMachine(test1);
    await test1.call('PoweroffUHostInstance', { UHostId: id });
    await waitForState(test1, id, 'Stopped');
    test1.world.failAt('destroy', 'mount is busy');
    await test1.call('TerminateUHostInstance', { UHostId: id });
    await until('the failure', () => test1.cloud.objects().machines[0]?.trouble === 'end: mount is busy');
  });
});

describe('secondary addresses', () => {
  test('an address is listed at once and carried once the network has learnt it', async () => {
    const test1 = await start({ speed: 0.02 });
    const machine = await makeMachine(test1);
    const { IpInfo } = await test1.call('AllocateSecondaryIp', homeOf(machine));
    const ip = (IpInfo as { Ip: string }).Ip;
    const listed = await test1.call('DescribeSecondaryIp', { SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' });
    assert.deepEqual(
      (listed.DataSet as { Ip: string }[]).map(({ Ip }) => Ip),
      [ip],
    );
    assert.deepEqual([...(test1.world.carried.get(machine.id) ?? [])], []);
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has(ip) === true);
  });

  test('an address given back before it was carried never reaches the world, and is free again', async () => {
    const test1 = await start({ speed: 0.05 });
    const machine = await makeMachine(test1);
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '0');
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '230');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '0');
    await until('its record to go', () => test1.cloud.objects().addresses.length === 0);
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '0');
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    assert.deepEqual(
      test1.world.told.filter((line) => line.endsWith('10.9.0.50')),
      [`give ${machine.id} 10.9.0.50`],
    );
  });

  test('a moved address is taken from one machine before the other has it', async () => {
    const test1 = await start();
    const [from, to] = [await makeMachine(test1), await makeMachine(test1)];
    await test1.call('AllocateSecondaryIp', { ...homeOf(from), Ip: '10.9.0.50' });
    await until('it to be carried', () => test1.world.carried.get(from.id)?.has('10.9.0.50') === true);
    const move = { Ip: '10.9.0.50', OldMac: from.mac, NewMac: to.mac, SubnetId: 'subnet-lab' };
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '0');
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '58221');
    await until('it to move', () => test1.world.carried.get(to.id)?.has('10.9.0.50') === true);
    assert.deepEqual(
      test1.world.told.filter((line) => line.endsWith('10.9.0.50')),
      [`give ${from.id} 10.9.0.50`, `take ${from.id} 10.9.0.50`, `give ${to.id} 10.9.0.50`],
    );
  });

  test('an address given back while the world is at it is taken from the world again', async () => {
    const test1 = await start();
    const machine = await makeMachine(test1);
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    const letGo = test1.world.hold('give');
    await test1.call('AllocateSecondaryIp', wanted);
    await until('the world to be at it', () => test1.world.told.includes(`give ${machine.id} 10.9.0.50`));
    await test1.call('DeleteSecondaryIp', wanted);
    letGo();
    await until('its record to go', () => test1.cloud.objects().addresses.length === 0);
    assert.deepEqual([...(test1.world.carried.get(machine.id) ?? [])], []);
  });

  test.each(['10.9.0.0', '10.9.0.1', '10.9.0.255', '10.9.1.2'])('%s is given to nobody', async (Ip) => {
    const test1 = await start();
    const machine = await makeMachine(test1);
    assert.equal((await test1.call('AllocateSecondaryIp', { ...homeOf(machine), Ip })).RetCode, '230');
  });

  test('an address does not move into another subnet', async () => {
    const test1 = await start();
    const [from, to] = [await makeMachine(test1), await makeMachine(test1, { SubnetId: 'subnet-small' })];
    await test1.call('AllocateSecondaryIp', { ...homeOf(from), Ip: '10.9.0.50' });
    const move = { Ip: '10.9.0.50', OldMac: from.mac, NewMac: to.mac, SubnetId: 'subnet-lab' };
    assert.equal((await test1.call('MoveSecondaryIPMac', move)).RetCode, '230');
  });

  test('MAC, subnet, VPC and object are checked together', async () => {
    const test1 = await start();
    const machine = await makeMachine(test1);
    const home = homeOf(machine);
    const rows: readonly [Record<string, string>, string][] = [
      [{ Mac: '52:54:00:00:00:00' }, '230'],
      [{ SubnetId: 'subnet-small' }, '230'],
      [{ VPCId: 'uvnet-none' }, '230'],
      [{ ObjectId: 'uhost-none' }, '8039'],
      [{ Mac: machine.mac.toLowerCase() }, '0'],
    ];
    for (const [change, code] of rows)
      assert.equal((await test1.call('AllocateSecondaryIp', { ...home, ...change })).RetCode, code);
  });

  test('a machine with elastic interfaces is named by its interface and has the published quota', async () => {
    const test1 = await start();
    const machine = await makeMachine(test1, { 'Features.UNI': 'true', CPU: 4 });
    assert.match(machine.nic, /^uni-/);
    const byMachine = { ...homeOf(machine), ObjectId: machine.id };
    assert.equal((await test1.call('AllocateSecondaryIp', byMachine)).RetCode, '8039');
    const { IpsInfo } = await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 3 });
    const codes = (IpsInfo as { Status: { StatusCode: string } }[]).map(({ Status }) => Status.StatusCode);
    assert.deepEqual(codes, ['Succeeded', 'Succeeded', 'Failed']);
    assert.equal((await test1.call('AllocateSecondaryIp', homeOf(machine))).RetCode, '4207');
  });

  test.each([[{ 'Ip.0': '10.9.0.0/26' }], [{ 'Ip.0': 'x' }], [{ 'Ip.0': '10.9.0.9', Count: 1 }], [{}], [{ Count: 0 }]])(
    'a batch of %o is refused',
    async (asked) => {
      const test1 = await start();
      const machine = await makeMachine(test1);
      assert.equal((await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), ...asked })).RetCode, '230');
      assert.deepEqual(test1.cloud.objects().addresses, []);
    },
  );

  test('addresses end with their machine, before the machine itself', async () => {
    const test1 = await start();
    const machine = await makeMachine(test1);
    await test1.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 2 });
    await until('both to be carried', () => test1.world.carried.get(machine.id)?.size === 2);
    await test1.call('PoweroffUHostInstance', { UHostId: machine.id });
    await waitForState(test1, machine.id, 'Stopped');
    await test1.call('TerminateUHostInstance', { UHostId: machine.id });
    await until('the world to destroy it', () => test1.world.told.includes(`destroy ${machine.id}`));
    assert.deepEqual(test1.cloud.objects().addresses, []);
  });

  test('an address that the world does not let go stays taken, with the reason', async () => {
    const test1 = await start();
    const machine = await makeMachine(test1);
    const wanted = { ...homeOf(machine), Ip: '10.9.0.50' };
    await test1.call('AllocateSecondaryIp', wanted);
    await until('it to be carried', () => test1.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    test1.world.failAt('take', 'no such rule');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '0');
    await until('the failure', () => test1.cloud.objects().addresses[0]?.trouble === 'no such rule');
    assert.equal((await test1.call('DeleteSecondaryIp', wanted)).RetCode, '58221');
    assert.equal((await test1.call('AllocateSecondaryIp', wanted)).RetCode, '230');
  });
});

describe('VPCs and subnets', () => {
  const rows: readonly [string, string, Record<string, string | number>, number][] = [
    ['a VPC over a range of the cloud', 'CreateVPC', { Name: 'x', 'Network.0': '10.10.0.0/16' }, 230],
    ['a VPC over shared address space', 'CreateVPC', { Name: 'x', 'Network.0': '100.64.0.0/16' }, 230],
    [
      'a VPC whose networks overlap',
      'CreateVPC',
      { Name: 'x', 'Network.0': '172.16.0.0/16', 'Network.1': '172.16.1.0/24' },
      5022,
    ],
    ['a VPC without a network', 'CreateVPC', { Name: 'x' }, 220],
    ['a subnet outside its VPC', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.8.0.0' }, 230],
    ['a subnet smaller than /29', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.7.0', Netmask: 30 }, 230],
    ['a subnet with host bits', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.7.1' }, 230],
    ['a subnet over another', 'CreateSubnet', { VPCId: 'uvnet-lab', Subnet: '10.9.0.128', Netmask: 25 }, 5022],
    ['a subnet of no VPC', 'CreateSubnet', { VPCId: 'uvnet-none', Subnet: '10.9.7.0' }, 8039],
  ];
  test.each(rows)('%s is refused', async (_, action, params, code) => {
    const { call } = await start();
    const { RetCode, Message } = await call(action, params);
    assert.equal(RetCode, code, String(Message));
  });
});

describe('a snapshot', () => {
  const reopen = (snapshot: State, world: TestCloud['world']): Promise<TestCloud> =>
    start({ restore: JSON.parse(JSON.stringify(snapshot)) as State }, world);

  async function cutOff(test1: TestCloud): Promise<State> {
    await test1.cloud.close();
    return test1.cloud.snapshot();
  }

  test('brings back machines and addresses as they were', async () => {
    const before = await start();
    const machine = await makeMachine(before);
    await before.call('AllocateBatchSecondaryIp', { ...homeOf(machine), Count: 2 });
    await until('both to be carried', () => before.world.carried.get(machine.id)?.size === 2);
    const after = await reopen(await cutOff(before), before.world);
    await waitForState(after, machine.id, 'Running');
    const listed = await after.call('DescribeSecondaryIp', { SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' });
    assert.equal((listed.DataSet as unknown[]).length, 2);
    assert.equal(before.world.told.length, 3);
  });

  test('taken in the middle of an installation lets it go on', async () => {
    const before = await start({ speed: 1 });
    const created = await before.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    const after = await reopen(await cutOff(before), before.world);
    await waitForState(after, id, 'Running');
    assert.deepEqual(before.world.told, [`boot ${id}`]);
  });

  test('taken just after the machine was switched on does not switch it on again', async () => {
    const before = await start();
    const letGo = before.world.hold('boot');
    const created = await before.call('CreateUHostInstance', wish);
    const [id] = created.UHostIds as [string];
    await until('the world to be at it', () => before.world.told.includes(`boot ${id}`));
    const snapshot = before.cloud.snapshot();
    letGo();
    await before.cloud.close();
    assert.equal(snapshot.machines[0]?.life.state, 'Starting');
    const after = await reopen(snapshot, before.world);
    await waitForState(after, id, 'Running');
    assert.deepEqual(before.world.told, [`boot ${id}`]);
  });

  test('taken while an address warms up lets it become usable', async () => {
    const world = createRememberingWorld();
    const before = await start({}, world);
    const machine = await makeMachine(before);
    const slow = await start({ speed: 0.02, restore: await cutOff(before) }, world);
    await slow.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.50' });
    await reopen(await cutOff(slow), world);
    await until('it to be carried', () => world.carried.get(machine.id)?.has('10.9.0.50') === true);
  });

  test('taken in the middle of an end lets it go on', async () => {
    const before = await start({ speed: 0.001 });
    const machine = await makeMachine(before);
    await before.call('AllocateSecondaryIp', { ...homeOf(machine), Ip: '10.9.0.50' });
    await until('it to be carried', () => before.world.carried.get(machine.id)?.has('10.9.0.50') === true);
    await before.call('PoweroffUHostInstance', { UHostId: machine.id });
    await waitForState(before, machine.id, 'Stopped');
    before.world.failAt('destroy', 'mount is busy');
    await before.call('TerminateUHostInstance', { UHostId: machine.id });
    await until('the failure', () => before.cloud.objects().machines[0]?.trouble !== undefined);
    const snapshot = await cutOff(before);
    before.world.failAt('destroy', undefined);
    const after = await reopen(snapshot, before.world);
    await until('its record to go', () => after.cloud.objects().machines.length === 0);
    assert.equal(before.world.booted.size, 0);
  });
});
