import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { formatMs, ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { changedPaths } from './changed-paths.ts';
import { chosenOf, type DecidingFile, decidingFiles } from './deciding-files.ts';
import { type Judgement, judge, type KnownSurvivor } from './judge.ts';
import { fitHere, mutantsHere } from './mutants-here.ts';
import { mutantsOf } from './mutants-of.ts';

/**
 * `npm run mutate`: makes small wrong edits in the files that decide and looks whether a test notices each.
 * `npm run mutate -- src/unit/ip.ts src/kube`: in these only. `--changed`: in those that differ from the main branch.
 * `--within 120`: starts no further file after so many seconds. `--jobs 1`: how many edits are tried at a time.
 * `--in-one-process`: without a run of vitest for each edit, where the tests of a file can do without.
 * Ends with 1 when a file is below the goal.
 */
const goal = 95;
const project = join(import.meta.dirname, '..', '..');
const list = 'tool/mutate/survivors.yaml';

process.chdir(project);
process.exitCode = await mutate().catch((e: unknown) => {
  console.error(messageOf(e));
  return 2;
});

async function mutate(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      changed: { type: 'boolean', default: false },
      within: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      'in-one-process': { type: 'boolean', default: false },
    },
  });
  const jobs = wholeNumber('jobs', values.jobs);
  const within = values.within === undefined ? undefined : wholeNumber('within', values.within);
  const known = parse(readFileSync(list, 'utf8')) as readonly KnownSurvivor[];
  const all = decidingFiles(project);
  const files = chosenFiles(all, positionals, values.changed);
  if (files.length === 0) {
    console.log(
      values.changed ? 'no file that decides has changed' : `no file that decides is in ${positionals.join(', ')}`,
    );
    return values.changed ? 0 : 1;
  }
  const strays = known.filter((entry) => !all.some(({ path }) => path === entry.file));
  for (const { file } of strays) console.log(`${list}: ${file} is not among the files that are tried`);

  const started = performance.now();
  const until = within === undefined ? Number.POSITIVE_INFINITY : started + seconds(within);
  const judgements: Judgement[] = [];
  for (const [at, file] of files.entries()) {
    if (performance.now() > until) {
      console.log(`the time is over: ${files.length - at} of ${files.length} files not tried`);
      break;
    }
    judgements.push(await tryFile(file, known, values['in-one-process'] && fitHere(file) ? 'here' : jobs));
  }
  const bad = judgements.filter(({ good }) => !good).length;
  const sum = (of: (judgement: Judgement) => number): number => judgements.reduce((all, one) => all + of(one), 0);
  console.log(
    `${judgements.length} files, ${sum(({ mutants }) => mutants)} wrong edits, ${sum(({ killed }) => killed)} noticed, ` +
      `${sum(({ known }) => known)} that no test can tell; ${bad} files below ${goal} % or with a stale entry in ${list} ` +
      `(${formatMs(ms(performance.now() - started))})`,
  );
  return bad > 0 || strays.length > 0 ? 1 : 0;
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new RangeError(`--${option} ${text}: must be a whole number from 1, write --${option} 2`);
}

function chosenFiles(
  all: readonly DecidingFile[],
  paths: readonly string[],
  changed: boolean,
): readonly DecidingFile[] {
  // Small files first: they are over soon when the time is short.
  if (changed) return chosenOf(all, changedPaths(project)).toSorted((a, b) => sizeOf(a) - sizeOf(b));
  return paths.length === 0
    ? all
    : chosenOf(
        all,
        paths.map((path) => relative(project, resolve(path))),
      );
}

function sizeOf({ path }: DecidingFile): number {
  return readFileSync(path).length;
}

async function tryFile(file: DecidingFile, known: readonly KnownSurvivor[], how: 'here' | number): Promise<Judgement> {
  const start = performance.now();
  const tried = how === 'here' ? await mutantsHere(file) : await mutantsOf(file, how);
  const judgement = judge(file.path, tried, known, goal);
  const endless = tried.filter(({ fate }) => fate === 'timeout').length;
  const { score, mutants, killed, unknown, stale, good } = judgement;
  console.log(
    `${good ? 'ok  ' : 'FAIL'} ${score.toFixed(1).padStart(5)} %  ${String(killed).padStart(3)} of ` +
      `${String(mutants).padStart(3)}  ${file.path} (${formatMs(ms(performance.now() - start))}${endless === 0 ? '' : `, ${endless} came to no end`})`,
  );
  for (const { line, mutator, from, to } of unknown)
    console.log(`       ${file.path}:${line} ${mutator}: no test notices\n         ${from}\n         ${to}`);
  for (const { mutator, from, to } of stale)
    console.log(
      `       ${list}: remove ${mutator} of ${file.path}, it does not survive\n         ${from}\n         ${to}`,
    );
  return judgement;
}
