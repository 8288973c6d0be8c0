import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { type Received, signatureOf } from './signature.ts';

const PublicKey = 'ucloudsomeone@example.com1296235120854146120';
const privateKey = '46f09bb9fab4f12dfc160dae12273d5332b5debe';

const describeCall = { Action: 'DescribeUHostInstance', Limit: 10, Region: 'cn-bj2', PublicKey };
const createCall = {
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
  PublicKey,
};
const interfaceCall = {
  Action: 'CreateNetworkInterface',
  Region: 'cn-bj2',
  VPCId: 'uvnet-1',
  SubnetId: 'subnet-1',
  SecurityMode: 1,
  PublicKey,
};
const backends = Array.from({ length: 12 }, (_, at) => [`Backends.${at}`, ['foo', 'bar', 42][at % 3] as Received]);

/** Published by UCloud's reference and the tests of its SDKs; the last three are derived from the same rule. */
const vectors: readonly [string, Readonly<Record<string, Received>>, string, string][] = [
  ['a list call', describeCall, privateKey, 'cba5cf5ec4d4233d206b1b54951e3787350a642f'],
  ['a create call', createCall, privateKey, '4f9ef5df2abab2c6fccd1e9515cb7e2df8c6bb65'],
  [
    'a temporary credential',
    { ...createCall, SecurityToken: 'some_stoken' },
    privateKey,
    '170c480ad176a247b324eb92a2cfe536aacfbd04',
  ],
  [
    'twelve array elements, the tenth before the second',
    { Action: 'AllocateBackendBatch', PublicKey, ...Object.fromEntries(backends) },
    privateKey,
    '6bc32642779f8cb0bb3d3f128b1c0688abf9a1a3',
  ],
  [
    'a null, which counts as a key without a value',
    { ...describeCall, Foo: null },
    privateKey,
    '8b86bcb153a2f8a9c573b235bcac94ce8d1d5361',
  ],
  ['every type of the Go SDK', everyType(), 'foo', '682fc4fbb46a71c6c690a1f8cb233f4174662845'],
  [
    'a flat array of objects',
    {
      ...interfaceCall,
      'PrioritySecGroup.0.Priority': 1,
      'PrioritySecGroup.0.SecGroupId': 'secgroup-a',
      'PrioritySecGroup.1.Priority': 2,
      'PrioritySecGroup.1.SecGroupId': 'secgroup-b',
    },
    privateKey,
    '3fa6c554f7a8d3c9daec071edf16fab4611a98a4',
  ],
  [
    'a nested array of objects',
    {
      ...interfaceCall,
      PrioritySecGroup: [
        { Priority: 1, SecGroupId: 'secgroup-a' },
        { Priority: 2, SecGroupId: 'secgroup-b' },
      ],
    },
    privateKey,
    '1ad5e43b714a9ce1eab4ef0f05fb10a23758a8e5',
  ],
  [
    'characters that a form escapes',
    {
      Action: 'UpdateEIPAttribute',
      Region: 'cn-bj2',
      EIPId: 'eip-1',
      Name: '节点-01',
      Remark: 'a b&c=d',
      PublicKey,
    },
    privateKey,
    '435cbbda58d82a7b81d8bfecf6fdf343bc8c4fdf',
  ],
];

describe('signature', () => {
  test.each(vectors)('agrees with the published one for %s', (_, params, key, expected) => {
    assert.equal(signatureOf(params, key), expected);
  });

  test('leaves itself out', () => {
    assert.equal(signatureOf({ ...describeCall, Signature: 'x' }, privateKey), signatureOf(describeCall, privateKey));
  });
});

function everyType(): Record<string, Received> {
  const params: Record<string, Received> = {};
  const both = (name: string, value: Received): void => {
    params[name] = value;
    params[`${name}Pointer`] = value;
  };
  for (const sign of ['', 'u']) for (const bits of ['', '8', '16', '32', '64']) both(`${sign}int${bits}`, 42);
  both('boolValue', true);
  both('strValue', 'foo');
  both('float64Value', 42.1);
  both('float64TValue', 42);
  both('float32TValue', 42);
  both('float32Value', Math.fround(42.1));
  return {
    ...params,
    map: { foo: 'bar' },
    array: ['foo', 'bar'],
    arrMap: [{ foo: 'bar' }],
    arr2: [['foo', 'bar']],
    arrMapMissTyped1: '',
    arrMapMissTyped2: '',
    mapArrMapMissTyped: '',
  };
}
