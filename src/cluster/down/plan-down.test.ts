import { expect, test } from 'vitest';
import { type DownSeen, type DownStep, explainDown, planDown } from './plan-down.ts';

const nothing: DownSeen = {
  controlPlane: 'cp-1',
  cloudMachines: [],
  machines: [],
  hasKubeconfig: false,
  outsides: ['routes on the gateway'],
  exposed: [],
};
const base = { name: 'base-1', address: '192.168.50.13' };

const rows: readonly [string, Partial<DownSeen>, readonly DownStep[]][] = [
  ['nothing was made: nothing to do', {}, []],
  ['a machine that we have never been on is left alone', { machines: [{ ...base, known: false }] }, []],
  [
    'machines are reset, cloud machines removed, routes cleared, keys forgotten last',
    {
      machines: [{ ...base, known: true }],
      cloudMachines: [{ name: 'cp-1', id: 'uhost-1' }],
      hasKubeconfig: true,
    },
    [
      { do: 'reset-machine', machine: 'base-1', address: '192.168.50.13', holdsData: false },
      { do: 'remove-cloud-machine', machine: 'cp-1', id: 'uhost-1', holdsData: true },
      { do: 'clear-outside', what: 'routes on the gateway' },
      { do: 'forget' },
    ],
  ],
  [
    'load balancers of Services go after the machines, also when nothing else is left',
    {
      exposed: [{ what: 'load balancer', id: 'nlb-1' }],
      cloudMachines: [{ name: 'web-1', id: 'uhost-2' }],
      outsides: [],
    },
    [
      { do: 'remove-cloud-machine', machine: 'web-1', id: 'uhost-2', holdsData: false },
      { do: 'remove-exposed', what: 'load balancer', id: 'nlb-1' },
      { do: 'forget' },
    ],
  ],
  ['cut short before its end: forgets what is left', { hasKubeconfig: true, outsides: [] }, [{ do: 'forget' }]],
];

test.each(rows)('%s', (_title, change, steps) => {
  expect(planDown({ ...nothing, ...change })).toEqual(steps);
});

test('what is shown before the question names the data of the cluster where it is lost', () => {
  const lines = planDown({
    ...nothing,
    machines: [{ ...base, known: true }],
    cloudMachines: [
      { name: 'cp-1', id: 'uhost-1' },
      { name: 'web-1', id: 'uhost-2' },
    ],
    exposed: [{ what: 'public address', id: 'eip-1' }],
  }).map(explainDown);
  expect(lines).toEqual([
    'reset machine base-1 (192.168.50.13): Kubernetes and its pods are removed, the machine stays',
    'remove cloud machine cp-1 (uhost-1) with its disk, and with it all data of the cluster (etcd)',
    'remove cloud machine web-1 (uhost-2) with its disk',
    'remove public address eip-1, which was made for a Service',
    'remove the routes on the gateway that isthmus has set',
    'delete the kubeconfig and the pinned keys on this computer',
  ]);
});
