import { expect, test } from 'vitest';
import { type RemovalSeen, whyNotRemovable } from './plan-removal.ts';

const seen: RemovalSeen = {
  controlPlane: 'cp-1',
  named: [{ name: 'cp-1' }, { name: 'web-1' }, { name: 'base-1', address: '192.168.50.11' }, { name: 'base-2' }],
  nodes: [
    { name: 'cp-1', providerId: 'ucloud://z/uhost-1', isControlPlane: true },
    { name: 'web-1', providerId: 'ucloud://z/uhost-2', isControlPlane: false, address: '10.9.0.11' },
    { name: 'base-1', providerId: 'isthmus-site://base-1', isControlPlane: false, address: '192.168.50.11' },
    { name: 'dropped-1', providerId: 'isthmus-site://dropped-1', isControlPlane: false, address: '192.168.50.19' },
  ],
  cloudMachines: ['cp-1', 'web-1', 'stray-1'],
};

test('a node that has not told its address yet can be removed, whatever cluster.yaml has', () => {
  const node = { name: 'base-1', providerId: 'isthmus-site://base-1', isControlPlane: false };
  expect(whyNotRemovable('base-1', { ...seen, nodes: [node] })).toBeUndefined();
});

test.each([
  ['a node of the cloud', 'web-1'],
  ['a node of the site', 'base-1'],
  ['a machine that never joined', 'base-2'],
  ['a node whose removal was interrupted', 'dropped-1'],
  ['a machine of the cloud that is in no file', 'stray-1'],
])('%s can be removed', (_title, name) => {
  expect(whyNotRemovable(name, seen)).toBeUndefined();
});

const holdsData =
  'is the control plane, and its disk holds the data of the cluster (etcd); isthmus down removes the whole cluster';

test.each<[string, string, Partial<RemovalSeen>, string]>([
  ['the control plane', 'cp-1', { nodes: [] }, `cp-1 ${holdsData}`],
  [
    'a control plane of another name',
    'cp-2',
    { nodes: [{ name: 'cp-2', providerId: 'ucloud://z/uhost-9', isControlPlane: true }] },
    `cp-2 ${holdsData}`,
  ],
  [
    'a node that others have joined',
    'edge-1',
    { nodes: [{ name: 'edge-1', providerId: 'k3s://edge-1', isControlPlane: false }] },
    'the node edge-1 was not joined by Isthmus (k3s://edge-1), so its machine is not known; to remove it, run kubectl drain edge-1 and kubectl delete node edge-1, and reset its machine with the program that joined it',
  ],
  [
    'a node without a provider id',
    'edge-1',
    { nodes: [{ name: 'edge-1', providerId: undefined, isControlPlane: false }] },
    'the node edge-1 was not joined by Isthmus (no provider id), so its machine is not known; to remove it, run kubectl drain edge-1 and kubectl delete node edge-1, and reset its machine with the program that joined it',
  ],
  [
    'a node at another address than cluster.yaml has',
    'base-1',
    { named: [{ name: 'base-1', address: '192.168.50.12' }] },
    'the node base-1 is at 192.168.50.11, but cluster.yaml has the machine base-1 at 192.168.50.12; correct its address in cluster.yaml, or take it out and run isthmus up',
  ],
  ['a name that is almost one', 'bse-1', {}, 'bse-1 is not a machine of this cluster; did you mean base-1?'],
  ['a name almost of a stray machine', 'stay-1', {}, 'stay-1 is not a machine of this cluster; did you mean stray-1?'],
  ['a name almost of a node', 'droped-1', {}, 'droped-1 is not a machine of this cluster; did you mean dropped-1?'],
  [
    'any other name',
    'quite-another',
    {},
    'quite-another is not a machine of this cluster; isthmus node list shows its nodes',
  ],
])('%s is refused', (_title, name, some, why) => {
  expect(whyNotRemovable(name, { ...seen, ...some })).toBe(why);
});
