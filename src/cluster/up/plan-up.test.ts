import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Instant } from '#unit/clock.ts';
import { explainUnreached } from '../plan-unreached.ts';
import {
  destroys,
  explainStep,
  machineOf,
  type OutsideSeen,
  planUp,
  stepKinds,
  type UpPlan,
  type UpSeen,
  type UpStep,
  type UpWanted,
} from './plan-up.ts';

const at = 1_000_000 as Instant;
const later = 2_000_000 as Instant;
const wanted: UpWanted = {
  controlPlane: 'cp-1',
  cloudMachines: ['cp-1', 'web-1'],
  nodeGroups: ['burst'],
  machines: ['base-1'],
  addresses: new Map([['base-1', '192.168.50.11']]),
};
const cloud = (name: string, state: UpSeen['cloudMachines'][number]['state'] = 'running') => ({
  name,
  id: `uhost-${name.replace('-', '')}`,
  state,
});
const node = (name: string, ready = true) => ({
  name,
  ready,
  isControlPlane: name === 'cp-1',
  providerId: name.startsWith('base') ? `isthmus-site://${name}` : `ucloud://cn-bj2-04/${cloud(name).id}`,
});
/** 20 minutes. */
const longAfter = (at + 1_200_000) as Instant;
const joining = (some: Partial<UpSeen['joining'][number]> = {}): UpSeen['joining'][number] => ({
  machine: 'web-1',
  hasToken: true,
  amount: '412 of 586 MB',
  stalledSince: undefined,
  ...some,
});
/** The gateway of the site, which lacks or has too much what is named. */
const gateway = (...difference: readonly string[]): OutsideSeen => ({
  what: 'routes on the gateway',
  follows: { side: 'site', why: 'it needs a route to the pod subnet of each machine' },
  difference,
});
const converged: UpSeen = {
  at,
  cloudMachines: [cloud('cp-1'), cloud('web-1')],
  api: 'answers',
  groups: [{ name: 'burst', machines: 3 }],
  nodes: [node('cp-1'), node('web-1'), node('base-1')],
  tokens: [],
  joining: [],
  staleObjects: [],
  unready: [],
  outsides: [gateway()],
};

/** Stages as lines of `do machine`, reasons left to the tests that name them. */
function outline(plan: UpPlan): string {
  if ('blocked' in plan) return `blocked: ${plan.blocked}`;
  const word = (step: UpStep): string => (machineOf(step) === step.do ? step.do : `${step.do} ${machineOf(step)}`);
  return plan.stages.map((stage) => stage.map(word).join(', ')).join(' | ');
}

