import { spawn } from 'node:child_process';
import { existsSync, statSync, truncateSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { checkBundle } from '#cluster/bundle/bundle-folder.ts';
import { exportBundle, importBundle } from '#cluster/bundle/carry-bundle.ts';
import { createBundle, type OwnParts } from '#cluster/bundle/create-bundle.ts';
import { openHttp, type Proxies } from '#cluster/bundle/http.ts';
import { addonImages, csiImages, officialReleases, type ReleaseWish } from '#cluster/bundle/plan-release.ts';
import { command } from '#lab/toolchain/command.ts';
import { buildPause, ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { isthmusCommand } from '../../support/isthmus.ts';
import { said } from '../lab-tools.ts';
import { hexOf, openProxy, openReleaseWorld, push, type ReleaseWorld } from './release-world.ts';

let world: ReleaseWorld;
let own: OwnParts;
let names: readonly string[];
let folder: string;
let digest: string;

// The registry has the names that kubeadm asks for, those of the sidecars and of the addon, and, behind each, the smallest real image; all of them whole: test/long/bundle.
beforeAll(async () => {
  world = await openReleaseWorld();
  const { bin } = await ensureBinaries();
  const listed = await command(bin('kubeadm'), ['config', 'images', 'list', `--kubernetes-version=v${version}`]);
  names = listed.trim().split('\n');
  const archive = await buildPause(() => {});
  for (const name of [...names, ...csiImages, ...addonImages.ingress]) await push(world, archive, name);
  const program = join(world.folder, 'isthmus');
  await writeFile(program, '#!/bin/sh\n');
  own = { version: '0.1.0', program, image: { archive, name: 'isthmus.dev/isthmus:0.1.0' } };
});
afterAll(() => world?.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-create-'));
  world.before = () => false;
  world.asked.length = 0;
  return () => rm(folder, { recursive: true });
});

const version = officialReleases.kubernetes;

interface Ask {
  readonly wish?: Partial<ReleaseWish>;
  readonly proxies?: Proxies;
  readonly signal?: AbortSignal;
}

/** What was said, in order. */
async function create({ wish, proxies, signal }: Ask = {}): Promise<string[]> {
  const http = openHttp(proxies ?? { http: '', https: '', none: '' });
  const said: string[] = [];
  try {
    const asked = {
      ...officialReleases,
      kubernetesBase: world.releases,
      cniBase: `${world.releases}/cni/`,
      registry: world.registry,
      moreImages: [],
      ...wish,
    };
    const tools = { http, say: (line: string) => void said.push(line), signal: signal ?? new AbortController().signal };
    await createBundle(join(folder, 'bundle'), asked, own, tools);
  } finally {
    await http.close();
  }
  return said;
}

test('a bundle of release files and a registry holds the same as those, every file by its digest', async () => {
  const said = await create();
  const { bundle, digest: made } = await checkBundle(join(folder, 'bundle'));
  digest = made;
  expect(bundle.versions).toEqual({
    kubernetes: version,
    etcd: '3.6.8',
    coredns: '1.14.2',
    cniPlugins: '1.9.1',
    isthmus: '0.1.0',
  });
  const { bin } = await ensureBinaries();
  for (const name of ['kubeadm', 'kubelet', 'kubectl', 'loopback', 'portmap', 'bandwidth']) {
    const entry = [...bundle.bin, ...bundle.cni].find((file) => file.name === name);
    expect(entry?.digest, name).toBe(`sha256:${await hexOf(bin(name))}`);
  }
  expect(bundle.images.map((image) => image.names)).toEqual([...names, 'isthmus.dev/isthmus:0.1.0'].map((n) => [n]));
  expect(await readdir(folder)).toEqual(['bundle']);
  expect(await readdir(join(folder, 'bundle'))).toEqual(['bin', 'bundle.json', 'cni', 'images']);
  expect(said.join('\n')).toMatch(/^kubelet: \d+ MB, digest checked$/m);
  // Another reader of such archives than ours: the image is what was pushed, under its full name.
  const pause = bundle.images.find((image) => image.names[0]?.includes('/pause:'));
  const raw = await command('skopeo', [
    'inspect',
    '--config',
    `docker-archive:${join(folder, 'bundle', pause?.path ?? '')}`,
  ]);
  expect(JSON.parse(raw)).toMatchObject({ os: 'linux', architecture: 'amd64', config: { Entrypoint: ['/pause'] } });
  const manifest = await command('tar', ['-xOf', join(folder, 'bundle', pause?.path ?? ''), 'manifest.json']);
  expect(JSON.parse(manifest)).toMatchObject([{ RepoTags: [expect.stringMatching(/^registry\.k8s\.io\/pause:/)] }]);
});

test('the images of an addon are in the bundle for nodes of clusters that have it, and in no other bundle', async () => {
  await create({ wish: { addons: ['ingress'] } });
  const { bundle } = await checkBundle(join(folder, 'bundle'));
  const added = bundle.images.filter(({ addon }) => addon !== undefined);
  expect(added.map(({ names: [name], roles, addon }) => ({ name, roles, addon }))).toEqual(
    addonImages.ingress.map((name) => ({ name, roles: ['node'], addon: 'ingress' })),
  );
  expect(bundle.images).toHaveLength(names.length + 1 + added.length);
});

/** Only then there is something to go on from. */
async function someCame(): Promise<void> {
  const part = join(folder, 'bundle.part/bin/kubelet.part');
  await waitFor('a first part of kubelet', async () => existsSync(part) && statSync(part).size > 0, {
    within: seconds(100),
    every: ms(10),
  });
}

test('a run that was stopped in a large file is gone on with where it stopped', async () => {
  const stop = new AbortController();
  world.before = (request, response) => {
    if (!request.url?.endsWith('/kubelet')) return false;
    response.writeHead(200, { 'content-length': 1_000_000 });
    response.write(Buffer.alloc(300_000));
    void someCame().then(() => stop.abort(new Error('stopped')));
    return true;
  };
  await expect(create({ signal: stop.signal })).rejects.toThrow('stopped');
  expect(await readdir(folder)).toEqual(['bundle.part']);

  // What came was wrong: the rest is asked for, the digest finds out, and nothing of it stays.
  world.before = () => false;
  await expect(create()).rejects.toThrow(/kubelet: its content has sha256:.*try again, or use another mirror/);
  expect(world.asked.filter(({ path }) => path.endsWith('/kubelet')).at(-1)?.range).toMatch(/^bytes=[1-9]\d*-$/);
  world.asked.length = 0;
  await create();
  await checkBundle(join(folder, 'bundle'));
  expect(world.asked.filter(({ path }) => path.endsWith('/kubeadm'))).toEqual([]);
});

test('a connection that is cut goes on where it was cut', async () => {
  let cuts = 0;
  const { bin } = await ensureBinaries();
  const kubelet = (await readFile(bin('kubelet'))).subarray(0, 1_000_000);
  world.before = (request, response) => {
    if (!request.url?.endsWith('/kubelet') || cuts++ > 0) return false;
    response.writeHead(200, { 'content-length': kubelet.length + 1 });
    response.write(kubelet);
    void someCame().then(() => response.destroy());
    return true;
  };
  await create();
  await checkBundle(join(folder, 'bundle'));
  expect(cuts).toBe(2);
});

test('through a proxy, names are reached that this computer does not know', async () => {
  const proxy = await openProxy({ 'releases.invalid': world.releases, 'registry.invalid': world.registry });
  try {
    const wish = {
      kubernetesBase: 'http://releases.invalid',
      cniBase: 'http://releases.invalid/cni',
      registry: 'http://registry.invalid',
    };
    await create({ wish, proxies: { http: proxy.url, https: '', none: '' } });
  } finally {
    await proxy.close();
  }
  // By another way, and yet the same bundle byte for byte.
  expect((await checkBundle(join(folder, 'bundle'))).digest).toBe(digest);
  expect(new Set(proxy.used)).toEqual(new Set(['releases.invalid', 'registry.invalid']));
});

test.each<[string, Ask, RegExp]>([
  [
    'a version that there is not',
    { wish: { kubernetes: '1.36.99' } },
    /v1\.36\.99\/bin\/linux\/amd64\/kubeadm\.sha256: HTTP status 404\n.*\ncheck that the version exists/s,
  ],
  [
    'a server that nobody runs',
    { wish: { kubernetesBase: 'http://127.0.0.1:1' } },
    /127\.0\.0\.1:1\/release.*ECONNREFUSED.*set HTTPS_PROXY, or name a mirror/s,
  ],
  [
    'a mirror without the plugins, and a wrong version beside it,',
    { wish: { kubernetes: '1.36.99', cniBase: 'http://127.0.0.1:1' } },
    /cni-plugins-linux-amd64-v1\.9\.1\.tgz\.sha256: .*ECONNREFUSED[^;]*\n.*v1\.36\.99.*kubeadm\.sha256: HTTP status 404\n[^;]*\ncheck that .*--cni-base/s,
  ],
  [
    'a proxy that nobody runs',
    { proxies: { http: 'http://127.0.0.1:1', https: '', none: '' } },
    /kubeadm\.sha256: .*ECONNREFUSED 127\.0\.0\.1:1\n.*check that .* set HTTPS_PROXY/s,
  ],
  [
    'a registry that nobody runs',
    { wish: { registry: 'http://127.0.0.1:1' } },
    /image registry\.k8s\.io\/kube-apiserver:v.*ECONNREFUSED.*--registry/,
  ],
  [
    'an image that the registry has not',
    { wish: { moreImages: ['registry.k8s.io/absent:1'] } },
    /image registry\.k8s\.io\/absent:1: .* has no such image/,
  ],
  [
    'a name that stands for nothing',
    { wish: { moreImages: ['busybox'] } },
    /busybox: an image needs its registry and a tag; write for example/,
  ],
])('%s is told with its cure, and there is no bundle', async (_title, ask, message) => {
  await expect(create(ask)).rejects.toThrow(message);
  expect(existsSync(join(folder, 'bundle'))).toBe(false);
});

test('a login page instead of a digest is told', async () => {
  world.before = (request, response) => {
    if (!request.url?.endsWith('.sha256')) return false;
    response.end('<html>Welcome to our network');
    return true;
  };
  await expect(create()).rejects.toThrow(/kubeadm\.sha256: "<html>Welcome.*" is not a SHA-256 digest/);
});

test('a digest that is not the file’s is told, and nothing of the file stays', async () => {
  world.before = (request, response) => {
    if (!request.url?.endsWith('kubelet.sha256')) return false;
    response.end('0'.repeat(64));
    return true;
  };
  await expect(create()).rejects.toThrow(
    /bin\/linux\/amd64\/kubelet: its content has sha256:.* instead of sha256:0+; /,
  );
  expect(await readdir(join(folder, 'bundle.part/bin'))).toEqual(['kubeadm']);
});

test('a piece of an image that is not what its manifest says is told, and nothing of it stays', async () => {
  const piece = await layerIn(world, own);
  const bytes = await readFile(piece.file);
  await writeFile(piece.file, bytes.with(bytes.length - 1, 255 - (bytes.at(-1) ?? 0)));
  try {
    await expect(create()).rejects.toThrow(
      new RegExp(`blobs/sha256:${piece.digest}: its content has sha256:.* instead of .*use another with --registry`),
    );
  } finally {
    await writeFile(piece.file, bytes);
  }
  expect((await readdir(join(folder, 'bundle.part/scratch/blobs'))).filter((n) => n.startsWith(piece.digest))).toEqual(
    [],
  );
  expect(existsSync(join(folder, 'bundle'))).toBe(false);
});

/** The file in the registry's storage with the one layer that all of its images have. */
async function layerIn({ folder: at }: ReleaseWorld, { image }: OwnParts): Promise<{ digest: string; file: string }> {
  if ('pull' in image) throw new Error('the image is pulled and not packed');
  const blobs = join(at, 'registry/docker/registry/v2/blobs/sha256');
  const files = (await readdir(blobs, { recursive: true })).filter((path) => path.endsWith('/data'));
  const gzip = await Promise.all(
    files.map(async (path) => (await readFile(join(blobs, path))).subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))),
  );
  const [layer = ''] = files.filter((_, n) => gzip[n]);
  return { digest: layer.split('/')[1] ?? '', file: join(blobs, layer) };
}

