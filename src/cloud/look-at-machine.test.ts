import { expect, test } from 'vitest';
import { seconds } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudMachine, Compute } from './compute.ts';
import type { CloudResult } from './failure.ts';
import { lookAtMachine, type MachineLook } from './look-at-machine.ts';

/** Answers as it is told; leaves out everything that is not asked here. */
function compute(
  found: CloudResult<Partial<CloudMachine>>,
  listed: CloudResult<readonly Partial<CloudMachine>[]> = ok([]),
): Compute {
  return { find: async () => found, list: async () => listed } as unknown as Compute;
}

const raw = { action: 'DescribeUHostInstance', code: '152', message: 'try later' };
const machine = (change: Partial<CloudMachine>) => ok({ id: 'uhost-1', zone: 'z', mark: 'shop', ...change });
const gone = fail({ kind: 'gone', raw } as const);
const away = fail({ kind: 'unavailable', raw } as const);
const unclear = 'DescribeUHostInstance: unavailable: try later [152]';

test.each<[string, Compute, MachineLook]>([
  ['running', compute(machine({ state: 'running' })), { says: 'on' }],
  ['stopped', compute(machine({ state: 'stopped' })), { says: 'off' }],
  ['creating', compute(machine({ state: 'creating' })), { says: 'changing' }],
  ['starting', compute(machine({ state: 'starting' })), { says: 'changing' }],
  ['stopping, so it may still write', compute(machine({ state: 'stopping' })), { says: 'changing' }],
  ['rebooting', compute(machine({ state: 'rebooting' })), { says: 'changing' }],
  [
    'failed',
    compute(machine({ state: 'failed' })),
    { says: 'unclear', why: 'the cloud calls the state of uhost-1 failed' },
  ],
  [
    'unreadable',
    compute(machine({ state: 'unreadable' })),
    { says: 'unclear', why: 'the cloud calls the state of uhost-1 unreadable' },
  ],
  [
    'stopped, of another cluster',
    compute(machine({ state: 'stopped', mark: 'other' })),
    { says: 'not-ours', why: 'machine uhost-1 carries the mark "other" and not that of this cluster' },
  ],
  [
    'stopped, of nobody',
    compute(machine({ state: 'stopped', mark: undefined })),
    { says: 'not-ours', why: 'machine uhost-1 carries the mark "" and not that of this cluster' },
  ],
  [
    'stopped, elsewhere',
    compute(machine({ state: 'stopped', zone: 'y' })),
    { says: 'not-ours', why: 'machine uhost-1 is in zone y, and its Node says z' },
  ],
  ['no answer', compute(away), { says: 'unclear', why: unclear }],
  ['not found, and no answer to the second question', compute(gone, away), { says: 'unclear', why: unclear }],
  [
    'not found, but listed',
    compute(gone, ok([{ id: 'uhost-1' }])),
    { says: 'unclear', why: 'the cloud lists uhost-1 but does not find it' },
  ],
  [
    'not found, and nothing listed at all',
    compute(gone, ok([])),
    {
      says: 'unclear',
      why: 'the cloud lists no machine of any other node, so its keys may be of another project or region',
    },
  ],
  [
    'not found, and machines listed of a cluster of the same name in another project',
    compute(gone, ok([{ id: 'uhost-7' }])),
    {
      says: 'unclear',
      why: 'the cloud lists no machine of any other node, so its keys may be of another project or region',
    },
  ],
  ['not found, and that of another node listed', compute(gone, ok([{ id: 'uhost-2' }])), { says: 'gone' }],
])('what the cloud says of a machine: %s', async (_title, cloud, look) => {
  const named = { id: 'uhost-1', zone: 'z', mark: 'shop', beside: ['uhost-2', 'uhost-3'] };
  expect(await lookAtMachine(cloud, named, { within: seconds(1) })).toEqual(look);
});

test('the machine of the only cloud node is never called gone: nothing tells whether the keys are right', async () => {
  const named = { id: 'uhost-1', zone: 'z', mark: 'shop', beside: [] };
  expect(await lookAtMachine(compute(gone, ok([{ id: 'uhost-7' }])), named, { within: seconds(1) })).toEqual({
    says: 'unclear',
    why: 'the cloud does not know uhost-1, and there is no other cloud node to tell whether its keys are right',
  });
});
