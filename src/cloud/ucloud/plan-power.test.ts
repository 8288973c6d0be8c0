import { expect, test } from 'vitest';
import { type PowerStep, type PowerVerb, planPower } from './plan-power.ts';

const there: PowerStep = { do: 'hold', why: 'already-there' };

test.each<[PowerVerb, Parameters<typeof planPower>[1], PowerStep]>([
  ['start', 'running', there],
  ['start', 'starting', there],
  ['start', 'stopped', { do: 'ask', action: 'StartUHostInstance' }],
  ['start', 'stopping', { do: 'refuse', why: 'cannot start a machine that is stopping; ask again when it is stopped' }],
  ['stop', 'stopped', there],
  ['stop', 'stopping', there],
  ['stop', 'running', { do: 'ask', action: 'StopUHostInstance' }],
  ['stop', 'creating', { do: 'refuse', why: 'cannot stop a machine that is creating; ask again when it is running' }],
  ['off', 'stopped', there],
  ['off', 'stopping', { do: 'ask', action: 'PoweroffUHostInstance' }],
  ['off', 'unreadable', { do: 'ask', action: 'PoweroffUHostInstance' }],
  ['reboot', 'rebooting', there],
  ['reboot', 'running', { do: 'ask', action: 'RebootUHostInstance' }],
  ['reboot', 'stopped', { do: 'refuse', why: 'cannot reboot a machine that is stopped; ask again when it is running' }],
])('%s of a machine that is %s', (verb, state, step) => {
  expect(planPower(verb, state)).toEqual(step);
});