test('what was changed while the bundle was made is found before there is a bundle, and put right by the next run', async () => {
  world.before = ({ url = '' }) => {
    if (url.endsWith('.tgz')) truncateSync(join(folder, 'bundle.part/bin/kubectl'), 1000);
    return false;
  };
  await expect(create()).rejects.toThrow(
    /bin\/kubectl: has 1000 bytes instead of .*\ncheck that no other command is making/,
  );
  expect(await readdir(folder)).toEqual(['bundle.part']);
  world.before = () => false;
  await create();
  await checkBundle(join(folder, 'bundle'));
});

test('what an earlier run began of other images is not in the bundle', async () => {
  await push(world, await buildPause(() => {}), 'registry.k8s.io/extra:1');
  const { program } = own;
  await rename(program, `${program}.away`);
  try {
    await expect(create({ wish: { moreImages: ['registry.k8s.io/extra:1'] } })).rejects.toThrow(program);
  } finally {
    await rename(`${program}.away`, program);
  }
  expect(await readdir(join(folder, 'bundle.part/images'))).toContain('extra-1.tar');
  await create();
  expect(await readdir(join(folder, 'bundle/images'))).not.toContain('extra-1.tar');
});

test('a full disk is told at once, and what came is kept for when there is room', async () => {
  await command('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  try {
    await expect(create()).rejects.toThrow(
      /^writing .*\/bundle\.part\/bin\/kubeadm\.part: ENOSPC: no space left.*; check that there is space.*run the same command again$/,
    );
    expect(await readdir(folder)).toEqual(['bundle.part']);
    expect(world.asked.filter(({ path }) => path.endsWith('/kubeadm'))).toHaveLength(1);
    await command('mount', ['-o', 'remount,size=2g', folder]);
    await create();
    await checkBundle(join(folder, 'bundle'));
  } finally {
    await command('umount', [folder]);
  }
  expect(world.asked.filter(({ path }) => path.endsWith('/kubeadm')).at(-1)?.range).toMatch(/^bytes=[1-9]/);
});

