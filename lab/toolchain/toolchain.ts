import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, link, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type AddonName, type Bundle, bundleSchema } from '#cluster/bundle/bundle.ts';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';
import {
  type Archive,
  baseTree,
  buildImage,
  type ImageRecipe,
  onBase,
  oneProgram,
  type Role,
} from './container-images.ts';
import { buildCsiImages } from './csi-images.ts';
import { buildFamily, families, versions } from './families.ts';
import { buildIngressImages } from './ingress-images.ts';
import { buildOwnImage } from './own-parts.ts';
import { buildProgram, type Program } from './program.ts';

export interface Toolchain {
  /** The folder of `bundle.json`, what machines fetch. */
  readonly bundle: string;
  /** Digest of `bundle.json`, `sha256:…`: whoever knows it can check everything else. */
  readonly digest: string;
  /** Path of a program for this computer: `kube-apiserver`, `etcd`, `kubectl`, … @fails Error for a name that was not built */
  readonly bin: (name: string) => string;
}

/** The programs alone, without images and bundle: all that a test of our Kubernetes client needs. */
export interface Binaries {
  readonly bin: (name: string) => string;
}

/**
 * Upstream's programs for this computer, built now where they are not there.
 * @unit cold about 8 minutes on two cores, warm some milliseconds
 */
export async function ensureBinaries(note: Note = () => {}): Promise<Binaries> {
  const folders = new Map<string, string>();
  // One after the other: `go build` uses all cores by itself.
  for (const family of families) folders.set(family.name, await buildFamily(family, note));
  return { bin: (name) => locate(folders, name) };
}

const familyOf: Readonly<Record<string, string>> = {
  etcd: 'etcd',
  etcdctl: 'etcd',
  coredns: 'coredns',
  loopback: 'plugins',
  portmap: 'plugins',
  bandwidth: 'plugins',
};

function locate(folders: ReadonlyMap<string, string>, name: string): string {
  return join(folders.get(familyOf[name] ?? 'kubernetes') ?? '', name);
}

/**
 * Everything that a cluster is made of: upstream's programs, container images, our own program, and the bundle of all.
 * @unit cold about 13 minutes on two cores, warm below 3 s; with the addon `ingress` 2 minutes more when cold
 */
export async function ensureToolchain(note: Note = () => {}, addons: readonly AddonName[] = []): Promise<Toolchain> {
  const { bin } = await ensureBinaries(note);
  const program = await buildProgram(note);
  const archives = [...(await buildImages(bin, program, note)), ...(await buildCsiImages(note))];
  if (addons.includes('ingress')) archives.push(...(await buildIngressImages(note)));
  const bundle = await artifact(
    {
      kind: 'bundle',
      inputs: [JSON.stringify(versions), program.version, ...archives.map(({ folder }) => folder)],
      make: (folder) => assemble(folder, bin, program, archives),
    },
    note,
  );
  const text = await readFile(join(bundle, 'bundle.json'));
  return { bundle, digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, bin };
}

/** Tags are those that `kubeadm config images list` of this version names; CoreDNS is newer than its tag says. */
async function buildImages(bin: (name: string) => string, program: Program, note: Note): Promise<readonly Archive[]> {
  const base = await baseTree(note);
  const everywhere: readonly Role[] = ['control-plane', 'node'];
  const wanted: readonly { recipe: ImageRecipe; roles: readonly Role[] }[] = [
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => ({
      recipe: oneProgram(`registry.k8s.io/${name}:v${versions.kubernetes}`, bin(name), '/usr/local/bin'),
      roles: ['control-plane' as const],
    })),
    { recipe: oneProgram('registry.k8s.io/etcd:3.6.8-0', bin('etcd'), '/usr/local/bin'), roles: ['control-plane'] },
    { recipe: oneProgram('registry.k8s.io/coredns/coredns:v1.14.2', bin('coredns'), '/'), roles: everywhere },
    {
      recipe: onBase(`registry.k8s.io/kube-proxy:v${versions.kubernetes}`, bin('kube-proxy'), '/usr/local/bin', base),
      roles: everywhere,
    },
    { recipe: onBase(agnhostName, bin('agnhost'), '/', base), roles: everywhere },
  ];
  const archives: Archive[] = [];
  for (const { recipe, roles } of wanted)
    archives.push({ name: recipe.name, roles, folder: await buildImage(recipe, note) });
  archives.push({ name: pauseName, folder: dirname(await buildPause(note)), roles: everywhere });
  archives.push({ ...(await buildOwnImage(program, note)), roles: everywhere });
  return archives;
}

/** Upstream's has busybox, curl and iproute2 as well, and no other `ping`. @source kubernetes test/images/agnhost/Dockerfile @v1.36.3 */
const agnhostName = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';
const pauseName = 'registry.k8s.io/pause:3.10.2';

/** The image that holds a pod's namespaces, as a docker-archive: the path of the file. It needs gcc and no Go. */
export async function buildPause(note: Note): Promise<string> {
  const source = join(import.meta.dirname, 'pause.c');
  const pause = await artifact(
    {
      kind: 'pause',
      inputs: [await readFile(source)],
      make: async (folder) => {
        await command('gcc', ['-Os', '-s', '-static', '-o', join(folder, 'pause'), source]);
      },
    },
    note,
  );
  return join(await buildImage(oneProgram(pauseName, join(pause, 'pause'), '/'), note), 'image.tar');
}

async function assemble(
  folder: string,
  bin: (name: string) => string,
  program: Program,
  archives: readonly Archive[],
): Promise<void> {
  for (const part of ['bin', 'cni', 'images']) await mkdir(join(folder, part));
  const everywhere: Role[] = ['control-plane', 'node'];
  const executables: Bundle['bin'] = [];
  const upstream: readonly [name: string, roles: Role[]][] = [
    ['kubeadm', everywhere],
    ['kubelet', everywhere],
    ['kubectl', ['control-plane']],
  ];
  for (const [name, roles] of upstream)
    executables.push({ name, roles, ...(await add(folder, `bin/${name}`, bin(name))) });
  executables.push({ name: 'isthmus', roles: everywhere, ...(await add(folder, 'bin/isthmus', program.executable)) });
  const cni: Bundle['cni'] = [];
  for (const name of ['loopback', 'portmap', 'bandwidth'])
    cni.push({ name, ...(await add(folder, `cni/${name}`, bin(name))) });
  const images: Bundle['images'] = [];
  for (const { name, roles, addon, folder: from } of archives) {
    const short = name.slice(name.lastIndexOf('/') + 1).replaceAll(':', '-');
    images.push({
      names: [name],
      roles: [...roles],
      ...(addon && { addon }),
      ...(await add(folder, `images/${short}.tar`, join(from, 'image.tar'))),
    });
  }
  const bundle = bundleSchema.parse({
    format: 'isthmus-bundle/v1',
    versions: { ...versions, isthmus: program.version },
    bin: executables,
    cni,
    images,
  } satisfies Bundle);
  await writeFile(join(folder, 'bundle.json'), `${JSON.stringify(bundle, null, 2)}\n`);
}

/** A second name for the same bytes costs nothing; the bundle lies on the same file system as what it is made of. */
async function add(
  folder: string,
  path: string,
  from: string,
): Promise<{ path: string; digest: string; size: number }> {
  const to = join(folder, path);
  await mkdir(dirname(to), { recursive: true });
  await link(from, to);
  if (path.startsWith('images/')) await chmod(to, 0o644);
  const hash = createHash('sha256');
  await pipeline(createReadStream(to), hash);
  return { path, digest: `sha256:${hash.digest('hex')}`, size: (await stat(to)).size };
}
