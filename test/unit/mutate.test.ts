import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { changedPaths } from '../../tool/mutate/changed-paths.ts';
import { chosenOf, decidingFiles } from '../../tool/mutate/deciding-files.ts';
import { judge, type KnownSurvivor, type Mutant, onOneLine } from '../../tool/mutate/judge.ts';
import { fitHere, mutantsHere } from '../../tool/mutate/mutants-here.ts';

const file = 'src/unit/ip.ts';
const edit = { file, mutator: 'EqualityOperator', from: 'a < b', to: 'a <= b' };
const mutant = (fate: Mutant['fate'], line = 1): Mutant => ({ ...edit, line, fate });
const entry: KnownSurvivor = { ...edit, why: 'b is never equal to a' };
const killed = (count: number): readonly Mutant[] => Array.from({ length: count }, () => mutant('killed'));

test.each<[string, readonly Mutant[], readonly KnownSurvivor[], object]>([
  ['a file whose every edit is noticed is good', killed(3), [], { killed: 3, score: 100, good: true }],
  ['an edit that never ends is noticed', [mutant('timeout')], [], { killed: 1, score: 100, good: true }],
  [
    'one survivor among twenty reaches the goal, and is shown',
    [...killed(19), mutant('survived', 7)],
    [],
    { killed: 19, score: 95, unknown: [mutant('survived', 7)], good: true },
  ],
  ['one among nineteen does not', [...killed(18), mutant('survived')], [], { good: false }],
  [
    'a survivor that the list knows does not count',
    [...killed(1), mutant('survived')],
    [entry],
    { mutants: 2, killed: 1, known: 1, unknown: [], stale: [], score: 100, good: true },
  ],
  [
    'one entry stands for one survivor, not for all that look alike',
    [mutant('survived', 3), mutant('survived', 8)],
    [entry],
    { known: 1, unknown: [mutant('survived', 8)], score: 0, good: false },
  ],
  [
    'unless it says how many there are',
    [mutant('survived'), mutant('survived')],
    [{ ...entry, times: 2 }],
    { known: 2, unknown: [], stale: [], good: true },
  ],
  [
    'an entry whose edit is noticed now is stale, however good the score',
    killed(3),
    [entry],
    { score: 100, stale: [entry], good: false },
  ],
  [
    'so is one for code that is not there any more, or not so often',
    [mutant('survived')],
    [{ ...entry, times: 2 }],
    { stale: [{ ...entry, times: 2 }], good: false },
  ],
  [
    'a listed survivor that a busy computer took for endless is not stale',
    [...killed(1), mutant('timeout')],
    [entry],
    { stale: [], good: true },
  ],
  [
    'entries of other files say nothing',
    killed(1),
    [{ ...entry, file: 'src/kube/lease.ts' }],
    { stale: [], good: true },
  ],
])('%s', (_, mutants, list, judgement) => {
  expect(judge(file, mutants, list, 95)).toMatchObject({ file, ...judgement });
});

test('an edit is listed on one line, however its code is laid out', () => {
  expect(onOneLine('{\n    a;\n    b;\n  }')).toBe('{ a; b; }');
  expect(onOneLine('x'.repeat(121))).toBe(`${'x'.repeat(117)}...`);
});

test('every file that decides has a test that judges it', () => {
  const files = decidingFiles(join(import.meta.dirname, '..', '..'));
  expect(files.filter(({ tests }) => tests.length === 0).map(({ path }) => path)).toEqual([]);
  expect(files.map(({ path }) => path)).toContain('src/unit/ip.ts');
});

test('a file is chosen by its own path, its test or its folder', () => {
  const ip = { path: 'src/unit/ip.ts', tests: ['src/unit/ip.test.ts'] };
  const lease = { path: 'src/kube/plan-lease.ts', tests: ['src/kube/plan-lease.test.ts'] };
  expect(chosenOf([ip, lease], ['src/unit/ip.ts'])).toEqual([ip]);
  expect(chosenOf([ip, lease], ['src/kube/plan-lease.test.ts'])).toEqual([lease]);
  expect(chosenOf([ip, lease], ['src/unit/', 'src/kube'])).toEqual([ip, lease]);
  expect(chosenOf([ip, lease], ['src/un', 'src/unit/ip'])).toEqual([]);
});

test('what has changed is seen on a branch, on the main branch and before the first commit of all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-changed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, stdio: 'pipe' });
  const commit = (name: string): void => {
    writeFileSync(join(folder, name), name);
    git('add', '.');
    git('commit', '-q', '-m', name);
  };
  expect(changedPaths(folder)).toEqual([]);
  git('init', '-q', '-b', 'main');
  commit('one');
  expect(changedPaths(folder)).toEqual([]);
  commit('two');
  expect(changedPaths(folder)).toEqual(['two']);
  git('checkout', '-q', '-b', 'mine');
  commit('three');
  commit('four');
  writeFileSync(join(folder, 'one'), 'edited');
  writeFileSync(join(folder, 'five'), 'new');
  expect(changedPaths(folder)).toEqual(['four', 'one', 'three', 'five']);
});

test('in one process, too, edits are noticed by the tests that judge a file, and those that survive are told', async () => {
  const tried = await mutantsHere({ path: 'src/kube/plan-lease.ts', tests: ['src/kube/plan-lease.test.ts'] });
  const left = tried.filter(({ fate }) => fate === 'survived').map(({ from }) => from);
  expect(left).toEqual(['old?.leaseDurationSeconds', 'old?.acquireTime']);
  expect(tried.length).toBeGreaterThan(40);
  // A process of its own, on a computer that may be busy with others.
}, 120_000);

test('tests that need the runner of vitest are left to it', () => {
  expect(fitHere({ path: '', tests: ['src/kube/plan-backoff.test.ts'] })).toBe(true);
  expect(fitHere({ path: '', tests: ['src/kube/plan-backoff.test.ts', 'src/kube/work-queue.test.ts'] })).toBe(false);
});
