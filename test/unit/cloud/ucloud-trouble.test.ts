import { afterEach, expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import type { MachineWish } from '../../../src/cloud/compute.ts';
import { makeHome } from '../../../src/cloud/ucloud/home.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';
import { type Parameters, type Reply, refusal, type ScriptedApi, scriptedApi, success } from './scripted-api.ts';

const opened: ScriptedApi[] = [];
afterEach(async () => {
  for (const api of opened.splice(0)) await api.close();
});

/** A cloud whose every action is scripted; an action without a script answers with success and nothing in it. */
async function cloudWith(
  script: Readonly<Record<string, (turn: number, call: Parameters) => Reply>>,
  poll = ms(20),
): Promise<{ cloud: Cloud; sent: (action: string) => readonly Parameters[] }> {
  const api = await scriptedApi((call, turn) => script[call['Action'] ?? '']?.(turn, call) ?? success);
  opened.push(api);
  const cloud = connectUcloud({
    endpoint: api.endpoint,
    region: 'cn-bj2',
    zone: 'cn-bj2-05',
    project: 'org-1',
    publicKey: 'public-key',
    privateKey: 'private-key',
    poll,
    pause: ms(10),
  });
  return { cloud, sent: (action) => api.calls.filter((call) => call['Action'] === action) };
}

const wish: MachineWish = {
  name: 'web-1',
  mark: 'shop',
  zone: 'cn-bj2-05',
  image: 'uimage-1',
  vpc: 'uvnet-1',
  subnet: 'subnet-1',
  cpu: 2,
  memory: gibi(4),
  bootDisk: gibi(40),
  charge: 'hour',
  elastic: false,
  userData: '',
};
const home = makeHome({
  zone: 'cn-bj2-05',
  vpc: 'uvnet-1',
  subnet: 'subnet-1',
  object: 'uhost-1',
  mac: '52:54:00:00:00:01',
});
const opts = { within: seconds(20) };

function host(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    UHostId: 'uhost-1',
    Name: 'web-1',
    Tag: 'isthmus-shop',
    Zone: 'cn-bj2-05',
    State: 'Running',
    CPU: 2,
    Memory: 4096,
    ...change,
  };
}

const hosts = (...set: Record<string, unknown>[]): Reply => ({
  json: { RetCode: 0, TotalCount: set.length, UHostSet: set },
});

test('a machine that appears some looks after its create was lost is adopted, and asked for once only', async () => {
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: (turn) => (turn < 4 ? hosts() : hosts(host({ State: 'Initializing' }))),
    CreateUHostInstance: () => 'cut',
  });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({
    ok: true,
    value: { id: 'uhost-1', state: 'creating' },
  });
  expect(sent('CreateUHostInstance')).toHaveLength(1);
});

test('a create that is lost and leaves no machine is unknown, and was asked for once only', async () => {
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: () => hosts(),
    CreateUHostInstance: () => refusal(110),
  });
  const made = await cloud.compute.create(wish, opts);
  expect(made).toMatchObject({ ok: false, failure: { kind: 'unknown', raw: { code: '110' } } });
  expect(sent('CreateUHostInstance')).toHaveLength(1);
});

const dead = host({
  UHostId: 'uhost-dead',
  State: 'Stopped',
  IPSet: [{ Type: 'Private', IP: '10.9.0.12', Mac: '52:54:00:00:00:07', VPCId: 'uvnet-1', SubnetId: 'subnet-1' }],
});

test('a machine that has ended and is still listed is not adopted: a new one is made when the list has caught up', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: (turn) => (turn < 3 ? hosts(dead) : hosts()),
    CreateUHostInstance: () => ({ json: { RetCode: 0, UHostIds: ['uhost-2'] } }),
  });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'uhost-2' } });
});

test('a machine that every list shows is adopted although no source tells its address', async () => {
  const { cloud, sent } = await cloudWith({ DescribeUHostInstance: () => hosts(dead) });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'uhost-dead' } });
  expect(sent('CreateUHostInstance')).toHaveLength(0);
});

test('a create whose list fails is not tried', async () => {
  const { cloud, sent } = await cloudWith({ DescribeUHostInstance: () => refusal(299) });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({ ok: false, failure: { kind: 'denied' } });
  expect(sent('CreateUHostInstance')).toHaveLength(0);
});

test('a create that makes fewer machines than asked, which is none, is exhausted', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: () => hosts(),
    CreateUHostInstance: () => ({ json: { RetCode: 0, UHostIds: [] } }),
  });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({
    ok: false,
    failure: { kind: 'exhausted', what: 'machines' },
  });
});

