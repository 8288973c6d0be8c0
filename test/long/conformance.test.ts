import { afterAll, beforeAll, expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import type { SpecResult } from '../../lab/conformance/read-report.ts';
import { keepEvidence } from '../support/evidence.ts';
import { raiseGolden } from '../support/golden-lab.ts';
import { isthmus } from '../support/isthmus.ts';

/** `isthmus lab conformance`: what is asked for is run against a real cluster, and the answer is told; at the end everything. */
const name = 'conform';
keepEvidence(name);

beforeAll(async () => {
  await raiseGolden(name);
}, minutes(25));

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

test(
  'upstream’s specs of load balancers and Ingress objects all pass that an NLB can permit, and none skips itself',
  async () => {
    const focus = ['--focus', 'sig-network. LoadBalancers', '--focus', 'sig-network. Ingress'];
    const { code, stdout, stderr } = await isthmus(
      ['lab', 'conformance', '--name', name, '--pods-on', 'cloud', '--parallel', '6', '--output', 'json', ...focus],
      { within: minutes(30) },
    );
    expect(code, stderr).toBe(0);
    const results = JSON.parse(stdout) as readonly SpecResult[];
    expect(results.filter(({ state }) => state !== 'passed')).toEqual([]);
    // 15 of load balancers and 6 of Ingress objects, with Kubernetes 1.36.3.
    expect(results.length).toBeGreaterThanOrEqual(21);
  },
  minutes(35),
);

test('a focus that matches nothing is an error, not a success', async () => {
  const { code, stderr } = await isthmus(['lab', 'conformance', '--name', name, '--focus', 'no such spec'], {
    within: minutes(5),
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('no spec matches no such spec');
});

test(
  'every conformance spec of all groups passes that a lab can permit',
  async () => {
    const { code, stdout, stderr } = await isthmus(
      ['lab', 'conformance', '--name', name, '--all', '--parallel', '8', '--output', 'json'],
      { within: minutes(85) },
    );
    const results = JSON.parse(stdout) as readonly SpecResult[];
    expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(code, stderr).toBe(0);
    // 445 with Kubernetes 1.36.3.
    expect(results.filter(({ state }) => state === 'passed').length).toBeGreaterThan(400);
  },
  minutes(90),
);
