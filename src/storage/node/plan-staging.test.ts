import { expect, test } from 'vitest';
import type { Mount } from '#host/mounts.ts';
import { planStaging, type StagingSeen, type StagingStep, type StagingWish } from './plan-staging.ts';

const mount: Mount = {
  path: '/stage',
  device: '253:16',
  root: '/',
  type: 'ext4',
  source: '/dev/vdb',
  isReadOnly: false,
  options: ['rw', 'relatime'],
  superOptions: ['rw'],
};
const seen: StagingSeen = { mount, device: '253:16', elsewhere: ['/stage'] };
const wish: StagingWish = { type: 'ext4', isReadOnly: false, options: [] };

function exists(message: string): StagingStep {
  return { do: 'refuse', code: 'ALREADY_EXISTS', message: `it is staged already, ${message}` };
}

const rows: readonly (readonly [string, Partial<StagingSeen>, Partial<StagingWish>, StagingStep])[] = [
  ['nothing there', { mount: undefined, elsewhere: [] }, {}, { do: 'mount' }],
  [
    'mounted elsewhere',
    { mount: undefined, elsewhere: ['/mnt'] },
    {},
    { do: 'refuse', code: 'FAILED_PRECONDITION', message: 'its device is mounted at /mnt: unmount it there first' },
  ],
  ['mounted as it should be', {}, {}, { do: 'nothing', why: 'mounted-so' }],
  ['a disk that came back under another name', { device: '253:32' }, {}, { do: 'clear', why: 'another-device' }],
  ['another type', {}, { type: 'xfs' }, exists('as ext4 and not as xfs')],
  ['a reader, and it is writable', {}, { isReadOnly: true }, exists('writable')],
  ['a writer, and it is read-only', { mount: { ...mount, isReadOnly: true } }, {}, exists('read-only')],
  ['an option that it lacks', {}, { options: ['noatime'] }, exists('without the mount option noatime')],
  [
    'an option that it has',
    { mount: { ...mount, options: ['rw', 'noexec'] } },
    {},
    exists('with the mount option noexec'),
  ],
  [
    'an option that its file system has',
    { mount: { ...mount, superOptions: ['rw', 'sync'] } },
    {},
    exists('with the mount option sync'),
  ],
  ['an option that mounts do not show', {}, { options: ['data=ordered'] }, { do: 'nothing', why: 'mounted-so' }],
];

test.each(rows)('%s', (_title, change, wished, step) => {
  expect(planStaging({ ...seen, ...change }, { ...wish, ...wished })).toEqual(step);
});

test.each(['noatime', 'nodiratime', 'nodev', 'nosuid', 'noexec', 'sync', 'dirsync', 'nosymfollow'])(
  'a mount shows whether it has the option %s',
  (option) => {
    expect(planStaging(seen, { ...wish, options: [option] })).toEqual(exists(`without the mount option ${option}`));
    expect(planStaging({ ...seen, mount: { ...mount, options: [option] } }, wish)).toEqual(
      exists(`with the mount option ${option}`),
    );
  },
);