test('a create whose list lags behind answers with the machine as it was accepted', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: () => hosts(),
    CreateUHostInstance: () => ({ json: { RetCode: '0', UHostIds: ['uhost-9'] } }),
  });
  expect(await cloud.compute.create(wish, opts)).toEqual({
    ok: true,
    value: {
      id: 'uhost-9',
      name: 'web-1',
      mark: 'shop',
      zone: 'cn-bj2-05',
      state: 'creating',
      nic: undefined,
      homes: [],
      cpu: 2,
      memory: gibi(4),
    },
  });
});

test('of several machines with one name the oldest is adopted', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: () =>
      hosts(host({ UHostId: 'uhost-a', CreateTime: 20 }), host({ UHostId: 'uhost-b', CreateTime: '10' })),
  });
  expect(await cloud.compute.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'uhost-b' } });
});

test('a list turns all pages and names a machine that moved between them once', async () => {
  const all = Array.from({ length: 230 }, (_, i) => host({ UHostId: `uhost-${i}`, Name: `web-${i}` }));
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: (_turn, call) => {
      const offset = Math.max(0, Number(call['Offset']) - 1);
      return { json: { RetCode: 0, TotalCount: '230', UHostSet: all.slice(offset, offset + Number(call['Limit'])) } };
    },
  });
  const listed = await cloud.compute.list('shop', opts);
  expect(listed.ok && new Set(listed.value.map((m) => m.id)).size).toBe(listed.ok && listed.value.length);
  expect(listed.ok && listed.value.length).toBe(230);
  expect(sent('DescribeUHostInstance').map((call) => [call['Offset'], call['Limit']])).toEqual([
    ['0', '100'],
    ['100', '100'],
    ['200', '100'],
  ]);
});

test('a list begins anew when machines came or went between two pages', async () => {
  const all = Array.from({ length: 130 }, (_, i) => host({ UHostId: `uhost-${i}`, Name: `web-${i}` }));
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: (turn, call) => {
      // The first machine ends after the first page was told, and so the hundredth is on neither page.
      const now = turn === 1 ? all : all.slice(1);
      const offset = Number(call['Offset']);
      return { json: { RetCode: 0, TotalCount: now.length, UHostSet: now.slice(offset, offset + 100) } };
    },
  });
  const listed = await cloud.compute.list('shop', opts);
  expect(listed.ok && new Set(listed.value.map((m) => m.id))).toEqual(new Set(all.slice(1).map((h) => h['UHostId'])));
  expect(sent('DescribeUHostInstance').map((call) => call['Offset'])).toEqual(['0', '100', '0', '100']);
});

const holder = (ResourceID: string, PrivateIPType = 'PrimaryIP'): Reply => ({
  json: { RetCode: 0, TotalCount: 1, DataSet: [{ PrivateIP: '10.9.0.9', PrivateIPType, ResourceID }] },
});

test('a list that lacks a machine which has an address is asked for again until it shows it', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: (turn) => (turn < 4 ? hosts() : hosts(host())),
    DescribePrivateIP: () => holder('uhost-1'),
  });
  expect(await cloud.compute.list('shop', opts)).toMatchObject({ ok: true, value: [{ id: 'uhost-1' }] });
});

test('a list that lacks a machine which has an address is no list when the time is over', async () => {
  const script = { DescribeUHostInstance: () => hosts(), DescribePrivateIP: () => holder('uhost-1') };
  const { cloud } = await cloudWith(script, ms(500));
  const listed = await cloud.compute.list('shop', { within: seconds(2) });
  expect(listed).toMatchObject({ ok: false, failure: { raw: { message: expect.stringContaining('uhost-1') } } });
});

test('a machine in the recycle bin, which keeps its address, does not make lists unreadable for ever', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: () => hosts(host()),
    DescribePrivateIP: () => holder('uhost-in-the-bin'),
  });
  expect(await cloud.compute.list(undefined, opts)).toMatchObject({ ok: true, value: [{ id: 'uhost-1' }] });
});

test('a machine of another mark is not listed', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: () => hosts(host(), host({ UHostId: 'uhost-2', Tag: 'Default' })),
  });
  expect(await cloud.compute.list('shop', opts)).toMatchObject({ ok: true, value: [{ id: 'uhost-1' }] });
});

test.each([
  ['', 'unreadable'],
  [undefined, 'unreadable'],
  ['Dreaming', 'unreadable'],
  ['Install Fail', 'failed'],
])('the state "%s" is %s and never gone', async (State, state) => {
  const { cloud } = await cloudWith({ DescribeUHostInstance: () => hosts(host({ State })) });
  expect(await cloud.compute.find('uhost-1', opts)).toMatchObject({ ok: true, value: { state } });
});

test('a machine missing by its id but listed among all is not gone', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: (_turn, call) => (call['UHostIds.0'] === undefined ? hosts(host()) : hosts()),
  });
  expect(await cloud.compute.find('uhost-1', opts)).toMatchObject({ ok: true, value: { id: 'uhost-1' } });
});

