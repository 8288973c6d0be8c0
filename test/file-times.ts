import { formatTable } from '#cli/table.ts';
import { formatMs, ms } from '#unit/clock.ts';

/** How long one test file took, its hooks included. */
export interface FileTime {
  /** From the root of the checkout. */
  readonly path: string;
  readonly project: string;
  readonly passed: number;
  readonly failed: number;
  /** @unit ms */
  readonly took: number;
  /** What failed, each as one line: the title, and the first line of the error. */
  readonly failures: readonly string[];
}

/** Files below this share one line for each project. @unit ms */
const worthALine = 5_000;

/** The table that a run ends with: the slowest file first. */
export function formatTimes(times: readonly FileTime[]): string {
  const slow = times.filter(({ took }) => took >= worthALine).toSorted((a, b) => b.took - a.took);
  const quick = Map.groupBy(
    times.filter(({ took }) => took < worthALine),
    ({ project }) => project,
  );
  const rest = [...quick].map(([project, files]) => [
    `${files.length} ${slow.length > 0 ? 'more' : 'files'}`,
    project,
    String(files.reduce((sum, { passed, failed }) => sum + passed + failed, 0)),
    formatMs(ms(files.reduce((sum, { took }) => sum + took, 0))),
  ]);
  const rows = slow.map(({ path, project, passed, failed, took }) => [
    path,
    project,
    String(passed + failed),
    formatMs(ms(took)),
  ]);
  return formatTable(['FILE', 'PROJECT', 'TESTS', 'TOOK'], [...rows, ...rest]).trimEnd();
}

/** What failed, by file: whoever sees only the end of a run's output must find it there. `undefined` when nothing did. */
export function formatFailures(times: readonly FileTime[]): string | undefined {
  const lines = times.flatMap(({ path, failures }) => failures.map((failure) => `FAIL ${path} > ${failure}`));
  return lines.length === 0 ? undefined : lines.join('\n');
}
