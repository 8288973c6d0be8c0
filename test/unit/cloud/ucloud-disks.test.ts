import { expect, onTestFinished, test, vi } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { minutes, ms, seconds } from '#unit/clock.ts';
import type { DiskWish } from '../../../src/cloud/disk.ts';
import { type Parameters, type Reply, refusal, success } from './scripted-api.ts';
import { closeScriptedClouds, scriptedCloud } from './scripted-cloud.ts';

closeScriptedClouds();

const wish: DiskWish = {
  mark: 'shop',
  owner: 'pvc-0001',
  zone: 'cn-bj2-05',
  near: undefined,
  kind: 'ssd',
  size: gibi(20),
  source: { from: 'nothing' },
  charge: 'hour',
  quantity: 1,
  encryptionKey: undefined,
  snapshotService: false,
};
const opts = { within: seconds(20) };
const near = { ...opts, across: false };

function disk(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    UDiskId: 'bs-1',
    Name: 'pvc-0001',
    Tag: 'isthmus-shop',
    Zone: 'cn-bj2-05',
    DiskType: 'CLOUD_SSD',
    IsBoot: 'False',
    Size: 20,
    Status: 'Available',
    CreateTime: 5,
    SnapEnable: 1,
    ...change,
  };
}
function listed(...entries: Record<string, unknown>[]): Reply {
  return { json: { RetCode: 0, TotalCount: entries.length, DataSet: entries } };
}
const madeOne: Reply = { json: { RetCode: 0, UDiskId: ['bs-1'] } };
const heldBy = (HostId: string, Status = 'InUse') => disk({ HostId, Status });

/** A disk that the script attaches and detaches as it is asked. */
function oneDisk(): { readonly look: () => Reply; at: (machine: string | undefined) => void } {
  let machine: string | undefined;
  return {
    look: () => listed(machine === undefined ? disk() : heldBy(machine)),
    at: (now) => {
      machine = now;
    },
  };
}

test('a disk whose create was lost is found by mark and owner, and asked for once', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: (turn) => (turn < 3 ? listed() : listed(disk())),
    CreateUDisk: () => 'cut',
  });
  expect(await disks.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'bs-1', owner: 'pvc-0001' } });
  expect(sent('CreateUDisk')).toHaveLength(1);
});

test('of two disks of one owner the oldest is adopted, and those of others never', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () =>
      listed(
        disk({ UDiskId: 'bs-0', Tag: 'Default' }),
        disk({ UDiskId: 'bs-3', CreateTime: 9 }),
        disk({ UDiskId: 'bs-2', CreateTime: 7 }),
        disk({ UDiskId: 'bs-4', CreateTime: 1, Name: 'pvc-0002' }),
      ),
  });
  expect(await disks.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'bs-2' } });
  expect(sent('CreateUDisk')).toEqual([]);
});

test('a create is answered as it was accepted, without a further look', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => listed(), CreateUDisk: () => madeOne });
  const made = await disks.create({ ...wish, snapshotService: true }, opts);
  expect(made).toMatchObject({
    ok: true,
    value: { id: 'bs-1', serial: 'bs-1', state: 'creating', source: '', charge: 'hour', snapshots: { can: true } },
  });
  expect(sent('DescribeUDisk')).toHaveLength(1);
});

test('a create that says nothing of an id is looked for, and its doubt is told', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(),
    CreateUDisk: () => ({ json: { RetCode: 0, UDiskId: [] } }),
  });
  expect(await disks.create(wish, opts)).toMatchObject({ ok: false, failure: { kind: 'unknown' } });
  expect(sent('CreateUDisk')).toHaveLength(1);
});

