import { readFileSync } from 'node:fs';
import { Stryker } from '@stryker-mutator/core';
import { messageOf } from '#unit/message-of.ts';
import type { DecidingFile } from './deciding-files.ts';
import { type Mutant, onOneLine } from './judge.ts';

/**
 * Tries every small wrong edit of the file that StrykerJS can think of. It does so in a copy of the project, because the
 * edits are all compiled into the file, each behind a switch.
 * @unit jobs: how many edits are tried at a time
 */
export async function mutantsOf({ path, tests }: DecidingFile, jobs: number): Promise<readonly Mutant[]> {
  process.env['MUTATE_TESTS'] = JSON.stringify(tests);
  try {
    const results = await new Stryker({
      mutate: [path],
      plugins: ['@stryker-mutator/vitest-runner'],
      testRunner: 'vitest',
      vitest: { configFile: 'tool/mutate/vitest.config.ts', related: false },
      // TypeScript 7 has no JavaScript API, with which Stryker reads a tsconfig if it finds one.
      tsconfigFile: 'no-such-tsconfig.json',
      tempDirName: '.mutate',
      cleanTempDir: 'always',
      concurrency: jobs,
      // Room for a busy computer: an edit that is only slow is not noticed. Loops without an end are mostly counted long before.
      timeoutMS: 60_000,
      reporters: [],
      logLevel: 'error' as LogLevel,
    }).runMutationTest();
    const lines = readFileSync(path, 'utf8').split('\n');
    return results.flatMap((result): Mutant[] => {
      const fate = fates[result.status];
      if (fate === undefined) return [];
      const { start } = result.location;
      const from = onOneLine(textAt(lines, result.location));
      return [
        { file: path, line: start.line, mutator: result.mutatorName, from, to: onOneLine(result.replacement), fate },
      ];
    });
  } catch (e) {
    throw new Error(`trying ${path} with ${tests.join(', ') || 'no test'}: ${messageOf(e)}`, { cause: e });
  }
}

/** An edit that does not even load is no test's merit, and isn't counted. */
const fates: Readonly<Record<string, Mutant['fate']>> = {
  Killed: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'survived',
};

interface Place {
  readonly line: number;
  readonly column: number;
}

function textAt(lines: readonly string[], { start, end }: { readonly start: Place; readonly end: Place }): string {
  const text = lines.slice(start.line - 1, end.line).join('\n');
  const after = (lines[end.line - 1] ?? '').length - (end.column - 1);
  return text.slice(start.column - 1, text.length - after);
}

type LogLevel = NonNullable<ConstructorParameters<typeof Stryker>[0]['logLevel']>;
