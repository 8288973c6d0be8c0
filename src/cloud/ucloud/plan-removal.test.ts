import { expect, test } from 'vitest';
import { planRemoval, type RemovalStep } from './plan-removal.ts';

test.each<[string, Parameters<typeof planRemoval>[0], RemovalStep]>([
  [
    'asks a running system to shut down first',
    { state: 'running', asked: [], shutdownIsOverdue: false },
    { do: 'stop', why: 'running' },
  ],
  [
    'waits while the list still shows the machine running after it was asked',
    { state: 'running', asked: ['stop'], shutdownIsOverdue: false },
    { do: 'wait', why: 'running' },
  ],
  [
    'waits while the system shuts down',
    { state: 'stopping', asked: ['stop'], shutdownIsOverdue: false },
    { do: 'wait', why: 'stopping' },
  ],
  [
    'cuts the power of a system that does not shut down',
    { state: 'stopping', asked: ['stop'], shutdownIsOverdue: true },
    { do: 'off', why: 'shutdown-takes-too-long' },
  ],
  [
    'cuts the power of a machine whose stop was never taken',
    { state: 'running', asked: [], shutdownIsOverdue: true },
    { do: 'off', why: 'shutdown-takes-too-long' },
  ],
  [
    'cuts the power once only',
    { state: 'stopping', asked: ['stop', 'off'], shutdownIsOverdue: true },
    { do: 'wait', why: 'stopping' },
  ],
  [
    'terminates what is stopped',
    { state: 'stopped', asked: ['stop'], shutdownIsOverdue: true },
    { do: 'terminate', why: 'stopped' },
  ],
  [
    'waits out a machine that is still being made',
    { state: 'creating', asked: [], shutdownIsOverdue: true },
    { do: 'wait', why: 'creating' },
  ],
  [
    'waits until a machine that starts is up, to shut it down then',
    { state: 'starting', asked: [], shutdownIsOverdue: true },
    { do: 'wait', why: 'starting' },
  ],
  [
    'waits until a restart is over',
    { state: 'rebooting', asked: ['stop'], shutdownIsOverdue: true },
    { do: 'wait', why: 'rebooting' },
  ],
  [
    'cuts the power of a machine that runs on long after it was asked to stop',
    { state: 'running', asked: ['stop'], shutdownIsOverdue: true },
    { do: 'off', why: 'shutdown-takes-too-long' },
  ],
  [
    'cuts the power of a failed machine that was asked to stop',
    { state: 'failed', asked: ['stop'], shutdownIsOverdue: false },
    { do: 'off', why: 'failed' },
  ],
  [
    'does not act on a state that could not be read',
    { state: 'unreadable', asked: [], shutdownIsOverdue: true },
    { do: 'wait', why: 'unreadable' },
  ],
  [
    'cuts the power of a machine whose installation failed',
    { state: 'failed', asked: [], shutdownIsOverdue: false },
    { do: 'off', why: 'failed' },
  ],
  [
    'terminates a failed machine after its power was cut',
    { state: 'failed', asked: ['off'], shutdownIsOverdue: false },
    { do: 'terminate', why: 'stopped' },
  ],
])('%s', (_title, seen, step) => {
  expect(planRemoval(seen)).toEqual(step);
});
