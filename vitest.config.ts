import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { sideBySide } from './test/tags.ts';

/**
 * `unit` needs nothing but this checkout. `api` needs the toolchain's programs and root; its files have worlds of their own and
 * wait for most of their time, so some run side by side. `lab` also needs the machine image; one file runs at a time: two clusters
 * on two cores take longer than what their tests measure may take. `long` is like `lab`, and no part of `npm test`.
 */
export default defineConfig({
  test: {
    // A forgotten `test.only` would leave out the tests beside it, and the run would look whole.
    allowOnly: false,
    // Tests that are marked concurrent wait for most of their time.
    maxConcurrency: 10,
    reporters: ['default', join(import.meta.dirname, 'test/closing-line.ts')],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'lab/**/*.test.ts', 'test/unit/**/*.test.ts'],
          isolate: false,
          // They wait far more than they compute: for sshd, for the disk, for deadlines that must pass.
          maxWorkers: 4,
          // Some start real programs, on computers that are busy with other things.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'api',
          include: [...sideBySide],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...sideBySide],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
