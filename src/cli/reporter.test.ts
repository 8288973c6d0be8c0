import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { seconds, sleep } from '#unit/clock.ts';
import { lineReporter, whileTelling } from './reporter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function reporter(verbose: boolean, signal = new AbortController().signal) {
  let text = '';
  const report = lineReporter(
    (part) => {
      text += part;
    },
    { verbose, signal },
  );
  return { report, lines: () => text.split('\n').slice(0, -1) };
}

const join = async (say: (line: string) => void): Promise<void> => {
  say('check: fit');
  await sleep(seconds(1));
  say('  images/etcd.tar');
  await sleep(seconds(14));
};

test('a short step is one line, told when it is done', async () => {
  const { report, lines } = reporter(false);
  await report.step('join base-1', 'it has not joined the cluster', async (say) => say('check: fit'));
  expect(lines()).toEqual(['[   0.0s] join base-1: done in 0 ms']);
});

test('a long step tells what it is at after two seconds and every ten', async () => {
  const { report, lines } = reporter(false);
  const joined = report.step('join base-1', 'it has not joined the cluster', join);
  await vi.advanceTimersByTimeAsync(seconds(60));
  await joined;
  expect(lines()).toEqual([
    '[   2.0s] join base-1 ... 2.0 s, images/etcd.tar',
    '[  12.0s] join base-1 ... 12.0 s, images/etcd.tar',
    '[  15.0s] join base-1: done in 15.0 s',
  ]);
});

test('a long step that has said nothing tells its reason', async () => {
  const { report, lines } = reporter(false);
  const waited = report.step('wait for node web-1', 'it is not ready yet', () => sleep(seconds(3)));
  await vi.advanceTimersByTimeAsync(seconds(3));
  await waited;
  expect(lines()[0]).toBe('[   2.0s] wait for node web-1 ... 2.0 s, it is not ready yet');
});

test('a failed step shows the last of its lines', async () => {
  const { report, lines } = reporter(false);
  const failing = report.step('join base-1', 'it has not joined the cluster', async (say) => {
    for (let n = 1; n <= 30; n++) say(`line ${n}`);
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(lines()[0]).toBe('[   0.0s] join base-1: failed after 0 ms');
  expect(lines().slice(1)).toEqual(Array.from({ length: 20 }, (_, n) => `[   0.0s] join base-1 | line ${n + 11}`));
});

test('a step that was stopped is not told as a failure', async () => {
  const { report, lines } = reporter(false, AbortSignal.abort());
  const stopping = report.step('join base-1', 'it has not joined the cluster', async (say) => {
    say('check: fit');
    throw new Error('interrupted');
  });
  await expect(stopping).rejects.toThrow('interrupted');
  expect(lines()).toEqual(['[   0.0s] join base-1: stopped after 0 ms']);
});

test('verbose, every line is shown as it comes, and none twice', async () => {
  const { report, lines } = reporter(true);
  const failing = report.step('join base-1', 'it has not joined the cluster', async (say) => {
    say('check: fit');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(lines()).toEqual([
    '[   0.0s] join base-1: it has not joined the cluster',
    '[   0.0s] join base-1 | check: fit',
    '[   0.0s] join base-1: failed after 0 ms',
  ]);
});

test('what is only waited for is told after two seconds, and not at all when it is quick', async () => {
  const lines: string[] = [];
  const tell = (text: string) => lines.push(text);
  await whileTelling(tell, 'looking', () => Promise.resolve());
  const slow = whileTelling(tell, 'looking', () => sleep(seconds(5)));
  await vi.advanceTimersByTimeAsync(seconds(5));
  await slow;
  expect(lines).toEqual(['looking ... 2.0 s\n']);
});

test('a look of a step by step report is told in its own lines when it takes long', async () => {
  const { report, lines } = reporter(false);
  const slow = report.look('looking at the cloud', () => sleep(seconds(5)));
  await vi.advanceTimersByTimeAsync(seconds(5));
  await slow;
  await report.look('looking at the machines', () => Promise.resolve());
  expect(lines()).toEqual(['[   2.0s] looking at the cloud ... 2.0 s']);
});
