import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** An import that goes against the arrows of docs/explanation/design.md. */
export interface Breach {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

const capabilities = ['cluster', 'network', 'node', 'balancer', 'storage', 'burst', 'doctor'];

/** Of the simulated cloud: they see each other's state and works, and the gateway and the engine see none of them. */
const products = readdirSync(join(import.meta.dirname, '../lab/ucloud'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['gateway', 'engine'].includes(entry.name))
  .map(({ name }) => `lab/ucloud/${name}`);
const simulator = ['lab/ucloud', 'lab/ucloud/gateway', 'lab/ucloud/engine', ...products];

/** What a part may import, besides itself and packages. A part that is not listed may not exist. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'src/unit': [],
  'src/kube': ['src/unit'],
  'src/cloud': ['src/unit'],
  'src/cloud/ucloud': ['src/unit', 'src/cloud'],
  'src/host': ['src/unit'],
  // The shape that all capabilities share, and what they are given.
  'src/capability': ['src/unit', 'src/kube', 'src/cloud', 'src/host'],
  ...Object.fromEntries(
    capabilities.map((name) => [`src/${name}`, ['src/unit', 'src/kube', 'src/cloud', 'src/host', 'src/capability']]),
  ),
  'src/cli': [
    'src/unit',
    'src/kube',
    'src/cloud',
    'src/host',
    'src/capability',
    ...capabilities.map((name) => `src/${name}`),
  ],
  // The only part that knows a provider, and the only door to the lab: its commands, loaded on demand.
  'src/program': [
    'src/unit',
    'src/kube',
    'src/cloud',
    'src/cloud/ucloud',
    'src/host',
    'src/capability',
    'src/cli',
    ...capabilities.map((name) => `src/${name}`),
    'lab/cli',
  ],
  // Written apart from the provider, each from the published API: one mistake must not hide in both.
  'lab/ucloud': ['src/unit', 'lab/ucloud/gateway', 'lab/ucloud/engine', ...products],
  'lab/ucloud/engine': ['src/unit'],
  'lab/ucloud/gateway': ['src/unit', 'lab/ucloud/engine'],
  ...Object.fromEntries(
    products.map((one) => [one, ['src/unit', 'lab/ucloud/gateway', 'lab/ucloud/engine', ...products]]),
  ),
  lab: [...simulator, 'lab/cli', 'src/unit', 'src/kube', 'src/host', 'src/cluster', 'src/cloud'],
  'lab/cli': ['lab', ...simulator, 'src/unit', 'src/kube', 'src/host', 'src/cluster', 'src/cli'],
};

/** Files that decide: whatever they import at run time must itself be free of clock, chance and I/O. */
const pure = /^(plan|choose)-[a-z0-9-]+\.ts$/;

export interface ImportsSeen {
  readonly files: number;
  readonly imports: number;
  readonly breaches: readonly Breach[];
}

/** Reads every import below `src/` and `lab/` of the project and holds it against the arrows. Tests beside a file keep to its arrows. */
export function checkImports(project: string): ImportsSeen {
  const files = ['src', 'lab'].flatMap((top) => sources(join(project, top)));
  const breaches: Breach[] = [];
  let imports = 0;
  for (const path of files) {
    const file = relative(project, path);
    for (const found of importsOf(readFileSync(path, 'utf8'))) {
      imports++;
      const why = breach(file, found, project);
      if (why !== undefined) breaches.push({ file, imports: found.from, why });
    }
  }
  return { files: files.length, imports, breaches };
}

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

export function importsOf(text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, type, from] of code.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
  )) {
    if (from !== undefined) found.push({ from, typeOnly: type !== undefined });
  }
  for (const [, from] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    if (from !== undefined) found.push({ from, typeOnly: false });
  return found;
}

function breach(file: string, { from, typeOnly }: Import, project: string): string | undefined {
  const target = resolve(file, from, project);
  const isPure = pure.test(file.slice(file.lastIndexOf('/') + 1));
  if (target === undefined)
    return isPure && !typeOnly && from.startsWith('node:') ? 'a file that decides does no I/O' : undefined;
  const [part, other] = [partOf(file), partOf(target)];
  if (part === undefined) return `${dirname(file)} is no part of the design; add it to the arrows in tool/imports.ts`;
  if (other === undefined) return `${target} belongs to no part`;
  // A test of a part of the simulated cloud asks the whole of it.
  const isTestOfCloud = file.endsWith('.test.ts') && simulator.includes(part) && other === 'lab/ucloud';
  if (other !== part && !isTestOfCloud && !(arrows[part] ?? []).includes(other))
    return `${part} may not import ${other}`;
  if (isPure && !typeOnly && /-(controller|agent|server)\.ts$/.test(target))
    return 'a file that decides may not import one that acts';
  return undefined;
}

/** The file in the project that an import names; `undefined` for a package. */
function resolve(file: string, from: string, project: string): string | undefined {
  if (from.startsWith('.')) return relative(project, join(project, dirname(file), from));
  if (from.startsWith('#lab/')) return from.slice(1);
  return from.startsWith('#') ? `src/${from.slice(1)}` : undefined;
}

/** The longest listed folder that the file lies in. */
function partOf(file: string): string | undefined {
  return Object.keys(arrows)
    .filter((part) => file.startsWith(`${part}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}
