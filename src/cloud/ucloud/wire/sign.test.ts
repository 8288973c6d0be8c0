import { expect, test } from 'vitest';
import { type Params, sign, textsOf } from './sign.ts';

const PublicKey = 'ucloudsomeone@example.com1296235120854146120';
const privateKey = '46f09bb9fab4f12dfc160dae12273d5332b5debe';

const describeHosts: Params = { PublicKey, Action: 'DescribeUHostInstance', Limit: 10, Region: 'cn-bj2' };
const createHost: Params = {
  PublicKey,
  Action: 'CreateUHostInstance',
  CPU: 2,
  ChargeType: 'Month',
  DiskSpace: 10,
  ImageId: 'f43736e1-65a5-4bea-ad2e-8a46e18883c2',
  LoginMode: 'Password',
  Memory: 2048,
  Name: 'Host01',
  Password: 'VUNsb3VkLmNu',
  Quantity: 1,
  Region: 'cn-bj2',
  Zone: 'cn-bj2-04',
};
const twelveBackends = Object.fromEntries(
  Array.from({ length: 12 }, (_, i) => [`Backends.${i}`, ['foo', 'bar', 42][i % 3] as string | number]),
);

/** The Go SDK's payload; what it nests stands here in the text that is signed for it, for we send flat forms only. */
const mixedTypes: Params = {
  ...Object.fromEntries(
    ['int', 'int8', 'int16', 'int32', 'int64', 'uint', 'uint8', 'uint16', 'uint32', 'uint64'].flatMap((type) => [
      [type, 42],
      [`${type}Pointer`, 42],
    ]),
  ),
  boolValue: true,
  boolValuePointer: true,
  strValue: 'foo',
  strValuePointer: 'foo',
  float64Value: 42.1,
  float64ValuePointer: 42.1,
  float64TValue: 42.0,
  float64TValuePointer: 42.0,
  float32TValue: 42.0,
  float32TValuePointer: 42.0,
  float32Value: Math.fround(42.1),
  float32ValuePointer: Math.fround(42.1),
  map: 'foobar',
  array: 'foobar',
  arrMap: 'foobar',
  arr2: 'foobar',
  arrMapMissTyped1: '',
  arrMapMissTyped2: '',
  mapArrMapMissTyped: '',
};

test.each<[string, Params, string, string]>([
  ['1: a read', describeHosts, privateKey, 'cba5cf5ec4d4233d206b1b54951e3787350a642f'],
  ['2: a create', createHost, privateKey, '4f9ef5df2abab2c6fccd1e9515cb7e2df8c6bb65'],
  [
    '3: temporary credentials',
    { ...createHost, SecurityToken: 'some_stoken' },
    privateKey,
    '170c480ad176a247b324eb92a2cfe536aacfbd04',
  ],
  [
    '4: an array of twelve, 10 before 2',
    { PublicKey, Action: 'AllocateBackendBatch', ...twelveBackends },
    privateKey,
    '6bc32642779f8cb0bb3d3f128b1c0688abf9a1a3',
  ],
  [
    '5: a parameter without a value',
    { ...describeHosts, Foo: undefined },
    privateKey,
    'cba5cf5ec4d4233d206b1b54951e3787350a642f',
  ],
  ['6: every type of value', mixedTypes, 'foo', '682fc4fbb46a71c6c690a1f8cb233f4174662845'],
  [
    '7: an array of objects',
    {
      PublicKey,
      Action: 'CreateNetworkInterface',
      Region: 'cn-bj2',
      VPCId: 'uvnet-1',
      SubnetId: 'subnet-1',
      SecurityMode: 1,
      'PrioritySecGroup.0.Priority': 1,
      'PrioritySecGroup.0.SecGroupId': 'secgroup-a',
      'PrioritySecGroup.1.Priority': 2,
      'PrioritySecGroup.1.SecGroupId': 'secgroup-b',
    },
    privateKey,
    '3fa6c554f7a8d3c9daec071edf16fab4611a98a4',
  ],
  [
    '9: UTF-8 and what a form would escape',
    {
      PublicKey,
      Action: 'UpdateEIPAttribute',
      Region: 'cn-bj2',
      EIPId: 'eip-1',
      Name: '节点-01',
      Remark: 'a b&c=d',
    },
    privateKey,
    '435cbbda58d82a7b81d8bfecf6fdf343bc8c4fdf',
  ],
])('signs vector %s', (_title, params, key, signature) => {
  expect(sign(params, key)).toBe(signature);
});

test('each value has one text, and what has no value is left out', () => {
  expect(textsOf({ a: 10, b: -1.25, c: true, d: '1e21', e: '', f: undefined, g: 0 })).toEqual({
    a: '10',
    b: '-1.25',
    c: 'true',
    d: '1e21',
    e: '',
    g: '0',
  });
});

test.each([
  [1e21, '1e+21'],
  [1.5e-7, '1.5e-7'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
])('refuses a number without a plain decimal text: %d', (size, text) => {
  expect(() => sign({ Size: size }, 'k')).toThrow(
    `parameter Size: ${text} has no plain decimal form, write it as text`,
  );
});
