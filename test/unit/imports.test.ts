import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkImports } from '../../tool/imports.ts';
import { importsOf } from '../../tool/read-imports.ts';

const project = join(import.meta.dirname, '../..');

test('every import follows the arrows of the design, and the check has really read the project', () => {
  const { files, imports, breaches } = checkImports(project);
  expect(breaches).toEqual([]);
  expect(files).toBeGreaterThan(100);
  expect(imports).toBeGreaterThan(files);
  // It reads every file of the project.
}, 120_000);

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
    'a file that decides imports what is not pure: node:fs may do I/O',
  ],
  [
    'an import after a semicolon',
    'src/unit/a.ts',
    "const a = 1; import { x } from '#kube/kube.ts';",
    'src/unit may not import src/kube',
  ],
  ['an import without spaces', 'src/unit/a.ts', "import{x}from'#kube/kube.ts';", 'src/unit may not import src/kube'],
  [
    'an import on demand in back quotes',
    'src/host/a.ts',
    'const x = await import(`../../lab/server.ts`);',
    'src/host may not import lab',
  ],
  [
    'an import on demand within a text',
    'src/host/a.ts',
    "const x = `is ${(await import('../../lab/server.ts')).name}`;",
    'src/host may not import lab',
  ],
  ['a required file', 'src/host/a.ts', "const x = require('../../lab/server.ts');", 'src/host may not import lab'],
  [
    'an import under a name that is put together',
    'src/host/a.ts',
    "const x = await import(['..', 'lab.ts'].join('/'));",
    'what is imported can not be read here; write it as plain text',
  ],
  [
    'an import under a name with a hole',
    'src/host/a.ts',
    'const x = await import(`../../${name}.ts`);',
    'what is imported can not be read here; write it as plain text',
  ],
  [
    'a folder outside the design',
    'src/helpers/a.ts',
    "import { x } from '#unit/ip.ts';",
    'src/helpers is no part of the design; add it to the arrows in tool/imports.ts',
  ],
];

/** Each of these stands in `src/network/plan-a.ts`, beside files that it may import. */
const impure: readonly [title: string, text: string, why: RegExp][] = [
  ['reads files by the short name', "import { readFileSync } from 'fs';", /fs may do I\/O/],
  ['asks for a module of Node by hand', "const fs = process.getBuiltinModule('fs');", /looks at the process/],
  ['asks the clock by a unit', "import { ms, now } from '#unit/clock.ts';", /now of src\/unit\/clock\.ts/],
  ['waits by a unit', "import { sleep as rest } from '#unit/clock.ts';", /sleep of src\/unit\/clock\.ts/],
  ['takes the clock as a whole', "import * as clock from '#unit/clock.ts';", /\* of src\/unit\/clock\.ts/],
  ['asks a machine', "import { openSsh } from '#host/ssh.ts';", /src\/host\/ssh\.ts acts/],
  ['reads a cache', "import { watchCache } from '#kube/watch-cache.ts';", /src\/kube\/watch-cache\.ts acts/],
  ['reads another cache', "import { pods } from './pod-cache.ts';", /src\/network\/pod-cache\.ts acts/],
  ['imports a loop', "import { run } from './pool-controller.ts';", /src\/network\/pool-controller\.ts acts/],
  ['takes a package that does I/O', "import { request } from 'undici';", /undici may do I\/O/],
  ['imports what asks the clock', "import { age } from './age.ts';", /src\/network\/age\.ts asks the clock by Date/],
  [
    'imports what imports I/O',
    "import { far } from './far.ts';",
    /far\.ts: src\/network\/near\.ts: node:fs may do I\/O/,
  ],
  ['asks the clock', 'const at = Date.now();', /asks the clock by Date/],
  ['asks the clock for a date', 'const at = new Date();', /asks the clock by Date/],
  ['takes the clock apart', 'const { now } = Date;', /asks the clock by Date/],
  ['throws dice', 'const lot = Math.random();', /asks chance by Math\.random/],
  ['draws a name', 'const id = crypto.randomUUID();', /asks chance by crypto/],
  ['measures', 'const at = performance.now();', /asks the clock by performance\.now/],
  ['waits', 'setTimeout(run, 5);', /waits, or asks somebody/],
  ['reads the environment', 'const home = process.env.HOME;', /looks at the process/],
];

