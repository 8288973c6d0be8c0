import { defineConfig } from 'vitest/config';

/**
 * `unit` needs nothing but this checkout. `lab` needs root, the toolchain and the machine image, and runs one file at a time
 * because every file builds a world of its own on a small machine. `long` is like `lab`, and no part of `npm test`.
 */
export default defineConfig({
  test: {
    // Tests that are marked concurrent wait for most of their time.
    maxConcurrency: 10,
    reporters: ['default', './test/closing-line.ts'],
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
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
