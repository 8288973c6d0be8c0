import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits, storageLimits } from './limits.ts';

const ofStorage = (by: 'lab' | 'cloud') =>
  storageLimits.filter(({ of }) => of === by).map(({ spec, why }) => ({ spec, why }));

test.each([
  ['What a lab can’t permit', limits.lab],
  ['What a load balancer of UCloud can’t do', limits.cloud],
  ['What a lab can’t permit of storage', ofStorage('lab')],
  ['What cloud disks can’t do', ofStorage('cloud')],
] as const)(
  'docs/reference/conformance.md lists exactly the specs that are not run, each with the reason: %s',
  (title, list) => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/reference/conformance.md'), 'utf8');
    const section = page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
    const told = [...section.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, spec, why]) => ({ spec, why }));
    expect(told).toEqual(list);
    expect(list.length).toBeGreaterThan(0);
  },
);