const rows: readonly [string, Partial<UpSeen>, string][] = [
  ['a converged cluster needs nothing', {}, ''],
  [
    'from nothing: control plane first, then what runs in it, then the machines at the same time',
    { cloudMachines: [], api: 'none', nodes: [], staleObjects: [], outsides: [gateway()] },
    'create-cloud-machine cp-1 | make-control-plane cp-1 | apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'killed after the control plane machine was asked for: goes on with it',
    { cloudMachines: [cloud('cp-1', 'creating')], api: 'none', nodes: [], outsides: [] },
    'make-control-plane cp-1 | apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'killed before the objects were applied: applies them',
    { staleObjects: ['Namespace isthmus-system'], nodes: [node('cp-1', false)], cloudMachines: [cloud('cp-1')] },
    'apply-objects | create-cloud-machine web-1, join-machine base-1 | wait-for-node cp-1, wait-for-node web-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine whose token is good and cannot be renewed is waited for',
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'web-1', expires: later }] },
    'wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'killed while a cloud machine was joining, or joined by a version before: its token lets it in once more, also while it is good',
    {
      nodes: [node('cp-1'), node('base-1')],
      tokens: [{ machine: 'web-1', expires: later }],
      joining: [joining()],
    },
    'renew-token web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine with no token that could be renewed is replaced, because nobody can give it another',
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'web-1', expires: at }] },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine on a slow line whose token has expired: the token is renewed, nothing is replaced',
    { nodes: [node('cp-1'), node('base-1')], joining: [joining()] },
    'renew-token web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine whose join was cut short after its Node was made: it may join again in its place',
    {
      nodes: [node('cp-1'), node('web-1', false), node('base-1')],
      tokens: [{ machine: 'web-1', expires: later }],
      joining: [joining({ machine: 'base-1' }), joining()],
    },
    'renew-token web-1 | wait-for-node web-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud node that is not ready and has no token left is only waited for',
    {
      nodes: [node('cp-1'), node('web-1', false), node('base-1')],
      joining: [joining({ machine: 'base-1' }), joining({ hasToken: false })],
    },
    'wait-for-node web-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'of the machines that report, each is told by its own report',
    {
      nodes: [node('cp-1'), node('base-1')],
      joining: [joining({ machine: 'base-1', hasToken: false }), joining()],
    },
    'renew-token web-1 | wait-for-node web-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'it made no progress the last time it was waited for, not yet for 20 minutes: it gets another chance',
    { at: longAfter, nodes: [node('cp-1'), node('base-1')], joining: [joining({ stalledSince: (at + 1) as Instant })] },
    'renew-token web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'only what has made no progress for 20 minutes is replaced, whether its token is good or not',
    {
      at: longAfter,
      nodes: [node('cp-1'), node('base-1')],
      tokens: [{ machine: 'web-1', expires: (longAfter + 1) as Instant }],
      joining: [joining({ stalledSince: at })],
    },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'what is left of a join that is done goes with the token',
    { joining: [joining({ hasToken: false })] },
    'remove-tokens web-1',
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
    'a cloud machine that failed is replaced, and the token of the failed one not renewed before',
    {
      cloudMachines: [cloud('cp-1'), cloud('web-1', 'failed')],
      nodes: [node('cp-1'), node('base-1')],
      joining: [joining()],
    },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a physical machine whose node is not ready is joined again, which only finishes what is missing',
    { nodes: [node('cp-1'), node('web-1'), node('base-1', false)] },
    'join-machine base-1 | wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1 | wait-for-workloads',
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
  [
    'a route that the gateway lost is set',
    { outsides: [gateway('missing 172.16.0.0/24 via 192.168.50.13')] },
    'set-outside routes on the gateway',
  ],
  ['a workload that is not complete is waited for', { unready: ['Deployment a/b 0/1'] }, 'wait-for-workloads'],
  [
    'a silent API server with its machine switched off: switched on and waited for, and nothing is planned that can not be seen',
    { api: 'silent', cloudMachines: [cloud('cp-1', 'stopped'), cloud('web-1')], nodes: [], outsides: [] },
    'start-cloud-machine cp-1 | wait-for-api',
  ],
  [
    'no kubeconfig here and web-1 already running: web-1 is left alone until the cluster can be asked',
    { api: 'none', nodes: [], cloudMachines: [cloud('cp-1'), cloud('web-1')] },
    'make-control-plane cp-1 | apply-objects | join-machine base-1 | wait-for-node cp-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1 | wait-for-workloads',
  ],
  [
    'no kubeconfig here and web-1 failed: it is not replaced before the cluster can be asked',
    { api: 'none', nodes: [], cloudMachines: [cloud('cp-1'), cloud('web-1', 'failed')] },
    'make-control-plane cp-1 | apply-objects | join-machine base-1 | wait-for-node cp-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1 | wait-for-workloads',
  ],
  [
    'a machine made again that missed its token: the old Node is deleted before the machine is replaced',
    {
      cloudMachines: [cloud('cp-1'), { name: 'web-1', id: 'uhost-new', state: 'running' }],
      nodes: [node('cp-1'), node('web-1', false), node('base-1')],
    },
    'forget-node web-1 | replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a silent API server with its machine running is waited for',
    { api: 'silent', cloudMachines: [cloud('cp-1'), cloud('web-1')], nodes: [], outsides: [] },
    'wait-for-api',
  ],
  [
    'no kubeconfig here and objects that are known to be missing: they are applied once',
    { api: 'none', nodes: [], staleObjects: ['Namespace isthmus-system'], outsides: [] },
    'make-control-plane cp-1 | apply-objects | join-machine base-1 | wait-for-node cp-1, wait-for-node base-1 | remove-tokens base-1 | wait-for-workloads',
  ],
  [
    "another machine's good token does not keep a machine from being replaced that can not join any more",
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'base-1', expires: later }] },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens base-1, remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a cloud machine that is switched off and can not join any more is replaced, not started first',
    { nodes: [node('cp-1'), node('base-1')], cloudMachines: [cloud('cp-1'), cloud('web-1', 'stopped')] },
    'replace-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'the Node of a physical machine with the name of a cloud machine that does not exist yet goes first',
    {
      nodes: [node('cp-1'), { ...node('web-1'), providerId: 'isthmus-site://web-1' }, node('base-1')],
      cloudMachines: [cloud('cp-1')],
    },
    'forget-node web-1 | create-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
  ],
  [
    'a route to the cloud follows a cloud machine that joins, and no physical one',
    {
      nodes: [node('cp-1'), node('base-1')],
      tokens: [{ machine: 'web-1', expires: later }],
      outsides: [gateway(), { ...gateway(), what: 'rules of the cloud', follows: { side: 'cloud', why: 'it is new' } }],
    },
    'wait-for-node web-1 | remove-tokens web-1 | set-outside rules of the cloud | wait-for-workloads',
  ],
  [
    'cloud and physical machines join: routes to the site are set while cloud nodes are waited for, those to the cloud after that',
    {
      nodes: [node('cp-1')],
      tokens: [{ machine: 'web-1', expires: later }],
      outsides: [{ ...gateway(), what: 'rules of the cloud', follows: { side: 'cloud', why: 'it is new' } }, gateway()],
    },
    'join-machine base-1 | wait-for-node web-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1, remove-tokens web-1 | set-outside rules of the cloud | wait-for-workloads',
  ],
  [
    'one physical machine joins and another one leaves: routes are set once, when that is gone',
    { nodes: [node('cp-1'), node('web-1'), node('base-9')] },
    'join-machine base-1 | wait-for-node base-1 | drain-node base-9 | reset-machine base-9 | forget-node base-9 | remove-tokens base-1 | set-outside routes on the gateway | wait-for-workloads',
  ],
];

test.each(rows)('%s', (_title, change, expected) => {
  expect(outline(planUp({ ...converged, ...change }, wanted))).toBe(expected);
});

