import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { counter, metrics } from '#unit/metrics.ts';
import { type Health, serveHealth } from './health.ts';

let served: Awaited<ReturnType<typeof serveHealth>> | undefined;
afterEach(() => served?.close());

const well: Health = { live: () => undefined, ready: () => undefined };

async function serve(health: Partial<Health>): Promise<(path: string) => Promise<string>> {
  served = await serveHealth({ ...well, ...health }, { port: 0 });
  const { port } = served;
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
}

test('each probe says what is wrong, and only what it was asked', async () => {
  const ask = await serve({ ready: () => 'the caches are not complete yet' });
  expect(await ask('/healthz')).toBe('200 ok\n');
  expect(await ask('/readyz')).toBe('503 the caches are not complete yet\n');
  expect(await ask('/')).toMatch(/^404 /);
});

test('a process that stood still, as on a machine that is paused or busy, is not restarted once it goes on', async () => {
  const ask = await serve({});
  const asked = ask('/healthz');
  const end = performance.now() + 2500;
  while (performance.now() < end);
  expect(await asked).toBe('200 ok\n');
  expect(await ask('/healthz')).toBe('200 ok\n');
});

test('what only a restart can mend is told to kubelet', async () => {
  const ask = await serve({ live: () => 'its server is gone' });
  expect(await ask('/healthz')).toBe('503 its server is gone\n');
});

test('metrics are there for Prometheus, ours and those of the process', async () => {
  const things = counter('isthmus_test_things_total', 'Things.', ['kind']);
  things.inc({ kind: 'round' });
  const ask = await serve({});
  const text = await ask('/metrics');
  expect(text).toContain('# HELP isthmus_test_things_total Things.');
  expect(text).toContain('isthmus_test_things_total{kind="round"} 1');
  expect(text).toContain('process_resident_memory_bytes ');
  // Test files share a process, and docs/reference/metrics.md is held against what is counted there.
  metrics.removeSingleMetric('isthmus_test_things_total');
});

test('nobody reaches it from another computer', async () => {
  await serve({});
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal);
  for (const { address } of outside)
    await expect(fetch(`http://${address}:${served?.port}/metrics`)).rejects.toThrow('fetch failed');
});
