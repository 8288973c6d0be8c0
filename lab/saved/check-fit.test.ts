import { expect, test } from 'vitest';
import { type Current, explainMisfit } from './check-fit.ts';
import type { SavedCard } from './saved-lab.ts';

const current: Current = { isthmus: '0.1.0-1a', kubernetes: '1.36.3', image: '/trees/1/root', bundle: 'sha256:1' };
const saved: SavedCard = {
  format: 'isthmus-saved-lab/v1',
  lab: 'lab',
  savedAt: '2026-11-28T12:00:00.000Z',
  line: { cut: false, lossPercent: 0 },
  machines: [],
  routes: [],
  ready: { nodes: [], pods: [] },
  ...current,
};

test('a saved lab of the same programs can be begun from', () => {
  expect(explainMisfit('ready', saved, current)).toBeUndefined();
});

test.each([
  [
    { isthmus: '0.1.0-2b' },
    /has Kubernetes 1\.36\.3 and Isthmus 0\.1\.0-2b, but this version makes labs with .*0\.1\.0-1a/,
  ],
  [{ kubernetes: '1.35.4' }, /has Kubernetes 1\.35\.4 .* this version makes labs with Kubernetes 1\.36\.3/],
  [{ bundle: 'sha256:2' }, /another bundle of the same versions, sha256:2/],
  [{ image: '/trees/2/root' }, /another machine image/],
])('one that was made of something else is refused with what differs and the cure: %j', (change, fault) => {
  const told = explainMisfit('ready', { ...saved, ...change }, current);
  expect(told).toMatch(fault);
  expect(told).toContain('save it again, or use that version; `isthmus lab saved remove ready` removes it');
});
