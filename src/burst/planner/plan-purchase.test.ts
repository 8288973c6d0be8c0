import { expect, test } from 'vitest';
import { type PlannerGroup, type PlannerNode, type PurchaseSeen, planPurchase } from './plan-purchase.ts';
import type { PlannerPod, PlannerPodSpec } from './planner-pod.ts';

const pod = (name: string, cpu: string, spec: PlannerPodSpec = {}): PlannerPod => ({
  metadata: { name, namespace: 'shop', labels: { app: name.replace(/-\d+$/, '') } },
  spec: { containers: [{ name: 'main', resources: { requests: { cpu, memory: '256Mi' } } }], ...spec },
});
const pods = (count: number, name: string, cpu: string, spec?: PlannerPodSpec) =>
  Array.from({ length: count }, (_, at) => pod(`${name}-${at}`, cpu, spec));
const group = (
  name: string,
  cpu: string,
  more: Partial<PlannerGroup> & { readonly price?: number } = {},
): PlannerGroup => ({
  name,
  labels: { pool: name },
  taints: [],
  current: 0,
  max: 10,
  types: [
    {
      name: `${name}-type`,
      allocatable: { cpu, memory: '16Gi', pods: '10' },
      zones: ['a'],
      ...(more.price === undefined ? {} : { price: more.price }),
    },
  ],
  ...more,
});
const node = (name: string, cpu: string, more: Partial<PlannerNode> = {}): PlannerNode => ({
  name,
  labels: { 'topology.kubernetes.io/zone': 'a' },
  taints: [],
  allocatable: { cpu, memory: '16Gi', pods: '10' },
  ...more,
});
const apart = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
    ],
  },
};
const require = (key: string, operator: string, values: readonly string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
    },
  },
});

/** What is bought, what fits and what is told, with numbers of pods in place of pods. */
function planned(seen: Partial<PurchaseSeen<PlannerPod>>) {
  const plan = planPurchase({ pending: [], nodes: [], groups: [], daemons: [], ...seen });
  return {
    bought: plan.machines.map(({ group: of, count, pods: held }) => `${count} of ${of} for ${held.length}`),
    fitting: plan.fitting.map(({ node: on, pods: held }) => `${held.length} on ${on}`),
    without: plan.without.map(({ says, full }) => (full.length === 0 ? says : `${says} (full: ${full.join(', ')})`)),
  };
}

