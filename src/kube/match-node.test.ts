import { expect, test } from 'vitest';
import { matchesTerms, tolerates } from './match-node.ts';
import type { Toleration } from './resources.ts';

const node = { name: 'web-1', labels: { disk: 'ssd', cores: '8' } };
const one = (key: string, operator: string, ...values: string[]) => ({ matchExpressions: [{ key, operator, values }] });

test.each<[string, ReturnType<typeof one>, boolean]>([
  ['In', one('disk', 'In', 'hdd', 'ssd'), true],
  ['In, another value', one('disk', 'In', 'hdd'), false],
  ['In, no such label', one('rack', 'In', 'r1'), false],
  ['NotIn', one('disk', 'NotIn', 'ssd'), false],
  ['NotIn, no such label', one('rack', 'NotIn', 'r1'), true],
  ['Exists', one('disk', 'Exists'), true],
  ['Exists, no such label', one('rack', 'Exists'), false],
  ['DoesNotExist', one('rack', 'DoesNotExist'), true],
  ['DoesNotExist, it does', one('disk', 'DoesNotExist'), false],
  ['Gt', one('cores', 'Gt', '4'), true],
  ['Gt, equal', one('cores', 'Gt', '8'), false],
  ['Gt, no such label', one('rack', 'Gt', '4'), false],
  ['Lt', one('cores', 'Lt', '16'), true],
  ['Lt, no number', one('disk', 'Lt', '16'), false],
  ['an operator of a later version', one('disk', 'Near', 'ssd'), false],
])('a requirement holds as upstream says: %s', (_title, term, holds) => {
  expect(matchesTerms([term], node)).toBe(holds);
});

test('terms are alternatives, requirements of one term are not, and an empty term holds nowhere', () => {
  expect(matchesTerms(undefined, node)).toBe(true);
  expect(matchesTerms([{}], node)).toBe(false);
  expect(matchesTerms([one('rack', 'Exists'), one('disk', 'Exists')], node)).toBe(true);
  const [rack] = one('rack', 'Exists').matchExpressions;
  expect(
    matchesTerms([{ matchExpressions: [...one('disk', 'Exists').matchExpressions, ...(rack ? [rack] : [])] }], node),
  ).toBe(false);
  expect(matchesTerms([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['web-1'] }] }], node)).toBe(
    true,
  );
});

const taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

test.each<[string, Toleration, boolean]>([
  ['the same key, value and effect', { key: 'gpu', value: 'yes', effect: 'NoSchedule' }, true],
  ['any effect', { key: 'gpu', operator: 'Equal', value: 'yes' }, true],
  ['another effect', { key: 'gpu', value: 'yes', effect: 'NoExecute' }, false],
  ['another key', { key: 'disk', value: 'yes' }, false],
  ['another value', { key: 'gpu', value: 'no' }, false],
  ['no value', { key: 'gpu' }, false],
  ['any value', { key: 'gpu', operator: 'Exists' }, true],
  ['any value of another key', { key: 'disk', operator: 'Exists' }, false],
  ['everything', { operator: 'Exists' }, true],
  ['an operator of a later version', { key: 'gpu', operator: 'Gt', value: 'yes' }, false],
])('a toleration matches a taint as upstream says: %s', (_title, toleration, matches) => {
  expect(tolerates(toleration, taint)).toBe(matches);
});

test('a taint without a value is one with an empty value', () => {
  expect(tolerates({ key: 'gpu' }, { key: 'gpu', effect: 'NoSchedule' })).toBe(true);
  expect(tolerates({ key: 'gpu', value: 'yes' }, { key: 'gpu', effect: 'NoSchedule' })).toBe(false);
});
