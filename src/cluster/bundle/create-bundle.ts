import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dispatcher, request } from 'undici';
import { type Host, must } from '#host/host.ts';
import { localHost } from '#host/local.ts';
import { minutes } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { eachOf } from '../each-of.ts';
import type { Bundle } from './bundle.ts';
import { checkFiles } from './bundle-folder.ts';
import { explainDiskTrouble } from './disk-trouble.ts';
import { blobFile, writeDockerArchive } from './docker-archive.ts';
import { digestOf, explainRequestFault, FetchError, type FileWish, fetchFile } from './fetch-file.ts';
import { claimPart, disownPart, refuseForeignPart } from './part.ts';
import {
  archivePath,
  type ImageWish,
  neededPlugins,
  parseDigestFile,
  placeOf,
  planImages,
  planKubernetesFiles,
  planPluginsFile,
  type ReleaseFile,
  type ReleaseWish,
  versionOf,
} from './plan-release.ts';
import { findImage, type ImageFound } from './registry.ts';

/** Our own part of a bundle, which no release of Kubernetes has. */
export interface OwnParts {
  readonly version: string;
  /** Path of the program as one file. */
  readonly program: string;
  /** The image of controller and agent: a docker-archive with the name that it loads under, or a name in a registry. */
  readonly image: { readonly archive: string; readonly name: string } | { readonly pull: string };
}

