import { expect, test } from 'vitest';
import { type NodeStatus, planStatus, type StatusSeen } from './plan-status.ts';

const node = (name: string, ground: 'cloud' | 'site'): NodeStatus => ({
  name,
  ground,
  role: 'node',
  address: '10.0.0.1',
  ready: true,
  version: 'v1.36.3',
  leaving: false,
  why: undefined,
  columns: {},
  fields: {},
});
const well: StatusSeen = {
  cluster: 'shop',
  api: 'answers',
  wanted: [
    { name: 'web-1', ground: 'cloud' },
    { name: 'base-1', ground: 'site' },
  ],
  nodes: [node('web-1', 'cloud'), node('base-1', 'site')],
  cloudMachines: [{ name: 'web-1', id: 'uhost-1', state: 'running' }],
  cloudFault: undefined,
  unready: [],
  findings: [],
};

const rows: readonly [string, Partial<StatusSeen>, readonly string[]][] = [
  ['all is well', {}, []],
  ['nothing was made yet', { api: 'none' }, ['there is no kubeconfig of shop on this computer: run isthmus up']],
  [
    'a silent API server is explained by a machine that is off',
    { api: 'silent', nodes: [], cloudMachines: [{ name: 'cp-1', id: 'uhost-0', state: 'stopped' }] },
    ['the API server does not answer: cp-1 is stopped'],
  ],
  [
    'a silent API server whose machine is starting, or in a state that we cannot read',
    {
      api: 'silent',
      nodes: [],
      cloudMachines: [
        { name: 'cp-1', id: 'uhost-0', state: 'starting' },
        { name: 'web-1', id: 'uhost-1', state: 'unreadable' },
        { name: 'web-2', id: 'uhost-2', state: 'running' },
      ],
    },
    ['the API server does not answer: cp-1 is starting, web-1 is unreadable'],
  ],
  [
    'a silent API server although every cloud machine runs',
    { api: 'silent', nodes: [] },
    ['the API server does not answer: check the control plane machine and the network path to it'],
  ],
  ...(['answers', 'silent', 'none'] as const).map((api): (typeof rows)[number] => [
    `a cloud that does not answer, and an API server: ${api}`,
    { api, cloudMachines: [], cloudFault: 'what shop has in the cloud is not known: unavailable' },
    {
      answers: ['what shop has in the cloud is not known: unavailable'],
      silent: [
        'the API server does not answer: check the control plane machine and the network path to it',
        'what shop has in the cloud is not known: unavailable',
      ],
      none: [
        'there is no kubeconfig of shop on this computer: run isthmus up',
        'what shop has in the cloud is not known: unavailable',
      ],
    }[api],
  ]),
  [
    'a node whose removal stopped half-way, and that is in cluster.yaml again',
    { nodes: [{ ...node('web-1', 'cloud'), leaving: true }, node('base-1', 'site')] },
    [
      'node web-1 is in cluster.yaml and marked as about to be removed, so it gets no pods and no load balancer sends to it: kubectl uncordon web-1 and kubectl taint node web-1 ToBeDeletedByClusterAutoscaler- if it is to stay',
    ],
  ],
  [
    'a node that is being removed is told as one that is not in cluster.yaml, and as nothing else',
    {
      wanted: [{ name: 'base-1', ground: 'site' }],
      nodes: [{ ...node('web-1', 'cloud'), leaving: true }, node('base-1', 'site')],
      cloudMachines: [],
    },
    ['node web-1 is not in cluster.yaml: name it there, or run isthmus up, which asks and then drains and removes it'],
  ],
  [
    'a cloud machine of ours that has the name of a physical machine',
    { cloudMachines: [...well.cloudMachines, { name: 'base-1', id: 'uhost-3', state: 'running' }] },
    [
      "cloud machine base-1 (uhost-3) carries this cluster's mark and is not in cluster.yaml: name it there, or run isthmus up, which asks and then removes it",
    ],
  ],
  [
    'a machine without its node',
    { nodes: [node('web-1', 'cloud')] },
    ['base-1 (site) has not joined the cluster: run isthmus up'],
  ],
  [
    'a node that is not ready, in the words of its kubelet',
    { nodes: [node('web-1', 'cloud'), { ...node('base-1', 'site'), ready: false, why: 'no CNI' }] },
    ['node base-1 is not ready: no CNI'],
  ],
  [
    'a node that claims the other side',
    { nodes: [node('web-1', 'site'), node('base-1', 'site')] },
    ['node web-1 is a site node, but cluster.yaml lists it among the cloud machines'],
  ],
  [
    'what carries our mark and is not wanted',
    {
      nodes: [...well.nodes, node('web-9', 'cloud')],
      cloudMachines: [...well.cloudMachines, { name: 'web-9', id: 'uhost-9', state: 'running' }],
    },
    [
      'node web-9 is not in cluster.yaml: name it there, or run isthmus up, which asks and then drains and removes it',
      "cloud machine web-9 (uhost-9) carries this cluster's mark and is not in cluster.yaml: name it there, or run isthmus up, which asks and then removes it",
    ],
  ],
  [
    'a machine of a group is in no cluster.yaml, and is not ready like any other',
    {
      grouped: ['burst-x2b4c', 'burst-9vt5k'],
      nodes: [
        ...well.nodes,
        node('burst-x2b4c', 'cloud'),
        { ...node('burst-9vt5k', 'cloud'), ready: false, why: 'no CNI' },
      ],
      cloudMachines: [...well.cloudMachines, { name: 'burst-x2b4c', id: 'uhost-9', state: 'running' }],
    },
    ['node burst-9vt5k is not ready: no CNI'],
  ],
  [
    'parts that are missing, and what capabilities found',
    {
      unready: ['Deployment kube-system/coredns-site 1/2 ready'],
      findings: ['node web-1 has no working pod network yet'],
    },
    ['Deployment kube-system/coredns-site 1/2 ready', 'node web-1 has no working pod network yet'],
  ],
];

test.each(rows)('%s', (_title, change, problems) => {
  expect(planStatus({ ...well, ...change })).toEqual(problems);
});