/** What stops everything, with all that a person is told to do. */
const blocks: readonly [string, Partial<UpSeen>, { blocked: string; cure: string }][] = [
  ...(['none', 'silent', 'answers'] as const).map((api): (typeof blocks)[number] => [
    `the control plane's cloud machine failed while the API server is "${api}": told which data it may hold and what to try first, never replaced`,
    { api, cloudMachines: [cloud('cp-1', 'failed'), cloud('web-1')], nodes: [] },
    {
      blocked:
        'the cloud reports that the installation of the control plane cp-1 (uhost-cp1) failed; if a cluster was ever made on it, its disk holds the data of that cluster (etcd in /var/lib/etcd)',
      cure: 'if it has run before, try to start it in the console of the cloud, or save its disk first; if it has never run, remove uhost-cp1 in the console; then run isthmus up again',
    },
  ]),
  [
    'a control plane that the cloud does not list is never quietly made anew',
    { api: 'silent', cloudMachines: [cloud('web-1')], nodes: [] },
    {
      blocked:
        'the cloud lists no machine cp-1 with the mark of this cluster: it was removed, and the data of the cluster (etcd) with it, or it was renamed or lost its mark',
      cure: 'look for it in the console of the cloud; if it is there, give it back its name and its business group; if it is gone for good, run isthmus down to clear what is left, then isthmus up makes a new cluster',
    },
  ],
  [
    'a control plane that lost its mark and still answers is not made a second time',
    { cloudMachines: [cloud('web-1')] },
    {
      blocked:
        'its API server answers, but the cloud lists no machine cp-1 with the mark of this cluster: it was removed, and the data of the cluster (etcd) with it, or it was renamed or lost its mark',
      cure: 'look for it in the console of the cloud; if it is there, give it back its name and its business group; if it is gone for good, run isthmus down to clear what is left, then isthmus up makes a new cluster',
    },
  ],
  [
    'two control planes: the Node tells which one holds the data',
    { cloudMachines: [{ ...cloud('cp-1'), id: 'uhost-2' }, cloud('cp-1'), cloud('web-1')] },
    {
      blocked:
        'the cloud has 2 machines cp-1 of this cluster: uhost-2, uhost-cp1; uhost-cp1 holds the data of the cluster (etcd)',
      cure: 'remove uhost-2 in the console of the cloud, then run isthmus up again',
    },
  ],
  [
    'three control planes, with other nodes before the one that tells which holds the data',
    {
      nodes: [node('base-1'), node('web-1'), node('cp-1')],
      cloudMachines: [{ ...cloud('cp-1'), id: 'uhost-2' }, cloud('cp-1'), { ...cloud('cp-1'), id: 'uhost-3' }],
    },
    {
      blocked:
        'the cloud has 3 machines cp-1 of this cluster: uhost-2, uhost-cp1, uhost-3; uhost-cp1 holds the data of the cluster (etcd)',
      cure: 'remove uhost-2, uhost-3 in the console of the cloud, then run isthmus up again',
    },
  ],
  [
    'two control planes and a silent API server: the address in the kubeconfig tells which one holds the data',
    {
      api: 'silent',
      apiAddress: '10.9.0.7',
      nodes: [],
      cloudMachines: [
        { ...cloud('cp-1'), id: 'uhost-2', address: '10.9.0.8' },
        { ...cloud('cp-1'), address: '10.9.0.7' },
      ],
    },
    {
      blocked:
        'the cloud has 2 machines cp-1 of this cluster: uhost-2, uhost-cp1; uhost-cp1 holds the data of the cluster (etcd)',
      cure: 'remove uhost-2 in the console of the cloud, then run isthmus up again',
    },
  ],
  [
    'two control planes and no kubeconfig: a person has to look',
    { api: 'none', nodes: [], cloudMachines: [cloud('cp-1', 'failed'), { ...cloud('cp-1'), id: 'uhost-2' }] },
    {
      blocked:
        'the cloud has 2 machines cp-1 of this cluster: uhost-cp1, uhost-2; it is not known which of them holds the data of the cluster (etcd in /var/lib/etcd)',
      cure: 'find out which of them it is, remove the others in the console of the cloud, then run isthmus up again',
    },
  ],
];

