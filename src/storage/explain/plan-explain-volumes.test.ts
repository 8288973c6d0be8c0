import { expect, test } from 'vitest';
import {
  type ClaimSeen,
  type NodeSeen,
  type PodSeen,
  planExplainClaim,
  planExplainPod,
  planPathOfClaim,
  planPathOfPod,
} from './plan-explain-volumes.ts';

const zoneKey = 'topology.udisk.csi.ucloud.cn/zone';
const node = (name: string, ground: 'cloud' | 'site', labels: Record<string, string> = {}): NodeSeen => ({
  name,
  labels: { 'isthmus.dev/ground': ground, 'kubernetes.io/hostname': name, ...labels },
  takesPods: true,
});
const nodes = [
  node('base-1', 'site'),
  node('base-2', 'site'),
  node('web-1', 'cloud', { [zoneKey]: 'cn-bj2-04' }),
  node('web-2', 'cloud', { [zoneKey]: 'cn-bj2-05' }),
];
const isIn = (key: string, value: string) => [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }];

const disk: ClaimSeen = {
  name: 'data',
  className: 'csi-udisk-rssd',
  driver: 'udisk.csi.ucloud.cn',
  waitsForPod: true,
  volume: { name: 'pv-1', handle: 'bsr-1', terms: isIn(zoneKey, 'cn-bj2-04') },
  place: { ground: 'cloud', zone: 'cn-bj2-04' },
  noRoom: undefined,
};
const local: ClaimSeen = {
  ...disk,
  name: 'near',
  className: 'local',
  driver: 'local.isthmus.dev',
  volume: { name: 'pv-2', handle: 'v-2', terms: isIn('kubernetes.io/hostname', 'base-1') },
  place: { ground: 'site', machine: 'base-1' },
};
/** Of a driver that is not ours. */
const foreign: ClaimSeen = {
  ...disk,
  className: undefined,
  driver: undefined,
  volume: { name: 'pv-3', handle: undefined, terms: undefined },
  place: undefined,
};
const unbound: ClaimSeen = { ...disk, volume: undefined, place: { ground: 'cloud' } };
const tooLarge: ClaimSeen = { ...local, volume: undefined, place: { ground: 'site' }, noRoom: 'no machine has room' };
const pod = (change: Partial<PodSeen>): PodSeen => ({
  phase: 'Pending',
  nodeName: undefined,
  nodeSelector: {},
  terms: undefined,
  volumes: [{ name: 'data', claimName: 'data', claim: disk }],
  ...change,
});

const cordoned = nodes.map((one) => (one.name === 'web-1' ? { ...one, takesPods: false } : one));
const waiting = { volumes: [{ name: 'data', claimName: 'data', claim: unbound }] };

test.each<[string, Partial<PodSeen>, readonly NodeSeen[], readonly string[]]>([
  [
    'a volume of one zone',
    {},
    nodes,
    [
      'volume "data" (PersistentVolumeClaim data): volume pv-1 (bsr-1), in zone cn-bj2-04 of the cloud',
      'may run on web-1',
      'not on base-1, base-2, web-2: volume "data" is in zone cn-bj2-04 of the cloud',
    ],
  ],
  [
    'a node that takes no pods',
    {},
    cordoned,
    [
      'volume "data" (PersistentVolumeClaim data): volume pv-1 (bsr-1), in zone cn-bj2-04 of the cloud',
      'may run on no node',
      'not on base-1, base-2, web-2: volume "data" is in zone cn-bj2-04 of the cloud',
      'not on web-1: the node takes no pods now',
    ],
  ],
  [
    'a claim without a volume',
    waiting,
    nodes,
    [
      'volume "data" (PersistentVolumeClaim data): no volume yet; it will be in the cloud',
      'may run on web-1, web-2',
      'not on base-1, base-2: volume "data" is in the cloud',
    ],
  ],
  [
    'a pod that is bound to a node, be it one that takes no others',
    { ...waiting, nodeName: 'web-1', phase: 'Running' },
    cordoned,
    [
      'volume "data" (PersistentVolumeClaim data): no volume yet; it will be in the cloud',
      'may run on web-1',
      'not on base-1, base-2: volume "data" is in the cloud',
      'not on web-2: it is bound to web-1',
    ],
  ],
  [
    'a claim that does not exist',
    { volumes: [{ name: 'data', claimName: 'dta' }] },
    nodes,
    ['volume "data" (PersistentVolumeClaim dta), which does not exist', 'may run on base-1, base-2, web-1 and 1 more'],
  ],
  ['no volume', { volumes: [] }, nodes, []],
])(
  'the path of a pod names each volume, where the pod may run, and why not elsewhere: %s',
  (_title, change, all, path) => {
    expect(planPathOfPod(pod(change), all)).toEqual(path);
  },
);

