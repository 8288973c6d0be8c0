import { expect, test } from 'vitest';
import type { ServiceObject } from '#kube/resources.ts';
import { type OwnSideSeen, planOwnSide } from './plan-own-side.ts';

type Spec = NonNullable<ServiceObject['spec']>;
const metadata = { name: 'shop', namespace: 'default' };
const on = (...sides: readonly ('cloud' | 'site')[]): OwnSideSeen['sides'] => new Set(sides);
const costs =
  'sides: pods are ready on both, and a client gets any of them: while the line is cut, what goes to the other side fails';
const cure = ' (spec.trafficDistribution PreferSameZone keeps it on its own side)';
const near = (value: string): string =>
  `sides: pods are ready on both, and a client gets those near it while there are any (trafficDistribution ${value})`;

test.each<[string, Spec | undefined, OwnSideSeen['sides'], readonly string[]]>([
  ['no pods', {}, on(), []],
  ['pods in the cloud alone', {}, on('cloud'), []],
  ['pods on the site alone, with a preference', { trafficDistribution: 'PreferSameZone' }, on('site'), []],
  ['both, and nothing said', { clusterIP: '10.96.0.7' }, on('cloud', 'site'), [`${costs}${cure}`]],
  ['both, without a spec', undefined, on('cloud', 'site'), [`${costs}${cure}`]],
  ['both, nothing said, from outside', { externalTrafficPolicy: 'Cluster' }, on('cloud', 'site'), [costs]],
  ['both, headless', { clusterIP: 'None' }, on('cloud', 'site'), []],
  ['both, preferred', { trafficDistribution: 'PreferSameZone' }, on('cloud', 'site'), [near('PreferSameZone')]],
  [
    'both, preferred, from outside to the node that has it',
    { trafficDistribution: 'PreferSameNode', externalTrafficPolicy: 'Local' },
    on('cloud', 'site'),
    [near('PreferSameNode')],
  ],
  [
    'both, preferred, from outside',
    { trafficDistribution: 'PreferClose', externalTrafficPolicy: 'Cluster' },
    on('cloud', 'site'),
    [
      `${near('PreferClose')}; what arrives at a node from outside goes to pods in the zone of that node in the same way`,
    ],
  ],
])('what a cut costs a Service is told only of one with pods on both sides: %s', (_title, spec, sides, lines) => {
  expect(planOwnSide({ service: { metadata, ...(spec && { spec }) }, sides })).toEqual(lines);
});

test('nothing is told of a Service that is not there', () => {
  expect(planOwnSide(undefined)).toEqual([]);
});
