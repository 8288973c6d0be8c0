import { expect, test } from 'vitest';
import type { CloudFailure } from '#cloud/failure.ts';
import { codeOf, type Doing, refusal } from './refusal.ts';

const raw = { action: 'CreateUDisk', code: '17067', message: 'too many disks' };
const kinds = [
  'throttled',
  'unavailable',
  'unknown',
  'gone',
  'quota',
  'state',
  'inUse',
  'outOfReach',
  'denied',
  'billing',
  'invalid',
] as const;
const all: readonly CloudFailure[] = [
  ...kinds.map((kind) => ({ kind, raw })),
  { kind: 'exhausted', what: 'disks', raw },
];

/** Codes after which the provisioner goes on asking, because the volume may be there. @source external-provisioner v6, checkError */
const inProgress = ['CANCELLED', 'DEADLINE_EXCEEDED', 'UNAVAILABLE', 'ABORTED'];

test('whatever the cloud says after something was done, nobody is told that nothing was', () => {
  for (const failure of all) expect(inProgress).toContain(codeOf(failure, 'changed'));
});

test('what may have been done is never told as not done', () => {
  for (const doing of ['making', 'attaching', 'changing', 'looking'] as const)
    expect(codeOf({ kind: 'unknown', raw }, doing)).toBe('UNAVAILABLE');
});

const rows: readonly (readonly [CloudFailure['kind'], Doing, string])[] = [
  ['gone', 'attaching', 'NOT_FOUND'],
  ['exhausted', 'making', 'RESOURCE_EXHAUSTED'],
  ['quota', 'making', 'FAILED_PRECONDITION'],
  ['quota', 'attaching', 'RESOURCE_EXHAUSTED'],
  ['outOfReach', 'making', 'RESOURCE_EXHAUSTED'],
  ['outOfReach', 'attaching', 'FAILED_PRECONDITION'],
  ['state', 'making', 'FAILED_PRECONDITION'],
  ['state', 'changing', 'ABORTED'],
  ['inUse', 'attaching', 'FAILED_PRECONDITION'],
  ['denied', 'making', 'PERMISSION_DENIED'],
  ['billing', 'making', 'FAILED_PRECONDITION'],
  ['invalid', 'making', 'INVALID_ARGUMENT'],
  ['throttled', 'making', 'UNAVAILABLE'],
  ['unavailable', 'looking', 'UNAVAILABLE'],
];

test.each(rows)('%s while %s', (kind, doing, code) => {
  const failure = all.find((one) => one.kind === kind) as CloudFailure;
  expect(codeOf(failure, doing)).toBe(code);
});

test('says what was done, the cloud’s own words, and what helps', () => {
  expect(refusal('making volume pvc-1', { kind: 'quota', raw }, 'making').message).toBe(
    'making volume pvc-1: CreateUDisk: quota: too many disks [17067]; remove what is not needed, or ask the provider to raise the quota',
  );
});