test.each<[string, PodSeen, readonly string[]]>([
  ['one that can run', pod({}), []],
  ['one without volumes that can run nowhere', pod({ volumes: [], nodeSelector: { a: 'b' } }), []],
  ['one that has finished', pod({ phase: 'Succeeded', nodeSelector: { a: 'b' } }), []],
  ['one that has failed', pod({ phase: 'Failed', nodeSelector: { a: 'b' } }), []],
  ['one whose volume is made when it is scheduled', pod(waiting), []],
  ['one whose selector and affinity allow a node', pod({ nodeSelector: { [zoneKey]: 'cn-bj2-04' } }), []],
  [
    'a selector of which one label is elsewhere',
    pod({ nodeSelector: { 'isthmus.dev/ground': 'cloud', [zoneKey]: 'cn-bj2-05' } }),
    [`its volumes can be used on web-1, but: its nodeSelector asks for ${zoneKey}=cn-bj2-05`],
  ],
  [
    'a selector and an affinity that no node has both',
    pod({ ...waiting, nodeSelector: { [zoneKey]: 'cn-bj2-04' }, terms: isIn('kubernetes.io/hostname', 'web-2') }),
    [
      `its volumes can be used on web-1, web-2, but: its node affinity excludes it; its nodeSelector asks for ${zoneKey}=cn-bj2-04`,
    ],
  ],
  [
    'a selector for the site',
    pod({ nodeSelector: { 'isthmus.dev/ground': 'site' } }),
    ['its volumes can be used on web-1, but: its nodeSelector asks for isthmus.dev/ground=site'],
  ],
  [
    'an affinity for the site',
    pod({ terms: isIn('kubernetes.io/hostname', 'base-1') }),
    ['its volumes can be used on web-1, but: its node affinity excludes it'],
  ],
  [
    'volumes of both sides',
    pod({
      volumes: [
        { name: 'data', claimName: 'data', claim: disk },
        { name: 'near', claimName: 'near', claim: local },
      ],
    }),
    [
      'volume "data" is in zone cn-bj2-04 of the cloud and volume "near" on machine base-1: no node can use both; use them in pods of their own, or restore one of them beside the other',
    ],
  ],
  [
    'a claim that does not exist',
    pod({ volumes: [{ name: 'data', claimName: 'dta' }], nodeSelector: { a: 'b' } }),
    ['volume "data" needs PersistentVolumeClaim dta, which does not exist: create it'],
  ],
  [
    'a volume of a machine that has left',
    pod({
      volumes: [{ name: 'near', claimName: 'near', claim: { ...local, place: { ground: 'site', machine: 'base-9' } } }],
    }),
    [
      'volume "near" (PersistentVolumeClaim near): the volume is on machine base-9, which is not in the cluster: join the machine again, or restore the data into a new claim',
    ],
  ],
])('what keeps a pod from running: %s', (_title, seen, findings) => {
  expect(planExplainPod(seen, nodes)).toEqual(findings);
});