const beside: Readonly<Record<string, string>> = {
  'src/unit/clock.ts': 'export const now = () => Date.now();',
  'src/network/age.ts': 'export const age = (from: number) => Date.now() - from;',
  'src/network/far.ts': "export { near as far } from './near.ts';",
  'src/network/near.ts': "import { readFileSync } from 'node:fs';\nexport const near = () => readFileSync('a');",
  'src/network/pod-cache.ts': 'export const pods = 1;',
  'src/network/pool-controller.ts': 'export const run = 1;',
  'src/host/ssh.ts': 'export const openSsh = 1;',
  'src/kube/watch-cache.ts': 'export const watchCache = 1;',
};

test.each(impure)('a file that decides and %s is found', (_title, text, why) => {
  const { breaches } = checkFiles({ ...beside, 'src/network/plan-a.ts': text });
  expect([...new Set(breaches.map(({ file }) => file))]).toEqual(['src/network/plan-a.ts']);
  expect(breaches[0]?.why).toMatch(why);
});

test('a file that decides may speak of time and of what acts, as long as it asks neither', () => {
  const text = [
    "import type { Ssh } from '#host/ssh.ts';",
    "import { ms, seconds, type Instant } from '#unit/clock.ts';",
    "import * as z from 'zod';",
    "import { chosen } from './choose-b.ts';",
    '// Date.now() would be asked here',
    "const told = 'Math.random() and performance.now()';",
    'export const at = (text: string) => new Date(text).getTime() / Date.parse(text);',
  ].join('\n');
  const files = { ...beside, 'src/network/choose-b.ts': 'export const chosen = 1;', 'src/network/plan-a.ts': text };
  expect(checkFiles(files).breaches).toEqual([]);
});

test('files that import each other in a circle are found, also for types only and also in tests', () => {
  const { breaches } = checkFiles({
    'src/unit/a.ts': "import type { B } from './b.ts';",
    'src/unit/b.ts': "import { c } from './c.ts';",
    'src/unit/c.ts': "export * from './a.ts';",
    'test/unit/d.ts': "import './e.ts';",
    'test/unit/e.ts': "import './d.ts';\nimport '../../src/unit/a.ts';",
  });
  expect(breaches.map(({ why }) => why)).toEqual([
    'files import each other in a circle: src/unit/a.ts, src/unit/b.ts, src/unit/c.ts, src/unit/a.ts',
    'files import each other in a circle: test/unit/d.ts, test/unit/e.ts, test/unit/d.ts',
  ]);
});

test.each(planted)('the check finds %s', (_title, file, text, why) => {
  expect(checkFiles({ [file]: text }).breaches.map((breach) => breach.why)).toEqual([why]);
});

function checkFiles(files: Readonly<Record<string, string>>): ReturnType<typeof checkImports> {
  const folder = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    return checkImports(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('an import is found however it is written, and not in a comment, a text or a pattern', () => {
  const text = [
    "import { \n  a, \n  type A, \n } from './a.ts';",
    "import type { B } from './b.ts';",
    "export { c as d } from './c.ts';",
    "await import('./d.ts');",
    "// import './e.ts';",
    "/* import './f.ts'; */",
    `const g = "import './g.ts';" + 'it\\'s import("./g.ts")';`,
    "const h = /['\"`/]/.test(`import './h.ts'`) ? 4 / 2 : 1 / 2;",
    "import i, * as all from './i.ts';",
    "import './j.ts';",
  ].join('\n');
  expect(importsOf(text)).toEqual([
    { from: './a.ts', typeOnly: false, names: ['a'] },
    { from: './b.ts', typeOnly: true, names: [] },
    { from: './c.ts', typeOnly: false, names: ['c'] },
    { from: './i.ts', typeOnly: false, names: ['*'] },
    { from: './j.ts', typeOnly: false, names: [] },
    { from: './d.ts', typeOnly: false, names: ['*'] },
  ]);
});
