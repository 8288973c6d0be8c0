import { expect, test } from 'vitest';
import { nodeSeen } from './node-seen.ts';

/** In the sizes that kubelet writes: 50 images, five conditions. */
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'web-1', uid: 'u', resourceVersion: '7', labels: { 'isthmus.dev/ground': 'cloud', zone: 'z' } },
  spec: { providerID: 'ucloud://cn-bj2-04/uhost-1', taints: [] },
  status: {
    addresses: [
      { type: 'InternalIP', address: '10.9.0.12' },
      { type: 'Hostname', address: 'web-1' },
    ],
    conditions: Array.from({ length: 5 }, (_, i) => ({ type: `T${i}`, status: 'False', message: 'kubelet is well' })),
    images: Array.from({ length: 50 }, (_, i) => ({ names: [`registry.example.com/app@sha256:${'0'.repeat(64)}`, i] })),
  },
};

test('of a Node its name, ground and addresses are kept, and nothing of what makes it large', () => {
  expect(nodeSeen(node)).toEqual({
    name: 'web-1',
    uid: 'u',
    ground: { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' },
    addresses: ['10.9.0.12'],
  });
  expect(JSON.stringify(nodeSeen(node)).length * 20).toBeLessThan(JSON.stringify(node).length);
});

test('a Node that says nothing yet has no addresses and no clear ground', () => {
  expect(nodeSeen({ metadata: { name: 'new' } })).toMatchObject({ addresses: [], ground: { ground: 'unclear' } });
});
