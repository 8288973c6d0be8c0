import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const project = join(import.meta.dirname, '..');

/** The projects of vitest.config.ts that `npm test` runs, and the one that only `npm run test:long` runs. */
export type Project = 'unit' | 'api' | 'lab' | 'long';

/**
 * Tests that need real programs of the toolchain (an API server, namespaces, a registry) but no lab of machines: they wait more
 * than they compute, so they run side by side.
 */
export const sideBySide: readonly string[] = [
  'test/lab/{balancer,bundle,burst,kube,network,node,storage}/**/*.test.ts',
  'test/lab/cluster/{system-objects,join-progress,drain,wait,node-commands}.test.ts',
  'test/lab/{ucloud-*,saved-cluster}.test.ts',
];

/** Capabilities that a file's place does not name, by the file's path. */
export const alsoTagged: Readonly<Record<string, readonly string[]>> = {
  'test/lab/main-job.test.ts': ['cluster', 'up', 'down', 'status', 'network', 'storage'],
  'test/lab/cluster/killed.test.ts': ['up'],
  'test/lab/cluster/bad-input.test.ts': ['up', 'config'],
  'test/lab/ucloud-python-sdk.test.ts': ['cloud'],
  'test/lab/vpc-shape.test.ts': ['lab', 'cloud'],
  'test/unit/imports.test.ts': ['tool'],
  'test/unit/docs.test.ts': ['docs'],
  'test/unit/reference.test.ts': ['docs'],
  'test/unit/runner.test.ts': ['tool'],
  'test/unit/tags.test.ts': ['tool'],
};

/** What people call several parts at once. */
const together: Readonly<Record<string, readonly string[]>> = {
  services: ['balancer', 'ingress'],
  machines: ['node', 'join'],
};

/**
 * What `--only` finds a test file by: each folder on its path that names a part of the product, the first word of its own name
 * where it lies in none, and what `alsoTagged` says.
 * @example tagsOf('src/network/ipam/plan-warm-pool.test.ts') // network, ipam
 */
export function tagsOf(path: string): readonly string[] {
  const [root, ...inner] = path.split('/').slice(0, -1);
  // `test/lab/network` are lab tests of the network; `test/lab` alone are tests of the lab.
  const folders = root === 'lab' ? ['lab', ...inner] : inner.slice(root === 'test' ? 1 : 0);
  const own = folders.length === 0 ? [basename(path).split(/[.-]/)[0] ?? ''] : [];
  return [...new Set([...folders, ...own, ...(alsoTagged[path] ?? [])])];
}

/** Every test file of the checkout, with the project that runs it. */
export function testFiles(): readonly { readonly path: string; readonly project: Project }[] {
  const api = new Set(globSync([...sideBySide], { cwd: project }));
  return globSync(['{src,lab,test}/**/*.test.ts'], { cwd: project })
    .sort()
    .map((path) => ({ path, project: projectOf(path, api) }));
}

function projectOf(path: string, api: ReadonlySet<string>): Project {
  if (path.startsWith('test/long/')) return 'long';
  if (!path.startsWith('test/lab/')) return 'unit';
  return api.has(path) ? 'api' : 'lab';
}

/** @fails Error that names a tag that no file has, and those there are */
export function filesTagged(wanted: readonly string[]): ReturnType<typeof testFiles> {
  const files = testFiles();
  const all = new Set([...Object.keys(together), ...files.flatMap(({ path }) => tagsOf(path))]);
  const unknown = wanted.find((tag) => !all.has(tag));
  if (unknown !== undefined)
    throw new Error(`no test has the tag "${unknown}"; there are: ${[...all].sort().join(', ')}`);
  const tags = new Set(wanted.flatMap((tag) => together[tag] ?? [tag]));
  return files.filter(({ path }) => tagsOf(path).some((tag) => tags.has(tag)));
}
