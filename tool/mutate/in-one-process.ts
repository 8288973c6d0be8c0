import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import type { Mutant } from './judge.ts';
import { type Collected, endCollecting, startCollecting, startFile } from './vitest-here.ts';

/**
 * `node tool/mutate/in-one-process.ts src/unit/ip.ts src/unit/ip.test.ts …`: tries all edits of the file in this process, and prints what became of
 * them as JSON. A process of its own for each file: modules that were loaded stay in memory.
 *
 * All edits are compiled into the file, each behind a switch. Modules are loaded anew, and only those that come to the file, for an edit of what
 * runs while it is loaded; else a test sees it at once.
 */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: Coverage;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}
type Hits = Readonly<Record<string, number>>;
interface Coverage {
  readonly static: Hits;
  readonly perTest: Readonly<Record<string, Hits>>;
}
declare global {
  var __stryker__: Switches | undefined;
}

const project = join(import.meta.dirname, '..', '..');
const here = pathToFileURL(join(import.meta.dirname, 'vitest-here.ts')).href;
const fromHere = new Set([here, import.meta.url]);
/** So often may an edit be passed, as a multiple of how often its place is without it, before it counts as one that comes to no end. */
const mostHits = 100;
/** @unit milliseconds */
const patience = 60_000;

const switches: Switches = {};
globalThis.__stryker__ = switches;
const [path, ...tests] = process.argv.slice(2) as [string, ...string[]];
const source = readFileSync(path, 'utf8');
const { code, edits } = await compile();

/** How often modules were loaded anew. */
let round = 0;
/** Who imports whom, as it is seen in the first round; and who comes to the file by that. */
const importers = new Map<string, Set<string>>();
let coming: ReadonlySet<string> | undefined;
loadFromHere();
if (tests.some((test) => readFileSync(test, 'utf8').includes("from 'fast-check'"))) await import('./same-seed.ts');

const told = JSON.stringify(await tryAll());
// A test may have left something open; and what is told goes through a pipe, which takes it bit by bit.
process.stdout.write(`\n${told}\n`, () => process.exit(0));

async function compile() {
  // It speaks of nothing that matters here.
  const silent = new Proxy({}, { get: () => () => false });
  const { files, mutants } = await new Instrumenter(silent as never).instrument(
    [{ name: resolve(path), content: source, mutate: true }],
    { plugins: null, excludedMutations: [], ignorers: [] } as never,
  );
  const [file] = files;
  if (file === undefined) throw new Error(`${path} could not be compiled`);
  return { code: stripTypeScriptTypes(file.content), edits: mutants };
}

/** Puts what is here in the place of vitest, and the edits into the file; `?round=` makes a module another one for Node. */
function loadFromHere(): void {
  const changed = pathToFileURL(resolve(path)).href;
  const texts = new Map<string, string>();
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL = '' } = context;
      const from = parentURL.replace(/\?round=.*$/, '');
      if (specifier === 'vitest' && !fromHere.has(from)) return { url: here, shortCircuit: true };
      const found = next(specifier, context);
      const isOurs = found.url.startsWith(pathToFileURL(project).href) && !found.url.includes('/node_modules/');
      if (round === 0 || !isOurs || found.url.includes('/tool/mutate/')) return found;
      importers.set(found.url, (importers.get(found.url) ?? new Set()).add(from));
      return { ...found, url: `${found.url}?round=${coming === undefined || coming.has(found.url) ? round : 1}` };
    },
    load(url, context, next) {
      const [plain = '', isRound] = url.split('?round=');
      if (isRound === undefined) return next(url, context);
      const text = texts.get(plain) ?? stripTypeScriptTypes(readFileSync(fileURLToPath(plain), 'utf8'));
      texts.set(plain, text);
      return { format: 'module', source: plain === changed ? code : text, shortCircuit: true };
    },
  });
}

/** @fails what a module throws while it is loaded */
async function load(): Promise<readonly Collected[]> {
  round++;
  startCollecting();
  for (const test of tests) {
    startFile();
    await import(pathToFileURL(resolve(test)).href);
  }
  const { tests: loaded, first } = endCollecting();
  for (const body of first) await body();
  return loaded;
}

async function tryAll(): Promise<readonly Mutant[]> {
  switches.mutantCoverage = { static: {}, perTest: {} };
  const usual = await load();
  coming = comingTo(pathToFileURL(resolve(path)).href);
  const took = new Map<Collected, number>();
  for (const [at, test] of usual.entries()) {
    switches.currentTestId = String(at);
    const start = performance.now();
    await ended(test).catch((e: unknown) => {
      throw new Error(`the test "${test.title}" fails without any edit`, { cause: e });
    });
    took.set(test, performance.now() - start);
  }
  switches.currentTestId = undefined;
  // A copy: what is passed from now on is counted into it as well.
  const { static: whileLoading, perTest } = structuredClone(switches.mutantCoverage);
  const fates: Mutant[] = [];
  for (const { id, location, mutatorName, replacement } of edits) {
    const hits = [whileLoading, ...Object.values(perTest)].reduce((sum, each) => sum + (each[id] ?? 0), 0);
    const seeing = usual.filter((_, at) => (perTest[String(at)]?.[id] ?? 0) > 0);
    const quickFirst = seeing.toSorted((a, b) => (took.get(a) ?? 0) - (took.get(b) ?? 0));
    const fate = await fateOf(id, hits, whileLoading[id] === undefined ? quickFirst : undefined);
    if (fate === undefined) continue;
    const { start, end } = location;
    const lines = source.split('\n').slice(start.line, end.line + 1);
    const after = (lines.at(-1) ?? '').length - end.column;
    const text = lines.join('\n');
    const from = text.slice(start.column, text.length - after);
    fates.push({ file: path, line: start.line + 1, mutator: mutatorName, from, to: replacement, fate });
  }
  return fates;
}

/** @unit seeing: the tests that come by the edit; `undefined`: all of them, loaded anew. @shape `undefined`: with this edit nothing can be loaded */
async function fateOf(
  id: string,
  hits: number,
  seeing: readonly Collected[] | undefined,
): Promise<Mutant['fate'] | undefined> {
  if (hits === 0) return 'survived';
  Object.assign(switches, { activeMutant: id, hitCount: 0, hitLimit: hits * mostHits });
  try {
    const loaded = seeing ?? (await load().catch(() => undefined));
    if (loaded === undefined) return undefined;
    for (const test of loaded)
      if (
        await ended(test).then(
          () => false,
          () => true,
        )
      )
        return (switches.hitCount ?? 0) > hits * mostHits ? 'timeout' : 'killed';
    return 'survived';
  } finally {
    Object.assign(switches, { activeMutant: undefined, hitCount: undefined, hitLimit: undefined });
  }
}

async function ended({ run }: Collected): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error('it comes to no end')), patience);
  });
  await Promise.race([run(), late]).finally(() => clearTimeout(timer));
}

/** The module itself, and all that import it, or one that does. */
function comingTo(url: string): ReadonlySet<string> {
  const found = new Set([url]);
  // What is added to a set is come to as well.
  for (const one of found) for (const importer of importers.get(one) ?? []) found.add(importer);
  return found;
}
