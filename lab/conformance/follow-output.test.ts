import { expect, test } from 'vitest';
import { followOutput, type Progress } from './follow-output.ts';

/** As Ginkgo 2.28 prints it with `-v`, shortened. */
const output = `Will run 2 of 7579 specs
Running in parallel across 5 processes
------------------------------
[ReportBeforeSuite] PASSED [0.000 seconds]
[ReportBeforeSuite]
k8s.io/kubernetes@v1.36.3/test/e2e/e2e_test.go:156
------------------------------
• [3.478 seconds]
[sig-network] Services should complete a service status lifecycle [Conformance] [sig-network, Conformance]
k8s.io/kubernetes@v1.36.3/test/e2e/network/service.go:3269

  Timeline >>
  STEP: Creating a kubernetes client @ 11/25/26 19:34:52.61
------------------------------
• [FAILED] [304.104 seconds]
[sig-node] Probing container [It] should be restarted [NodeConformance] [Conformance] [sig-node, NodeConformance, Conformance]
k8s.io/kubernetes@v1.36.3/test/e2e/common/node/container_probe.go:140
`;

test.each([1, 7, 10_000])(
  'says how many specs run, and how each ended, also when output comes in pieces of %i',
  (size) => {
    const told: Progress[] = [];
    const take = followOutput((progress) => told.push(progress));
    for (let at = 0; at < output.length; at += size) take(output.slice(at, at + size));
    expect(told).toEqual([
      { at: 'start', specs: 2 },
      {
        at: 'spec',
        passed: true,
        took: '3.5 s',
        name: '[sig-network] Services should complete a service status lifecycle [Conformance]',
      },
      {
        at: 'spec',
        passed: false,
        took: '304.1 s',
        name: '[sig-node] Probing container should be restarted [NodeConformance] [Conformance]',
      },
    ]);
  },
);

test('a spec of a storage driver is told like any other', () => {
  const told: Progress[] = [];
  followOutput((progress) => told.push(progress))(`• [12.5 seconds]
External Storage [Driver: local.isthmus.dev] [Testpattern: Dynamic PV (default fs)] volumes should store data
`);
  const name =
    'External Storage [Driver: local.isthmus.dev] [Testpattern: Dynamic PV (default fs)] volumes should store data';
  expect(told).toEqual([{ at: 'spec', passed: true, took: '12.5 s', name }]);
});
