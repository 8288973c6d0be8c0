import { expect, test } from 'vitest';
import { type AfterExit, type Ending, planAfterExit } from './plan-after-exit.ts';

const status = (n: number): Ending => ({ status: n, signal: null });
const signal = (name: string): Ending => ({ status: null, signal: name });

const rows: readonly [string, Ending, boolean, AfterExit][] = [
  ['a reboot from inside boots again', status(129), false, { do: 'boot-again', why: 'rebooted' }],
  ['a reboot seen as the signal itself boots again', signal('SIGHUP'), false, { do: 'boot-again', why: 'rebooted' }],
  ['a power-off from inside stays off', status(130), false, { do: 'stay-off', why: 'powered-off' }],
  ['a power-off seen as the signal itself stays off', signal('SIGINT'), false, { do: 'stay-off', why: 'powered-off' }],
  ['a shutdown seen as the signal itself, too', signal('SIGINT'), true, { do: 'stay-off', why: 'powered-off' }],
  ['another signal is a crash', signal('SIGKILL'), false, { do: 'stay-off', why: 'crashed' }],
  ['a machine asked to shut down stays off', status(130), true, { do: 'stay-off', why: 'powered-off' }],
  ['a machine that reboots while its power is cut stays off', status(129), true, { do: 'stay-off', why: 'power-cut' }],
  ['a killed init stays off', status(137), true, { do: 'stay-off', why: 'power-cut' }],
  ['an init that dies unasked is a crash', status(137), false, { do: 'stay-off', why: 'crashed' }],
  ['an init that ends with an error is a crash', status(1), false, { do: 'stay-off', why: 'crashed' }],
];

test.each(rows)('%s', (_title, ended, off, step) => {
  expect(planAfterExit(ended, { off })).toEqual(step);
});
