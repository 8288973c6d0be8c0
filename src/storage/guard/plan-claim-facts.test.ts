import { expect, test } from 'vitest';
import type { Place } from '../place.ts';
import { type FactsPatch, planClaimFacts } from './plan-claim-facts.ts';

const ground = 'isthmus.dev/volume-ground';
const zone = 'isthmus.dev/volume-zone';
const machine = 'isthmus.dev/volume-machine';
const state = 'isthmus.dev/volume-machine-state';

type Written = { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };

test.each<[string, Written, Place | undefined, FactsPatch | undefined]>([
  [
    'a claim of the cloud that has no volume yet',
    {},
    { ground: 'cloud' },
    { labels: { [ground]: 'cloud' }, annotations: {} },
  ],
  [
    'one that got its volume',
    { labels: { [ground]: 'cloud' } },
    { ground: 'cloud', zone: 'cn-bj2-04' },
    { labels: {}, annotations: { [zone]: 'cn-bj2-04' } },
  ],
  [
    'one that says what is so',
    { labels: { [ground]: 'cloud', app: 'shop' }, annotations: { [zone]: 'cn-bj2-04', mine: 'x' } },
    { ground: 'cloud', zone: 'cn-bj2-04' },
    undefined,
  ],
  [
    'one on a machine that is there',
    { labels: { [ground]: 'site' } },
    { ground: 'site', machine: 'base-1' },
    { labels: {}, annotations: { [machine]: 'base-1' } },
  ],
  [
    'one on a machine that has left',
    { labels: { [ground]: 'site' }, annotations: { [machine]: 'base-9' } },
    { ground: 'site', machine: 'base-9' },
    { labels: {}, annotations: { [state]: 'gone' } },
  ],
  [
    'one on a machine that is back',
    { labels: { [ground]: 'site' }, annotations: { [machine]: 'base-1', [state]: 'gone' } },
    { ground: 'site', machine: 'base-1' },
    { labels: {}, annotations: { [state]: null } },
  ],
  [
    'one that is not ours to judge any more',
    { labels: { [ground]: 'site', app: 'shop' }, annotations: { [machine]: 'base-1' } },
    undefined,
    { labels: { [ground]: null }, annotations: { [machine]: null } },
  ],
  ['one that never was', {}, undefined, undefined],
])('%s', (_title, { labels = {}, annotations = {} }, place, patch) => {
  const isGone = place?.machine === 'base-9';
  expect(planClaimFacts({ labels, annotations, place, isGone })).toEqual(patch);
});
