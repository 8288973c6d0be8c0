import { expect, test } from 'vitest';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { cidr } from '#unit/ip.ts';
import { servableSpec, sourceWishes } from './plan-interfaces.ts';

const since = '2026-11-29T12:00:00Z';
const place = { mac: '52:54:00:00:00:02', address: '10.10.0.5', network: '10.10.0.0/24', gateway: '10.10.0.1' };
const spec: PodRangeSpec = {
  ground: 'cloud',
  interfaces: [{ home: 'uni-2', ...place }],
  addresses: [
    { ip: '10.9.0.7', state: 'usable', since },
    { ip: '10.10.0.7', state: 'usable', since, home: 'uni-2' },
    { ip: '10.10.0.8', state: 'releasing', since, home: 'uni-2' },
    { ip: '10.10.0.9', state: 'usable', since, home: 'uni-3' },
  ],
};

test('each interface has its own addresses, those too that are on their way out', () => {
  expect(sourceWishes(spec)).toEqual([
    { ...place, network: cidr('10.10.0.0/24'), addresses: ['10.10.0.7', '10.10.0.8'] },
  ]);
});

test('an interface without addresses is set up all the same', () => {
  const { addresses: _, ...bare } = spec;
  expect(sourceWishes(bare)).toEqual([{ ...place, network: cidr('10.10.0.0/24'), addresses: [] }]);
});

test.each([undefined, { ground: 'cloud' as const }])('a node of one interface has none beside it: %j', (range) => {
  expect(sourceWishes(range)).toEqual([]);
});

test('addresses of an interface that the node does not have yet go to no pod, and the rest is as it was', () => {
  const served = servableSpec(spec, new Set(['uni-2']));
  expect(served).toEqual({
    ...spec,
    addresses: [...(spec.addresses ?? []).slice(0, 3), { ip: '10.10.0.9', state: 'settling', since, home: 'uni-3' }],
  });
  const none = servableSpec(spec, new Set());
  expect(none.addresses?.map(({ state }) => state)).toEqual(['usable', 'settling', 'releasing', 'settling']);
});

test('a range without addresses is served as it is', () => {
  const site: PodRangeSpec = { ground: 'site', subnet: '172.16.3.0/24' };
  expect(servableSpec(site, new Set())).toBe(site);
});
