import { rm } from 'node:fs/promises';
import { type Host, must } from '#host/host.ts';
import { minutes, seconds } from '#unit/clock.ts';
import { type AddonName, addonCure } from '../bundle/bundle.ts';
import { type BundleSource, fetchBundle } from '../bundle/fetch-bundle.ts';
import { fetchFile } from '../bundle/fetch-file.ts';
import { eachOf } from '../each-of.ts';
import { paths } from '../join/files.ts';

/**
 * Brings the images of an addon from the bundle into containerd of this machine, as far as they are not there.
 * @shape what was imported, by name
 * @fails Error · HostError
 */
export async function loadAddonImages(
  host: Host,
  source: BundleSource,
  addon: AddonName,
): Promise<{ readonly imported: readonly string[]; readonly present: number }> {
  const { images } = await fetchBundle(source);
  const wanted = images.filter((image) => image.addon === addon);
  if (wanted.length === 0)
    throw new Error(`${source.url}: the bundle has no images of the addon ${addon}; ${addonCure(addon)}`);
  const listed = await must(host, ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q'], { within: seconds(30) });
  const present = new Set(listed.split('\n'));
  const missing = wanted.filter(({ names }) => !names.every((name) => present.has(name)));
  const snapshotter = parseSnapshotter((await host.read(paths.containerd)) ?? '');
  await eachOf(missing, 2, async ({ path, digest, size }) => {
    const to = `/var/lib/isthmus/${path}`;
    await fetchFile({ url: `${source.url}/${path}`, digest, size, to, mode: 0o644 });
    const own = snapshotter === undefined ? [] : ['--snapshotter', snapshotter];
    await must(host, ['ctr', '-n', 'k8s.io', 'images', 'import', ...own, to], { within: minutes(10) });
    // containerd has its own copy now.
    await rm(to, { force: true });
  });
  return { imported: missing.flatMap(({ names }) => names), present: wanted.length - missing.length };
}

/** What join chose for this machine: kubelet's part of containerd looks for images there. */
function parseSnapshotter(config: string): string | undefined {
  return /^\s*snapshotter = "([a-z]+)"/m.exec(config)?.[1];
}