test('a hundred creates at once look with few lists', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(),
    CreateUDisk: (turn) => ({ json: { RetCode: 0, UDiskId: `bs-${turn}` } }),
  });
  const owners = Array.from({ length: 100 }, (_, i) => `pvc-${1000 + i}`);
  const made = await Promise.all(owners.map((owner) => disks.create({ ...wish, owner }, opts)));
  expect(new Set(made.map((one) => one.ok && one.value.id)).size).toBe(100);
  expect(sent('DescribeUDisk').length).toBeLessThan(10);
  expect(sent('CreateUDisk')).toHaveLength(100);
});

test('a create keeps its limit although the list that it shares does not come', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => 'hang' });
  const began = performance.now();
  expect(await disks.create(wish, { within: ms(300) })).toMatchObject({ failure: { kind: 'unavailable' } });
  expect(performance.now() - began).toBeLessThan(5000);
  expect(sent('CreateUDisk')).toEqual([]);
});

test('lists ask for kinds as machines have them and for nothing that makes them slow, and a find for all', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => listed(disk({ ChargeType: 'Dynamic' })) });
  await disks.list('shop', opts);
  expect(await disks.find('bs-1', opts)).toMatchObject({ ok: true, value: { charge: 'hour' } });
  const quick = { ProtocolVersion: '1', Limit: '100', Offset: '0', IgnoreBackupMode: 'Yes', IgnoreUBillInfo: 'Yes' };
  expect(sent('DescribeUDisk')).toMatchObject([
    quick,
    { ...quick, UDiskId: 'bs-1', IgnoreBackupMode: 'No', IgnoreUBillInfo: 'No' },
  ]);
});

test('a disk that machines boot from is neither listed nor found', async () => {
  const { disks } = await scriptedCloud({ DescribeUDisk: () => listed(disk({ IsBoot: 'True' })) });
  expect(await disks.list(undefined, opts)).toEqual({ ok: true, value: [] });
  expect(await disks.find('bs-1', opts)).toMatchObject({ ok: false, failure: { kind: 'gone' } });
});

test.each<[string, (call: Parameters) => Reply]>([
  ['an empty list', () => listed()],
  ['a code of its own', (call) => (call['UDiskId'] === undefined ? listed() : refusal(17041))],
])(
  'a disk that the cloud tells to be unknown by %s is gone, and only after all disks were asked for',
  async (_title, reply) => {
    const { disks, sent } = await scriptedCloud({ DescribeUDisk: (_turn, call) => reply(call) });
    expect(await disks.find('bs-1', opts)).toMatchObject({ ok: false, failure: { kind: 'gone' } });
    expect(sent('DescribeUDisk').map((call) => call['UDiskId'])).toEqual(['bs-1', undefined]);
  },
);

test('a disk is attached for this machine alone, and across clusters only where that is wished', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => listed(disk()), AttachUDisk: () => success });
  await disks.attach('bs-1', 'uhost-1', near);
  await disks.attach('bs-1', 'uhost-1', { ...opts, across: true });
  const call = { UDiskId: 'bs-1', HostId: 'uhost-1', Zone: 'cn-bj2-05', MultiAttach: 'No' };
  expect(sent('AttachUDisk')).toMatchObject([call, { ...call, EnableCrossPodAttach: 'Yes' }]);
  expect(sent('AttachUDisk')[0]).not.toHaveProperty('EnableCrossPodAttach');
});

test.each<[string, (state: ReturnType<typeof oneDisk>) => Reply, string]>([
  [
    'was done, and its answer lost',
    (state) => {
      state.at('uhost-1');
      return 'cut';
    },
    'ok',
  ],
  [
    'was done before',
    (state) => {
      state.at('uhost-1');
      return refusal(17057);
    },
    'ok',
  ],
  [
    'came too late, because another machine has the disk',
    (state) => {
      state.at('uhost-2');
      return refusal(17057);
    },
    'inUse',
  ],
  ['was lost before it was done', () => 'cut', 'unknown'],
  ['has to wait for another one', () => refusal(17056), 'state'],
  ['has to wait for half a minute', () => refusal(17101), 'state'],
  ['is refused because of the cluster', () => refusal(17218), 'outOfReach'],
  ['is refused because the machine is full', () => refusal(17067), 'quota'],
  ['is denied', () => refusal(299), 'denied'],
])('an attachment that %s is told as what it came to', async (_title, reply, kind) => {
  const state = oneDisk();
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: state.look,
    DescribeUHostInstance: () => ({
      json: { RetCode: 0, TotalCount: 1, UHostSet: [{ UHostId: 'uhost-1', Zone: 'cn-bj2-05' }] },
    }),
    AttachUDisk: () => reply(state),
  });
  const attached = await disks.attach('bs-1', 'uhost-1', near);
  expect(attached.ok ? 'ok' : attached.failure.kind).toBe(kind);
  expect(sent('AttachUDisk')).toHaveLength(1);
});

