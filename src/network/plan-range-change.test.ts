import { expect, test } from 'vitest';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { explainRangeChange } from './plan-range-change.ts';

const range = (spec: PodRangeSpec) => ({ uid: 'u', generation: 1, spec });
const since = '2026-11-28T10:00:00Z';
const cloud = (...addresses: readonly (readonly [string, 'settling' | 'usable' | 'releasing'])[]) =>
  range({ ground: 'cloud', addresses: addresses.map(([ip, state]) => ({ ip, state, since })) });

test('of a range with many addresses only those are told that changed', () => {
  const before = cloud(['10.9.0.4', 'usable'], ['10.9.0.5', 'settling'], ['10.9.0.6', 'releasing']);
  const after = cloud(['10.9.0.4', 'usable'], ['10.9.0.5', 'usable'], ['10.9.0.7', 'settling']);
  expect(explainRangeChange(before, after)).toEqual({
    usable: ['10.9.0.5'],
    settling: ['10.9.0.7'],
    gone: ['10.9.0.6'],
  });
});

test('the first range is told whole, and its loss too', () => {
  const site = range({ ground: 'site', subnet: '172.16.3.0/24' });
  expect(explainRangeChange(undefined, site)).toEqual({ ground: 'site', subnet: '172.16.3.0/24' });
  expect(explainRangeChange(site, undefined)).toEqual({ range: 'none' });
  expect(explainRangeChange(site, site)).toEqual({});
});
