import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import {
  diskWritten,
  endJob,
  type Job,
  type Life,
  newborn,
  orderJob,
  type PowerState,
  seenPower,
} from './machine-life.ts';

const atRest = (state: PowerState): Life => ({ state, job: undefined });
const during = (state: PowerState, job: Job): Life => ({ state, job });

type Order = Exclude<Job, 'install'>;
const wrong = { refused: 8905 };
const notStopped = { refused: 8856 };

const orders: readonly [Life, Order, Life | { refused: number }][] = [
  [atRest('Running'), 'start', wrong],
  [atRest('Running'), 'stop', during('Stopping', 'stop')],
  [atRest('Running'), 'off', during('Stopping', 'off')],
  [atRest('Running'), 'reboot', during('Rebooting', 'reboot')],
  [atRest('Running'), 'end', notStopped],
  [atRest('Stopped'), 'start', during('Starting', 'start')],
  [atRest('Stopped'), 'stop', wrong],
  [atRest('Stopped'), 'off', wrong],
  [atRest('Stopped'), 'reboot', wrong],
  [atRest('Stopped'), 'end', during('Stopped', 'end')],
  [atRest('Install Fail'), 'start', wrong],
  [atRest('Install Fail'), 'off', during('Stopping', 'off')],
  [atRest('Install Fail'), 'end', notStopped],
  [during('Stopping', 'stop'), 'off', during('Stopping', 'off')],
  [during('Stopping', 'off'), 'off', wrong],
  [during('Stopping', 'stop'), 'start', wrong],
  [during('Stopping', 'stop'), 'end', notStopped],
  [during('Stopped', 'end'), 'start', wrong],
  [during('Stopped', 'end'), 'end', notStopped],
  [during('Starting', 'start'), 'off', wrong],
  [atRest('Stopping'), 'off', during('Stopping', 'off')],
  [atRest('Stopping'), 'start', wrong],
  [newborn, 'stop', wrong],
  [newborn, 'off', wrong],
  [newborn, 'end', notStopped],
];

const ends: readonly [Life, Job, 'done' | 'failed', Life][] = [
  [during('Starting', 'install'), 'install', 'done', atRest('Running')],
  [during('Starting', 'install'), 'install', 'failed', atRest('Install Fail')],
  [during('Starting', 'start'), 'start', 'failed', atRest('Stopped')],
  [during('Starting', 'start'), 'start', 'done', atRest('Running')],
  [during('Stopping', 'off'), 'off', 'done', atRest('Stopped')],
  [during('Stopping', 'off'), 'off', 'failed', atRest('Running')],
  [during('Stopped', 'end'), 'end', 'done', atRest('Stopped')],
  [during('Stopped', 'end'), 'end', 'failed', atRest('Stopped')],
  [during('Rebooting', 'reboot'), 'reboot', 'failed', atRest('Running')],
  [during('Stopping', 'stop'), 'stop', 'done', atRest('Stopped')],
  [during('Stopping', 'stop'), 'stop', 'failed', atRest('Running')],
  [during('Stopping', 'off'), 'stop', 'done', during('Stopping', 'off')],
  [during('Rebooting', 'reboot'), 'reboot', 'done', atRest('Running')],
];

describe('machine life', () => {
  test.each(orders)('%o answers the order %s with %o', (life, job, expected) => {
    assert.deepEqual(orderJob(life, job), expected);
  });

  test.each(ends)('%o, when %s is %s, becomes %o', (life, job, how, expected) => {
    assert.deepEqual(endJob(life, job, how), expected);
  });

  test('an installation writes the disk, then starts', () => {
    assert.deepEqual(newborn, during('Initializing', 'install'));
    assert.deepEqual(diskWritten(newborn), during('Starting', 'install'));
    assert.deepEqual(diskWritten(during('Stopping', 'off')), during('Stopping', 'off'));
  });

  test('a guest that shut itself down is Stopped, but not while something is being done to it', () => {
    assert.deepEqual(seenPower(atRest('Running'), false), atRest('Stopped'));
    assert.deepEqual(seenPower(atRest('Running'), true), atRest('Running'));
    assert.deepEqual(seenPower(during('Running', 'stop'), false), during('Running', 'stop'));
    assert.deepEqual(seenPower(atRest('Install Fail'), false), atRest('Install Fail'));
    assert.deepEqual(seenPower(during('Rebooting', 'reboot'), false), during('Rebooting', 'reboot'));
  });
});