test.each<[string, Record<string, unknown>[], string, string]>([
  ['is in another zone', [{ UHostId: 'uhost-1', Zone: 'cn-bj2-02' }], 'outOfReach', 'cn-bj2-02'],
  ['is gone', [], 'gone', 'uhost-1'],
])(
  'a machine that %s is told, although the cloud refuses with a code that nobody knows',
  async (_title, hosts, kind, word) => {
    const { disks } = await scriptedCloud({
      DescribeUDisk: () => listed(disk()),
      AttachUDisk: () => refusal(9001),
      DescribeUHostInstance: () => ({ json: { RetCode: 0, TotalCount: hosts.length, UHostSet: hosts } }),
    });
    const attached = await disks.attach('bs-1', 'uhost-1', near);
    expect(attached).toMatchObject({ ok: false, failure: { kind, raw: { message: expect.stringContaining(word) } } });
  },
);

test('a disk that another machine has is neither attached nor asked for', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => listed(heldBy('uhost-2')) });
  expect(await disks.attach('bs-1', 'uhost-1', near)).toMatchObject({
    failure: { kind: 'inUse', raw: { message: 'disk bs-1 is attached to uhost-2' } },
  });
  expect(await disks.detach('bs-1', 'uhost-1', opts)).toEqual({ ok: true, value: undefined });
  expect([...sent('AttachUDisk'), ...sent('DetachUDisk')]).toEqual([]);
});

test('a disk that its machine still uses is detached again until the cloud takes it, and the machine is named each time', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(heldBy('uhost-1')),
    DetachUDisk: (turn) => (turn < 3 ? refusal(17060) : success),
  });
  expect(await disks.detach('bs-1', 'uhost-1', opts)).toEqual({ ok: true, value: undefined });
  const call = { UDiskId: 'bs-1', HostId: 'uhost-1', Zone: 'cn-bj2-05' };
  expect(sent('DetachUDisk')).toMatchObject([call, call, call]);
});

test('of many disks that are detached at once the cloud is asked by few lists, and for one that no list shows by its id', async () => {
  const all = Array.from({ length: 40 }, (_, n) => disk({ ...heldBy('uhost-1'), UDiskId: `bs-${n}` }));
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: (_turn, { UDiskId }) =>
      listed(
        ...all
          .filter((one) => one['UDiskId'] === (UDiskId ?? one['UDiskId']))
          .filter((one) => UDiskId !== undefined || one['UDiskId'] !== 'bs-39'),
      ),
  });
  const detached = await Promise.all(all.map((_, n) => disks.detach(`bs-${n}`, 'uhost-1', opts)));
  expect(detached.filter(({ ok }) => ok)).toHaveLength(40);
  expect(new Set(sent('DetachUDisk').map(({ UDiskId }) => UDiskId)).size).toBe(40);
  expect(
    sent('DescribeUDisk')
      .map(({ UDiskId = 'all' }) => UDiskId)
      .toSorted(),
  ).toEqual(['all', 'bs-0', 'bs-39']);
});