test('a machine is gone only after two calls have said so', async () => {
  const { cloud, sent } = await cloudWith({ DescribeUHostInstance: () => hosts() });
  expect(await cloud.compute.find('uhost-1', opts)).toMatchObject({ ok: false, failure: { kind: 'gone' } });
  expect(sent('DescribeUHostInstance').map((call) => call['UHostIds.0'])).toEqual(['uhost-1', undefined]);
});

test('a machine without elastic interfaces is itself the object of further addresses, one with them its interface', async () => {
  const ips = (extra: Record<string, unknown>): Record<string, unknown>[] => [
    { Type: 'Bgp', IP: '1.2.3.4' },
    {
      Type: 'Private',
      Default: 'true',
      IP: '10.9.0.12',
      Mac: '52:54:00:AA:BB:CC',
      VPCId: 'v',
      SubnetId: 's',
      ...extra,
    },
  ];
  const { cloud } = await cloudWith({
    DescribeUHostInstance: (turn) =>
      hosts(host({ IPSet: ips(turn === 1 ? { NetworkInterfaceId: '' } : { NetworkInterfaceId: 'uni-1' }) })),
  });
  const nic = { mac: '52:54:00:aa:bb:cc', ip: '10.9.0.12', vpc: 'v', subnet: 's' };
  expect(await cloud.compute.find('uhost-1', opts)).toMatchObject({
    value: { nic, homes: [{ home: { id: 'uhost-1' } }] },
  });
  expect(await cloud.compute.find('uhost-1', opts)).toMatchObject({
    value: { nic, homes: [{ home: { id: 'uni-1' } }] },
  });
});

test('a removal stops, waits, and ends the machine without its data disks and public addresses', async () => {
  const states = ['Running', 'Stopping', 'Stopping', 'Stopped'];
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: (turn) => hosts(host({ State: states[turn - 1] })),
  });
  expect(await cloud.compute.remove('uhost-1', 'shop', opts)).toEqual({ ok: true, value: undefined });
  expect(sent('StopUHostInstance')).toHaveLength(1);
  expect(sent('PoweroffUHostInstance')).toHaveLength(0);
  expect(sent('TerminateUHostInstance')).toMatchObject([
    { UHostId: 'uhost-1', Zone: 'cn-bj2-05', ReleaseUDisk: 'false', ReleaseEIP: 'false' },
  ]);
});

test('a removal cuts the power of a system that does not shut down in half of the time', async () => {
  let off = false;
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: () => hosts(host({ State: off ? 'Stopped' : 'Stopping' })),
    PoweroffUHostInstance: () => {
      off = true;
      return success;
    },
  });
  const began = performance.now();
  expect((await cloud.compute.remove('uhost-1', 'shop', { within: seconds(3) })).ok).toBe(true);
  expect(performance.now() - began).toBeGreaterThan(1500);
  expect(sent('TerminateUHostInstance')).toHaveLength(1);
});

test('a removal whose stop was perhaps not done asks for it again, and cuts no power', async () => {
  let stops = 0;
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: () => hosts(host({ State: stops < 2 ? 'Running' : 'Stopped' })),
    StopUHostInstance: (turn) => {
      stops = turn;
      return turn === 1 ? refusal(9001) : success;
    },
  });
  expect((await cloud.compute.remove('uhost-1', 'shop', opts)).ok).toBe(true);
  expect(sent('StopUHostInstance')).toHaveLength(2);
  expect(sent('PoweroffUHostInstance')).toHaveLength(0);
});

test('a removal goes on when the cloud finds the machine not yet stopped', async () => {
  const { cloud, sent } = await cloudWith({
    DescribeUHostInstance: () => hosts(host({ State: 'Stopped' })),
    TerminateUHostInstance: (turn) => (turn === 1 ? refusal(8856) : success),
  });
  expect((await cloud.compute.remove('uhost-1', 'shop', opts)).ok).toBe(true);
  expect(sent('TerminateUHostInstance')).toHaveLength(2);
});

test('a removal does nothing to a machine whose state cannot be read, and says so in the end', async () => {
  const { cloud, sent } = await cloudWith({ DescribeUHostInstance: () => hosts(host({ State: '' })) });
  expect(await cloud.compute.remove('uhost-1', 'shop', { within: seconds(2) })).toMatchObject({
    ok: false,
    failure: { kind: 'unknown', raw: { message: 'waited 2.0 s for uhost-1 to stop and end; last seen: unreadable' } },
  });
  expect(['StopUHostInstance', 'PoweroffUHostInstance', 'TerminateUHostInstance'].flatMap(sent)).toEqual([]);
});

