import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KubeError, type KubeObject } from './kube.ts';
import { watchCache } from './watch-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An event, a raw line, or `break` and `hang` for what happens to the stream. */
type Line = object | string;

/**
 * Watches that say what the script says, one entry a watch; the last one repeats. It leaves out everything that a real server
 * does by itself and stands for the torn lines and odd moments that a real one does not give on demand.
 */
function scripted(...watches: readonly (readonly Line[])[]) {
  const queries: Readonly<Record<string, string>>[] = [];
  const troubles: string[] = [];
  const stop = new AbortController();
  async function* tell(lines: readonly Line[]): AsyncGenerator<Uint8Array> {
    for (const line of lines) {
      if (line === 'hang') await new Promise((_, reject) => stop.signal.addEventListener('abort', reject));
      if (line === 'break')
        throw new KubeError('watching things', { status: 0, reason: 'Unreachable', message: 'cut' });
      yield new TextEncoder().encode(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
    }
  }
  const cache = watchCache<KubeObject, KubeObject>(
    async (query) => {
      queries.push(query);
      return tell(watches[Math.min(queries.length, watches.length) - 1] ?? []);
    },
    (object) => object,
    { what: 'things', stop: stop.signal, onTrouble: (trouble) => troubles.push(trouble.message) },
  );
  return { cache, queries, troubles, stop };
}

const thing = (name: string, version: string): KubeObject => ({
  metadata: { name, uid: name, resourceVersion: version },
});
const added = (name: string, version: string): object => ({ type: 'ADDED', object: thing(name, version) });
const synced = (version: string): object => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } } },
});
const bookmark = (version: string): object => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version } },
});
const expired = { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old resource version: 1 (9)' } };

test('a break amid the first events begins again from the start, never from their versions', async () => {
  const { cache, queries, stop } = scripted(
    [added('a', '90'), 'break'],
    [added('a', '90'), added('b', '3'), synced('100'), 'hang'],
  );
  await vi.advanceTimersByTimeAsync(2000);
  await cache.synced;
  expect(queries).toHaveLength(2);
  for (const query of queries) expect(query).toMatchObject({ sendInitialEvents: 'true' });
  expect(cache.list()).toHaveLength(2);
  stop.abort();
});

test('after the first events a break goes on from the last version told, bookmarks included', async () => {
  const { queries, stop } = scripted(
    [added('a', '90'), synced('100'), added('b', '101'), 'break'],
    [bookmark('150'), 'break'],
    ['hang'],
  );
  await vi.advanceTimersByTimeAsync(3000);
  expect(queries.map(({ resourceVersion }) => resourceVersion)).toEqual([undefined, '101', '150']);
  stop.abort();
});

test('an expired version is listed anew at once, and the copy counts as stale since the break', async () => {
  const { cache, queries, stop } = scripted([synced('1'), 'break'], [expired], ['hang']);
  await vi.advanceTimersByTimeAsync(0);
  const brokeAt = cache.staleSince;
  expect(brokeAt).toBe(Date.now());
  await vi.advanceTimersByTimeAsync(1000);
  expect(queries.map(({ sendInitialEvents }) => sendInitialEvents)).toEqual(['true', undefined, 'true']);
  expect(cache.staleSince).toBe(brokeAt);
  stop.abort();
});

test('a torn or foreign line is a trouble that does not tell the line', async () => {
  const { troubles, stop } = scripted(
    [synced('1'), '{"type":"ADDED","object":{"data":"c2VjcmV0\n'],
    ['{"no":"event"}\n'],
    ['hang'],
  );
  await vi.advanceTimersByTimeAsync(3000);
  expect(troubles).toEqual([
    'watching things: a line of 42 characters is no watch event (0 Unreadable)',
    'watching things: a line of 14 characters is no watch event (0 Unreadable)',
  ]);
  stop.abort();
});

test('a listener that throws is a trouble, and the watch goes on', async () => {
  const { cache, troubles, stop } = scripted([added('a', '1'), added('b', '2'), synced('3'), 'hang']);
  const heard: string[] = [];
  cache.onChange(() => {
    throw new Error('a faulty listener');
  });
  const end = cache.onChange((key) => heard.push(key));
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual(['a', 'b']);
  expect(troubles).toEqual(['a faulty listener', 'a faulty listener']);
  end();
  stop.abort();
});

test('a server that is never there is asked for ever, ever more rarely', async () => {
  const { queries, stop, cache } = scripted(['break']);
  await vi.advanceTimersByTimeAsync(60_000);
  const inFirstMinute = queries.length;
  expect(inFirstMinute).toBeGreaterThan(5);
  await vi.advanceTimersByTimeAsync(3_600_000);
  const perMinute = (queries.length - inFirstMinute) / 60;
  expect(perMinute).toBeGreaterThan(2.5);
  expect(perMinute).toBeLessThan(8.5);
  expect(cache.staleSince).toBeDefined();
  stop.abort();
});