test.each([
  ['an attempt', 'DetachUDisk'],
  ['a look', 'DescribeUDisk'],
])(
  'a disk that its machine uses to the end of the limit is in use, also when the limit ends during %s',
  async (_title, slow) => {
    // Time passes in the cloud alone, so that a slow computer does not change which call is the last.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const slowly = (action: string, turn: number, reply: Reply): Reply => {
      if (action === slow && turn === 3) vi.advanceTimersByTime(minutes(10));
      return reply;
    };
    const { disks, sent } = await scriptedCloud({
      DescribeUDisk: (turn) => slowly('DescribeUDisk', turn, listed(heldBy('uhost-1'))),
      DetachUDisk: (turn) => slowly('DetachUDisk', turn, refusal(17060)),
    });
    expect(await disks.detach('bs-1', 'uhost-1', { within: minutes(10) })).toMatchObject({
      failure: { kind: 'inUse' },
    });
    expect(sent('DetachUDisk')).toHaveLength(slow === 'DetachUDisk' ? 3 : 2);
  },
);

test.each<[string, (turn: number) => Reply, Reply, number]>([
  ['whose answer was lost', (turn) => listed(heldBy('uhost-1', turn === 1 ? 'InUse' : 'Detaching')), 'cut', 1],
  [
    'that is under way already',
    (turn) => listed(heldBy('uhost-1', turn === 1 ? 'InUse' : 'Detaching')),
    refusal(17061),
    1,
  ],
  ['of a disk that is gone by then', () => listed(heldBy('uhost-1')), refusal(17041), 1],
  [
    'of a disk that went elsewhere meanwhile',
    (turn) => listed(heldBy(turn === 1 ? 'uhost-1' : 'uhost-2')),
    refusal(9001),
    1,
  ],
  ['that is under way before it is asked for', () => listed(heldBy('uhost-1', 'Detaching')), success, 0],
])('a detachment %s is success', async (_title, look, answer, asked) => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: look, DetachUDisk: () => answer });
  expect(await disks.detach('bs-1', 'uhost-1', opts)).toEqual({ ok: true, value: undefined });
  expect(sent('DetachUDisk')).toHaveLength(asked);
});

test('a detachment that is denied is not asked for again', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(heldBy('uhost-1')),
    DetachUDisk: () => refusal(299),
  });
  expect(await disks.detach('bs-1', 'uhost-1', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect(sent('DetachUDisk')).toHaveLength(1);
});

test('a disk is removed where it is, and one that is attached or of another mark is not asked for', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: (_turn, call) =>
      listed(
        ...[disk(), disk({ UDiskId: 'bs-2', Tag: 'isthmus-other' }), { ...heldBy('uhost-1'), UDiskId: 'bs-3' }].filter(
          (one) => one['UDiskId'] === call['UDiskId'],
        ),
      ),
  });
  expect(await disks.remove('bs-1', 'shop', opts)).toEqual({ ok: true, value: undefined });
  expect(await disks.remove('bs-2', 'shop', opts)).toMatchObject({ failure: { kind: 'denied' } });
  expect(await disks.remove('bs-3', 'shop', opts)).toMatchObject({ failure: { kind: 'inUse' } });
  expect(sent('DeleteUDisk')).toMatchObject([{ UDiskId: 'bs-1', Zone: 'cn-bj2-05' }]);
});

