import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { parseMountPoint, parseShare } from './parse-share.ts';
import { shares } from './wire/shapes.ts';

const seen = {
  VolumeId: 'ufs-1',
  VolumeName: 'shop-files',
  Tag: 'isthmus-shop',
  Remark: 'isthmus/uid-1',
  StorageType: 'Advanced',
  Size: 100,
  UsedSize: 3,
  CreateTime: 1492529621,
  TotalMountPointNum: 1,
  MaxMountPointNum: 5,
};

test.each<[string, object, object]>([
  [
    'all that the cloud tells',
    seen,
    {
      id: 'ufs-1',
      name: 'shop-files',
      mark: 'shop',
      owner: 'uid-1',
      kind: 'advanced',
      size: gibi(100),
      used: gibi(3),
      createdAt: 1492529621,
      mountPoints: { count: 1, most: 5 },
    },
  ],
  [
    'next to nothing',
    { VolumeId: 'ufs-1' },
    {
      id: 'ufs-1',
      name: '',
      mark: undefined,
      owner: undefined,
      kind: undefined,
      size: 0,
      used: undefined,
      createdAt: 0,
      mountPoints: { count: 0, most: 0 },
    },
  ],
])('a file share is read of %s', (_title, one, told) => {
  expect(shares.parse({ DataSet: [one] }).DataSet.map(parseShare)).toStrictEqual([told]);
});

test.each([
  ['Basic', 'basic'],
  ['Paper', undefined],
])('the storage type %s is of kind %s', (StorageType, kind) => {
  expect(shares.parse({ DataSet: [{ ...seen, StorageType }] }).DataSet.map(parseShare)).toMatchObject([{ kind }]);
});

test.each([
  ['10.9.0.7:/', '10.9.0.7', '/'],
  ['10.9.0.7:/files', '10.9.0.7', '/files'],
  ['10.9.0.7', '10.9.0.7', '/'],
  ['', undefined, '/'],
  [undefined, undefined, '/'],
  [':/', undefined, '/'],
])('the mount point %s is %s at %s', (MountPointIp, address, path) => {
  const told = parseMountPoint({ VpcId: 'uvnet-1', SubnetId: 'subnet-1', MountPointIp });
  expect(told).toStrictEqual({ vpc: 'uvnet-1', subnet: 'subnet-1', address, path });
});
