import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkImports, importsOf } from '../../tool/imports.ts';

const project = join(import.meta.dirname, '../..');

test('every import follows the arrows of the design, and the check has really read the project', () => {
  const { files, imports, breaches } = checkImports(project);
  expect(breaches).toEqual([]);
  expect(files).toBeGreaterThan(100);
  expect(imports).toBeGreaterThan(files);
});

const planted: readonly [title: string, file: string, text: string, why: string][] = [
  [
    'a unit that imports anything of ours',
    'src/unit/a.ts',
    "import { x } from '#kube/kube.ts';",
    'src/unit may not import src/kube',
  ],
  [
    'a capability that imports another one',
    'src/cluster/a.ts',
    "import { x } from '#network/b.ts';",
    'src/cluster may not import src/network',
  ],
  [
    'a provider used outside program/',
    'src/cli/a.ts',
    "import { x } from '#cloud/ucloud/ucloud.ts';",
    'src/cli may not import src/cloud/ucloud',
  ],
  [
    'the simulator that looks at the provider',
    'lab/ucloud/a.ts',
    "import { x } from '../../src/cloud/ucloud/ucloud.ts';",
    'lab/ucloud may not import src/cloud/ucloud',
  ],
  [
    'a product that knows the lab',
    'src/host/a.ts',
    "const x = await import('../../lab/server.ts');",
    'src/host may not import lab',
  ],
  [
    'a decision that reads files',
    'src/network/plan-a.ts',
    "import { readFileSync } from 'node:fs';",
    'a file that decides does no I/O',
  ],
  [
    'a folder outside the design',
    'src/helpers/a.ts',
    "import { x } from '#unit/ip.ts';",
    'src/helpers is no part of the design; add it to the arrows in tool/imports.ts',
  ],
];

test.each(planted)('the check finds %s', (_title, file, text, why) => {
  const folder = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    for (const top of ['src', 'lab']) mkdirSync(join(folder, top));
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    expect(checkImports(folder).breaches.map((breach) => breach.why)).toEqual([why]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an import is found over several lines, as a type, as a re-export and on demand, and not in a comment', () => {
  const text =
    "import {\n  a,\n} from './a.ts';\nimport type { B } from './b.ts';\nexport { c } from './c.ts';\nawait import('./d.ts');\n// import './e.ts';\n/* import './f.ts'; */";
  expect(importsOf(text)).toEqual([
    { from: './a.ts', typeOnly: false },
    { from: './b.ts', typeOnly: true },
    { from: './c.ts', typeOnly: false },
    { from: './d.ts', typeOnly: false },
  ]);
});