test('of many disks that are removed at once the pages of all disks are read once, also when disks go between two pages', async () => {
  const ours = Array.from({ length: 40 }, (_, n) => disk({ UDiskId: `bs-${n}` }));
  const others = Array.from({ length: 220 }, (_, n) => disk({ UDiskId: `bs-other-${n}`, Tag: 'isthmus-other' }));
  const there = [...others.slice(0, 90), ...ours, ...others.slice(90)];
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: (_turn, { UDiskId, Offset, Limit }) => {
      if (UDiskId !== undefined) return listed(...there.filter((one) => one['UDiskId'] === UDiskId));
      const page = there.slice(Number(Offset), Number(Offset) + Number(Limit));
      const answer: Reply = { json: { RetCode: 0, TotalCount: there.length, DataSet: page } };
      there.shift();
      return answer;
    },
  });
  const removed = await Promise.all(ours.map((_, n) => disks.remove(`bs-${n}`, 'shop', opts)));
  expect(removed.filter(({ ok }) => ok)).toHaveLength(40);
  expect(new Set(sent('DeleteUDisk').map(({ UDiskId }) => UDiskId)).size).toBe(40);
  const looks = sent('DescribeUDisk');
  expect(looks.flatMap(({ UDiskId, Offset }) => (UDiskId === undefined ? [Offset] : []))).toEqual(['0', '100', '200']);
  // The first that asked, and the one that slipped from the second page to the first.
  expect(looks.flatMap(({ UDiskId }) => UDiskId ?? []).toSorted()).toEqual(['bs-0', 'bs-10']);
});

test('an owner whose disk was removed gets another one while lists still show the first', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(disk()),
    CreateUDisk: () => ({ json: { RetCode: 0, UDiskId: ['bs-2'] } }),
  });
  await disks.remove('bs-1', 'shop', opts);
  expect(await disks.create(wish, opts)).toMatchObject({ ok: true, value: { id: 'bs-2' } });
  expect(await disks.find('bs-1', opts)).toMatchObject({ failure: { kind: 'gone' } });
  expect(sent('CreateUDisk')).toHaveLength(1);
});

test('a disk grows to the size and in the zone that it has', async () => {
  const { disks, sent } = await scriptedCloud({ DescribeUDisk: () => listed(disk({ Zone: 'cn-bj2-02' })) });
  expect((await disks.grow('bs-1', gibi(50), opts)).ok).toBe(true);
  expect(sent('ResizeUDisk')).toMatchObject([{ UDiskId: 'bs-1', Zone: 'cn-bj2-02', Size: '50' }]);
});

test.each<[string, Reply, number, string]>([
  ['its answer was lost', 'cut', 50, 'ok'],
  ['it is refused because it was done before', refusal(230), 50, 'ok'],
  ['it was lost before it was done', 'cut', 20, 'unknown'],
  ['it is refused for good', refusal(230), 20, 'invalid'],
  ['it is denied', refusal(299), 50, 'denied'],
])('a growth of which %s is told as what it came to', async (_title, answer, size, kind) => {
  let looks = 0;
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(disk({ Size: ++looks < 3 ? 20 : size })),
    ResizeUDisk: () => answer,
  });
  const grown = await disks.grow('bs-1', gibi(50), opts);
  expect(grown.ok ? 'ok' : grown.failure.kind).toBe(kind);
  expect(sent('ResizeUDisk')).toHaveLength(1);
});

test('a disk of a kind with clusters is made in that of its machine, others where the cloud likes', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(),
    DescribeUHostInstance: () => ({
      json: {
        RetCode: 0,
        TotalCount: 1,
        UHostSet: [{ UHostId: 'uhost-1', Zone: 'cn-bj2-05', RdmaClusterId: 'rdma-7' }],
      },
    }),
    CreateUDisk: () => madeOne,
  });
  await disks.create({ ...wish, kind: 'rssd', near: 'uhost-1' }, opts);
  await disks.create({ ...wish, near: 'uhost-1', owner: 'pvc-0002' }, opts);
  await disks.create({ ...wish, kind: 'rssd', owner: 'pvc-0003' }, opts);
  expect(sent('CreateUDisk').map((call) => call['RdmaClusterId'])).toEqual(['rdma-7', undefined, undefined]);
  expect(sent('DescribeUHostInstance')).toHaveLength(1);
});