/** What can't be done on one machine, and what is done all the same. */
const leftOuts: readonly [string, Partial<UpSeen>, Partial<UpWanted>, { leftOut: readonly string[]; does: string }][] =
  [
    [
      'two machines of one name in the cloud: everything else is done',
      {
        cloudMachines: [cloud('cp-1'), cloud('web-1'), { ...cloud('web-1'), id: 'uhost-2' }],
        nodes: [node('cp-1'), node('web-1')],
      },
      {},
      {
        leftOut: [
          'the cloud has 2 machines web-1 of this cluster: uhost-web1, uhost-2; the node is ucloud://cn-bj2-04/uhost-web1; remove all but one in the console of the cloud',
        ],
        does: 'join-machine base-1 | wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1 | wait-for-workloads',
      },
    ],
    [
      'two machines of one name that have not joined',
      {
        nodes: [node('cp-1'), node('base-1')],
        cloudMachines: [cloud('cp-1'), cloud('web-1'), { ...cloud('web-1'), id: 'uhost-2' }],
      },
      {},
      {
        leftOut: [
          'the cloud has 2 machines web-1 of this cluster: uhost-web1, uhost-2; none of them has joined the cluster; remove all but one in the console of the cloud',
        ],
        does: '',
      },
    ],
    [
      'a node that is another machine of the same name',
      { nodes: [node('cp-1'), { ...node('base-1'), address: '192.168.50.99' }], cloudMachines: [cloud('cp-1')] },
      {},
      {
        leftOut: [
          'the cluster already has a node base-1 at 192.168.50.99, but cluster.yaml has the machine base-1 at 192.168.50.11; give the machine another name, or correct its address; if the machine of that node is gone for good, run kubectl delete node base-1',
        ],
        does: 'create-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | wait-for-workloads',
      },
    ],
    [
      'a node at the address that cluster.yaml gives is that machine',
      { nodes: [node('cp-1'), node('web-1'), { ...node('base-1'), address: '192.168.50.11' }] },
      {},
      { leftOut: [], does: '' },
    ],
    [
      'two machines of one name, of which one failed and could not be made again',
      {
        nodes: [node('cp-1'), node('base-1')],
        cloudMachines: [cloud('cp-1'), cloud('web-1', 'failed'), { ...cloud('web-1'), id: 'uhost-2' }],
      },
      { unmakeable: new Map([['web-1', 'the image of web-1 does not exist']]) },
      {
        leftOut: [
          'the cloud has 2 machines web-1 of this cluster: uhost-web1, uhost-2; none of them has joined the cluster; remove all but one in the console of the cloud',
        ],
        does: '',
      },
    ],
    [
      'one dead machine blocks nothing else: base-1 is off, base-2 is new',
      { nodes: [node('cp-1'), node('web-1'), node('base-1', false)] },
      {
        machines: ['base-1', 'base-2'],
        leftOut: new Map([['base-1', 'base-1 is off; switch it on']]),
      },
      {
        leftOut: ['base-1 is off; switch it on'],
        does: 'join-machine base-2 | wait-for-node base-2, set-outside routes on the gateway | remove-tokens base-2 | wait-for-workloads',
      },
    ],
    [
      'a machine whose image is gone can not be made; one that is there does not need it',
      { nodes: [node('cp-1'), node('web-1'), node('base-1')], cloudMachines: [cloud('cp-1'), cloud('web-1')] },
      {
        cloudMachines: ['cp-1', 'web-1', 'web-2'],
        unmakeable: new Map([
          ['cp-1', 'no image'],
          ['web-1', 'no image'],
          ['web-2', 'the image of web-2 does not exist'],
        ]),
      },
      { leftOut: ['the image of web-2 does not exist'], does: '' },
    ],
    [
      'a control plane that runs is made one, though the image that it was made of is gone',
      { api: 'none', nodes: [], cloudMachines: [cloud('cp-1'), cloud('web-1')], outsides: [] },
      { unmakeable: new Map([['cp-1', 'no image']]) },
      {
        leftOut: [],
        does: 'make-control-plane cp-1 | apply-objects | join-machine base-1 | wait-for-node cp-1, wait-for-node base-1 | remove-tokens base-1 | wait-for-workloads',
      },
    ],
    [
      'a machine that failed is kept while its image is gone: it could not be made again',
      { nodes: [node('cp-1'), node('base-1')], cloudMachines: [cloud('cp-1'), cloud('web-1', 'failed')] },
      { unmakeable: new Map([['web-1', 'the image of web-1 does not exist']]) },
      { leftOut: ['the image of web-1 does not exist'], does: '' },
    ],
    [
      'a removed machine that can not be reached keeps its Node, and a dead one its token; the rest is done',
      {
        nodes: [node('cp-1'), node('web-1'), node('base-1', false), node('base-8'), node('base-9')],
        tokens: [
          { machine: 'base-1', expires: later },
          { machine: 'web-1', expires: later },
        ],
      },
      {
        leftOut: new Map([
          ['base-1', 'base-1 is off'],
          ['base-9', 'base-9 is off'],
        ]),
      },
      {
        leftOut: ['base-1 is off', 'base-9 is off'],
        does: 'drain-node base-8 | reset-machine base-8 | forget-node base-8 | remove-tokens web-1',
      },
    ],
    [
      'workloads that were waited for in vain are not waited for a second time',
      { unready: ['Deployment a/b 0/1'] },
      { leftOut: new Map([['wait-for-workloads', 'Deployment a/b 0/1 is not complete']]) },
      { leftOut: ['Deployment a/b 0/1 is not complete'], does: '' },
    ],
    [
      'a silent API server leaves nothing out: what is wrong elsewhere is looked at when it answers',
      { api: 'silent', nodes: [], outsides: [] },
      {},
      { leftOut: [], does: 'wait-for-api' },
    ],
    [
      'the node of a name that two machines have is told, whatever other nodes there are',
      {
        cloudMachines: [cloud('cp-1'), cloud('web-1'), { ...cloud('web-1'), id: 'uhost-2' }],
        nodes: [node('base-1'), node('cp-1'), node('web-1')],
      },
      {},
      {
        leftOut: [
          'the cloud has 2 machines web-1 of this cluster: uhost-web1, uhost-2; the node is ucloud://cn-bj2-04/uhost-web1; remove all but one in the console of the cloud',
        ],
        does: '',
      },
    ],
    [
      'a gateway that can not be reached keeps nothing else from being done',
      {
        nodes: [node('cp-1'), node('web-1')],
        outsides: [{ ...gateway(), fault: 'routes on the gateway cannot be checked: no way there' }],
      },
      {},
      {
        leftOut: ['routes on the gateway cannot be checked: no way there'],
        does: 'join-machine base-1 | wait-for-node base-1 | remove-tokens base-1 | wait-for-workloads',
      },
    ],
    [
      'a ready node whose kubelet the API server does not reach is told, and nothing is done to it',
      { nodes: [node('cp-1'), { ...node('web-1'), unreached: 'no-answer' }, node('base-1')] },
      {},
      { leftOut: [unreached('web-1')], does: '' },
    ],
    [
      'each of several, on either side',
      {
        nodes: [
          node('cp-1'),
          { ...node('web-1'), unreached: 'no-answer' },
          { ...node('base-1'), unreached: 'no-certificate' },
        ],
      },
      {},
      { leftOut: [unreached('web-1'), explainUnreached('base-1', 'no-certificate')], does: '' },
    ],
    [
      'one that was told with its machine is not told again',
      { nodes: [node('cp-1'), { ...node('web-1'), unreached: 'no-answer' }, node('base-1')] },
      { leftOut: new Map([['web-1', 'wait for node web-1: waited 30 s']]) },
      { leftOut: ['wait for node web-1: waited 30 s'], does: '' },
    ],
    [
      'a node that is to leave needs no way to its kubelet',
      { nodes: [node('cp-1'), node('web-1'), node('base-1'), { ...away('base-22'), unreached: 'no-answer' }] },
      {},
      { leftOut: [], does: outline(planUp({ ...converged, nodes: [...converged.nodes, away('base-22')] }, wanted)) },
    ],
  ];

