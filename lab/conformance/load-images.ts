import { basename, dirname, join } from 'node:path';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { enterMachine } from '../machine/enter.ts';
import { observeMachines } from '../server/machines.ts';
import type { Note } from '../toolchain/artifact.ts';
import { command } from '../toolchain/command.ts';

/**
 * Loads image archives into the container runtime of every machine that is on. A name that is there already stands for the
 * archive's image afterwards.
 * @fails Error with the machine's name and what its runtime said
 */
export async function loadImages(lab: string, archives: readonly string[], note: Note): Promise<void> {
  const machines = observeMachines(lab).filter(({ kind, init }) => kind !== 'gateway' && init !== undefined);
  await Promise.all(
    machines.map(async ({ name, init }) => {
      if (init === undefined) return;
      const load = enterMachine(init, ['ctr', '-n', 'k8s.io', 'images', 'import', '-'], { term: 'dumb' });
      for (const archive of archives)
        await command('sh', ['-c', '"$@" <"$0"', archive, ...load]).catch((cause: unknown) => {
          throw new Error(`${name} does not take ${basename(dirname(archive))}: ${String(cause)}`, { cause });
        });
      note(`${name}: ${archives.length} images`);
    }),
  );
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
