import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AddonName } from '#cluster/bundle/bundle.ts';
import { blobFile, writeDockerArchive } from '#cluster/bundle/docker-archive.ts';
import type { Blob } from '#cluster/bundle/registry.ts';
import { localHost } from '#host/local.ts';
import { artifact, cacheRoot, type Note } from './artifact.ts';
import { command } from './command.ts';

/** A container image as a Dockerfile and the files that it copies. */
export interface ImageRecipe {
  /** The full name that it loads under, `registry.k8s.io/pause:3.10.2`. */
  readonly name: string;
  readonly dockerfile: string;
  /** Name in the build context to file or folder on this computer. */
  readonly context: Readonly<Record<string, string>>;
  /** The base tree that the Dockerfile's `BASE` stands for; none for images that start from scratch. */
  readonly base?: string;
  /** Keys of everything that the context's files were made from. */
  readonly inputs: readonly string[];
}

export type Role = 'control-plane' | 'node';
/** An image that was built, as it goes into the bundle. @shape folder: of image.tar */
export interface Archive {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly addon?: AddonName;
  readonly folder: string;
}

/**
 * util-linux for nsenter, which busybox has without words for what fails; netbase for the names of protocols: without them nft lists numbers, and a kube-proxy that starts anew takes what it finds for
 * something else than what it wants and removes both.
 */
const basePackages = 'busybox-static,util-linux,nftables,netbase,conntrack,iproute2,curl,ca-certificates,libstdc++6';

/**
 * The folder of `base.tar`: a small Debian tree for images that need more than one static program: a shell, nft, ip, curl, libstdc++,
 * and what `more` names. A machine unpacks one tree that images share only once.
 */
export async function baseTree(note: Note, more: readonly string[] = []): Promise<string> {
  const packages = [basePackages, ...more].join(',');
  return artifact(
    {
      kind: 'base-tree',
      inputs: [packages],
      make: async (folder) => {
        const tree = join(folder, 'tree');
        // `extract`: these packages and what they depend on, without Debian's essential set (no dpkg, no bash).
        await command('mmdebstrap', ['--quiet', '--variant=extract', `--include=${packages}`, 'bookworm', tree]);
        for (const unneeded of ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/cache', 'var/lib/apt']) {
          await rm(join(tree, unneeded), { recursive: true, force: true });
        }
        await command('chroot', [tree, '/bin/busybox', '--install', '-s', '/bin']);
        // Packages were unpacked, not configured: the certificate bundle is their maintainer script's work.
        await command('sh', [
          '-c',
          `mkdir -p '${tree}/etc/ssl/certs' && cat '${tree}'/usr/share/ca-certificates/mozilla/*.crt > '${tree}/etc/ssl/certs/ca-certificates.crt'`,
        ]);
        await mkdir(join(tree, 'root'), { recursive: true });
        await command('tar', ['-C', tree, '-cf', join(folder, 'base.tar'), '.']);
        await rm(tree, { recursive: true });
      },
    },
    note,
  );
}

/**
 * As a registry would have packed them: a third of the bytes is less for a machine to fetch, to hash and to write. containerd looks
 * at a layer itself to know how it is packed.
 * @source measured, Debian's containerd 1.6.20, CPU time of fetching and importing for a cluster of five machines: docs/guide/lab.md
 */
const layers = ['--compression-format', 'zstd', '--compression-level', '3'];

/** The image as a docker-archive file `image.tar` in the returned folder. */
export async function buildImage(recipe: ImageRecipe, note: Note): Promise<string> {
  const short = recipe.name.split('/').at(-1)?.split(':')[0] ?? recipe.name;
  return artifact(
    {
      kind: `image-${short}`,
      inputs: [recipe.name, recipe.dockerfile, recipe.base ?? '', ...layers, ...recipe.inputs],
      make: async (folder) => {
        const context = join(folder, 'context');
        await mkdir(context);
        for (const [name, from] of Object.entries(recipe.context))
          await command('cp', ['-a', '--reflink=auto', from, join(context, name)]);
        await writeFile(join(context, 'Dockerfile'), recipe.dockerfile);
        const args = recipe.base === undefined ? [] : ['--build-arg', `BASE=${await loadBase(recipe.base)}`];
        await buildah(['bud', '--pull-never', '--quiet', '--timestamp', '0', ...args, '--tag', recipe.name, context]);
        const layout = join(folder, 'layout');
        await buildah(['push', '--quiet', '--format', 'oci', ...layers, recipe.name, `oci:${layout}`]);
        await buildah(['rmi', '--force', recipe.name]);
        await pack(recipe.name, layout, join(folder, 'image.tar'));
        for (const made of [context, layout]) await rm(made, { recursive: true });
      },
    },
    note,
  );
}

/** One file of an OCI layout that holds one image. @source opencontainers/image-spec image-layout.md @v1.1.0 */
async function pack(name: string, layout: string, to: string): Promise<void> {
  const blobs = join(layout, 'blobs/sha256');
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8'));
  const index = (await read(join(layout, 'index.json'))) as { readonly manifests: readonly [Blob] };
  const { config, layers } = (await read(join(blobs, blobFile(index.manifests[0])))) as {
    readonly config: Blob;
    readonly layers: readonly Blob[];
  };
  const stop = new AbortController().signal;
  await writeDockerArchive({ name, config, layers, blobs, to }, localHost('this computer'), stop);
}

/** An image of one static program and nothing else. */
export function oneProgram(name: string, file: string, folder: string): ImageRecipe {
  const program = basename(file);
  const path = join(folder, program);
  return {
    name,
    dockerfile: `FROM scratch\nCOPY ${program} ${path}\nENV PATH=${folder}\nENTRYPOINT ["${path}"]\n`,
    context: { [program]: file },
    inputs: [file],
  };
}

/** An image of one program and the base tree. */
export function onBase(name: string, file: string, folder: string, base: string): ImageRecipe {
  const program = basename(file);
  const path = join(folder, program);
  return {
    name,
    dockerfile: `ARG BASE\nFROM \${BASE}\nCOPY ${program} ${path}\nENTRYPOINT ["${path}"]\n`,
    context: { [program]: file },
    base,
    inputs: [file],
  };
}

/** Loads the base tree into buildah's own storage, where Dockerfiles find it by name. */
async function loadBase(folder: string): Promise<string> {
  const name = `localhost/isthmus-base:${basename(folder)}`;
  const known = await buildah(['images', '--quiet', '--filter', `reference=${name}`]);
  if (known.trim() !== '') return name;
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nADD base.tar /\n');
  await buildah(['bud', '--quiet', '--timestamp', '0', '--tag', name, folder]);
  return name;
}

/** buildah with storage of its own inside the cache; `chroot` isolation and `vfs` need neither a daemon nor kernel features. */
async function buildah(args: readonly string[]): Promise<string> {
  const store = join(cacheRoot, 'buildah');
  return command(
    'buildah',
    ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs', ...args],
    {
      env: { BUILDAH_ISOLATION: 'chroot' },
    },
  );
}
