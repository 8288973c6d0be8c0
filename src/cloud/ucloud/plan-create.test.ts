import { expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import type { MachineWish } from '../compute.ts';
import { planCreate } from './plan-create.ts';

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
  userData: '#cloud-config\nhostname: 节点\n',
};

test('asks for one machine by the hour with everything said that the cloud would otherwise choose', () => {
  const step = planCreate(wish, 'Is1-secret');
  expect(step).toMatchObject({
    do: 'create',
    params: {
      Zone: 'cn-bj2-05',
      Name: 'web-1',
      Tag: 'isthmus-shop',
      ImageId: 'uimage-1',
      VPCId: 'uvnet-1',
      SubnetId: 'subnet-1',
      MachineType: 'O',
      CPU: 2,
      Memory: 4096,
      'Disks.0.IsBoot': 'True',
      'Disks.0.Type': 'CLOUD_RSSD',
      'Disks.0.Size': 40,
      LoginMode: 'Password',
      Password: 'SXMxLXNlY3JldA==',
      AutoDataDiskInit: 'Off',
      ChargeType: 'Dynamic',
    },
  });
  const userData = step.do === 'create' ? String(step.params['UserData']) : '';
  expect(Buffer.from(userData, 'base64').toString('utf8')).toBe(wish.userData);
});

test('names user data and password as secrets, in plain text and as they are sent', () => {
  const step = planCreate(wish, 'Is1-secret');
  expect(step.do === 'create' && step.secrets).toEqual([
    wish.userData,
    Buffer.from(wish.userData).toString('base64'),
    'Is1-secret',
    'SXMxLXNlY3JldA==',
  ]);
});

test.each<[string, Partial<MachineWish>, number]>([
  ['rounds a boot disk up to whole GiB', { bootDisk: mebi(40 * 1024 + 1) }, 41],
  ['asks for no smaller boot disk than the cloud has', { bootDisk: gibi(8) }, 20],
])('%s', (_title, change, size) => {
  expect(planCreate({ ...wish, ...change }, 'p')).toMatchObject({ params: { 'Disks.0.Size': size } });
});

test('tells all faults of a wish at once', () => {
  const step = planCreate(
    {
      ...wish,
      name: 'Web_1',
      mark: '',
      cpu: 0,
      memory: mebi(1500),
      bootDisk: gibi(501),
      userData: 'x'.repeat(16 * 1024 + 1),
    },
    'p',
  );
  expect(step).toEqual({
    do: 'refuse',
    why: [
      'name "Web_1" is not 1 to 63 of a-z, 0-9 and -, write web-1',
      'mark "" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop',
      'cpu 0 is no whole number from 1, write 2',
      'memory 1500Mi is not sold, only whole Gi are, write 4Gi',
      'boot disk 501Gi is larger than 500Gi, write 40Gi',
      'user data has 16385 bytes, the cloud takes 16384: shorten it',
    ].join('; '),
  });
});