test('a stop whose repetition meets the wrong state is success when the machine is on its way', async () => {
  const { cloud } = await cloudWith({
    DescribeUHostInstance: (turn) => hosts(host({ State: turn === 1 ? 'Running' : 'Stopping' })),
    StopUHostInstance: (turn) => (turn === 1 ? 'cut' : refusal(8905)),
  });
  expect(await cloud.compute.power('uhost-1', 'stop', opts)).toEqual({ ok: true, value: undefined });
});

const entry = (Ip: string, StatusCode = 'Succeeded'): unknown => ({ Ip, Status: { StatusCode, Message: 'words' } });
const subnetWith = (AvailableIPs: number): Reply => ({
  json: {
    RetCode: 0,
    DataSet: [
      { SubnetId: 'subnet-1', VPCId: 'uvnet-1', Subnet: '10.9.0.0', Netmask: '24', Gateway: '10.9.0.1', AvailableIPs },
    ],
  },
});

test('of a batch the addresses that succeeded are given, in the order of their numbers', async () => {
  const { cloud } = await cloudWith({
    AllocateBatchSecondaryIp: () => ({
      json: { RetCode: 0, IpsInfo: [entry('10.9.0.10'), entry('10.9.0.11', 'Failed'), entry('10.9.0.9')] },
    }),
  });
  expect(await cloud.addresses.extend(home, 3, opts)).toEqual({ ok: true, value: ['10.9.0.9', '10.9.0.10'] });
});

test.each([
  ['full, they are exhausted', 0, 'exhausted'],
  ['not full, it is unknown why', 7, 'unknown'],
])('when all addresses of a batch fail and the subnet is %s', async (_title, available, kind) => {
  const { cloud } = await cloudWith({
    AllocateBatchSecondaryIp: () => ({ json: { RetCode: 0, IpsInfo: [entry('10.9.0.9', 'Failed')] } }),
    DescribeSubnet: () => subnetWith(available),
  });
  expect(await cloud.addresses.extend(home, 1, opts)).toMatchObject({
    ok: false,
    failure: { kind, raw: { message: 'words' } },
  });
});

test('a batch larger than what the subnet has left is asked for again in that size', async () => {
  const { cloud, sent } = await cloudWith({
    AllocateBatchSecondaryIp: (_turn, call) =>
      Number(call['Count']) > 2
        ? refusal(57000)
        : { json: { RetCode: 0, IpsInfo: [entry('10.9.0.9'), entry('10.9.0.10')] } },
    DescribeSubnet: () => subnetWith(2),
  });
  expect(await cloud.addresses.extend(home, 8, opts)).toEqual({ ok: true, value: ['10.9.0.9', '10.9.0.10'] });
  expect(sent('AllocateBatchSecondaryIp').map((call) => call['Count'])).toEqual(['8', '2']);
});

test('a lost batch is unknown even after another one succeeded, because only a list tells both', async () => {
  const first = Array.from({ length: 32 }, (_, i) => entry(`10.9.0.${i + 10}`));
  const { cloud, sent } = await cloudWith({
    AllocateBatchSecondaryIp: (turn) => (turn === 1 ? { json: { RetCode: 0, IpsInfo: first } } : 'cut'),
  });
  expect(await cloud.addresses.extend(home, 40, opts)).toMatchObject({ ok: false, failure: { kind: 'unknown' } });
  expect(sent('AllocateBatchSecondaryIp').map((call) => call['Count'])).toEqual(['32', '8']);
});

test('a release is asked for again after a lost answer, and what is gone by then is released', async () => {
  const { cloud } = await cloudWith({ DeleteSecondaryIp: (turn) => (turn === 1 ? 'cut' : refusal(58221)) });
  expect(await cloud.addresses.release(home, ip('10.9.0.9'), opts)).toEqual({ ok: true, value: undefined });
});

test('an address that was released is not listed by a list that is late', async () => {
  const listing = (...ips: readonly string[]): Reply => ({ json: { RetCode: 0, DataSet: ips.map((Ip) => ({ Ip })) } });
  const { cloud } = await cloudWith({
    DescribeSecondaryIp: (turn) => (turn < 3 ? listing('10.9.0.8', '10.9.0.9') : listing('10.9.0.9')),
    DescribePrivateIP: () => holder('uhost-1', 'SecondaryIP'),
  });
  expect(await cloud.addresses.list(home, opts)).toEqual({ ok: true, value: ['10.9.0.9'] });
});

test('an address of another interface is not listed even if the filter lets it through', async () => {
  const { cloud } = await cloudWith({
    DescribeSecondaryIp: () => ({
      json: {
        RetCode: 0,
        DataSet: [
          { Ip: '10.9.0.9', Mac: '52:54:00:00:00:01' },
          { Ip: '10.9.0.10', Mac: '52:54:00:00:00:02' },
        ],
      },
    }),
  });
  expect(await cloud.addresses.list(home, opts)).toEqual({ ok: true, value: ['10.9.0.9'] });
});
