import { expect, test } from 'vitest';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import { choosePods } from './choose-pods.ts';

const node = (name: string, providerID: string | undefined, status = 'True') =>
  ({
    metadata: {
      name,
      labels: { 'isthmus.dev/ground': providerID?.startsWith('isthmus-site') === true ? 'site' : 'cloud' },
    },
    spec: { providerID },
    status: { conditions: [{ type: 'Ready', status }] },
  }) as NodeObject;
const nodes = [
  node('web-1', 'ucloud://z/uhost-1'),
  node('web-2', 'ucloud://z/uhost-2', 'Unknown'),
  node('base-1', 'isthmus-site://base-1'),
  node('other', undefined),
  node('edge', 'k3s://edge'),
  { metadata: { name: 'new' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } } as NodeObject,
];
const pod = (nodeName: string | undefined, podIP: string | undefined, status = 'True', hostNetwork?: boolean) =>
  ({
    metadata: { name: 'dns' },
    spec: { nodeName, ...(hostNetwork !== undefined && { hostNetwork }) },
    status: { podIP, conditions: [{ type: 'Ready', status }] },
  }) as PodObject;

test('the first pod of each side that can answer is asked', () => {
  const pods = [
    { metadata: { name: 'dns' } } as PodObject,
    pod('web-2', '10.9.0.30'),
    pod('new', '10.9.0.29'),
    pod('web-1', '10.9.0.31', 'False'),
    pod('web-1', '10.9.0.12', 'True', true),
    pod('web-1', undefined),
    pod(undefined, '10.9.0.32'),
    pod('gone', '10.9.0.33'),
    pod('other', '10.9.0.34'),
    pod('edge', '10.9.0.35'),
    pod('base-1', '172.16.0.2', 'True', false),
    pod('base-1', '172.16.0.3'),
    pod('web-1', '10.9.0.36'),
    pod('web-1', '10.9.0.37'),
  ];
  expect(choosePods(pods, nodes)).toEqual([
    { address: '10.9.0.36', port: 53, node: 'web-1' },
    { address: '172.16.0.2', port: 53, node: 'base-1' },
  ]);
});

test('a side without such a pod is not asked', () => {
  expect(choosePods([pod('base-1', '172.16.0.2')], nodes)).toEqual([
    { address: '172.16.0.2', port: 53, node: 'base-1' },
  ]);
  expect(choosePods([], nodes)).toEqual([]);
});
