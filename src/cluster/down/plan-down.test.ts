import { expect, test } from 'vitest';
import { type DownSeen, type DownStep, planDown } from './plan-down.ts';

const nothing: DownSeen = { cloudMachines: [], machines: [], hasKubeconfig: false, routesAreOurs: true };
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
      { do: 'reset-machine', machine: 'base-1', address: '192.168.50.13' },
      { do: 'remove-cloud-machine', machine: 'cp-1', id: 'uhost-1' },
      { do: 'clear-routes' },
      { do: 'forget' },
    ],
  ],
  ['cut short before its end: forgets what is left', { hasKubeconfig: true, routesAreOurs: false }, [{ do: 'forget' }]],
];

test.each(rows)('%s', (_title, change, steps) => {
  expect(planDown({ ...nothing, ...change })).toEqual(steps);
});