function unreached(name: string): string {
  return explainUnreached(name, 'no-answer');
}

test.each(leftOuts)('%s', (_title, change, named, { leftOut, does }) => {
  const plan = planUp({ ...converged, ...change }, { ...wanted, ...named });
  expect(outline(plan)).toBe(does);
  expect('leftOut' in plan && plan.leftOut).toEqual(leftOut);
});

test('a control plane that can not be made as it is asked for blocks everything', () => {
  const unmakeable = new Map([['cp-1', 'the image of cp-1 does not exist']]);
  const plan = planUp(
    { ...converged, cloudMachines: [], api: 'none', groups: [], nodes: [] },
    { ...wanted, unmakeable },
  );
  expect(plan).toEqual({ blocked: 'the image of cp-1 does not exist', cure: 'correct cluster.yaml' });
});

function away(name: string, ready = true) {
  return { ...node(name, ready), address: `192.168.50.${name.length}` };
}
const removals: readonly [string, Partial<UpSeen>, string][] = [
  [
    'a physical machine taken out of the file is drained, reset and its Node deleted, in this order',
    { nodes: [...converged.nodes, away('base-9')] },
    'drain-node base-9 | reset-machine base-9 | forget-node base-9',
  ],
  [
    'a cloud machine taken out of the file is drained and ended',
    { nodes: [...converged.nodes, node('gone-1')], cloudMachines: [...converged.cloudMachines, cloud('gone-1')] },
    'leave-balancers gone-1 | drain-node gone-1 | remove-cloud-machine gone-1 | forget-node gone-1',
  ],
  [
    'one whose node is not ready is not drained: nobody would end its pods',
    { nodes: [...converged.nodes, away('base-9', false)] },
    'reset-machine base-9 | forget-node base-9',
  ],
  [
    'one that never joined is ended, and its token removed',
    { cloudMachines: [...converged.cloudMachines, cloud('gone-1')], joining: [joining({ machine: 'gone-1' })] },
    'remove-cloud-machine gone-1 | remove-tokens gone-1',
  ],
  [
    'killed after the machine was ended: its Node is deleted',
    { nodes: [...converged.nodes, node('gone-1', false)] },
    'forget-node gone-1',
  ],
  [
    'a cloud machine with the name of a physical machine is not that one, and is ended',
    { cloudMachines: [...converged.cloudMachines, cloud('base-1')] },
    'remove-cloud-machine base-1',
  ],
  [
    'a node that somebody has joined by hand is left alone',
    { nodes: [...converged.nodes, { ...node('theirs'), providerId: undefined }] },
    '',
  ],
  [
    'a control plane that is not in the file is never removed, nor its machine, whatever it is called in the cloud',
    {
      nodes: [...converged.nodes, { ...node('cp-0'), isControlPlane: true, providerId: 'ucloud://z/uhost-7' }],
      cloudMachines: [...converged.cloudMachines, { name: 'renamed', id: 'uhost-7', state: 'running' }],
    },
    '',
  ],
  [
    'nor is it told by its name alone that its machine is not needed',
    {
      nodes: [...converged.nodes, { ...node('cp-0'), isControlPlane: true, providerId: undefined }],
      cloudMachines: [...converged.cloudMachines, cloud('cp-0')],
    },
    '',
  ],
  [
    'a node of another cloud is left alone',
    { nodes: [...converged.nodes, { ...node('theirs'), providerId: 'gce://project/zone/theirs' }] },
    '',
  ],
  [
    'a machine that was renamed in the cloud is still its node, and is not ended',
    { cloudMachines: [cloud('cp-1'), cloud('web-1'), { ...cloud('other'), id: 'uhost-web1' }] },
    '',
  ],
  [
    'nothing is removed while there is no kubeconfig here',
    { api: 'none', nodes: [], cloudMachines: [...converged.cloudMachines, cloud('gone-1')] },
    'make-control-plane cp-1 | apply-objects | join-machine base-1 | wait-for-node cp-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1 | wait-for-workloads',
  ],
];

test.each(removals)('%s', (_title, change, expected) => {
  expect(outline(planUp({ ...converged, ...change }, wanted))).toBe(expected);
});

test('taking a cloud machine out of the load balancers is shown as a part of its removal', () => {
  const gone = {
    nodes: [...converged.nodes, node('gone-1')],
    cloudMachines: [...converged.cloudMachines, cloud('gone-1')],
  };
  const plan = planUp({ ...converged, ...gone }, wanted);
  const steps = 'stages' in plan ? plan.stages.flat() : [];
  expect(steps.map(destroys)).toEqual([true, true, true, true]);
  expect(steps.map(explainStep).at(0)).toBe('take out of load balancers gone-1: it is not in cluster.yaml');
});

