import { expect, test } from 'vitest';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { unseatLeaders } from '../../support/leaders.ts';

const api = apiServerForTests();

test('of leaders that are frozen, thawed and killed none writes after its successor, and no write is lost', async () => {
  const writes = await unseatLeaders(api.server, 3);
  const terms = writes.map(({ term }) => term);
  expect(terms).toEqual(terms.toSorted((a, b) => a - b));
  expect(writes.map(({ n }) => n)).toEqual(writes.map((_, i) => i));
  const writersOf = new Map<number, Set<string>>();
  for (const { term, writer } of writes) writersOf.set(term, (writersOf.get(term) ?? new Set()).add(writer));
  for (const writers of writersOf.values()) expect(writers.size).toBe(1);
  expect(writersOf.size).toBeGreaterThanOrEqual(5);
}, 300_000);
