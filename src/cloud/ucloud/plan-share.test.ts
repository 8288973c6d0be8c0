import { expect, test } from 'vitest';
import { type Bytes, gibi } from '#unit/bytes.ts';
import { ip } from '#unit/ip.ts';
import type { FileShare, FileShareWish, MountPoint, MountPointWish } from '../file-share.ts';
import { isAt, planGrowShare, planOpen, planShare } from './plan-share.ts';

const wish: FileShareWish = {
  mark: 'shop',
  owner: 'uid-1',
  name: 'shop-files',
  zone: 'z-1',
  kind: 'advanced',
  size: gibi(100),
  charge: 'hour',
  quantity: 1,
};

const params = {
  Zone: 'z-1',
  VolumeName: 'shop-files',
  Tag: 'isthmus-shop',
  Remark: 'isthmus/uid-1',
  Size: 100,
  StorageType: 'Advanced',
  ProtocolType: 'NFSv4',
  ChargeType: 'Dynamic',
};

test.each<[string, Partial<FileShareWish>, object]>([
  ['a fast file share by the hour', {}, params],
  ['a large one', { kind: 'basic', size: gibi(500) }, { ...params, StorageType: 'Basic', Size: 500 }],
  ['one by the year, with its years', { charge: 'year', quantity: 2 }, { ...params, ChargeType: 'Year', Quantity: 2 }],
  ['the largest fast one', { size: gibi(20_000) }, { ...params, Size: 20_000 }],
  ['the largest one', { kind: 'basic', size: gibi(100_000) }, { ...params, StorageType: 'Basic', Size: 100_000 }],
  ['one of the longest mark', { mark: 'm'.repeat(48) }, { ...params, Tag: `isthmus-${'m'.repeat(48)}` }],
])('asks for %s', (_title, change, asked) => {
  expect(planShare({ ...wish, ...change })).toStrictEqual({ do: 'create', params: asked });
});

test.each<[string, Partial<FileShareWish>, string]>([
  ['kind', { kind: 'paper' }, 'file shares of kind "paper" are not sold, write one of basic, advanced'],
  ['kind', { kind: 'toString' }, 'file shares of kind "toString" are not sold, write one of basic, advanced'],
  ['size', { size: gibi(150) }, 'size 150Gi is not sold for kind advanced, only 100Gi to 20000Gi in steps of 100Gi'],
  ['size', { size: 0 as Bytes }, 'size 0Ti is not sold for kind advanced, only 100Gi to 20000Gi in steps of 100Gi'],
  [
    'size',
    { size: gibi(20_100) },
    'size 20100Gi is not sold for kind advanced, only 100Gi to 20000Gi in steps of 100Gi',
  ],
  [
    'size',
    { kind: 'basic', size: gibi(400) },
    'size 400Gi is not sold for kind basic, only 500Gi to 100000Gi in steps of 100Gi',
  ],
  ['name', { name: 'short' }, 'name "short" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files'],
  ['name', { name: '!shop-files' }, 'name "!shop-files" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files'],
  ['name', { name: 'shop-files!' }, 'name "shop-files!" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files'],
  ['mark', { mark: '!shop' }, 'mark "!shop" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop'],
  ['mark', { mark: 'shop!' }, 'mark "shop!" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop'],
  ['mark', { mark: 'a b' }, 'mark "a b" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop'],
  ['months', { charge: 'month', quantity: -1 }, 'quantity -1 of month is not a whole number from 1, write 1'],
  [
    'name and a kind',
    { name: 'x', kind: 'paper' },
    'name "x" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files; file shares of kind "paper" are not sold, write one of basic, advanced',
  ],
])('refuses a %s that the cloud would not take: %j', (_title, change, why) => {
  expect(planShare({ ...wish, ...change })).toEqual({ do: 'refuse', kind: 'invalid', why });
});

const share: FileShare = {
  id: 'ufs-1',
  name: 'shop-files',
  mark: 'shop',
  owner: 'uid-1',
  kind: 'advanced',
  size: gibi(300),
  used: gibi(1),
  createdAt: 1,
  mountPoints: { count: 0, most: 5 },
};

test.each<[string, Partial<FileShare>, Bytes, unknown]>([
  ['a larger size', {}, gibi(400), { do: 'grow' }],
  ['a size of a kind that is not known', { kind: undefined }, gibi(350), { do: 'grow' }],
  ['the same size', {}, gibi(300), { do: 'done' }],
  ['a smaller size', {}, gibi(150), { do: 'done' }],
  [
    'a size between two steps',
    {},
    gibi(350),
    {
      do: 'refuse',
      kind: 'invalid',
      why: 'size 350Gi is not sold for kind advanced, only 100Gi to 20000Gi in steps of 100Gi',
    },
  ],
])('a file share of 300 GiB and %s', (_title, change, to, step) => {
  expect(planGrowShare({ ...share, ...change }, to)).toEqual(step);
});

const opening: MountPointWish = { name: 'shop-mount', vpc: 'uvnet-1', subnet: 'subnet-1' };
const at = (subnet: string, vpc = 'uvnet-1'): MountPoint => ({ vpc, subnet, address: ip('10.9.0.7'), path: '/' });
const asked = {
  do: 'open',
  params: { VolumeId: 'ufs-1', MountPointName: 'shop-mount', VpcId: 'uvnet-1', SubnetId: 'subnet-1' },
};

test.each<[string, Partial<MountPointWish>, readonly MountPoint[], number, unknown]>([
  ['that nobody reaches yet', {}, [], 5, asked],
  ['that other subnets reach', {}, [at('subnet-2'), at('subnet-3')], 3, asked],
  ['that a subnet of this id in another VPC reaches', {}, [at('subnet-1', 'uvnet-2')], 5, asked],
  ['that does not say how many it may have', {}, [at('subnet-2')], 0, asked],
  ['that the subnet reaches', {}, [at('subnet-2'), at('subnet-1')], 2, { do: 'done' }],
  [
    'that has as many as it may',
    {},
    [at('subnet-2'), at('subnet-3')],
    2,
    {
      do: 'refuse',
      kind: 'quota',
      why: 'file share ufs-1 has 2 mount points, as many as it may: subnet-2, subnet-3',
    },
  ],
  [
    'by a name that the cloud would not take',
    { name: 'x' },
    [],
    5,
    { do: 'refuse', kind: 'invalid', why: 'name "x" is not 6 to 63 of A-Z, a-z, 0-9, - and _, write shop-files' },
  ],
])('a subnet is let in to a file share %s', (_title, change, mountPoints, most, step) => {
  expect(planOpen('ufs-1', { ...opening, ...change }, { mountPoints, most })).toEqual(step);
});

test('a mount point is told by VPC and subnet together', () => {
  expect(isAt(at('subnet-1'), opening)).toBe(true);
  expect(isAt(at('subnet-2'), opening)).toBe(false);
  expect(isAt(at('subnet-1', 'uvnet-2'), opening)).toBe(false);
});
