import type { RangeSeen } from './range-file.ts';

/** What one range has that the last had not, in few words: whole ranges of hundreds of addresses would be most of the log. */
export function explainRangeChange(
  before: RangeSeen | undefined,
  after: RangeSeen | undefined,
): Readonly<Record<string, unknown>> {
  if (after === undefined) return { range: 'none' };
  const was = new Map((before?.spec.addresses ?? []).map(({ ip, state }) => [ip, state]));
  const is = new Map((after.spec.addresses ?? []).map(({ ip, state }) => [ip, state]));
  const changed = [...is].filter(([ip, state]) => was.get(ip) !== state);
  const byState = Object.groupBy(changed, ([, state]) => state);
  const gone = [...was.keys()].filter((ip) => !is.has(ip));
  const { ground, subnet } = after.spec;
  return {
    ...(before?.spec.ground !== ground && { ground }),
    ...(before?.spec.subnet !== subnet && { subnet }),
    ...Object.fromEntries(Object.entries(byState).map(([state, entries]) => [state, entries.map(([ip]) => ip)])),
    ...(gone.length > 0 && { gone }),
  };
}
