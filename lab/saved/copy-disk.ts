import { existsSync, globSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { goesOn, layersBelow } from '../machine/disk.ts';
import { command } from '../toolchain/command.ts';

/**
 * What containerd has downloaded and unpacked: a file there never changes, so it gets a second name instead of a copy. Most of a
 * disk is this.
 */
const unchanging = ['io.containerd.content.v1.content/blobs', 'io.containerd.snapshotter.v1.overlayfs/snapshots'];

/**
 * Copies a machine's disk into a saved lab. Nothing may write to it meanwhile.
 * @shape layers: what the machine's containers write to, folders below /var/lib/containerd: they are copied, for they may change
 */
export async function saveDisk(from: string, to: string, layers: readonly string[]): Promise<void> {
  await mkdir(join(to, 'data'), { recursive: true });
  for (const part of ['machine.json', 'lower'])
    if (existsSync(join(from, part))) await command('cp', ['--archive', join(from, part), to]);
  await command('cp', ['--archive', join(from, 'upper'), to]);
  await copyData(from, to);
  for (const layer of layers) {
    const [own, copy] = [join(from, 'data/containerd', layer), join(to, 'data/containerd', layer)];
    await command('sh', ['-euc', 'rm -r "$2"; cp --archive "$1" "$2"', 'sh', own, copy]);
  }
}

/**
 * Makes a machine's disk that begins as the saved one is. What the machine changes goes beside it: the saved root tree stays one
 * layer under its own.
 */
export async function openDisk(saved: string, folder: string): Promise<void> {
  for (const part of ['work', 'root', 'data']) await mkdir(join(folder, part), { recursive: true });
  const layers = [join(saved, 'upper'), ...(await layersBelow(saved))];
  await writeFile(join(folder, 'lower'), layers.map((layer) => `${layer}\n`).join(''));
  await command('cp', ['--archive', join(saved, 'machine.json'), folder]);
  if (isSetUp(layers)) await writeFile(goesOn(folder), '');
  await copyData(saved, folder);
  // At the end: a disk that is there is whole.
  const top = ['-euc', 'mkdir "$2.part"; chmod --reference="$1" "$2.part"; mv "$2.part" "$2"'];
  await command('sh', [...top, 'sh', join(saved, 'upper'), join(folder, 'upper')]);
}

/** Whether cloud-init has come to its end on a disk, and no script of it waits for the next boot: a join that was cut short does. */
function isSetUp(layers: readonly string[]): boolean {
  const has = (pattern: string): boolean => layers.some((layer) => globSync(join(layer, pattern)).length > 0);
  return has('var/lib/cloud/instances/*/boot-finished') && !has('var/lib/cloud/scripts/per-boot/*');
}

/** The folders that lie outside of the root tree, each in its own way. */
async function copyData(from: string, to: string): Promise<void> {
  for (const name of await readdir(join(from, 'data'))) {
    const [own, copy] = [join(from, 'data', name), join(to, 'data', name)];
    if (name === 'containerd') await linkContainerd(own, copy);
    else await command('cp', ['--archive', '--sparse=always', own, copy]);
  }
}

async function linkContainerd(from: string, to: string): Promise<void> {
  const script = `
mkdir "$2"; chmod --reference="$1" "$2"; cd "$1"; to=$2; shift 2
{ for part; do echo "./$part"; done; } | tar --create --xattrs --exclude-from=/dev/stdin --file=- . | tar --extract --xattrs --file=- --directory="$to"
for part; do
  [ -d "$part" ] || continue
  mkdir -p "$to/\${part%/*}"; cp --archive --link "$part" "$to/$part"
done`;
  await command('sh', ['-euc', script, 'sh', from, to, ...unchanging]);
}
