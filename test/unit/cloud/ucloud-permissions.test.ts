import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const project = join(import.meta.dirname, '../../..');

test('the page of cloud permissions names every call that the provider makes, and no other', () => {
  const page = readFileSync(join(project, 'docs/reference/cloud-permissions.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const told = new Set(rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, a]) => a)));
  const made = new Set(providerFiles().flatMap((text) => [...text.matchAll(call)].map(([, action]) => action)));
  expect(made.size).toBeGreaterThan(10);
  expect(told).toEqual(made);
});

/** An action of the API as a literal. */
const call =
  /'((?:Describe|Create|Start|Stop|Poweroff|Reboot|Terminate|Allocate|Delete|Add|Remove|Update|Modify|Bind|UnBind|Release|Attach|Detach|Resize|Clone|Extend)[A-Z]\w+)'/g;

function providerFiles(): readonly string[] {
  const folder = join(project, 'src/cloud/ucloud');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}
