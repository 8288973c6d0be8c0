import { expect, test } from 'vitest';
import { exampleDisk as disk } from '#cloud/disk.example.ts';
import { type Instant, minutes } from '#unit/clock.ts';
import { type OrphanStep, type OrphansSeen, planOrphans } from './plan-orphans.ts';

const at = 10_000_000 as Instant;
const old = { owner: 'pvc-1', at: (at - minutes(31)) as Instant };
const seen: OrphansSeen = { intents: [old], volumes: new Set(), claims: new Set(), disks: [disk], at };
const policy = { rest: minutes(30), most: 5 };

const rows: readonly (readonly [string, Partial<OrphansSeen>, readonly OrphanStep[]])[] = [
  ['nobody knows it', {}, [{ do: 'remove', owner: 'pvc-1', disk: 'bsr-1' }]],
  ['it failed', { disks: [{ ...disk, state: 'failed' }] }, [{ do: 'remove', owner: 'pvc-1', disk: 'bsr-1' }]],
  ['it has no intent: it was attached once', { intents: [] }, []],
  ['a volume has it', { volumes: new Set(['pvc-1']) }, [{ do: 'settle', owner: 'pvc-1', why: 'has-a-volume' }]],
  ['its claim is there', { claims: new Set(['pvc-1']) }, [{ do: 'keep', owner: 'pvc-1', why: 'claimed' }]],
  [
    'it was asked for exactly so long ago',
    { intents: [{ ...old, at: (at - minutes(30)) as Instant }] },
    [{ do: 'remove', owner: 'pvc-1', disk: 'bsr-1' }],
  ],
  [
    'it was asked for a moment ago',
    { intents: [{ ...old, at: (at - minutes(29)) as Instant }] },
    [{ do: 'keep', owner: 'pvc-1', why: 'young' }],
  ],
  [
    'a machine has it, whatever the record says',
    { disks: [{ ...disk, state: 'attached', machine: 'uhost-1' }] },
    [{ do: 'keep', owner: 'pvc-1', why: 'in-use' }],
  ],
  [
    'it is being filled',
    { disks: [{ ...disk, state: 'copying' }] },
    [{ do: 'keep', owner: 'pvc-1', why: 'not-ready' }],
  ],
  ['it was never made', { disks: [] }, [{ do: 'settle', owner: 'pvc-1', why: 'was-never-made' }]],
  [
    'two were made for one owner',
    { disks: [disk, { ...disk, id: 'bsr-2' }] },
    [
      { do: 'remove', owner: 'pvc-1', disk: 'bsr-1' },
      { do: 'remove', owner: 'pvc-1', disk: 'bsr-2' },
    ],
  ],
];

test.each(rows)('%s', (_title, change, steps) => {
  expect(planOrphans({ ...seen, ...change }, policy)).toEqual(steps);
});

test('as many as may go at once go', () => {
  const owners = Array.from({ length: 5 }, (_, n) => `pvc-${n}`);
  const all = {
    ...seen,
    intents: owners.map((owner) => ({ ...old, owner })),
    disks: owners.map((owner) => ({ ...disk, owner, id: `bsr-${owner}` })),
  };
  expect(planOrphans(all, policy).map((step) => step.do)).toEqual(owners.map(() => 'remove'));
});

test('many at once are a reason to stop, and the rest goes on', () => {
  const owners = Array.from({ length: 6 }, (_, n) => `pvc-${n}`);
  const many = {
    ...seen,
    intents: [...owners, 'pvc-none'].map((owner) => ({ ...old, owner })),
    disks: owners.map((owner) => ({ ...disk, owner, id: `bsr-${owner}` })),
  };
  expect(planOrphans(many, policy)).toEqual([
    { do: 'settle', owner: 'pvc-none', why: 'was-never-made' },
    { do: 'hold', count: 6 },
  ]);
});
