import { expect, test } from 'vitest';
import { type Instant, minutes } from '#unit/clock.ts';
import type { JoinReport } from './join-report.ts';
import { beginTracking, explainProgress, stalledSince, type Tracked, track } from './track-progress.ts';

const minute = 60_000;
const patience = minutes(10);
const at = (after: number): Instant => (1_000_000 + after) as Instant;
const of = 586_000_000;
const report = (have: number, step = 'binaries', fault?: string): JoinReport => ({ step, have, of, fault });

/** Looks at these reports, one each second. */
function seen(reports: readonly (JoinReport | undefined)[]): Tracked {
  return reports.reduce((tracked, one, i) => track(tracked, one, at(i * 1000)), beginTracking(at(0)));
}

test('a machine that fetches 50 kB a second is waited for, however long it takes', () => {
  let tracked = beginTracking(at(0));
  for (let second = 1; second <= 3 * 60 * 60; second++) {
    tracked = track(tracked, report(second * 50_000), at(second * 1000));
    expect(stalledSince(tracked, at(second * 1000), patience)).toBeUndefined();
  }
  expect(explainProgress(tracked, at(3 * 60 * minute))).toBe('540 of 586 MB, 0.4 Mbit/s');
});

test('ten minutes without more bytes or another step are a standstill, and not a moment less', () => {
  const tracked = seen([report(0), report(1000)]);
  expect(stalledSince(tracked, at(1000 + 10 * minute - 1), patience)).toBeUndefined();
  expect(stalledSince(tracked, at(1000 + 10 * minute), patience)).toBe(at(1000));
});

test('a machine that never reports comes to a standstill as well', () => {
  const tracked = seen([undefined, undefined]);
  expect(explainProgress(tracked, at(2000))).toBe('it has not reported any progress yet');
  expect(stalledSince(tracked, at(10 * minute), patience)).toBe(at(0));
});

test('steps are progress once: a machine that begins again and again at the same place makes none', () => {
  const round = [report(0, 'check'), report(of, 'binaries'), report(of, 'kubeadm: preflight', 'refused')];
  const tracked = seen([...round, ...round, ...round]);
  expect(tracked.lastProgress).toBe(at(2000));
  expect(explainProgress(tracked, at(9000))).toBe('its last try failed, and it tries again: refused');
});

test('why a try failed is forgotten when there is progress again', () => {
  const failed = seen([report(1000, 'binaries', 'no space left on device'), report(0, 'binaries')]);
  expect(failed.fault).toBe('no space left on device');
  const better = track(failed, report(2_000_000), at(2000));
  expect(better.fault).toBeUndefined();
  expect(explainProgress(better, at(2000))).toBe('2 of 586 MB, 8.0 Mbit/s');
});

test('the speed is that of the last half minute', () => {
  const slow = Array.from({ length: 60 }, (_, i) => report(i * 100_000));
  const fast = Array.from({ length: 60 }, (_, i) => report(6_000_000 + i * 1_000_000));
  expect(explainProgress(seen([...slow, ...fast]), at(119_000))).toBe('65 of 586 MB, 8.0 Mbit/s');
});

test.each([
  ['without a speed while there is one look', seen([report(5_000_000)]), '5 of 586 MB'],
  [
    'what it does when everything is fetched',
    seen([report(of, 'kubeadm: preflight')]),
    'everything is fetched; kubeadm: preflight',
  ],
  ['its step while the size of the bundle is not known', seen([{ ...report(0, 'check'), of: 0 }]), 'check'],
])('%s', (_title, tracked, line) => {
  expect(explainProgress(tracked, at(1000))).toBe(line);
});
