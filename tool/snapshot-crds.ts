import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotDefinitions } from '#lab/toolchain/csi-images.ts';

/**
 * Writes the CustomResourceDefinitions of volume snapshots for the product, from the Go module of the version that the toolchain builds. Needs Go.
 * @example node tool/snapshot-crds.ts
 */
const file = join(import.meta.dirname, '../src/storage/snapshot-crds.json');
await writeFile(file, `${JSON.stringify(await snapshotDefinitions())}\n`);
