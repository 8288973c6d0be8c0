import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import type { SpecResult } from '../../../lab/conformance/read-report.ts';
import { askForEveryDriver } from '../../support/every-driver.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';

/** Upstream's own specs of storage drivers, over volumes of both sides in one cluster. */
const name = 'upstream';
keepEvidence(name);

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--speed', '0.05'], { within: minutes(8) });
  await askForEveryDriver(name);
  const up = ['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'];
  await succeeds(up, { within: minutes(12) });
}, minutes(24));
afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

test.each([
  ['disks of the cloud', 'udisk', 60],
  ['file shares of the cloud', 'ufs', 40],
  ['folders of one’s own machines', 'local', 60],
] as const)(
  'upstream’s specs of storage drivers all pass with %s that a lab can permit',
  async (_volumes, storage, least) => {
    const { code, stdout, stderr } = await isthmus(
      ['lab', 'conformance', '--name', name, '--storage', storage, '--parallel', '6', '--output', 'json'],
      { within: minutes(60) },
    );
    const results = JSON.parse(stdout) as readonly SpecResult[];
    expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(code, stderr).toBe(0);
    expect(results.filter(({ state }) => state === 'passed').length).toBeGreaterThan(least);
  },
  minutes(65),
);

test(
  'every conformance spec of storage passes beside the drivers',
  async () => {
    const focus = ['--focus', '\\[sig-storage\\].*\\[Conformance\\]'];
    const { code, stdout, stderr } = await isthmus(
      ['lab', 'conformance', '--name', name, '--parallel', '6', '--output', 'json', ...focus],
      { within: minutes(30) },
    );
    const results = JSON.parse(stdout) as readonly SpecResult[];
    expect(results.filter(({ state }) => state !== 'passed')).toEqual([]);
    expect(code, stderr).toBe(0);
    // 91 with Kubernetes 1.36.3.
    expect(results.length).toBeGreaterThan(85);
  },
  minutes(35),
);
