import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddonName } from '#cluster/bundle/bundle.ts';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { createBundle } from '#cluster/bundle/create-bundle.ts';
import { openHttp, proxiesOf } from '#cluster/bundle/http.ts';
import { officialReleases } from '#cluster/bundle/plan-release.ts';
import { messageOf } from '#unit/message-of.ts';
import { artifact, cacheRoot, keyOf, type Note } from './artifact.ts';
import { command } from './command.ts';
import { ownParts } from './own-parts.ts';
import { ensureToolchain } from './toolchain.ts';

/**
 * The folder of a bundle for the lab: built from source where there is a Go that can, else made from official releases.
 * @fails Error of the build, or of what could not be fetched
 */
export async function ensureBundle(note: Note, addons: readonly AddonName[] = []): Promise<string> {
  return (await canBuild()) ? (await ensureToolchain(note, addons)).bundle : releasedBundle(note, addons);
}

/** Go 1.26, which Kubernetes' modules ask for. */
async function canBuild(): Promise<boolean> {
  const version = await command('go', ['env', 'GOVERSION']).catch(() => '');
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > 1 || (major === 1 && minor >= 26);
}

/** The demo's pods are upstream's own test image. */
const demoImage = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

/** @fails Error when the demo's pods would find no image in this bundle, or there is none */
export async function checkDemoBundle(folder: string): Promise<void> {
  const { bundle } = await readBundle(folder);
  if (bundle.images.some(({ names }) => names.includes(demoImage))) return;
  throw new Error(
    `${folder} has no ${demoImage}, which the demo's pods are; make it again with --with-image ${demoImage}`,
  );
}

async function releasedBundle(note: Note, addons: readonly AddonName[]): Promise<string> {
  note('there is no Go 1.26: Kubernetes comes from its official releases');
  const wish = { ...officialReleases, moreImages: [...officialReleases.moreImages, demoImage], addons };
  const own = await ownParts(undefined, note);
  const recipe = { kind: 'bundle-releases', inputs: [JSON.stringify(wish), own.version] };
  const make = async (folder: string): Promise<void> => {
    const http = openHttp(proxiesOf(process.env));
    // Not inside of `folder`, which a killed run loses: what was fetched is gone on from.
    const out = join(cacheRoot, 'downloads', keyOf(recipe));
    // Whole, and of a run that was killed before it could take it: seldom enough to be made again.
    await rm(out, { recursive: true, force: true });
    try {
      await createBundle(out, wish, own, { http, say: note, signal: new AbortController().signal });
    } catch (cause) {
      throw new Error(
        `${messageOf(cause)}\nor make a bundle yourself and name it with --bundle: docs/guide/bundle.md`,
        {
          cause,
        },
      );
    } finally {
      await http.close();
    }
    await rename(out, join(folder, 'bundle'));
  };
  return join(await artifact({ ...recipe, make }, note), 'bundle');
}
