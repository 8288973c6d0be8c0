import { join } from 'node:path';
import type { Note } from '../toolchain/artifact.ts';
import { command } from '../toolchain/command.ts';
import { buildFamily, endToEnd } from '../toolchain/families.ts';
import { ensureBinaries } from '../toolchain/toolchain.ts';
import { ensureImages } from './images.ts';

/** Upstream's own tests, ready to run. */
export interface Suite {
  /** Paths of the programs. */
  readonly tests: string;
  readonly ginkgo: string;
  /** Paths of the image archives that every node of the cluster needs. */
  readonly images: readonly string[];
}

/**
 * Builds upstream's end-to-end tests and their images where they are not there yet.
 * @unit cold about 4 minutes on two cores after the toolchain, warm below a second
 */
export async function ensureSuite(note: Note): Promise<Suite> {
  const { bin } = await ensureBinaries(note);
  const folder = await buildFamily(endToEnd, note);
  const source = await command('go', ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes'], {
    cwd: join(import.meta.dirname, '../toolchain/modules/e2e'),
  });
  const images = await ensureImages(
    {
      agnhost: bin('agnhost'),
      nonewprivs: join(folder, 'nonewprivs'),
      sampleApiserver: join(folder, 'sample-apiserver'),
      source: source.trim(),
    },
    note,
  );
  return { tests: join(folder, 'e2e.test'), ginkgo: join(folder, 'ginkgo'), images };
}
