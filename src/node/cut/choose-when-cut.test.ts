import { expect, test } from 'vitest';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import { chooseWhenCut } from './choose-when-cut.ts';

const cloud: NodeObject = { metadata: { name: 'web-1', labels: { 'isthmus.dev/ground': 'cloud', disk: 'ssd' } } };
const bare: NodeObject = { metadata: { name: 'web-2' } };

interface Asked {
  readonly own?: string;
  readonly namespace?: string | null;
  readonly owner?: string | undefined;
  readonly spec?: PodObject['spec'];
  readonly elsewhere?: readonly NodeObject[];
}

/** A pod of a Deployment that says nothing, in a namespace that says nothing. */
function choose({ own, namespace, owner = 'ReplicaSet', spec = {}, elsewhere = [cloud] }: Asked): string {
  const annotations = { other: 'yes', ...(own !== undefined && { 'isthmus.dev/when-cut': own }) };
  const pod: PodObject = {
    metadata: {
      name: 'shop',
      annotations,
      ...(owner !== '' && {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Other', name: 'o', uid: '1' },
          { apiVersion: 'v1', kind: owner, name: 'o', uid: '2', controller: true },
        ],
      }),
    },
    spec,
  };
  const theirs =
    namespace === undefined
      ? { metadata: {} }
      : namespace === null
        ? undefined
        : { metadata: { annotations: { 'isthmus.dev/when-cut': namespace } } };
  const { does, why } = chooseWhenCut({ pod, namespace: theirs, elsewhere });
  return `${does}: ${why}`;
}

const silent = 'stay: nothing says isthmus.dev/when-cut: move';
const namespaceMoves = 'its namespace says isthmus.dev/when-cut: move';
const key = 'node.kubernetes.io/unreachable';
const ownTime = (tolerationSeconds?: number): PodObject['spec'] => ({
  tolerations: [
    { key: 'node.kubernetes.io/not-ready', tolerationSeconds: 7 },
    { key, operator: 'Exists', ...(tolerationSeconds !== undefined && { tolerationSeconds }) },
  ],
});
const term = (value: string): PodObject['spec'] => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'isthmus.dev/ground', operator: 'In', values: [value] }] }],
      },
    },
  },
});

