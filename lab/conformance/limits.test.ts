import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits } from './limits.ts';

test('docs/reference/conformance.md lists exactly the specs that the lab can’t permit, each with the reason', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/conformance.md'), 'utf8');
  const list = page.split('## What a lab can’t permit\n')[1]?.split('\n## ')[0] ?? '';
  const told = [...list.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, spec, why]) => ({ spec, why }));
  expect(told).toEqual(limits);
  expect(limits.length).toBeGreaterThan(0);
});