test.each<[string, ClaimSeen, readonly string[], readonly string[]]>([
  [
    'a disk of a machine',
    local,
    ['db-0'],
    [
      'StorageClass local (local.isthmus.dev)',
      'volume pv-2 (v-2), on machine base-1',
      'can be used on base-1',
      'not on base-2, web-1, web-2: the volume is on machine base-1',
      'used by db-0',
    ],
  ],
  [
    'no class, and no volume yet',
    { ...unbound, className: undefined },
    [],
    [
      'no volume yet; it will be in the cloud',
      'can be used on web-1, web-2',
      'not on base-1, base-2: the volume is in the cloud',
      'used by no pod',
    ],
  ],
  [
    'a class that does not exist',
    { ...foreign, className: 'fast', volume: undefined },
    ['db-0'],
    ['StorageClass fast', 'no volume yet', 'can be used on base-1, base-2, web-1 and 1 more', 'used by db-0'],
  ],
  [
    'a volume of another driver that some nodes can use',
    { ...foreign, volume: { name: 'pv-3', handle: undefined, terms: isIn(zoneKey, 'cn-bj2-04') } },
    [],
    [
      'volume pv-3',
      'can be used on web-1',
      'not on base-1, base-2, web-2: the volume is limited to other nodes',
      'used by no pod',
    ],
  ],
])('the path of a claim names its class, its volume, the nodes and the pods: %s', (_title, claim, pods, path) => {
  expect(planPathOfClaim(claim, nodes, pods)).toEqual(path);
});

test.each<[string, ClaimSeen, readonly string[], readonly string[]]>([
  ['one that works', disk, [], []],
  ['one of another driver, which any node can use', foreign, [], []],
  [
    'a disk of a machine that does not say which',
    { ...local, volume: { name: 'pv-2', handle: 'v-2', terms: undefined }, place: { ground: 'site' } },
    [],
    [],
  ],
  ['one that waits for its pod to be scheduled', unbound, ['db-0'], []],
  ['one that waits for nothing but its driver', { ...unbound, waitsForPod: false }, [], []],
  ['one that no machine has room for, before a pod uses it', tooLarge, [], ['no machine has room']],
  ['one that no machine has room for', tooLarge, ['web-0'], ['no machine has room']],
  [
    'one that no pod uses',
    unbound,
    [],
    ['it has no volume yet: one is made when a pod that uses the claim is scheduled'],
  ],
  [
    'one of an unknown class',
    { ...unbound, driver: undefined },
    [],
    ['StorageClass csi-udisk-rssd does not exist; kubectl get storageclass shows those that do'],
  ],
  [
    'one without a class',
    { ...unbound, className: '', driver: undefined },
    [],
    ['it has no volume, and names no StorageClass: name one, or make a PersistentVolume for it'],
  ],
  [
    'one that may get the default class yet',
    { ...unbound, className: undefined, driver: undefined },
    [],
    ['it has no volume, and names no StorageClass: name one, or make a PersistentVolume for it'],
  ],
  [
    'an old disk without topology',
    { ...disk, volume: { name: 'pv-1', handle: 'bsr-1', terms: undefined }, place: { ground: 'cloud' } },
    [],
    [
      'the volume does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it: run isthmus doctor storage --fix',
    ],
  ],
  [
    'a zone without nodes',
    {
      ...disk,
      volume: { name: 'pv-1', handle: 'bsr-1', terms: isIn(zoneKey, 'cn-bj2-09') },
      place: { ground: 'cloud', zone: 'cn-bj2-09' },
    },
    [],
    ['the volume is in zone cn-bj2-09 of the cloud, and the cluster has no such node'],
  ],
  [
    'a volume of another driver that no node can use',
    { ...disk, volume: { name: 'pv-1', handle: undefined, terms: isIn('rack', 'r9') }, place: undefined },
    [],
    ['the volume is limited to certain nodes, and the cluster has no such node'],
  ],
])('what keeps a claim from being used: %s', (_title, claim, pods, findings) => {
  expect(planExplainClaim(claim, nodes, pods)).toEqual(findings);
});