test('a bundle that does not fit where it is carried to leaves nothing there', async () => {
  const [bundle, file, small] = ['bundle', 'bundle.tar', 'small'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeBundle(bundle, 8 * 2 ** 20);
  await mkdir(small);
  await command('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
  try {
    const { signal } = new AbortController();
    const told = /^writing .*small\/b: tar: .*; check that there is space/;
    await expect(exportBundle(bundle, join(small, 'b'), signal)).rejects.toThrow(told);
    await exportBundle(bundle, file, signal);
    await expect(importBundle({ file, folder: join(small, 'b'), digest: undefined }, signal)).rejects.toThrow(told);
    expect(await readdir(small)).toEqual([]);
  } finally {
    await command('umount', [small]);
  }
});

/** A bundle of one file that nobody runs. */
async function writeBundle(bundle: string, size: number): Promise<void> {
  const path = 'images/zeros.tar';
  await mkdir(join(bundle, 'images'), { recursive: true });
  await writeFile(join(bundle, path), Buffer.alloc(size));
  const image = { names: ['registry.k8s.io/zeros:1'], roles: ['node'], path, size };
  const images = [{ ...image, digest: `sha256:${await hexOf(join(bundle, path))}` }];
  const versions = { kubernetes: version, etcd: '0', coredns: '0', cniPlugins: '0', isthmus: '0' };
  await writeFile(
    join(bundle, 'bundle.json'),
    JSON.stringify({ format: 'isthmus-bundle/v1', versions, bin: [], cni: [], images }),
  );
}

test('Ctrl-C ends the command at once, says that what came is kept, and no bundle is there', async () => {
  world.before = (request, response) => {
    if (!request.url?.endsWith('/kubelet')) return false;
    response.writeHead(200, { 'content-length': 1_000_000 });
    response.write(Buffer.alloc(300_000));
    return true;
  };
  const { releases, registry } = world;
  const mirrors = ['--kubernetes-base', releases, '--cni-base', `${releases}/cni`, '--registry', registry];
  const child = spawn(isthmusCommand, ['bundle', 'create', '--out', join(folder, 'bundle'), ...mirrors]);
  const ended = said(child);
  await Promise.race([someCame(), ended]);
  child.kill('SIGINT');
  const { code, err } = await ended;
  expect(code, err).toBe(130);
  expect(err).toMatch(/stopped\. Nothing is lost: run the same command again to continue$/);
  expect(await readdir(folder)).toEqual(['bundle.part']);
});

test('a folder that is there is left alone', async () => {
  await mkdir(join(folder, 'bundle'));
  await expect(create()).rejects.toThrow(/already exists; name a new folder/);
  expect(world.asked).toEqual([]);
});
