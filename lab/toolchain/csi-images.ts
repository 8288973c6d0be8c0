import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { csiImages, rolesOf } from '#cluster/bundle/plan-release.ts';
import type { Note } from './artifact.ts';
import { command } from './command.ts';
import { type Archive, buildImage, oneProgram } from './container-images.ts';
import { buildFamily, csi } from './families.ts';

/**
 * The sidecars of the CSI drivers, under the names that upstream publishes them by.
 * @fails Error when the definitions that the product carries are not those of this snapshotter
 */
export async function buildCsiImages(note: Note): Promise<readonly Archive[]> {
  const programs = await buildFamily(csi, note);
  await checkDefinitions();
  const archives: Archive[] = [];
  for (const name of csiImages) {
    const program = /([a-z-]+):/.exec(name)?.[1] ?? '';
    const folder = await buildImage(oneProgram(name, join(programs, program), '/'), note);
    archives.push({ name, roles: rolesOf(name), folder });
  }
  return archives;
}

/** The suite that judges CSI drivers, from the same module. @shape its path */
export async function ensureCsiSanity(note: Note = () => {}): Promise<string> {
  return join(await buildFamily(csi, note), 'csi-sanity');
}

/** `tool/snapshot-crds.ts` writes what the product carries; another snapshotter has other ones. */
async function checkDefinitions(): Promise<void> {
  const carried = await readFile(join(import.meta.dirname, '../../src/storage/snapshot-crds.json'), 'utf8');
  if (carried.trim() === JSON.stringify(await snapshotDefinitions())) return;
  throw new Error(
    'src/storage/snapshot-crds.json is not what the snapshotter of lab/toolchain/modules/csi defines; write it again with: node tool/snapshot-crds.ts',
  );
}

/** Upstream's own CustomResourceDefinitions of volume snapshots, from the module that the snapshotter is built from. */
export async function snapshotDefinitions(): Promise<readonly object[]> {
  const cwd = join(import.meta.dirname, 'modules/csi');
  const module = 'github.com/kubernetes-csi/external-snapshotter/client/v8';
  // Of a module that nothing has needed yet, a list knows no folder.
  await command('go', ['mod', 'download', module], { cwd });
  const folder = await command('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd });
  const read = async (plural: string): Promise<readonly object[]> => {
    const file = join(folder.trim(), `config/crd/snapshot.storage.k8s.io_${plural}.yaml`);
    return parseAllDocuments(await readFile(file, 'utf8')).flatMap((one) => (one.toJS() as object | null) ?? []);
  };
  const plurals = ['volumesnapshotclasses', 'volumesnapshotcontents', 'volumesnapshots'];
  return (await Promise.all(plurals.map(read))).flat();
}
