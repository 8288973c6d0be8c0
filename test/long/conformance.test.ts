import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import type { SpecResult } from '../../lab/conformance/read-report.ts';
import { keepEvidence } from '../support/evidence.ts';
import { isthmus, succeeds } from '../support/isthmus.ts';

/** A short form of `isthmus lab conformance`: what is asked for is run against a real cluster, and the answer is told. */
const name = 'conform';
keepEvidence(name);

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name], { within: minutes(4) });
  await succeeds(['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'], { within: minutes(12) });
}, minutes(20));

afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

const specs = [
  '[sig-network] Services should serve a basic endpoint from pods [Conformance]',
  '[sig-network] Networking Granular Checks: Pods should function for intra-pod communication: http [NodeConformance] [Conformance]',
  '[sig-network] DNS should provide DNS for services [Conformance]',
  '[sig-node] Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false [LinuxOnly] [NodeConformance] [Conformance]',
];

test(
  'upstream’s own tests of Services, pod networking, names and privileges pass on a cluster of both grounds',
  async () => {
    const focus = specs.flatMap((spec) => ['--focus', spec.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')]);
    // The limit holds a first build of the tests as well.
    const { code, stdout, stderr } = await isthmus(
      ['lab', 'conformance', '--name', name, '--parallel', '2', '--output', 'json', ...focus],
      { within: minutes(40) },
    );
    expect(code, stderr).toBe(0);
    const results = JSON.parse(stdout) as readonly SpecResult[];
    expect(results.map(({ name: spec, state }) => `${state} ${spec}`)).toEqual(
      specs.map((spec) => `passed ${spec}`).sort((a, b) => a.localeCompare(b)),
    );
  },
  minutes(45),
);

test('a focus that matches nothing is an error, not a success', async () => {
  const { code, stderr } = await isthmus(['lab', 'conformance', '--name', name, '--focus', 'no such spec'], {
    within: minutes(5),
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('no spec matches no such spec');
});
