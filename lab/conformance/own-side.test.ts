import { expect, test } from 'vitest';
import { withoutOwnSide } from './own-side.ts';

/** A cluster whose binding has these expressions, changed as `kubectl patch --type=json` would; `undefined`: without a binding. */
function cluster(expressions: unknown[] | undefined) {
  const kubectl = async (verb: string, ...rest: readonly string[]): Promise<string> => {
    if (verb === 'get') return expressions === undefined ? '' : (rest[0] ?? '');
    for (const { op, value } of JSON.parse(rest.at(-1) ?? '') as readonly { op: string; value: unknown }[]) {
      if (op === 'add') expressions?.unshift(value);
      if (op === 'test') expect(expressions?.[0]).toEqual(value);
      if (op === 'remove') expressions?.shift();
    }
    return '';
  };
  return { kubectl, note: () => undefined };
}
const own = { key: 'isthmus.dev/prefer-own-side', operator: 'NotIn', values: ['off'] };

test('Services of specs are left as they are written while specs run, and only then', async () => {
  const seen: unknown[] = [own];
  const during = await withoutOwnSide(cluster(seen), async () => [...seen]);
  expect(during).toEqual([{ key: 'e2e-framework', operator: 'DoesNotExist' }, own]);
  expect(seen).toEqual([own]);
  await expect(withoutOwnSide(cluster(seen), () => Promise.reject(new Error('no report')))).rejects.toThrow(
    'no report',
  );
  expect(seen).toEqual([own]);
});

test('a cluster without the preference is left alone', async () => {
  expect(await withoutOwnSide(cluster(undefined), async () => 'done')).toBe('done');
});
