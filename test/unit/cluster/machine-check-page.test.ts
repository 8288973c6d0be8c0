import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reasons } from '#cluster/join/findings.ts';

test('the page of findings has each that there is, with its reason, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/guide/machine-check.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \| (?:fault|warning|note) \| .* \| (.*) \| .* \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, why]) => [name, why]))).toEqual(reasons);
  expect(rows.length).toBe(Object.keys(reasons).length);
});
