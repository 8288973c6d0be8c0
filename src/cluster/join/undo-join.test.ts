import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Host, HostError, type Ran } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { seconds } from '#unit/clock.ts';
import { type JoinResult, resultPath } from './join.ts';
import { forgetJoin, needsReset } from './undo-join.ts';

const at = mkdtempSync(join(tmpdir(), 'isthmus-undo-'));
afterAll(() => rmSync(at, { recursive: true }));

/** A machine whose files are in a folder; it runs nothing but `rm`. */
function machine(): Host {
  const real = localHost('base-1');
  const inside = (path: string): string => (path.startsWith('/') ? join(at, path) : path);
  return {
    ...real,
    read: (path) => real.read(inside(path)),
    write: (path, content, how) => real.write(inside(path), content, how),
    run: async (argv, how): Promise<Ran> => {
      if (argv[0] !== 'rm') throw new HostError('base-1', argv.join(' '), 'nothing else is asked of this machine');
      return real.run(argv.map(inside), how);
    },
  };
}

const failedAfter = (...steps: readonly string[]): JoinResult => ({
  machine: 'base-1',
  role: 'node',
  outcome: 'failed',
  startedAt: '2026-11-30T10:00:00Z',
  steps: steps.map((step) => ({ step, did: 'it', ms: 1 })),
  fault: 'the next step failed',
});

test.each<[string, JoinResult | undefined, boolean]>([
  ['has not begun', undefined, false],
  ['failed at its first look', failedAfter(), false],
  ['did not get the bundle', failedAfter('check'), false],
  ['did not find its address', failedAfter('check', 'bundle'), false],
  ['failed where it changes the kernel', failedAfter('check', 'bundle', 'identity'), true],
  ['failed at kubeadm', failedAfter('check', 'bundle', 'identity', 'kernel', 'containerd', 'images'), true],
])('a join that %s: whether a reset is needed to undo it', async (_title, result, needed) => {
  const host = machine();
  await host.run(['rm', '-rf', '/var/lib/isthmus'], { within: seconds(5) });
  if (result !== undefined) await host.write(resultPath, JSON.stringify(result), { mode: 0o644 });
  expect(await needsReset(host)).toBe(needed);
});

test('of a join that has only looked nothing is left, and nothing else is touched', async () => {
  const host = machine();
  for (const path of ['/etc/isthmus/join.json', resultPath, '/etc/containerd/config.toml'])
    await host.write(path, 'x', { mode: 0o600 });
  await forgetJoin(host);
  for (const folder of ['/etc/isthmus/join.json', resultPath]) expect(await host.read(folder)).toBeUndefined();
  expect(await host.read('/etc/containerd/config.toml')).toBe('x');
  expect(dirname(resultPath)).toBe('/var/lib/isthmus');
});
