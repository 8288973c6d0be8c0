import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contourDefinitions } from '#lab/toolchain/ingress-images.ts';

/**
 * Writes Contour's own CustomResourceDefinitions for the addon, from the Go module of the version that the toolchain builds. Needs Go.
 * @example node tool/contour-crds.ts
 */
const file = join(import.meta.dirname, '../src/ingress/contour-crds.json');
await writeFile(file, `${JSON.stringify(await contourDefinitions())}\n`);
