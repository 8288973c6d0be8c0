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
  charge: 'hour',
  elastic: false,
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

test.each([
  ['hour', 'Dynamic'],
  ['month', 'Month'],
  ['year', 'Year'],
  ['spot', 'Spot'],
] as const)('a machine whose charge is %s is asked for so', (charge, told) => {
  expect(planCreate({ ...wish, charge }, 'p')).toMatchObject({ params: { ChargeType: told } });
});

test('asks for elastic interfaces where further ones may come, with the network that they need', () => {
  const elastic = planCreate({ ...wish, elastic: true }, 'p');
  expect(elastic).toMatchObject({ params: { 'Features.UNI': 'true', NetCapability: 'Normal' } });
  const plain = planCreate(wish, 'p');
  expect(plain.do === 'create' && Object.keys(plain.params)).not.toContain('Features.UNI');
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

test.each<[string, Partial<MachineWish>]>([
  ['a name of one letter', { name: 'a' }],
  ['a name of one digit', { name: '1' }],
  ['a name of 63 characters', { name: 'w'.repeat(63) }],
  ['a mark of 48 characters', { mark: 'Shop_2.'.padEnd(48, '-') }],
  ['one processor', { cpu: 1 }],
  ['1Gi of memory', { memory: gibi(1) }],
  ['a boot disk of 500Gi', { bootDisk: gibi(500) }],
  ['16,384 bytes of user data', { userData: 'x'.repeat(16_384) }],
  ['16,383 bytes in 5,461 characters', { userData: '节'.repeat(5461) }],
])('takes %s', (_title, change) => {
  expect(planCreate({ ...wish, ...change }, 'p')).toMatchObject({ do: 'create' });
});

test.each<[string, Partial<MachineWish>, string]>([
  ['an empty name', { name: '' }, 'name ""'],
  ['a name that begins with a hyphen', { name: '-web' }, 'name "-web"'],
  ['a name that ends with one', { name: 'web-' }, 'name "web-"'],
  ['a name of two lines', { name: 'web-1\nweb-2' }, 'name "web-1\nweb-2"'],
  ['a name of 64 characters', { name: 'w'.repeat(64) }, `name "${'w'.repeat(64)}"`],
  ['a mark that begins with a space', { mark: ' shop' }, 'mark " shop"'],
  ['a mark that ends with one', { mark: 'shop ' }, 'mark "shop "'],
  ['a mark of 49 characters', { mark: 's'.repeat(49) }, `mark "${'s'.repeat(49)}"`],
  ['half a processor', { cpu: 1.5 }, 'cpu 1.5'],
  ['no memory', { memory: gibi(0) }, 'memory 0'],
  ['16,385 bytes of user data', { userData: 'x'.repeat(16_385) }, 'user data has 16385 bytes'],
  ['16,386 bytes in 5,462 characters', { userData: '节'.repeat(5462) }, 'user data has 16386 bytes'],
])('refuses %s', (_title, change, why) => {
  expect(planCreate({ ...wish, ...change }, 'p')).toEqual({
    do: 'refuse',
    why: expect.stringMatching(new RegExp(`^${RegExp.escape(why)}`)) as string,
  });
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
