import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Runs the tests that judge one file, and nothing else: mutants-of.ts names them, for one file after another. */
const tests = JSON.parse(process.env['MUTATE_TESTS'] ?? '[]') as string[];
const areRandom = tests.some((path) => readFileSync(path, 'utf8').includes("from 'fast-check'"));

export default defineConfig({
  test: {
    include: tests,
    // Random values are the same ones every time: which edits survive must not be a matter of luck.
    setupFiles: areRandom ? ['tool/mutate/same-seed.ts'] : [],
    isolate: false,
    // Room for a busy computer: a test that is only slow must neither stop the run nor pass for one that notices an edit.
    testTimeout: 60_000,
  },
});
