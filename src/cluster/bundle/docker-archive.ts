import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Host, must } from '#host/host.ts';
import { minutes } from '#unit/clock.ts';
import type { Blob } from './registry.ts';

/** What goes into one archive: pieces of an image as files that lie in one folder, each named by the digits of its digest. */
export interface ArchiveWish {
  /** The name that the image loads under. */
  readonly name: string;
  readonly config: Blob;
  readonly layers: readonly Blob[];
  readonly blobs: string;
  readonly to: string;
}

/** Same bytes for the same image: `ctr images import` cares for names and content, a digest for all of it. */
export const plainTar: readonly string[] = [
  '--format=ustar',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mode=u+rw,go=u,go-w',
  '--mtime=@0',
];

/**
 * Writes an image as the file that `ctr images import` and `docker load` take. Layers stay as the registry packed them.
 * @source moby image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format"
 * @fails HostError of tar: no space, most often
 */
export async function writeDockerArchive(wish: ArchiveWish, host: Host, signal: AbortSignal): Promise<void> {
  const [config, layers] = [blobFile(wish.config), wish.layers.map(blobFile)];
  const work = `${wish.to}.work`;
  const part = `${wish.to}.part`;
  await mkdir(dirname(wish.to), { recursive: true });
  await mkdir(work, { recursive: true });
  await writeFile(
    join(work, 'manifest.json'),
    JSON.stringify([{ Config: config, RepoTags: [wish.name], Layers: layers }]),
  );
  // A layer that an image has twice is one file.
  const members = [...new Set([config, ...layers])];
  const argv = ['tar', '-cf', part, ...plainTar, '-C', work, 'manifest.json', '-C', wish.blobs, ...members];
  await must(host, argv, { within: minutes(20), signal });
  await rename(part, wish.to);
  await rm(work, { recursive: true });
}

export function blobFile({ digest }: Blob): string {
  return digest.slice('sha256:'.length);
}
