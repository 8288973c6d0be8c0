import { expect, test } from 'vitest';
import { explainFailure } from '../failure.ts';
import { parseFailure, repeatAfter } from './translate.ts';

const rawOf = (code: number | string, action = 'DescribeUHostInstance') => ({
  action,
  code: String(code),
  message: 'the cloud says so',
});

test.each([
  ['throttled', [153]],
  ['unavailable', [130, 150, 8918, 8980]],
  ['unknown', [110, 8821, 8854, 8908, 17000, 17030, 17055]],
  ['gone', [8039, 4086, 4088, 4093, 4103, 4143, 4148, 4210, 54002, 58221, 17041, 65126]],
  ['in use', [4107, 4108, 4109, 4110, 4154, 4212, 17057, 17060]],
  ['exhausted (machines)', [8224, 8833]],
  ['exhausted (addresses)', [4054, 8847, 57000]],
  ['exhausted (disks)', [8320, 17005]],
  ['out of reach', [17218]],
  ['quota', [8095, 4207, 17011, 17012, 17067, 17099, 17103]],
  ['state', [8856, 8905, 4211]],
  ['state', [17026, 17056, 17061, 17085, 17086, 17096, 17097, 17098, 17101]],
  ['denied', [170, 171, 172, 174, 294, 295, 299]],
  ['billing', [8097, 8104, 8116, 8117, 8226, 8919, 4018, 4057, 4067, 4219]],
  ['billing', [17062, 17063, 17084]],
  ['invalid', [160, 161, 220, 230, 292, 293, 8044, 8045, 8046, 8123, 8124, 8316, 8949]],
  ['invalid', [4080, 4111, 4114, 4218, 4232, 4993, 4994, 4995, 4997, 63030, 63031, 63032]],
  ['invalid', [17088, 17089]],
])('return codes that mean %s: %s', (meaning, codes) => {
  for (const code of codes)
    expect(explainFailure(parseFailure(rawOf(code)))).toBe(
      `DescribeUHostInstance: ${meaning}: the cloud says so [${code}]`,
    );
});

test('a failure keeps the words of the cloud, whatever its kind', () => {
  for (const code of ['153', '57000', '99999', 'ECONNRESET'])
    expect(parseFailure({ ...rawOf(code), requestId: '7c0f' }).raw).toEqual({ ...rawOf(code), requestId: '7c0f' });
});

test('only what is exhausted says of what', () => {
  expect(parseFailure(rawOf(8847))).toStrictEqual({ kind: 'exhausted', what: 'addresses', raw: rawOf(8847) });
  expect(parseFailure(rawOf(8095))).toStrictEqual({ kind: 'quota', raw: rawOf(8095) });
});

test('a code that is not in the table says nothing about what was done', () => {
  expect(parseFailure(rawOf(99_999)).kind).toBe('unknown');
  expect(repeatAfter(rawOf(99_999))).toBeUndefined();
});

test.each([
  [8039, 'DescribeUHostInstance', 'gone'],
  [8039, 'TerminateUHostInstance', 'gone'],
  [8039, 'CreateUHostInstance', 'invalid'],
  [4210, 'DeleteSSL', 'gone'],
  [4210, 'UpdateListenerAttribute', 'gone'],
  [4210, 'CreateListener', 'invalid'],
  [4210, 'AddSSLBinding', 'invalid'],
  [4088, 'CreateListener', 'gone'],
])(
  '%s of %s means %s: what a create names and the cloud does not know is a mistake in the request',
  (code, action, kind) => {
    expect(parseFailure(rawOf(code, action)).kind).toBe(kind);
  },
);

test('a create is refused by any other code as every action is', () => {
  expect(parseFailure(rawOf(8095, 'CreateUHostInstance')).kind).toBe('quota');
});

test('only a call that was turned away for the moment is sent again as it is', () => {
  const codes = [
    110, 130, 150, 153, 170, 299, 8039, 8095, 8224, 8320, 8847, 8905, 8918, 8980, 17056, 17060, 17101, 57000,
  ];
  const pauses = codes.flatMap((code) => {
    const pause = repeatAfter(rawOf(code));
    return pause === undefined ? [] : [[code, pause]];
  });
  expect(pauses).toEqual([
    [130, 0],
    [150, 0],
    [153, 0],
    [8918, 0],
    [8980, 30_000],
  ]);
});
