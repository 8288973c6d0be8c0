import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { findCircles } from './find-circles.ts';
import { impurityOf, isDeciding } from './purity.ts';
import { type Breach, importsOf, type Source, withoutStrings } from './read-imports.ts';

const capabilities = ['cluster', 'network', 'node', 'balancer', 'ingress', 'storage', 'burst', 'doctor'];

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
  // What speaks gRPC on a Unix socket: to kubelet and to the CSI sidecars.
  'src/rpc': ['src/unit'],
  // The shape that all capabilities share, and what they are given.
  'src/capability': ['src/unit', 'src/kube', 'src/cloud', 'src/host'],
  // How a machine becomes a node and stops being one: what `up` and the controller both do.
  'src/machine': ['src/unit', 'src/kube', 'src/cloud'],
  ...Object.fromEntries(
    capabilities.map((name) => [
      `src/${name}`,
      ['src/unit', 'src/kube', 'src/cloud', 'src/host', 'src/rpc', 'src/capability', 'src/machine'],
    ]),
  ),
  'src/cli': [
    'src/unit',
    'src/kube',
    'src/cloud',
    'src/host',
    'src/capability',
    'src/machine',
    ...capabilities.map((name) => `src/${name}`),
  ],
  // The only part that knows a provider, and the only door to the lab: its commands, loaded on demand.
  'src/program': [
    'src/unit',
    'src/kube',
    'src/cloud',
    'src/cloud/ucloud',
    'src/host',
    'src/rpc',
    'src/capability',
    'src/machine',
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

export interface ImportsSeen {
  readonly files: number;
  readonly imports: number;
  readonly breaches: readonly Breach[];
}

/**
 * Reads every import of the project. Those below `src/` and `lab/` are held against the arrows, tests beside a file to its own; files
 * that decide import and use only what is pure; and no files import each other in a circle, anywhere and not even for types.
 */
export function checkImports(project: string): ImportsSeen {
  const read = ['src', 'lab', 'test', 'tool', 'bench'].flatMap((top) => sources(project, top));
  const held = read.filter(({ file }) => /^(src|lab)\//.test(file));
  const byFile = new Map(read.map((source) => [source.file, source]));
  return {
    files: held.length,
    imports: held.reduce((sum, { imports }) => sum + imports.length, 0),
    breaches: [
      ...held.flatMap(({ file, imports }) =>
        imports.flatMap((one): Breach[] => {
          const why = breach(file, one);
          return why === undefined ? [] : [{ file, imports: one.from, why }];
        }),
      ),
      ...held.filter(({ file }) => isDeciding(file)).flatMap((source) => impurityOf(source, byFile)),
      ...findCircles(read).map((circle) => ({
        file: circle[0] ?? '',
        imports: circle[1] ?? '',
        why: `files import each other in a circle: ${circle.join(', ')}`,
      })),
    ],
  };
}

/** So that a bundler leaves the lab out, the program asks for it under a name that is put together. */
const door = 'src/program/cli.ts';

function breach(file: string, { from, target }: Source['imports'][number]): string | undefined {
  const part = partOf(file);
  if (part === undefined) return `${dirname(file)} is no part of the design; add it to the arrows in tool/imports.ts`;
  if (from === '') return file === door ? undefined : 'what is imported can not be read here; write it as plain text';
  if (target === undefined) return undefined;
  const other = partOf(target);
  if (other === undefined) return `${target} belongs to no part`;
  // A test of a part of the simulated cloud asks the whole of it.
  const isTestOfCloud = file.endsWith('.test.ts') && simulator.includes(part) && other === 'lab/ucloud';
  if (other !== part && !isTestOfCloud && !(arrows[part] ?? []).includes(other))
    return `${part} may not import ${other}`;
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

function sources(project: string, top: string): readonly Source[] {
  const folder = join(project, top);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const file = relative(project, path);
      const text = readFileSync(path, 'utf8');
      const imports = importsOf(text).map((one) => ({ ...one, target: resolve(file, one.from, project) }));
      return { file, code: withoutStrings(text).code, imports };
    });
}
