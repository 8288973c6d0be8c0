import { expect, test } from 'vitest';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { type FencePolicy, type FleetSeen, planFence, type SilentNode } from './plan-fence.ts';

const silent: SilentNode = {
  answers: false,
  isControlPlane: false,
  isFenced: false,
  isTaintedByOthers: false,
  silentFor: minutes(1),
  offFor: undefined,
  onFor: undefined,
  look: { says: 'on' },
};
const off = { look: { says: 'off' }, offFor: seconds(10) } as const;
const on = { look: { says: 'on' }, onFor: seconds(10), silentFor: minutes(10) } as const;
const fleet: FleetSeen = { nodes: 10, outOfService: 0 };
const policy: FencePolicy = { confirmAfter: seconds(10), powerOffAfter: undefined };
const powering: FencePolicy = { ...policy, powerOffAfter: minutes(10) };

test.each<[string, Partial<SilentNode>, FleetSeen, FencePolicy, string, string | undefined]>([
  ['a kubelet that answers', { answers: true }, fleet, policy, 'leave', undefined],
  [
    'a node that a person has put out of service',
    { ...off, isTaintedByOthers: true },
    fleet,
    policy,
    'leave',
    undefined,
  ],
  ['off by the first look', { look: { says: 'off' } }, fleet, policy, 'hold', 'Confirming'],
  ['off by a second look that came too soon', { ...off, offFor: seconds(9) }, fleet, policy, 'hold', 'Confirming'],
  ['off by two looks', off, fleet, policy, 'fence', 'MachineOff'],
  ['gone by two looks', { ...off, look: { says: 'gone' } }, fleet, policy, 'fence', 'MachineGone'],
  ['off, the third of twelve', off, { nodes: 12, outOfService: 2 }, policy, 'fence', 'MachineOff'],
  ['off, the fourth of twelve', off, { nodes: 12, outOfService: 3 }, policy, 'hold', 'TooManySilent'],
  ['off, the first of two', off, { nodes: 2, outOfService: 0 }, policy, 'fence', 'MachineOff'],
  ['off, the second of two', off, { nodes: 2, outOfService: 1 }, policy, 'hold', 'TooManySilent'],
  ['on and silent for hours', { ...on, silentFor: minutes(600) }, fleet, policy, 'hold', 'MachineRuns'],
  ['on and silent, before its time is up', { ...on, silentFor: minutes(9) }, fleet, powering, 'hold', 'MachineRuns'],
  ['on and silent, by a single look', { ...on, onFor: undefined }, fleet, powering, 'hold', 'MachineRuns'],
  ['on and silent for too long', on, fleet, powering, 'power-off', 'PoweringOff'],
  ['a control plane that is on and silent', { ...on, isControlPlane: true }, fleet, powering, 'hold', 'MachineRuns'],
  ['on and silent beside many that are out', on, { nodes: 8, outOfService: 2 }, powering, 'hold', 'TooManySilent'],
  ['being started', { look: { says: 'changing' } }, fleet, powering, 'hold', 'MachineChanges'],
  ['a machine of somebody else', { look: { says: 'not-ours', why: '' } }, fleet, powering, 'hold', 'NotOurs'],
  [
    'a cloud that does not answer',
    { look: { says: 'unclear', why: '' }, offFor: minutes(5) },
    fleet,
    powering,
    'hold',
    'CloudUnclear',
  ],
  ['fenced and off', { ...off, isFenced: true }, fleet, policy, 'hold', 'MachineOff'],
  ['fenced and gone', { isFenced: true, look: { says: 'gone' } }, fleet, policy, 'hold', 'MachineGone'],
  [
    'fenced, and the cloud does not answer',
    { isFenced: true, look: { says: 'unclear', why: '' } },
    fleet,
    policy,
    'unfence',
    'CloudUnclear',
  ],
  [
    'fenced, and the machine is of somebody else',
    { isFenced: true, look: { says: 'not-ours', why: '' } },
    fleet,
    policy,
    'unfence',
    'CloudUnclear',
  ],
  ['fenced and on', { isFenced: true, look: { says: 'on' } }, fleet, policy, 'unfence', 'MachineBack'],
  ['fenced and being started', { isFenced: true, look: { says: 'changing' } }, fleet, policy, 'unfence', 'MachineBack'],
  ['fenced, and its kubelet answers', { isFenced: true, answers: true }, fleet, policy, 'unfence', 'MachineBack'],
])('%s', (_title, change, others, chosen, does, why) => {
  const step = planFence({ ...silent, ...change }, others, chosen);
  expect({ do: step.do, why: step.do === 'leave' ? undefined : step.why }).toEqual({ do: does, why });
});

test('what is in doubt changes nothing, whatever else is so', () => {
  const spans: readonly (Ms | undefined)[] = [undefined, minutes(600)];
  for (const look of [{ says: 'unclear', why: '' }, { says: 'not-ours', why: '' }, { says: 'changing' }] as const)
    for (const offFor of spans)
      for (const onFor of spans)
        expect(planFence({ ...silent, silentFor: minutes(600), offFor, onFor, look }, fleet, powering).do).toBe('hold');
});