export interface CreateTools {
  readonly http: Dispatcher;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Work extends CreateTools {
  readonly host: Host;
  readonly wish: ReleaseWish;
  /** The bundle's folder until it is whole. */
  readonly folder: string;
  /** For what is fetched and is no part of the bundle; inside of `folder`. */
  readonly scratch: string;
}

/** A bundle is never made over something else. @fails Error with the cure */
export function refuseExisting(out: string): void {
  if (existsSync(out)) throw new Error(`${out} already exists; name a new folder with --out, or remove it first`);
}

/**
 * Makes a bundle from Kubernetes' official release files and images of a registry. The folder has its name only when it is
 * whole; until then what was fetched lies beside it, and the same call goes on from there.
 * @unit about 300 MB to fetch
 * @fails FetchError, RegistryError or HostError that names file, fault and cure
 */
export async function createBundle(out: string, wish: ReleaseWish, own: OwnParts, tools: CreateTools): Promise<Bundle> {
  refuseExisting(out);
  const folder = `${out.replace(/\/+$/, '')}.part`;
  await refuseForeignPart(folder);
  const work: Work = { ...tools, wish, folder, scratch: join(folder, 'scratch'), host: localHost('this computer') };
  let bundle: Bundle;
  try {
    bundle = await fillFolder(work, own);
  } catch (e) {
    throw explainDiskTrouble(e, folder);
  }
  await disownPart(folder);
  await rename(folder, out);
  return bundle;
}

async function fillFolder(work: Work, own: OwnParts): Promise<Bundle> {
  const { wish, folder } = work;
  // Small questions first: whatever is not to be had is told before anything large is fetched.
  const [plugins, ...programs] = await askDigests(work, [planPluginsFile(wish), ...planKubernetesFiles(wish)]);
  await forgetOtherWish(work);
  for (const part of ['bin', 'cni', 'images', 'scratch']) await mkdir(join(folder, part), { recursive: true });
  await writeFile(wishFile(work), contentWish(work));
  const bin = await fetchPrograms(work, programs.filter(isKubeadm));
  const images = await findImages(work, await listImages(work));
  bin.push(
    ...(await fetchPrograms(
      work,
      programs.filter((file) => !isKubeadm(file)),
    )),
  );
  const cni = await fetchPlugins(work, plugins);
  const archives: Bundle['images'] = [];
  for (const image of images) archives.push(await pullImage(work, image, image.name));
  bin.push({ name: 'isthmus', roles: ['control-plane', 'node'], ...(await takeProgram(work, own)) });
  archives.push(await takeOwnImage(work, own));
  const bundle: Bundle = {
    format: 'isthmus-bundle/v1',
    versions: {
      kubernetes: wish.kubernetes,
      etcd: versionOf(images, 'etcd') ?? 'unknown',
      coredns: versionOf(images, 'coredns') ?? 'unknown',
      cniPlugins: wish.cniPlugins,
      isthmus: own.version,
    },
    bin,
    cni,
    images: archives,
  };
  await refuseFaults(folder, bundle);
  await rm(work.scratch, { recursive: true });
  await writeFile(join(folder, 'bundle.json'), `${JSON.stringify(bundle, null, 2)}\n`, { flush: true });
  return bundle;
}

/** What an earlier run began of another content is no beginning of this one; mirrors may differ. */
async function forgetOtherWish(work: Work): Promise<void> {
  const before = await readFile(wishFile(work), 'utf8').catch(() => undefined);
  await claimPart(work.folder, { keep: before === contentWish(work) });
}

function wishFile({ scratch }: Work): string {
  return join(scratch, 'wish.json');
}

function contentWish({ wish: { kubernetes, cniPlugins, moreImages, addons } }: Work): string {
  return JSON.stringify({ kubernetes, cniPlugins, moreImages, addons });
}

/** Digests were taken as bytes came; what lies there now may be the work of two at once. */
async function refuseFaults(folder: string, bundle: Bundle): Promise<void> {
  const faults = await checkFiles(folder, bundle);
  if (faults.length === 0) return;
  throw new Error(
    `${faults.join('\n')}\ncheck that no other command is making this bundle, then run the same command again`,
  );
}

type FileKnown = ReleaseFile & { readonly digest: string };
const isKubeadm = ({ name }: ReleaseFile): boolean => name === 'kubeadm';

async function askDigests(
  work: Work,
  files: readonly [ReleaseFile, ...ReleaseFile[]],
): Promise<[FileKnown, ...FileKnown[]]> {
  const known = await everyOne(files, async (file) => ({
    ...file,
    digest: await fetchDigest(work, `${file.url}.sha256`),
  }));
  return known as [FileKnown, ...FileKnown[]];
}

/** Tries all and tells every failure, so that a person corrects them in one go; a cure that they share is told once. */
async function everyOne<A, B>(all: readonly A[], work: (one: A) => Promise<B>): Promise<B[]> {
  const ends = await Promise.allSettled(all.map(work));
  const faults = ends.flatMap((end) => (end.status === 'rejected' ? [messageOf(end.reason)] : []));
  const shared = `; ${releaseCure}`;
  if (faults.length > 1 && faults.every((fault) => fault.endsWith(shared)))
    throw new Error(`${faults.map((fault) => fault.slice(0, -shared.length)).join('\n')}\n${releaseCure}`);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}

async function fetchPrograms(work: Work, files: readonly FileKnown[]): Promise<Bundle['bin']> {
  const made: Bundle['bin'] = [];
  for (const file of files) {
    const path = `bin/${file.name}`;
    const size = await fetchReleaseFile(work, file, join(work.folder, path));
    made.push({ name: file.name, roles: [...file.roles], path, digest: file.digest, size });
  }
  return made;
}

async function fetchPlugins(work: Work, file: FileKnown): Promise<Bundle['cni']> {
  const archive = join(work.scratch, file.name);
  await fetchReleaseFile(work, file, archive);
  const made: Bundle['cni'] = [];
  for (const name of neededPlugins) {
    const argv = ['tar', '-xzf', archive, '--no-same-owner', '-C', join(work.folder, 'cni'), `./${name}`];
    await must(work.host, argv, { within: minutes(2), signal: work.signal });
    made.push({ name, ...(await described(work, `cni/${name}`)) });
  }
  return made;
}

/** @shape its size in bytes */
async function fetchReleaseFile(work: Work, { name, url, digest }: FileKnown, to: string): Promise<number> {
  const cure = 'the file does not have the digest that is published for it: try again, or use another mirror';
  return fetchTold(work, name, { url, digest, size: undefined, to, mode: 0o755, cure });
}

const releaseCure =
  'check that the version exists and that this computer can reach the server, set HTTPS_PROXY, or name a mirror (--kubernetes-base, --cni-base, --registry)';

async function fetchDigest({ http, signal }: Work, url: string): Promise<string> {
  let text: string;
  try {
    const answer = await request(url, { dispatcher: http, signal, headersTimeout: 30_000, bodyTimeout: 30_000 });
    text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`HTTP status ${answer.statusCode}`);
  } catch (e) {
    signal.throwIfAborted();
    throw new FetchError(url, `${explainRequestFault(e)}; ${releaseCure}`, e);
  }
  const digest = parseDigestFile(text);
  if (digest !== undefined) return digest;
  throw new FetchError(
    url,
    `"${text.slice(0, 40).trim()}" is not a SHA-256 digest; check that the URL is a release server and not a login page`,
  );
}

