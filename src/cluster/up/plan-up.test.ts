import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { destroys, planUp, type UpPlan, type UpSeen, type UpStep, type UpWanted } from './plan-up.ts';

const at = 1_000_000 as Instant;
const later = 2_000_000 as Instant;
const wanted: UpWanted = {
  controlPlane: 'cp-1',
  cloudMachines: ['cp-1', 'web-1'],
  machines: ['base-1'],
  addresses: new Map([['base-1', '192.168.50.11']]),
};
const cloud = (name: string, state: 'running' | 'stopped' | 'failed' | 'creating' = 'running') => ({
  name,
  id: `uhost-${name.replace('-', '')}`,
  state,
});
const node = (name: string, ready = true) => ({
  name,
  ready,
  providerId: name.startsWith('base') ? `isthmus-site://${name}` : `ucloud://cn-bj2-04/${cloud(name).id}`,
});
const converged: UpSeen = {
  at,
  cloudMachines: [cloud('cp-1'), cloud('web-1')],
  api: 'answers',
  nodes: [node('cp-1'), node('web-1'), node('base-1')],
  tokens: [],
  staleObjects: [],
  unready: [],
  routes: [],
};

/** Stages as lines of `do machine`, reasons left to the tests that name them. */
function outline(plan: UpPlan): string {
  if ('blocked' in plan) return `blocked: ${plan.blocked}`;
  const word = (step: UpStep): string => ('machine' in step ? `${step.do} ${step.machine}` : step.do);
  return plan.stages.map((stage) => stage.map(word).join(', ')).join(' | ');
}

const rows: readonly [string, Partial<UpSeen>, string][] = [
  ['a converged cluster needs nothing', {}, ''],
  [
    'two machines of one name in the cloud',
    { cloudMachines: [cloud('cp-1'), cloud('web-1'), { ...cloud('web-1'), id: 'uhost-2' }] },
    'blocked: the cloud has 2 machines web-1 of this cluster: uhost-web1, uhost-2; the node is ucloud://cn-bj2-04/uhost-web1',
  ],
  [
    'a node that is another machine of the same name',
    { nodes: [node('cp-1'), node('web-1'), { ...node('base-1'), address: '192.168.50.99' }] },
    'blocked: the cluster has a node base-1 at 192.168.50.99 already, and cluster.yaml has the machine base-1 at 192.168.50.11',
  ],
  [
    'from nothing: control plane first, then what runs in it, then the machines at the same time',
    { cloudMachines: [], api: 'none', nodes: [], staleObjects: [], routes: [] },
    'create-cloud-machine cp-1 | make-control-plane cp-1 | apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1 | remove-tokens base-1, remove-tokens web-1 | set-routes | wait-for-workloads',
  ],
  [
    'killed after the control plane machine was asked for: goes on with it',
    { cloudMachines: [cloud('cp-1', 'creating')], api: 'none', nodes: [], routes: undefined },
    'make-control-plane cp-1 | apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'killed before the objects were applied: applies them',
    { staleObjects: ['Namespace isthmus-system'], nodes: [node('cp-1', false)], cloudMachines: [cloud('cp-1')] },
    'apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1 | remove-tokens base-1, remove-tokens web-1 | set-routes | wait-for-workloads',
  ],
  [
    'killed while a cloud machine was joining and its token is good: waits for it',
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'web-1', expires: later }] },
    'wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine that missed its token is replaced, because nobody can give it another',
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'web-1', expires: at }] },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine that the cloud lost is made again, after its old Node is forgotten',
    { cloudMachines: [cloud('cp-1')], nodes: [node('cp-1'), node('web-1', false), node('base-1')] },
    'forget-node web-1 | create-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a machine made again that is still joining keeps its token while the old Node goes',
    {
      cloudMachines: [cloud('cp-1'), { name: 'web-1', id: 'uhost-new', state: 'running' }],
      nodes: [node('cp-1'), node('web-1', false), node('base-1')],
      tokens: [{ machine: 'web-1', expires: later }],
    },
    'forget-node web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine that is switched off is switched on',
    { cloudMachines: [cloud('cp-1'), cloud('web-1', 'stopped')] },
    'start-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine that failed is replaced',
    { cloudMachines: [cloud('cp-1'), cloud('web-1', 'failed')], nodes: [node('cp-1'), node('base-1')] },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a physical machine whose node is not ready is joined again, which only finishes what is missing',
    { nodes: [node('cp-1'), node('web-1'), node('base-1', false)] },
    'join-machine base-1 | wait-for-node base-1 | remove-tokens base-1 | set-routes | wait-for-workloads',
  ],
  [
    'killed before a token was taken back: takes it back',
    { tokens: [{ machine: 'web-1', expires: later }] },
    'remove-tokens web-1',
  ],
  [
    'tokens of machines that are named no more go as well',
    { tokens: [{ machine: 'web-9', expires: at }] },
    'remove-tokens web-9',
  ],
  [
    'changed settings are applied',
    { staleObjects: ['ConfigMap isthmus-system/isthmus'] },
    'apply-objects | wait-for-workloads',
  ],
  ['a route that the gateway lost is set', { routes: ['missing 172.16.0.0/24 via 192.168.50.13'] }, 'set-routes'],
  ['a workload that is not complete is waited for', { unready: ['Deployment a/b 0/1'] }, 'wait-for-workloads'],
  [
    'a silent API server with its machine switched off: switched on and waited for, and nothing is planned that can not be seen',
    { api: 'silent', cloudMachines: [cloud('cp-1', 'stopped'), cloud('web-1')], nodes: [], routes: undefined },
    'start-cloud-machine cp-1 | wait-for-api',
  ],
  [
    'a control plane that is gone is never quietly made anew',
    { api: 'silent', cloudMachines: [cloud('web-1')], nodes: [] },
    'blocked: the control plane cp-1 of this cluster does not exist in the cloud any more, and its data with it',
  ],
];

test.each(rows)('%s', (_title, change, expected) => {
  expect(outline(planUp({ ...converged, ...change }, wanted))).toBe(expected);
});

test('a control plane on a physical machine is made without the cloud', () => {
  const plan = planUp(
    { ...converged, cloudMachines: [], api: 'none', nodes: [] },
    { controlPlane: 'base-1', cloudMachines: ['web-1'], machines: ['base-1'], addresses: new Map() },
  );
  expect(outline(plan)).toBe(
    'make-control-plane base-1 | apply-objects | create-cloud-machine web-1 | wait-for-node web-1, wait-for-node base-1 | remove-tokens web-1 | set-routes | wait-for-workloads',
  );
});

test('while the API server is silent nothing is destroyed, whatever else is seen', () => {
  const state = fc.constantFrom('creating', 'running', 'starting', 'stopping', 'stopped', 'rebooting', 'unreadable');
  const seen = fc.record({
    cloudMachines: fc.tuple(state, state).map(([a, b]) => [
      { ...cloud('cp-1'), state: a },
      { ...cloud('web-1'), state: b },
    ]),
    api: fc.constant('silent' as const),
    tokens: fc.array(fc.record({ machine: fc.constantFrom('web-1', 'base-1'), expires: fc.constantFrom(at, later) })),
  });
  fc.assert(
    fc.property(seen, (some) => {
      const plan = planUp({ ...converged, nodes: [], ...some } as UpSeen, wanted);
      expect('stages' in plan && plan.stages.flat().filter(destroys)).toEqual([]);
    }),
  );
});
