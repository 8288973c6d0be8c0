import { basename, dirname, join } from 'node:path';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import type { Note } from '../toolchain/artifact.ts';
import { command } from '../toolchain/command.ts';
import { onEachMachine } from './on-each-machine.ts';

/**
 * Loads image archives into the container runtime of every machine that is on. A name that is there already stands for the
 * archive's image afterwards.
 * @fails Error with the machine's name and what its runtime said
 */
export async function loadImages(lab: string, archives: readonly string[], note: Note): Promise<void> {
  await onEachMachine(lab, async (machine, inside) => {
    const load = inside('ctr', '-n', 'k8s.io', 'images', 'import', '-');
    for (const archive of archives)
      await command('sh', ['-c', '"$@" <"$0"', archive, ...load]).catch((cause: unknown) => {
        throw new Error(`${machine} does not take ${basename(dirname(archive))}: ${String(cause)}`, { cause });
      });
    note(`${machine}: ${archives.length} images`);
  });
}

/**
 * The archives of a bundle that specs start on any node, whatever the bundle says which nodes need them.
 * @source test/e2e/apimachinery/aggregator.go: the sample API server has an etcd beside it
 */
export async function archivesForSpecs(bundle: string): Promise<readonly string[]> {
  const { images } = (await readBundle(bundle)).bundle;
  return images
    .filter(({ names }) => names.some((name) => name.startsWith('registry.k8s.io/etcd:')))
    .map(({ path }) => join(bundle, path));
}
