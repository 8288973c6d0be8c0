import { expect, test } from 'vitest';
import type { NodeObject } from '#kube/resources.ts';
import { planNodeComplaints, planNodePath } from './plan-explain.ts';

function node(ground: string, providerID: string | undefined, labels: Record<string, string> = {}): NodeObject {
  return {
    metadata: { name: 'n', labels: { 'isthmus.dev/ground': ground, ...labels } },
    spec: providerID === undefined ? {} : { providerID },
  };
}

const shape = { 'node.kubernetes.io/instance-type': '2c-4Gi' };

test.each<[string, NodeObject, readonly string[]]>([
  [
    'a cloud node',
    node('cloud', 'ucloud://cn-bj2-04/uhost-1', shape),
    ['machine uhost-1 of ucloud, zone cn-bj2-04, 2c-4Gi'],
  ],
  [
    'one whose shape is not known',
    node('cloud', 'ucloud://cn-bj2-04/uhost-1'),
    ['machine uhost-1 of ucloud, zone cn-bj2-04'],
  ],
  [
    'one of a group',
    node('cloud', 'ucloud://cn-bj2-04/uhost-1', { ...shape, 'isthmus.dev/node-group': 'burst' }),
    [
      'machine uhost-1 of ucloud, zone cn-bj2-04, 2c-4Gi',
      'of node group burst, which makes and removes it: kubectl get nodegroup burst',
    ],
  ],
  ['a site node', node('site', 'isthmus-site://base-1'), ['machine base-1 of the site']],
  ['one of which nobody knows where it stands', node('site', undefined), []],
])('explain names the machine of %s', (_title, seen, path) => {
  expect(planNodePath(seen)).toEqual(path);
});

const known = { type: 'isthmus.dev/MachineKnown', status: 'False', message: 'it is asked again' };

test.each<[string, NodeObject['status'], readonly string[]]>([
  ['a node that has reported nothing', undefined, []],
  ['a node without conditions', {}, []],
  ['a machine that is known', { conditions: [{ ...known, status: 'True' }] }, []],
  ['another condition', { conditions: [{ ...known, type: 'isthmus.dev/Fenced' }] }, []],
  ['a missing machine', { conditions: [known] }, ['it is asked again']],
  ['one without a message', { conditions: [{ type: known.type, status: 'False' }] }, []],
])('status repeats what the Node says: %s', (_title, status, says) => {
  expect(planNodeComplaints({ ...node('cloud', undefined), ...(status && { status }) })).toEqual(says);
});
