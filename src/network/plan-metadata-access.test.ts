import { expect, test } from 'vitest';
import type { SinceBoot } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import type { Held, Ledger } from './ipam/ledger.ts';
import { opensMetadata, planMetadataAccess } from './plan-metadata-access.ts';

const held = (address: string, namespace?: string, leaving = false): Held => ({
  ip: ip(address),
  container: 'c',
  ifname: 'eth0',
  ...(namespace !== undefined && { namespace }),
  since: 1 as SinceBoot,
  leaving,
});
const ledger: Ledger = {
  held: new Map([
    ['ista', held('10.9.0.10', 'open')],
    ['istb', held('10.9.0.9', 'open')],
    ['istc', held('10.9.0.11', 'shop')],
    ['istd', held('10.9.0.12', 'open', true)],
    ['iste', held('10.9.0.13')],
  ]),
  rests: new Map([[ip('10.9.0.14'), 1 as SinceBoot]]),
};

test('pods of an open namespace may, and no pod of another, of none, on its way out, or gone', () => {
  expect(planMetadataAccess(ledger, new Set(['open']))).toEqual(['10.9.0.9', '10.9.0.10']);
  expect(planMetadataAccess(ledger, new Set())).toEqual([]);
});

test('only the value allow opens', () => {
  expect(opensMetadata({ 'isthmus.dev/metadata-access': 'allow' })).toBe(true);
  for (const value of ['', 'yes', 'deny', 'Allow'])
    expect(opensMetadata({ 'isthmus.dev/metadata-access': value })).toBe(false);
  expect(opensMetadata({})).toBe(false);
  expect(opensMetadata(undefined)).toBe(false);
});