test.each<[string, Asked, string]>([
  ['nobody says anything', {}, silent],
  ['a namespace that is not known', { namespace: null }, silent],
  ['a word that is none, on the pod', { own: 'Move' }, silent],
  ['a word that is none, on the namespace', { namespace: 'yes' }, silent],
  ['the pod says move', { own: 'move' }, 'move: it says isthmus.dev/when-cut: move'],
  [
    'the pod says move, whatever it is',
    { own: 'move', owner: 'StatefulSet', elsewhere: [] },
    'move: it says isthmus.dev/when-cut: move',
  ],
  [
    'the pod says stay, its namespace move',
    { own: 'stay', namespace: 'move' },
    'stay: it says isthmus.dev/when-cut: stay',
  ],
  [
    'the pod says move, its namespace stay',
    { own: 'move', namespace: 'stay' },
    'move: it says isthmus.dev/when-cut: move',
  ],
  ['the namespace says stay', { namespace: 'stay' }, 'stay: its namespace says isthmus.dev/when-cut: stay'],
  [
    'the namespace says stay, the pod has a time of its own',
    { namespace: 'stay', spec: ownTime(30) },
    'stay: its namespace says isthmus.dev/when-cut: stay',
  ],
  ['the namespace says move', { namespace: 'move' }, `move: ${namespaceMoves}`],
  [
    '… of a StatefulSet',
    { namespace: 'move', owner: 'StatefulSet' },
    `stay: ${namespaceMoves}, but a StatefulSet is not moved by that`,
  ],
  ['… of a Job', { namespace: 'move', owner: 'Job' }, `stay: ${namespaceMoves}, but a Job is not moved by that`],
  [
    '… of a pod that nobody made',
    { namespace: 'move', owner: '' },
    `stay: ${namespaceMoves}, but nothing would make it again`,
  ],
  [
    '… with a claim',
    {
      namespace: 'move',
      spec: { volumes: [{ name: 'tmp' }, { name: 'data', persistentVolumeClaim: { claimName: 'c' } }] },
    },
    `stay: ${namespaceMoves}, but its volume data stays on the machine`,
  ],
  [
    '… with a claim of its own life',
    { namespace: 'move', spec: { volumes: [{ name: 'data', ephemeral: {} }] } },
    `stay: ${namespaceMoves}, but its volume data stays on the machine`,
  ],
  [
    '… with a folder of the machine',
    { namespace: 'move', spec: { volumes: [{ name: 'data', hostPath: {} }] } },
    `stay: ${namespaceMoves}, but its volume data stays on the machine`,
  ],
  ['… with other volumes', { namespace: 'move', spec: { volumes: [{ name: 'tmp' }] } }, `move: ${namespaceMoves}`],
  [
    '… selected to the site',
    { namespace: 'move', spec: { nodeSelector: { 'isthmus.dev/ground': 'site' } } },
    `stay: ${namespaceMoves}, but no node of the cloud fits its placement`,
  ],
  [
    '… selected to what the cloud has too',
    { namespace: 'move', spec: { nodeSelector: { disk: 'ssd' } } },
    `move: ${namespaceMoves}`,
  ],
  [
    '… of two selectors one of which fits',
    { namespace: 'move', spec: { nodeSelector: { disk: 'ssd', 'isthmus.dev/ground': 'site' } } },
    `stay: ${namespaceMoves}, but no node of the cloud fits its placement`,
  ],
  [
    '… by affinity to the site',
    { namespace: 'move', spec: term('site') },
    `stay: ${namespaceMoves}, but no node of the cloud fits its placement`,
  ],
  [
    '… by affinity to the cloud',
    { namespace: 'move', spec: term('cloud'), elsewhere: [bare, cloud] },
    `move: ${namespaceMoves}`,
  ],
  [
    '… where the cloud has no node',
    { namespace: 'move', elsewhere: [] },
    `stay: ${namespaceMoves}, but no node of the cloud fits its placement`,
  ],
  ['… and nodes without labels', { namespace: 'move', elsewhere: [bare] }, `move: ${namespaceMoves}`],
  ['a time of its own', { spec: ownTime(30) }, `move: it tolerates ${key} for 30 seconds by its own wish`],
  ['no time at all', { spec: ownTime(0) }, `move: it tolerates ${key} for 0 seconds by its own wish`],
  [
    'a time of its own, of a StatefulSet',
    { spec: ownTime(30), owner: 'StatefulSet' },
    `stay: it tolerates ${key} for 30 seconds by its own wish, but a StatefulSet is not moved by that`,
  ],
  ['the time that everybody has', { spec: ownTime(300) }, silent],
  ['for ever', { spec: ownTime() }, silent],
])('%s', (_title, asked, chosen) => {
  expect(choose(asked)).toBe(chosen);
});

test('a pod with nothing but a name stays, and one of a ReplicaSet moves where its namespace says so', () => {
  const one: PodObject = { metadata: { name: 'shop' } };
  expect(chooseWhenCut({ pod: one, namespace: undefined, elsewhere: [cloud] })).toEqual({
    does: 'stay',
    why: 'nothing says isthmus.dev/when-cut: move',
  });
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o', uid: '1', controller: true }];
  const namespace = { metadata: { annotations: { 'isthmus.dev/when-cut': 'move' } } };
  const specs: readonly PodObject['spec'][] = [undefined, { affinity: {} }, { affinity: { nodeAffinity: {} } }];
  for (const spec of specs) {
    const pod: PodObject = { metadata: { name: 'shop', ownerReferences }, ...(spec !== undefined && { spec }) };
    expect(chooseWhenCut({ pod, namespace, elsewhere: [bare] })).toEqual({ does: 'move', why: namespaceMoves });
  }
});
