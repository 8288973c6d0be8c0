import { expect, test } from 'vitest';
import { formatResults } from './format-results.ts';
import { readReport } from './read-report.ts';

const spec = (containers: string[], leaf: string, more: object): object => ({
  LeafNodeType: 'It',
  ContainerHierarchyTexts: containers,
  LeafNodeText: leaf,
  RunTime: 0,
  ...more,
});

const report = JSON.stringify([
  {
    SpecReports: [
      {
        LeafNodeType: 'SynchronizedBeforeSuite',
        ContainerHierarchyTexts: null,
        LeafNodeText: '',
        State: 'passed',
        RunTime: 1,
      },
      spec(['[sig-network] Services'], 'should serve a basic endpoint from pods [Conformance]', {
        State: 'passed',
        RunTime: 4.2e9,
      }),
      spec(['[sig-network] DNS'], 'should provide DNS [Conformance]', {
        State: 'timedout',
        Failure: { Message: 'waited\nlong' },
      }),
      spec(['[sig-node] Sysctls'], 'should support sysctls', {
        State: 'skipped',
        Failure: { Message: 'no such kernel' },
      }),
      spec(['[sig-storage] CSI'], 'left out by the focus', { State: 'skipped' }),
    ],
  },
]);

test('a report is read as the specs that were run, and why those failed or skipped themselves', () => {
  expect(readReport(report)).toEqual([
    { name: '[sig-network] DNS should provide DNS [Conformance]', state: 'failed', took: 0, why: 'waited\nlong' },
    {
      name: '[sig-network] Services should serve a basic endpoint from pods [Conformance]',
      state: 'passed',
      took: 4.2,
    },
    { name: '[sig-node] Sysctls should support sysctls', state: 'left', took: 0, why: 'no such kernel' },
  ]);
});

test('a suite whose own set-up failed has failed, though no spec was run', () => {
  const broken = JSON.stringify([
    {
      SpecReports: [
        {
          LeafNodeType: 'SynchronizedBeforeSuite',
          ContainerHierarchyTexts: null,
          LeafNodeText: '',
          State: 'failed',
          RunTime: 0,
          Failure: { Message: 'nodes are not ready' },
        },
      ],
    },
  ]);
  expect(readReport(broken)).toEqual([
    { name: 'SynchronizedBeforeSuite', state: 'failed', took: 0, why: 'nodes are not ready' },
  ]);
});

test('a part that its group writes in brackets is an area too', () => {
  const name = '[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]';
  expect(formatResults([{ name, state: 'passed', took: 1 }], { lab: [], cloud: [] })).toContain(
    '| [sig-node] [DRA] CRUD Tests | 1 | 0 | 0 |',
  );
});

test('results are a table by area, and everything that did not pass with its reason', () => {
  const limits = {
    lab: [{ spec: '[sig-node] ImageVolume should succeed', why: 'no registry' }],
    cloud: [{ spec: 'LoadBalancers should filter', why: 'no filter' }],
  };
  expect(formatResults(readReport(report), limits)).toBe(`| area | passed | failed | skipped |
|---|---|---|---|
| [sig-network] DNS | 0 | 1 | 0 |
| [sig-network] Services | 1 | 0 | 0 |
| [sig-node] Sysctls | 0 | 0 | 1 |
| **all** | 1 | 1 | 1 |

Failed:

- [sig-network] DNS should provide DNS [Conformance]: waited

Skipped by their own decision:

- no such kernel: [sig-node] Sysctls should support sysctls

Not run, because the lab can’t permit them:

- [sig-node] ImageVolume should succeed: no registry

Not run, because the cloud can’t do it:

- LoadBalancers should filter: no filter`);
});

test('specs of a driver are counted by their suite, and those that leave themselves out stand together under their reason', () => {
  const of = (rest: string): string => `External Storage [Driver: local.isthmus.dev] [Testpattern: Dynamic PV ${rest}`;
  const none = 'Driver local.isthmus.dev doesn’t support ntfs';
  const results = [
    { name: of('(default fs)] volume-expand should grow'), state: 'passed' as const, took: 1 },
    { name: of('(ntfs)] [Feature:Windows] volumes should allow exec'), state: 'left' as const, took: 1, why: none },
    { name: of('(ntfs)] [Feature:Windows] volumes should store data'), state: 'left' as const, took: 1, why: none },
  ];
  expect(formatResults(results, { lab: [], cloud: [] })).toBe(`| area | passed | failed | skipped |
|---|---|---|---|
| volume-expand | 1 | 0 | 0 |
| volumes | 0 | 0 | 2 |
| **all** | 1 | 0 | 2 |

Skipped by their own decision:

- Driver local.isthmus.dev doesn’t support ntfs: [Testpattern: Dynamic PV (ntfs)] [Feature:Windows] volumes should allow exec; [Testpattern: Dynamic PV (ntfs)] [Feature:Windows] volumes should store data`);
});
