import { expect, test } from 'vitest';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { type FencePolicy, type FenceStep, type FleetSeen, planFence, type SilentNode } from './plan-fence.ts';

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

const leave: FenceStep = { do: 'leave' };
const confirming: FenceStep = {
  do: 'hold',
  why: 'Confirming',
  says: 'the cloud says that the machine is off, and is asked again',
};
const isOff = {
  why: 'MachineOff',
  says: 'the cloud says that the machine is switched off: its pods start elsewhere, and their disks are attached there',
} as const;
const isGone = {
  why: 'MachineGone',
  says: 'the cloud does not know the machine any more: its pods start elsewhere, and their disks are attached there; remove it from cluster.yaml and run isthmus up',
} as const;
const runs: FenceStep = {
  do: 'hold',
  why: 'MachineRuns',
  says: 'the machine runs, as the cloud says, but its kubelet does not answer: it may still write, so its disks stay attached to it; repair it, or switch it off, and its pods start elsewhere',
};
const powerOff: FenceStep = {
  do: 'power-off',
  why: 'PoweringOff',
  says: 'its kubelet has been silent for too long, so the machine is switched off',
};
const tooMany = (outOfService: number, nodes: number): FenceStep => ({
  do: 'hold',
  why: 'TooManySilent',
  says: `the machine is off or silent, and ${outOfService} of ${nodes} nodes of the cloud are out of service already: a person must decide`,
});
const back: FenceStep = { do: 'unfence', why: 'MachineBack', says: 'the machine has been switched on again' };

const unanswered = 'GetUHost: 172';
const theirs = 'it has no mark';

test.each<[string, Partial<SilentNode>, FleetSeen, FencePolicy, FenceStep]>([
  ['a kubelet that answers', { answers: true }, fleet, policy, leave],
  ['a node that a person has put out of service', { ...off, isTaintedByOthers: true }, fleet, policy, leave],
  ['off by the first look', { look: { says: 'off' } }, fleet, policy, confirming],
  ['off by a second look that came too soon', { ...off, offFor: seconds(9) }, fleet, policy, confirming],
  ['off by two looks', off, fleet, policy, { do: 'fence', ...isOff }],
  ['gone by two looks', { ...off, look: { says: 'gone' } }, fleet, policy, { do: 'fence', ...isGone }],
  ['off, the third of twelve', off, { nodes: 12, outOfService: 2 }, policy, { do: 'fence', ...isOff }],
  ['off, the fourth of twelve', off, { nodes: 12, outOfService: 3 }, policy, tooMany(3, 12)],
  ['off, the first of two', off, { nodes: 2, outOfService: 0 }, policy, { do: 'fence', ...isOff }],
  ['off, the second of two', off, { nodes: 2, outOfService: 1 }, policy, tooMany(1, 2)],
  ['on and silent for hours', { ...on, silentFor: minutes(600) }, fleet, policy, runs],
  ['on and silent, before its time is up', { ...on, silentFor: minutes(9) }, fleet, powering, runs],
  ['on and silent, by a single look', { ...on, onFor: undefined }, fleet, powering, runs],
  ['on and silent, by a second look that came too soon', { ...on, onFor: seconds(9) }, fleet, powering, runs],
  ['on and silent for too long', on, fleet, powering, powerOff],
  ['a control plane that is on and silent', { ...on, isControlPlane: true }, fleet, powering, runs],
  ['on and silent beside many that are out', on, { nodes: 8, outOfService: 2 }, powering, tooMany(2, 8)],
  [
    'being started',
    { look: { says: 'changing' } },
    fleet,
    powering,
    { do: 'hold', why: 'MachineChanges', says: 'the machine is being started, stopped or restarted' },
  ],
  [
    'a machine of somebody else',
    { look: { says: 'not-ours', why: theirs } },
    fleet,
    powering,
    { do: 'hold', why: 'NotOurs', says: theirs },
  ],
  [
    'a cloud that does not answer',
    { look: { says: 'unclear', why: unanswered }, offFor: minutes(5) },
    fleet,
    powering,
    { do: 'hold', why: 'CloudUnclear', says: `whether the machine is off is not known: ${unanswered}` },
  ],
  ['fenced and off', { ...off, isFenced: true }, fleet, policy, { do: 'hold', ...isOff }],
  ['fenced and gone', { isFenced: true, look: { says: 'gone' } }, fleet, policy, { do: 'hold', ...isGone }],
  [
    'fenced, and the cloud does not answer',
    { isFenced: true, look: { says: 'unclear', why: unanswered } },
    fleet,
    policy,
    { do: 'unfence', why: 'CloudUnclear', says: `whether the machine is still off is not known: ${unanswered}` },
  ],
  [
    'fenced, and the machine is of somebody else',
    { isFenced: true, look: { says: 'not-ours', why: theirs } },
    fleet,
    policy,
    { do: 'unfence', why: 'CloudUnclear', says: `whether the machine is still off is not known: ${theirs}` },
  ],
  ['fenced and on', { isFenced: true, look: { says: 'on' } }, fleet, policy, back],
  ['fenced and being started', { isFenced: true, look: { says: 'changing' } }, fleet, policy, back],
  [
    'fenced, and its kubelet answers',
    { ...off, isFenced: true, answers: true },
    fleet,
    policy,
    { do: 'unfence', why: 'MachineBack', says: 'its kubelet answers again' },
  ],
])('%s', (_title, change, others, chosen, step) => {
  expect(planFence({ ...silent, ...change }, others, chosen)).toEqual(step);
});

test('what is in doubt changes nothing, whatever else is so', () => {
  const spans: readonly (Ms | undefined)[] = [undefined, minutes(600)];
  for (const look of [{ says: 'unclear', why: '' }, { says: 'not-ours', why: '' }, { says: 'changing' }] as const)
    for (const offFor of spans)
      for (const onFor of spans)
        expect(planFence({ ...silent, silentFor: minutes(600), offFor, onFor, look }, fleet, powering).do).toBe('hold');
});