test('every step of a removal is shown as one that destroys, with its reason', () => {
  const plan = planUp({ ...converged, nodes: [...converged.nodes, away('base-9')] }, wanted);
  const steps = 'stages' in plan ? plan.stages.flat() : [];
  expect(steps[1]).toMatchObject({ address: '192.168.50.6' });
  expect(steps.map(destroys)).toEqual([true, true, true]);
  expect(steps.map(explainStep)).toEqual([
    'drain node base-9: it is not in cluster.yaml',
    'reset machine base-9: it is not in cluster.yaml',
    'delete node base-9: it is not in cluster.yaml',
  ]);
});

test('where a machine is whose Node has no address nobody knows', () => {
  const plan = planUp({ ...converged, nodes: [...converged.nodes, node('base-9', false)] }, wanted);
  expect('stages' in plan && plan.stages[0]).toEqual([
    { do: 'reset-machine', machine: 'base-9', address: undefined, why: 'it is not in cluster.yaml' },
  ]);
});

test.each(blocks)('%s', (_title, change, expected) => {
  expect(planUp({ ...converged, ...change }, wanted)).toEqual(expected);
});

const reasons: readonly [string, Partial<UpSeen>, readonly string[]][] = [
  [
    'how far a slow machine is stands in the reason',
    { nodes: [node('cp-1'), node('base-1')], joining: [joining()] },
    [
      'renew the join token of web-1: it has expired, and the machine may still be joining (412 of 586 MB)',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'why a token is renewed that is still good',
    {
      nodes: [node('cp-1'), node('base-1')],
      tokens: [{ machine: 'web-1', expires: later }],
      joining: [joining({ amount: undefined })],
    },
    [
      'renew the join token of web-1: it has not joined, and may have to begin anew',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'why a token is renewed whose machine has a Node',
    { nodes: [node('cp-1'), node('web-1', false), node('base-1')], joining: [joining()] },
    [
      'renew the join token of web-1: its node is not ready, and the machine may have to join again',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'a machine that never reported anything is replaced with that reason',
    {
      at: longAfter,
      nodes: [node('cp-1'), node('base-1')],
      joining: [joining({ amount: undefined, stalledSince: at })],
    },
    [
      'replace cloud machine web-1: it has made no progress for 20 min 00 s, and nobody can log in to it',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'the plan does not say that a machine has joined before it has',
    { nodes: [node('cp-1'), node('base-1')], tokens: [{ machine: 'web-1', expires: later }] },
    [
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'from nothing, each step has its reason',
    { cloudMachines: [], api: 'none', nodes: [] },
    [
      'create cloud machine cp-1: it does not exist yet; it will be the control plane',
      'make control plane cp-1: there is no kubeconfig of this cluster on this computer',
      'apply system objects: some may be missing',
      'create cloud machine web-1: it does not exist yet; it is in cluster.yaml',
      'join machine base-1: it has not joined the cluster',
      'wait for node cp-1: its node is not ready yet',
      'wait for node web-1: its node is not ready yet',
      'wait for node base-1: its node is not ready yet',
      'set routes on the gateway: it needs a route to the pod subnet of each machine',
      'remove the join token of base-1: it is not needed once the machine has joined',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'a machine that is off, and an API server that is silent because of it',
    { api: 'silent', cloudMachines: [cloud('cp-1', 'stopped'), cloud('web-1')], nodes: [] },
    [
      'start cloud machine cp-1: it is switched off',
      'wait for the API server: it does not answer; further steps are planned when it does',
    ],
  ],
  [
    'a machine that failed and came after one that is gone, with the token of the new one still good',
    {
      nodes: [node('cp-1'), node('web-1', false), node('base-1')],
      cloudMachines: [cloud('cp-1'), { name: 'web-1', id: 'uhost-new', state: 'failed' }],
      tokens: [{ machine: 'web-1', expires: later }],
    },
    [
      'delete node web-1: its Node belongs to a machine that is gone (ucloud://cn-bj2-04/uhost-web1)',
      'replace cloud machine web-1: its installation in the cloud failed',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'a Node without a provider id, and a machine of its name that can not join any more',
    { nodes: [node('cp-1'), { ...node('web-1'), providerId: undefined }, node('base-1')] },
    [
      'delete node web-1: its Node belongs to a machine that is gone (no provider id)',
      'replace cloud machine web-1: it has not joined, and it has no join token that could be renewed',
      'wait for node web-1: its node is not ready yet',
      'remove the join token of web-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'a physical machine that is not ready, and a route that the gateway lacks',
    { nodes: [node('cp-1'), node('web-1'), node('base-1', false)], outsides: [gateway('missing a', 'left over b')] },
    [
      'join machine base-1: its node is not ready; an interrupted join is completed, nothing else changes',
      'wait for node base-1: its node is not ready yet',
      'set routes on the gateway: differences: missing a, left over b',
      'remove the join token of base-1: it is not needed once the machine has joined',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'a token of a machine that is named no more, a cloud machine that is, and a machine that joined',
    {
      cloudMachines: [...converged.cloudMachines, cloud('gone-1')],
      tokens: [{ machine: 'web-9', expires: at }],
      joining: [joining({ hasToken: false })],
    },
    [
      'remove cloud machine gone-1: it is not in cluster.yaml',
      'remove the join token of web-1: the machine has joined',
      'remove the join token of web-9: the machine is not in cluster.yaml',
    ],
  ],
  [
    'a token that is left of a machine that has joined',
    { tokens: [{ machine: 'base-1', expires: later }] },
    ['remove the join token of base-1: the machine has joined'],
  ],
  [
    'three outdated objects are all named',
    { staleObjects: ['a', 'b', 'c'] },
    [
      'apply system objects: missing or outdated: a, b, c',
      'wait for workloads: the cluster is complete when they are running',
    ],
  ],
  [
    'of four all are named, because "1 more" is not shorter',
    { unready: ['a', 'b', 'c', 'd'] },
    ['wait for workloads: not complete: a, b, c, d'],
  ],
  [
    'of five the first three are named, and the others counted',
    { unready: ['a', 'b', 'c', 'd', 'e'] },
    ['wait for workloads: not complete: a, b, c and 2 more'],
  ],
];

test.each(reasons)('%s', (_title, change, expected) => {
  const plan = planUp({ ...converged, ...change }, wanted);
  expect('stages' in plan && plan.stages.flat().map(explainStep)).toEqual(expected);
});

test('a step says whether the machine has a Node already: joining it again only completes what is missing', () => {
  const joins = (nodes: UpSeen['nodes']): readonly UpStep[] =>
    stepsFor({ nodes }).filter((step) => step.do === 'join-machine');
  expect(joins([node('cp-1'), node('web-1'), node('base-1', false)])).toMatchObject([{ hasNode: true }]);
  expect(joins([node('cp-1'), node('web-1')])).toMatchObject([{ hasNode: false }]);
});

test('a cluster on physical machines alone of which all is well needs nothing of the cloud', () => {
  const own = { ...node('base-1'), isControlPlane: true };
  const plan = planUp(
    { ...converged, cloudMachines: [], groups: [], nodes: [own] },
    { controlPlane: 'base-1', cloudMachines: [], nodeGroups: [], machines: ['base-1'], addresses: new Map() },
  );
  expect(plan).toEqual({ stages: [], leftOut: [] });
});

test('what removes something is told apart: a replaced or ended machine and a deleted Node', () => {
  const step = (kind: UpStep['do']): UpStep => ({ do: kind, machine: 'web-1', id: 'uhost-1', why: '' }) as UpStep;
  expect(destroys(step('forget-node'))).toBe(true);
  expect(destroys(step('replace-cloud-machine'))).toBe(true);
  expect(destroys(step('remove-cloud-machine'))).toBe(true);
  expect(destroys(step('remove-node-group'))).toBe(true);
  expect(destroys(step('create-cloud-machine'))).toBe(false);
  expect(destroys(step('remove-tokens'))).toBe(false);
});

test('a control plane on a physical machine is made without the cloud', () => {
  const plan = planUp(
    { ...converged, cloudMachines: [], api: 'none', groups: [], nodes: [] },
    { controlPlane: 'base-1', cloudMachines: ['web-1'], nodeGroups: [], machines: ['base-1'], addresses: new Map() },
  );
  expect(outline(plan)).toBe(
    'make-control-plane base-1 | apply-objects | create-cloud-machine web-1 | wait-for-node web-1, wait-for-node base-1, set-outside routes on the gateway | remove-tokens web-1 | wait-for-workloads',
  );
});

test('each kind of step begins its lines with words of its own', () => {
  expect(new Set(stepKinds.map(({ words }) => words)).size).toBe(stepKinds.length);
  expect(stepKinds).toContainEqual({ kind: 'renew-token', words: 'renew the join token of' });
});

const everyState = fc.constantFrom<UpSeen['cloudMachines'][number]['state']>(
  'creating',
  'running',
  'starting',
  'stopping',
  'stopped',
  'rebooting',
  'failed',
  'unreadable',
);
const token = fc.record({ machine: fc.constantFrom('cp-1', 'web-1', 'base-1'), expires: fc.constantFrom(at, later) });
const someNode = fc.record({
  name: fc.constantFrom('cp-1', 'web-1', 'base-1', 'gone-1'),
  ready: fc.boolean(),
  providerId: fc.constantFrom(undefined, 'isthmus-site://base-1', 'ucloud://cn-bj2-04/uhost-1', 'ucloud://z/uhost-9'),
  isControlPlane: fc.boolean(),
});
const anything = fc.record({
  cloudMachines: fc.array(
    fc.record({
      name: fc.constantFrom('cp-1', 'web-1', 'gone-1'),
      id: fc.constantFrom('uhost-1', 'uhost-2', 'uhost-3'),
      state: everyState,
    }),
    { maxLength: 4 },
  ),
  api: fc.constantFrom<UpSeen['api']>('none', 'silent', 'answers'),
  nodes: fc.uniqueArray(someNode, { selector: ({ name }) => name, maxLength: 4 }),
  tokens: fc.array(token, { maxLength: 3 }),
});

function stepsFor(some: Partial<UpSeen>): readonly UpStep[] {
  const plan = planUp({ ...converged, ...some }, wanted);
  return 'blocked' in plan ? [] : plan.stages.flat();
}

test('while the API server is silent nothing is removed, whatever else is seen', () => {
  fc.assert(
    fc.property(anything, (some) => {
      expect(stepsFor({ ...some, api: 'silent', nodes: [] }).filter(destroys)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('whatever is seen, the control plane is never removed, and never made while it may be there already', () => {
  fc.assert(
    fc.property(anything, (some) => {
      const own = new Set(['cp-1', ...some.nodes.filter((one) => one.isControlPlane).map(({ name }) => name)]);
      const steps = stepsFor(some);
      expect(steps.filter((step) => destroys(step) && 'machine' in step && own.has(step.machine))).toEqual([]);
      if (some.api !== 'none' || some.cloudMachines.some(({ name }) => name === 'cp-1'))
        expect(steps.filter((step) => step.do === 'create-cloud-machine' && step.machine === 'cp-1')).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

/** Everything is to be done somewhere: a machine to make, one to join, two that were dropped, objects and routes. */
const busy: UpSeen = {
  ...converged,
  cloudMachines: [cloud('cp-1', 'stopped'), cloud('gone-1')],
  nodes: [node('cp-1'), node('gone-1'), node('base-9'), { ...node('web-9'), unreached: 'no-answer' }],
  joining: [joining({ machine: 'base-9' }), joining({ machine: 'web-8' })],
  staleObjects: ['Namespace isthmus-system'],
  unready: ['Deployment kube-system/coredns 0/1'],
  outsides: [gateway('base-9')],
};
test.each<[string, string, string]>([
  [
    'of the cloud, that was dropped',
    'gone-1',
    'leave-balancers gone-1 | drain-node gone-1 | apply-objects, remove-cloud-machine gone-1 | forget-node gone-1 | set-outside routes on the gateway',
  ],
  [
    'of the site, that was dropped',
    'base-9',
    'drain-node base-9 | apply-objects, reset-machine base-9 | forget-node base-9 | remove-tokens base-9 | set-outside routes on the gateway',
  ],
  [
    'of the site, that is to join',
    'base-1',
    'apply-objects | join-machine base-1 | wait-for-node base-1, set-outside routes on the gateway | remove-tokens base-1',
  ],
  [
    'of the cloud, that is to be made',
    'web-1',
    'apply-objects | create-cloud-machine web-1 | wait-for-node web-1 | remove-tokens web-1 | set-outside routes on the gateway',
  ],
])('one machine alone, %s: other machines are left as they are', (_title, only, steps) => {
  expect(outline(planUp(busy, { ...wanted, only }))).toBe(steps);
});

test('a machine that is to go and has nothing to drain waits for no objects', () => {
  const seen: UpSeen = {
    ...converged,
    nodes: [...converged.nodes, node('base-9', false)],
    staleObjects: ['Namespace x'],
  };
  expect(outline(planUp(seen, { ...wanted, only: 'base-9' }))).toBe(
    'apply-objects | reset-machine base-9 | forget-node base-9',
  );
});

test('a whole run applies objects before anything else, because machines that join need them', () => {
  const seen: UpSeen = { ...converged, nodes: [...converged.nodes, away('base-9')], staleObjects: ['Namespace x'] };
  expect(outline(planUp(seen, wanted))).toMatch(/^apply-objects \| drain-node base-9 \| reset-machine base-9/);
});

test('a run for one machine comes to its end while another machine of cluster.yaml has not joined', () => {
  const seen: UpSeen = { ...converged, nodes: [node('cp-1'), node('web-1')] };
  expect(outline(planUp(seen, { ...wanted, only: 'gone-1' }))).toBe('');
  expect(outline(planUp(seen, { ...wanted, only: 'web-1' }))).toBe('');
});

test('of what cannot be done, a run for one machine tells what concerns it and what is outside of the cluster', () => {
  const seen: UpSeen = {
    ...converged,
    nodes: converged.nodes.map((one) => ({ ...one, unreached: 'no-answer' as const })),
    outsides: [
      { ...gateway(), fault: 'routes on the gateway cannot be checked: it is off' },
      { ...gateway(), what: 'rules of the cloud' },
    ],
  };
  const leftOut = new Map([
    ['base-2', 'base-2 is off'],
    ['web-2', 'web-2 is off'],
  ]);
  const also: UpWanted = { ...wanted, machines: ['base-1', 'base-2'], leftOut };
  const told = (only: string): readonly string[] => {
    const plan = planUp(seen, { ...also, only });
    return 'blocked' in plan ? expect.fail(plan.blocked) : plan.leftOut;
  };
  const gatewayFault = 'routes on the gateway cannot be checked: it is off';
  expect(told('base-2')).toEqual([gatewayFault, 'base-2 is off']);
  expect(told('base-1')).toEqual([gatewayFault, explainUnreached('base-1', 'no-answer')]);
});

test.each<[UpSeen['api'], string, string]>([
  [
    'none',
    'there is no kubeconfig of this cluster on this computer',
    'run isthmus up, which makes the cluster, or run this where the cluster was made',
  ],
  ['silent', 'the API server of the cluster does not answer', 'run isthmus up, which waits for it'],
])('one machine alone is neither added nor removed while the API is %s', (api, blocked, cure) => {
  expect(planUp({ ...converged, api }, { ...wanted, only: 'web-1' })).toEqual({ blocked, cure });
});

test.each([
  [3, 'remove node group old: it is not in cluster.yaml; its 3 machines leave'],
  [1, 'remove node group old: it is not in cluster.yaml; its machine leaves'],
  [0, 'remove node group old: it is not in cluster.yaml; its 0 machines leave'],
])('a group that was taken out of cluster.yaml goes with its %i machines, and the others stay', (machines, line) => {
  const groups = [
    { name: 'old', machines },
    { name: 'burst', machines: 2 },
  ];
  const plan = planUp({ ...converged, groups }, wanted);
  if ('blocked' in plan) expect.fail(plan.blocked);
  expect(plan.stages.flat().map(explainStep)).toEqual([line]);
  expect(
    outline(planUp({ ...converged, groups }, { ...wanted, leftOut: new Map([['group old', 'it is held']]) })),
  ).toBe('');
});
