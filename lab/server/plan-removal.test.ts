import { expect, test } from 'vitest';
import { isLeft, planRemoval, type Remains, type RemovalStep } from './plan-removal.ts';

const nothing: Remains = {
  makers: [],
  processes: [],
  namespaces: [],
  groups: [],
  mounts: [],
  loops: [],
  folders: [],
};
const server = { pid: 10, start: 1 };
const init = { pid: 20, start: 2 };

test('nothing left is nothing to do', () => {
  expect(planRemoval(nothing)).toEqual([]);
});

test('whoever makes more is killed before anything else', () => {
  expect(planRemoval({ ...nothing, makers: [server], processes: [init], folders: ['/state'] })).toEqual([
    { do: 'kill', processes: [server], why: 'makes-more' },
  ]);
});

test('nothing is taken away from under a living process', () => {
  expect(planRemoval({ ...nothing, processes: [init], namespaces: ['isl-a-vpc'] })).toEqual([
    { do: 'kill', processes: [init], why: 'lives-in-the-lab' },
  ]);
});

test('the last mount goes first, and folders go last', () => {
  const steps = planRemoval({
    ...nothing,
    namespaces: ['isl-a-vpc'],
    groups: ['isl-a-base-1'],
    mounts: ['/state/x', '/state/x/y'],
    loops: ['/dev/loop3'],
    folders: ['/state'],
  });
  expect(steps).toEqual([
    { do: 'delete-namespace', name: 'isl-a-vpc' },
    { do: 'remove-group', name: 'isl-a-base-1' },
    { do: 'unmount', path: '/state/x/y' },
    { do: 'unmount', path: '/state/x' },
    { do: 'detach-loop', device: '/dev/loop3' },
    { do: 'remove-folder', path: '/state' },
  ]);
});

test.each<[string, RemovalStep, Remains, Remains]>([
  [
    'a process that makes more',
    { do: 'kill', processes: [server], why: 'makes-more' },
    { ...nothing, makers: [init, server] },
    { ...nothing, makers: [{ ...server, start: 9 }], processes: [{ ...server, pid: 9 }] },
  ],
  [
    'one of several processes',
    { do: 'kill', processes: [server, init], why: 'lives-in-the-lab' },
    { ...nothing, processes: [init] },
    nothing,
  ],
  [
    'a network',
    { do: 'delete-namespace', name: 'isl-a-nlb-1' },
    { ...nothing, namespaces: ['isl-a-nlb-1'] },
    { ...nothing, namespaces: ['isl-a-vpc'], groups: ['isl-a-nlb-1'] },
  ],
  [
    'a group',
    { do: 'remove-group', name: 'isl-a-base-1' },
    { ...nothing, groups: ['isl-a-base-1'] },
    { ...nothing, namespaces: ['isl-a-base-1'] },
  ],
  ['a mount', { do: 'unmount', path: '/x' }, { ...nothing, mounts: ['/x'] }, { ...nothing, folders: ['/x'] }],
  ['a device', { do: 'detach-loop', device: '/dev/loop3' }, { ...nothing, loops: ['/dev/loop3'] }, nothing],
  ['a folder', { do: 'remove-folder', path: '/x' }, { ...nothing, folders: ['/x'] }, { ...nothing, mounts: ['/x'] }],
])('%s is left while it is there, and gone when only others are', (_title, step, left, gone) => {
  expect([isLeft(step, left), isLeft(step, gone)]).toEqual([true, false]);
});
