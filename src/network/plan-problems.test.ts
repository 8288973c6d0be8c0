import { expect, test } from 'vitest';
import { type NetworkSeen, type NodeNetwork, planNetworkProblems } from './plan-problems.ts';

const node = (name: string, network: NodeNetwork['network'], ready = true): NodeNetwork => ({
  name,
  ready,
  network,
  pods: undefined,
  complaints: [],
});

test.each<[string, NetworkSeen, readonly string[]]>([
  ['nothing is wrong', { nodes: [node('web-1', 'working')], routes: [] }, []],
  [
    'a node whose pods have no network, with or without a word from its agent',
    { nodes: [node('web-1', 'working'), node('base-1', 'starting'), node('base-2', 'unknown')], routes: [] },
    ['node base-1 has no working pod network yet', 'node base-2 has no working pod network yet'],
  ],
  [
    'a node that is not ready is reported once, by its kubelet',
    { nodes: [node('base-1', 'starting', false)], routes: [] },
    [],
  ],
  [
    'a node whose agent has published why its pods have no network',
    {
      nodes: [{ ...node('base-1', 'starting'), complaints: ['net.ipv4.ip_forward is 0, set it to 1'] }],
      routes: [],
    },
    ['node base-1: net.ipv4.ip_forward is 0, set it to 1'],
  ],
  [
    'a node that works and does not get the addresses it needs, and one that is not ready',
    {
      nodes: [
        { ...node('web-1', 'working'), complaints: ['the quota is reached'] },
        { ...node('web-2', 'starting', false), complaints: ['no default route'] },
      ],
      routes: [],
    },
    ['node web-1: the quota is reached', 'node web-2: no default route'],
  ],
  [
    'routes that the gateway lacks',
    { nodes: [], routes: ['lacks 172.16.0.0/24 via 192.168.50.13'] },
    ['site gateway: lacks 172.16.0.0/24 via 192.168.50.13; isthmus routes apply sets what is missing'],
  ],
])('%s', (_title, seen, problems) => {
  expect(planNetworkProblems(seen)).toEqual(problems);
});
