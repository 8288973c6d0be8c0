import { expect, test } from 'vitest';
import type { CloudMachine } from '../compute.ts';
import { type PowerAction, type PowerVerb, planPower } from './plan-power.ts';

type State = CloudMachine['state'];
/** `.` is there already, `!` is asked for, `x` is refused. */
const table: readonly [State, Readonly<Record<PowerVerb, '.' | '!' | 'x'>>][] = [
  ['creating', { start: 'x', stop: 'x', off: 'x', reboot: 'x' }],
  ['starting', { start: '.', stop: 'x', off: 'x', reboot: 'x' }],
  ['running', { start: '.', stop: '!', off: '!', reboot: '!' }],
  ['rebooting', { start: '.', stop: 'x', off: '!', reboot: '.' }],
  ['stopping', { start: 'x', stop: '.', off: '!', reboot: 'x' }],
  ['stopped', { start: '!', stop: '.', off: '.', reboot: 'x' }],
  ['failed', { start: 'x', stop: 'x', off: '!', reboot: 'x' }],
  // Left for the cloud to judge.
  ['unreadable', { start: '!', stop: '!', off: '!', reboot: '!' }],
];
const actions: Readonly<Record<PowerVerb, PowerAction>> = {
  start: 'StartUHostInstance',
  stop: 'StopUHostInstance',
  off: 'PoweroffUHostInstance',
  reboot: 'RebootUHostInstance',
};
const cures: Readonly<Record<PowerVerb, string>> = {
  start: 'ask again when it is stopped',
  stop: 'ask again when it is running',
  off: 'ask again when it is running or stopping or rebooting or failed',
  reboot: 'ask again when it is running',
};

const rows = table.flatMap(([state, verbs]) =>
  (Object.keys(verbs) as PowerVerb[]).map((verb) => [verb, state, verbs[verb]] as const),
);

test.each(rows)('%s of a machine that is %s: %s', (verb, state, sign) => {
  const steps = {
    '.': { do: 'hold', why: 'already-there' },
    '!': { do: 'ask', action: actions[verb] },
    x: { do: 'refuse', why: `cannot ${verb} a machine that is ${state}; ${cures[verb]}` },
  };
  expect(planPower(verb, state)).toEqual(steps[sign]);
});