test('a copy is asked for by its source, and paid by the hour although the cloud would take a month', async () => {
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: (_turn, call) => (call['UDiskId'] === 'bs-9' ? listed(disk({ UDiskId: 'bs-9' })) : listed()),
    DescribeUDiskSnapshot: () =>
      listed({ SnapshotId: 'bsSnap-1', UDiskId: 'bs-9', Zone: 'cn-bj2-05', Size: 20, Status: 'Normal', DiskType: 2 }),
    CloneUDisk: () => madeOne,
    CloneUDiskSnapshot: () => ({ json: { RetCode: 0, UDiskId: 'bs-2' } }),
  });
  const copy = await disks.create({ ...wish, source: { from: 'disk', disk: 'bs-9' } }, opts);
  expect(copy).toMatchObject({ ok: true, value: { id: 'bs-1', state: 'copying' } });
  const source = { from: 'snapshot', snapshot: 'bsSnap-1' } as const;
  expect(await disks.create({ ...wish, owner: 'pvc-0002', source }, opts)).toMatchObject({ value: { id: 'bs-2' } });
  expect(sent('CloneUDisk')).toMatchObject([{ SourceId: 'bs-9', ChargeType: 'Dynamic' }]);
  expect(sent('CloneUDiskSnapshot')).toMatchObject([{ SourceId: 'bsSnap-1', ChargeType: 'Dynamic' }]);
});

test('a snapshot is asked for by a name that says whose it is, and nothing else is sent that the cloud refuses', async () => {
  const { snapshots, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(disk()),
    DescribeUDiskSnapshot: () => listed(),
    CreateUDiskSnapshot: () => ({ json: { RetCode: 0, SnapshotId: ['bsSnap-1'] } }),
  });
  const made = await snapshots.create({ mark: 'shop', owner: 'snapshot-0001', disk: 'bs-1' }, opts);
  expect(made).toMatchObject({ ok: true, value: { id: 'bsSnap-1', state: 'creating', disk: 'bs-1', size: gibi(20) } });
  const [call] = sent('CreateUDiskSnapshot');
  expect(call).toMatchObject({ UDiskId: 'bs-1', Zone: 'cn-bj2-05', Name: 'isthmus-shop_snapshot-0001' });
  expect(call).not.toHaveProperty('Comment');
});

test('a snapshot of a long owner is found again by its digest', async () => {
  const owner = 'snapshot-6f1c6f3c-1a2b-4d5e-8f90-123456789abc';
  const wanted = { mark: 'a-cluster-with-a-long-name', owner, disk: 'bs-1' };
  let made: Record<string, unknown>[] = [];
  const { snapshots, sent } = await scriptedCloud({
    DescribeUDisk: () => listed(disk()),
    DescribeUDiskSnapshot: () => listed(...made),
    CreateUDiskSnapshot: (_turn, call) => {
      made = [{ SnapshotId: 'bsSnap-1', Name: call['Name'], UDiskId: 'bs-1', Status: 'Normal' }];
      return { json: { RetCode: 0, SnapshotId: ['bsSnap-1'] } };
    },
  });
  const first = await snapshots.create(wanted, opts);
  const again = await snapshots.create(wanted, opts);
  expect([first.ok && first.value.owner, again.ok && again.value.id]).toEqual([
    again.ok && again.value.owner,
    'bsSnap-1',
  ]);
  expect(sent('CreateUDiskSnapshot')).toHaveLength(1);
});

test('what this machine could take is asked of the cloud, and an empty answer is held against the machine', async () => {
  let isThere = true;
  const { disks, sent } = await scriptedCloud({
    DescribeUDisk: () => (isThere ? listed(disk()) : listed()),
    DescribeUHostInstance: () => ({ json: { RetCode: 0, TotalCount: 0, UHostSet: [] } }),
  });
  expect(await disks.attachable('uhost-1', opts)).toMatchObject({ ok: true, value: [{ id: 'bs-1' }] });
  expect(sent('DescribeUDisk')).toMatchObject([{ HostIdForAttachment: 'uhost-1' }]);
  isThere = false;
  expect(await disks.attachable('uhost-1', opts)).toMatchObject({ ok: false, failure: { kind: 'gone' } });
});
