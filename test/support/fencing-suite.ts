import { expect, test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import { apiServerForTests } from './api-server-for-tests.ts';
import { unseatLeaders } from './leaders.ts';

/** Leaders are unseated so many times under a real API server, and every version of what they wrote is read afterwards. */
export function fencingSuite(times: number): void {
  const api = apiServerForTests();

  test(
    `of leaders that are frozen, thawed and killed, ${times} times, none writes after its successor, and no write is lost`,
    async () => {
      const writes = await unseatLeaders(api.server, times);
      const terms = writes.map(({ term }) => term);
      expect(terms).toEqual(terms.toSorted((a, b) => a - b));
      expect(writes.map(({ n }) => n)).toEqual(writes.map((_, i) => i));
      const writersOf = new Map<number, Set<string>>();
      for (const { term, writer } of writes) writersOf.set(term, (writersOf.get(term) ?? new Set()).add(writer));
      for (const writers of writersOf.values()) expect(writers.size).toBe(1);
      // Nobody, the first leader, and one more for each that was unseated.
      expect(writersOf.size).toBeGreaterThanOrEqual(times + 2);
      console.log(`${times} leaders unseated: ${writes.length} writes in ${writersOf.size - 1} terms`);
    },
    minutes(2 + times),
  );
}
