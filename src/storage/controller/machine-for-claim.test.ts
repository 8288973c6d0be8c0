import { expect, test } from 'vitest';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import { nodes, persistentVolumeClaims } from '#kube/resources.ts';
import { machineForClaim } from './machine-for-claim.ts';

/** An API server with one claim and one node; it does nothing but give what it has. */
function having(annotations: Readonly<Record<string, string>>, providerID: string): Pick<Kube, 'get'> {
  const claim = { metadata: { namespace: 'shop', name: 'data', annotations } };
  const node = { metadata: { name: 'web-1' }, spec: { providerID } };
  return {
    get: <T extends KubeObject>(resource: Resource<T>, { name }: { readonly name: string }) => {
      if (resource.kind === persistentVolumeClaims.kind && name === 'data')
        return Promise.resolve(claim as unknown as T);
      return Promise.resolve(resource.kind === nodes.kind && name === 'web-1' ? (node as unknown as T) : undefined);
    },
  } as Pick<Kube, 'get'>;
}

const claim = { namespace: 'shop', name: 'data' };
const selected = { 'volume.kubernetes.io/selected-node': 'web-1' };

test.each([
  ['the machine of the node that the scheduler has chosen', selected, 'ucloud://cn-bj2-04/uhost-1', 'uhost-1'],
  ['none before it has chosen', {}, 'ucloud://cn-bj2-04/uhost-1', undefined],
  ['none for a machine of the site', selected, 'isthmus-site://web-1', undefined],
  ['none when the node is gone', { 'volume.kubernetes.io/selected-node': 'web-2' }, '', undefined],
])('%s', async (_title, annotations: Readonly<Record<string, string>>, providerId, machine) => {
  expect(await machineForClaim(having(annotations, providerId), claim)).toBe(machine);
});

test('none when the claim is gone', async () => {
  expect(await machineForClaim(having(selected, ''), { namespace: 'shop', name: 'other' })).toBeUndefined();
});