/** Large files are told about while they come. */
async function fetchTold(work: Work, title: string, wish: FileWish): Promise<number> {
  const { http, signal, say } = work;
  let told = performance.now();
  const onBytes = (have: number): void => {
    if (performance.now() - told < 3000) return;
    told = performance.now();
    say(`${title}: ${formatSize(have)}${wish.size === undefined ? '' : ` of ${formatSize(wish.size)}`}`);
  };
  try {
    const how = await fetchFile({ ...wish, http, signal, onBytes });
    const { size } = await stat(wish.to);
    if (how === 'fetched') say(`${title}: ${formatSize(size)}, digest checked`);
    return size;
  } catch (e) {
    if (!(e instanceof FetchError) || e.message.endsWith(wish.cure ?? '\0')) throw e;
    throw new Error(`${e.message}; what was fetched is kept: run the same command again, or ${releaseCure}`, {
      cause: e,
    });
  }
}

function formatSize(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}

/** kubeadm of this release knows which images, in which versions, it will ask for. */
async function listImages({ host, wish, folder, signal }: Work): Promise<readonly ImageWish[]> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `this computer is ${process.platform}/${process.arch}; the list of images comes from the kubeadm of the release, so make the bundle on Linux on x86-64`,
    );
  const argv = [join(folder, 'bin/kubeadm'), 'config', 'images', 'list', `--kubernetes-version=v${wish.kubernetes}`];
  return planImages(await must(host, argv, { within: minutes(1), signal }), wish.moreImages, wish.addons);
}

type ImageKnown = ImageWish & ImageFound;

async function findImages(work: Work, wanted: readonly ImageWish[]): Promise<readonly ImageKnown[]> {
  return everyOne(wanted, async (image) => {
    const place = placeOf(image.name, work.wish.registry);
    if (place !== undefined) return { ...image, ...(await findImage(image.name, place, work)) };
    throw new Error(
      `${image.name}: an image needs its registry and a tag; write for example registry.k8s.io/pause:3.10.2`,
    );
  });
}

/** @shape loadsAs: the name in the bundle */
async function pullImage(work: Work, image: ImageKnown, loadsAs: string): Promise<Bundle['images'][number]> {
  const { name, roles, addon, config, layers, urlOf, headers } = image;
  const blobs = join(work.scratch, 'blobs');
  const pieces = new Map([config, ...layers].map((piece) => [piece.digest, piece]));
  // Two at a time: while one waits for the registry the other is hashed.
  await eachOf([...pieces.values()], 2, async (piece) => {
    const cure = 'the registry does not serve what its manifest says: try again, or use another with --registry';
    const to = join(blobs, blobFile(piece));
    await fetchTold(work, `${name} ${blobFile(piece).slice(0, 12)}`, {
      ...piece,
      url: urlOf(piece),
      headers,
      to,
      mode: 0o644,
      cure,
    });
  });
  const path = archivePath(loadsAs);
  await writeDockerArchive(
    { name: loadsAs, config, layers, blobs, to: join(work.folder, path) },
    work.host,
    work.signal,
  );
  return { names: [loadsAs], roles: [...roles], ...(addon && { addon }), ...(await described(work, path)) };
}

async function takeProgram(work: Work, own: OwnParts): Promise<{ path: string; digest: string; size: number }> {
  await copyFile(own.program, join(work.folder, 'bin/isthmus'));
  await chmod(join(work.folder, 'bin/isthmus'), 0o755);
  return described(work, 'bin/isthmus');
}

async function takeOwnImage(work: Work, own: OwnParts): Promise<Bundle['images'][number]> {
  const { image } = own;
  const roles: ImageWish['roles'] = ['control-plane', 'node'];
  if ('pull' in image) {
    // Not by --registry: a mirror of Kubernetes' images seldom has ours.
    const place = placeOf(image.pull, undefined);
    if (place === undefined)
      throw new Error(
        `--image ${image.pull} needs its registry and a tag; write for example registry.example.com/isthmus:${own.version}`,
      );
    const found = await findImage(image.pull, place, work);
    return pullImage(work, { name: image.pull, roles, ...found }, `isthmus.dev/isthmus:${own.version}`);
  }
  const path = archivePath(image.name);
  await copyFile(image.archive, join(work.folder, path));
  await chmod(join(work.folder, path), 0o644);
  return { names: [image.name], roles: [...roles], ...(await described(work, path)) };
}

async function described({ folder }: Work, path: string): Promise<{ path: string; digest: string; size: number }> {
  const file = join(folder, path);
  const digest = await digestOf(file);
  if (digest === undefined) throw new Error(`${file} was removed while the bundle was made; run the command again`);
  return { path, digest, size: (await stat(file)).size };
}
