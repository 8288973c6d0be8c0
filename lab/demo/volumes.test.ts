import { expect, test } from 'vitest';
import { judgeDatabase, judgeDisk, judgeShare, judgeWarning, type SharedRead } from './volumes.ts';

test('a database has kept its orders only when each one that it confirmed is there', () => {
  const title = 'database on base-1, killed and started again -> every order that it had confirmed';
  expect(judgeDatabase('base-1', ['a', 'b'], ['earlier', 'a', 'b'])).toEqual({ title, good: 2, of: 2, faults: [] });
  expect(judgeDatabase('base-1', ['a', 'b'], ['a'])).toEqual({
    title,
    good: 1,
    of: 2,
    faults: ['b was confirmed, and is lost'],
  });
});

const move = { from: 'web-1', to: 'web-2' };
test.each([
  ['it is where it was sent, with the same bytes', { node: 'web-2', written: 'abc', read: 'abc' }, []],
  ['it stayed', { node: 'web-1', written: 'abc', read: 'abc' }, ['the pod is on web-1']],
  ['it has other bytes', { node: 'web-2', written: 'abc', read: 'abd' }, ['"abc" was written, and "abd" is read']],
  ['nothing was written', { node: 'web-2', written: '', read: '' }, ['"" was written, and "" is read']],
])('a pod that moved with its disk: %s', (_what, seen, faults) => {
  const title = 'disk of the cloud, moved from web-1 to web-2 -> the same bytes';
  expect(judgeDisk(move, seen)).toEqual({ title, good: faults.length === 0 ? 1 : 0, of: 1, faults });
});

const there = { from: 'web-1', to: 'web-2', written: 'abc', read: 'abc' };
const back = { from: 'web-2', to: 'web-1', written: 'def', read: 'def' };
test.each<[string, readonly SharedRead[], number, readonly string[]]>([
  ['each reads what the other wrote', [there, back], 2, []],
  ['one reads something else', [there, { ...back, read: 'abc' }], 1, ['web-2 wrote "def", and web-1 reads "abc"']],
  ['nothing was written', [{ ...there, written: '', read: '' }, back], 1, ['web-1 wrote "", and web-2 reads ""']],
  [
    'both pods are on one node',
    [
      { ...there, to: 'web-1' },
      { ...back, from: 'web-1' },
    ],
    1,
    ['web-1 wrote "abc", and web-1 reads "abc"', 'web-1 wrote "def", and web-1 reads "def"'],
  ],
])('a directory that two nodes share: %s', (_what, reads, good, faults) => {
  const isBoth = new Set(reads.map(({ from }) => from)).size === 2;
  const nodes = isBoth ? 'web-1 and web-2' : 'web-1';
  const title = `directory that ${nodes} share -> each reads what the other wrote`;
  expect(judgeShare(reads)).toEqual({ title, good: isBoth ? good : 0, of: 2, faults });
});

test('a directory that only one pod has is not shared', () => {
  expect(judgeShare([])).toMatchObject({ good: 0, of: 2 });
});

test('a warning counts when it says where the volume can be used and what keeps the pod off', () => {
  const said =
    'kubectl ended with 1:\nWarning: Validation failed for … \'isthmus-volume-out-of-reach-warn\': volume "data" (PersistentVolumeClaim album) can only be used on cloud nodes of zone cn-bj2-04, and nodeSelector isthmus.dev/ground=site keeps the pod off them: remove that, or use a StorageClass of the site';
  const title = 'pod on the site with a disk of the cloud -> a warning';
  expect(judgeWarning(said)).toEqual({ title, good: 1, of: 1, faults: [] });
  for (const other of ['', 'Error: unknown flag'])
    expect(judgeWarning(other)).toEqual({ title, good: 0, of: 1, faults: [`the API server says "${other}"`] });
});
