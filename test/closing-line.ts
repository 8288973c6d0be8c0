import { appendFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import type { FileTime } from './file-times.ts';

/**
 * Ends a run with the line that CI reads: `N passed, N failed`. A file that does not load counts as one failure. Where
 * ISTHMUS_TEST_TIMES names a file, one line about each test file is added to it.
 */
export default class ClosingLine implements Reporter {
  #root = '';

  onInit({ config }: Vitest): void {
    this.#root = config.root;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const counts = countOf(module);
      passed += counts.passed;
      failed += counts.failed;
      this.#keepTime(module, counts);
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }

  #keepTime(module: TestModule, counts: { passed: number; failed: number }): void {
    const file = process.env['ISTHMUS_TEST_TIMES'];
    if (file === undefined) return;
    const { collectDuration, duration } = module.diagnostic();
    const path = module.moduleId.slice(this.#root.length + 1);
    const row: FileTime = {
      path,
      project: module.project.name,
      ...counts,
      took: collectDuration + duration,
      failures: failuresOf(module),
    };
    appendFileSync(file, `${JSON.stringify(row)}\n`);
  }
}

function countOf(module: TestModule): { passed: number; failed: number } {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  // A file that does not load, or a group whose own preparation failed, so that none of its tests was run.
  const broken = [module, ...module.children.allSuites()].filter((one) => one.errors().length > 0).length;
  return {
    passed: states.filter((state) => state === 'passed').length,
    failed: states.filter((state) => state === 'failed').length + broken,
  };
}

function failuresOf(module: TestModule): readonly string[] {
  const tests = [...module.children.allTests()].map((test) => [test.fullName, test.result().errors ?? []] as const);
  const groups = [...module.children.allSuites()].map((group) => [group.fullName, group.errors()] as const);
  return [['the file itself', module.errors()] as const, ...groups, ...tests].flatMap(([title, [first]]) =>
    first === undefined ? [] : [`${title}: ${stripVTControlCharacters(first.message).split('\n', 1)[0]}`],
  );
}