const burst = group('burst', '4');
const rows: readonly (readonly [string, Partial<PurchaseSeen<PlannerPod>>, Partial<ReturnType<typeof planned>>])[] = [
  ['nothing waits: nothing is bought', { groups: [burst] }, {}],
  [
    'as many machines as hold the pods',
    { pending: pods(9, 'web', '1'), groups: [burst] },
    { bought: ['3 of burst for 9'] },
  ],
  [
    'tenths of a CPU add up exactly',
    { pending: pods(7, 'web', '1100m'), groups: [group('g', '7.7')] },
    { bought: ['1 of g for 7'] },
  ],
  [
    'no more pods than a node may have',
    { pending: pods(11, 'web', '1m'), groups: [burst] },
    { bought: ['2 of burst for 11'] },
  ],
  [
    'small pods share the machines of large ones',
    { pending: [...pods(4, 'small', '1'), ...pods(2, 'large', '3')], groups: [burst] },
    { bought: ['3 of burst for 6'] },
  ],
  [
    'machines that are there or on their way are filled first',
    {
      pending: pods(9, 'web', '1'),
      groups: [burst],
      nodes: [node('site-1', '4', { pods: pods(3, 'old', '1') }), node('coming', '4')],
    },
    { bought: ['1 of burst for 4'], fitting: ['1 on site-1', '4 on coming'] },
  ],
  [
    'the cheaper group is bought, and the next when it is full',
    {
      pending: pods(9, 'web', '1'),
      groups: [group('dear', '4', { price: 2 }), group('cheap', '4', { price: 1, current: 9 }), group('unknown', '4')],
    },
    { bought: ['2 of dear for 5', '1 of cheap for 4'] },
  ],
  [
    'the least money for all equal pods, not for one',
    { pending: pods(4, 'web', '1'), groups: [group('one', '1', { price: 1 }), group('four', '4', { price: 3 })] },
    { bought: ['1 of four for 4'] },
  ],
  [
    'the fewest machines when no price is known',
    { pending: pods(4, 'web', '1'), groups: [group('one', '1'), group('four', '4')] },
    { bought: ['1 of four for 4'] },
  ],
  [
    'a full group is told',
    { pending: pods(9, 'web', '1'), groups: [group('burst', '4', { max: 1 })] },
    {
      bought: ['1 of burst for 4'],
      without: [
        'no machine is bought for pod shop/web-4 and 4 equal pods: group burst has its maximum of 1 machine (full: burst)',
      ],
    },
  ],
  [
    'a pod too large for every group is told with what it requests and what they have',
    { pending: [pod('huge', '8')], groups: [burst, group('tiny', '500m')] },
    {
      without: [
        'no machine is bought for pod shop/huge: group burst cannot hold it: it requests 8 of cpu, and a machine of type burst-type has 4 for it; group tiny cannot hold it: it requests 8 of cpu, and a machine of type tiny-type has 0.5 for it',
      ],
    },
  ],
  [
    'memory is told in Mi',
    {
      pending: [pod('big', '1', { overhead: { memory: '16Gi' } })],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/big: group burst cannot hold it: it requests 16640Mi of memory, and a machine of type burst-type has 16384Mi for it',
      ],
    },
  ],
  [
    'no group at all is told',
    { pending: [pod('web', '1')] },
    { without: ['no machine is bought for pod shop/web: there is no node group to buy from'] },
  ],
  [
    'a shape that is out of stock gives way to the next, and a group without any is told',
    {
      pending: [pod('web', '3')],
      groups: [
        { ...burst, types: [{ name: 'gone', allocatable: { cpu: '99' }, zones: [] }, ...burst.types] },
        { ...burst, name: 'out', types: [{ name: 'gone', allocatable: { cpu: '99' }, zones: [] }] },
      ],
    },
    { bought: ['1 of burst for 1'] },
  ],
  [
    'a shape that is out of stock everywhere is told',
    { pending: [pod('web', '1')], groups: [{ ...burst, types: [] }] },
    { without: ['no machine is bought for pod shop/web: the cloud has no machines left for group burst'] },
  ],
  [
    'a nodeSelector chooses the group',
    { pending: [pod('web', '1', { nodeSelector: { pool: 'two' } })], groups: [burst, group('two', '4')] },
    { bought: ['1 of two for 1'] },
  ],
  [
    'a nodeSelector that no group has is told',
    {
      pending: [pod('web', '1', { nodeSelector: { pool: 'gpu' } }), pod('db', '1', { nodeSelector: { disk: 'ssd' } })],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: its nodeSelector requires pool=gpu, and the machines have pool=burst',
        'no machine is bought for pod shop/db: group burst cannot hold it: its nodeSelector requires disk=ssd, and the machines have no such label',
      ],
    },
  ],
  [
    'a required node affinity is honoured, and told when no group matches',
    {
      pending: [
        pod('web', '1', { affinity: require('pool', 'In', ['gpu']) }),
        pod('db', '1', { affinity: require('pool', 'NotIn', ['gpu']) }),
      ],
      groups: [burst],
    },
    {
      bought: ['1 of burst for 1'],
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: its required node affinity (pool) does not match the labels of the machines',
      ],
    },
  ],
  [
    'a pod for one zone gets no machine of a group that may put it into another',
    {
      pending: [pod('web', '1', { nodeSelector: { 'topology.kubernetes.io/zone': 'a' } })],
      groups: [{ ...burst, types: burst.types.map((type) => ({ ...type, zones: ['a', 'b'] })) }],
    },
    {
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: its nodeSelector requires topology.kubernetes.io/zone=a, and the machines have topology.kubernetes.io/zone=b',
      ],
    },
  ],
  [
    'a taint keeps out what does not tolerate it',
    {
      pending: [
        pod('no', '1'),
        pod('other', '1', {
          tolerations: [
            { key: 'gpu', value: 'other' },
            { key: 'gpu', operator: 'Exists', effect: 'NoExecute' },
          ],
        }),
        pod('equal', '1', { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }),
        pod('exists', '1', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
        pod('all', '1', { tolerations: [{ operator: 'Exists' }] }),
      ],
      groups: [
        group('gpu', '4', {
          taints: [
            { key: 'soft', effect: 'PreferNoSchedule' },
            { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
          ],
        }),
      ],
    },
    {
      bought: ['1 of gpu for 3'],
      without: ['no', 'other'].map(
        (name) =>
          `no machine is bought for pod shop/${name}: group gpu cannot hold it: it does not tolerate the taint gpu=yes:NoSchedule`,
      ),
    },
  ],
  [
    'DaemonSets that run on the machines take their share',
    {
      pending: pods(4, 'web', '1'),
      groups: [burst],
      daemons: [
        pod('agent', '100m', { nodeSelector: { pool: 'burst' } }),
        pod('elsewhere', '3', { nodeSelector: { pool: 'site' } }),
      ],
    },
    { bought: ['2 of burst for 4'] },
  ],
  [
    'a DaemonSet takes its share of a machine that has not joined, and on a node it is among the pods',
    {
      pending: pods(8, 'web', '1'),
      nodes: [
        node('coming', '4', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
        node('there', '4', { pods: [] }),
      ],
      daemons: [pod('agent', '1')],
    },
    {
      fitting: ['4 on there'],
      without: ['no machine is bought for pod shop/web-4 and 3 equal pods: there is no node group to buy from'],
    },
  ],
  [
    'init containers count when they need more than what runs after them',
    {
      pending: [
        pod('web', '1', {
          initContainers: [
            { name: 'before', resources: { requests: { cpu: '3' } } },
            { name: 'sidecar', restartPolicy: 'Always', resources: { requests: { cpu: '1500m' } } },
            { name: 'after', resources: { requests: { cpu: '2600m' } } },
          ],
        }),
      ],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: it requests 4.1 of cpu, and a machine of type burst-type has 4 for it',
      ],
    },
  ],
  [
    'sidecars run beside the containers, and overhead comes on top',
    {
      pending: [
        pod('web', '1', {
          overhead: { cpu: '1' },
          initContainers: [
            { name: 'sidecar', restartPolicy: 'Always', resources: { requests: { cpu: '2500m' } } },
            { name: 'init', resources: { requests: { cpu: '500m' } } },
          ],
        }),
      ],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: it requests 4.5 of cpu, and a machine of type burst-type has 4 for it',
      ],
    },
  ],
  [
    'requests of the pod stand for those of its containers',
    { pending: pods(4, 'web', '3', { resources: { requests: { cpu: '1' } } }), groups: [burst] },
    { bought: ['1 of burst for 4'] },
  ],
  [
    'pods with one host port are on a machine each',
    {
      pending: pods(2, 'web', '1', { containers: [{ name: 'main', ports: [{ hostPort: 80 }, { protocol: 'UDP' }] }] }),
      groups: [burst],
    },
    { bought: ['2 of burst for 2'] },
  ],
  [
    'a host port of a DaemonSet is told',
    {
      pending: [pod('web', '1', { containers: [{ name: 'main', ports: [{ hostPort: 80 }] }] })],
      daemons: [pod('proxy', '1', { containers: [{ name: 'main', ports: [{ hostPort: 80, protocol: 'TCP' }] }] })],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/web: group burst cannot hold it: host port 80/TCP is taken by a DaemonSet',
      ],
    },
  ],
  [
    'pods that keep off each other are on a machine each, and others beside them',
    { pending: [...pods(3, 'web', '1', { affinity: apart }), ...pods(6, 'job', '1')], groups: [burst] },
    { bought: ['3 of burst for 9'] },
  ],
  [
    'a running pod keeps off those that its anti-affinity selects, in its namespace',
    {
      pending: [...pods(1, 'web', '1'), ...pods(1, 'job', '1')],
      nodes: [node('there', '4', { pods: [pod('old', '1', { affinity: apart })] })],
      groups: [burst],
    },
    { bought: ['1 of burst for 1'], fitting: ['1 on there'] },
  ],
  [
    'what is not planned for is told and not guessed',
    {
      pending: [
        pod('near', '1', { affinity: { podAffinity: apart.podAntiAffinity } }),
        pod('spread', '1', {
          topologySpreadConstraints: [{ topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
        }),
        pod('any', '1', { topologySpreadConstraints: [{ topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }] }),
        pod('disk', '1', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }),
        pod('wide', '1', {
          affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
        }),
      ],
      groups: [burst],
    },
    {
      bought: ['1 of burst for 1'],
      without: [
        'no machine is bought for pod shop/near: it has a required pod affinity, which is not planned for',
        'no machine is bought for pod shop/spread: it must be spread over zone (DoNotSchedule), which is not planned for',
        'no machine is bought for pod shop/disk: it has a volume claim, which is not planned for',
        'no machine is bought for pod shop/wide: it has a required pod anti-affinity over zone, which is not planned for',
      ],
    },
  ],
  [
    'a running pod that keeps others off its zone is told',
    {
      pending: [pod('web-1', '1')],
      nodes: [
        node('there', '1', {
          pods: [
            pod('old', '1', {
              affinity: {
                podAntiAffinity: {
                  requiredDuringSchedulingIgnoredDuringExecution: [
                    {
                      topologyKey: 'zone',
                      labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
                    },
                  ],
                },
              },
            }),
          ],
        }),
      ],
      groups: [burst],
    },
    {
      without: [
        'no machine is bought for pod shop/web-1: a running pod has a required pod anti-affinity against it over more than one node, which is not planned for',
      ],
    },
  ],
  [
    'a group with its maximum of several machines is told',
    { pending: [pod('web', '1')], groups: [group('burst', '4', { current: 3, max: 3 })] },
    {
      without: ['no machine is bought for pod shop/web: group burst has its maximum of 3 machines (full: burst)'],
    },
  ],
  [
    'large pods come first, by the share that they take of a machine and not by the number of bytes',
    {
      pending: [
        ...pods(2, 'small', '1', { resources: { requests: { cpu: '1', memory: '3Gi' } } }),
        ...pods(2, 'large', '3'),
      ],
      groups: [burst],
    },
    { bought: ['2 of burst for 4'] },
  ],
  [
    'the fewest machines when no price is known, many of them and the small ones first',
    { pending: pods(8, 'web', '1'), groups: [group('one', '1'), group('four', '4')] },
    { bought: ['2 of four for 8'] },
  ],
  [
    'the fewest machines when no price is known, many of them and the large ones first',
    { pending: pods(8, 'web', '1'), groups: [group('four', '4'), group('one', '1')] },
    { bought: ['2 of four for 8'] },
  ],
  [
    'a DaemonSet of one zone takes its share of machines that may come there',
    {
      pending: pods(4, 'web', '1'),
      groups: [{ ...burst, types: burst.types.map((type) => ({ ...type, zones: ['a', 'b'] })) }],
      daemons: [pod('agent', '1', { nodeSelector: { 'topology.kubernetes.io/zone': 'a' } })],
    },
    { bought: ['2 of burst for 4'] },
  ],
  [
    'a pod that keeps off what a DaemonSet runs is told',
    {
      pending: [pod('job', '1', { affinity: apart })],
      groups: [burst],
      daemons: [pod('web-1', '1')],
    },
    {
      without: [
        'no machine is bought for pod shop/job: group burst cannot hold it: it must not share a node with a DaemonSet',
      ],
    },
  ],
  [
    'of pods that are equal but for their volumes those with a claim are told, and the others get a machine',
    {
      pending: [
        pod('web-1', '1', { volumes: [{ name: 'tmp' }, { name: 'data', ephemeral: {} }] }),
        pod('web-2', '1', { volumes: [{ name: 'tmp' }] }),
      ],
      groups: [burst],
    },
    {
      bought: ['1 of burst for 1'],
      without: ['no machine is bought for pod shop/web-1: it has a volume claim, which is not planned for'],
    },
  ],
  [
    'a disk that is too small is told in Mi, and devices in their number',
    {
      pending: [
        pod('disk', '1', { resources: { requests: { 'ephemeral-storage': '2Gi' } } }),
        pod('model', '1', { resources: { requests: { 'example.com/gpu': '2' } } }),
      ],
      groups: [
        group('burst', '4', {
          types: [
            {
              name: 't',
              allocatable: { cpu: '4', memory: '16Gi', pods: '10', 'ephemeral-storage': '1Gi', 'example.com/gpu': '1' },
              zones: ['a'],
            },
          ],
        }),
      ],
    },
    {
      without: [
        'no machine is bought for pod shop/disk: group burst cannot hold it: it requests 2048Mi of ephemeral-storage, and a machine of type t has 1024Mi for it',
        'no machine is bought for pod shop/model: group burst cannot hold it: it requests 2 of example.com/gpu, and a machine of type t has 1 for it',
      ],
    },
  ],
  [
    'a pod without a namespace is told as one of default',
    { pending: [{ metadata: { name: 'web' }, spec: {} }] },
    { without: ['no machine is bought for pod default/web: there is no node group to buy from'] },
  ],
  ...['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map(
    (taint): (typeof rows)[number] => [
      `a DaemonSet comes to a machine that has not joined although it is ${taint}, and one for other machines does not`,
      {
        pending: pods(4, 'web', '1', { tolerations: [{ operator: 'Exists' }] }),
        nodes: [node('coming', '4', { taints: [{ key: `node.kubernetes.io/${taint}`, effect: 'NoSchedule' }] })],
        daemons: [
          pod('agent', '1', { tolerations: [{ key: 'own', operator: 'Exists' }] }),
          pod('elsewhere', '1', { nodeSelector: { pool: 'site' } }),
        ],
      },
      {
        fitting: ['3 on coming'],
        without: ['no machine is bought for pod shop/web-3: there is no node group to buy from'],
      },
    ],
  ),
];

test.each(rows)('%s', (_title, seen, wanted) => {
  expect(planned(seen)).toEqual({ bought: [], fitting: [], without: [], ...wanted });
});
