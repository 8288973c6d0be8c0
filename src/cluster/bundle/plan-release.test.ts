import { expect, test } from 'vitest';
import {
  addonImages,
  archivePath,
  csiImages,
  neededPlugins,
  officialReleases,
  parseDigestFile,
  placeOf,
  planImages,
  planKubernetesFiles,
  planPluginsFile,
  versionOf,
} from './plan-release.ts';

const hex = 'ab'.repeat(32);

test('release files lie where the projects publish them, and mirrors may end in a slash', () => {
  const folder = 'release/v1.36.3/bin/linux/amd64';
  const files = (base: string): readonly object[] => [
    { name: 'kubeadm', roles: ['control-plane', 'node'], url: `${base}/${folder}/kubeadm` },
    { name: 'kubelet', roles: ['control-plane', 'node'], url: `${base}/${folder}/kubelet` },
    { name: 'kubectl', roles: ['control-plane'], url: `${base}/${folder}/kubectl` },
  ];
  expect(planKubernetesFiles(officialReleases)).toEqual(files('https://dl.k8s.io'));
  expect(planKubernetesFiles({ ...officialReleases, kubernetesBase: 'http://mirror//' })).toEqual(
    files('http://mirror'),
  );
  const plugins = (base: string): object => ({
    name: 'cni-plugins-linux-amd64-v1.9.1.tgz',
    roles: ['control-plane', 'node'],
    url: `${base}/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz`,
  });
  expect(planPluginsFile(officialReleases)).toEqual(
    plugins('https://github.com/containernetworking/plugins/releases/download'),
  );
  expect(planPluginsFile({ ...officialReleases, cniBase: 'http://mirror/cni/' })).toEqual(plugins('http://mirror/cni'));
});

test('where nobody says otherwise a bundle has what Kubernetes needs and the sidecars of our CSI drivers', () => {
  expect(officialReleases).toMatchObject({ registry: undefined, moreImages: csiImages, addons: [] });
  const roles = planImages('', csiImages, []).map(({ name, roles: needs }) => [name.split(/[/:]/)[2], needs]);
  expect(roles).toEqual([
    ['csi-provisioner', ['control-plane', 'node']],
    ['csi-attacher', ['control-plane']],
    ['csi-resizer', ['control-plane', 'node']],
    ['csi-snapshotter', ['control-plane']],
    ['snapshot-controller', ['control-plane']],
  ]);
  expect(neededPlugins).toEqual(['loopback', 'portmap', 'bandwidth']);
});

test.each([
  ['the digest alone', hex, `sha256:${hex}`],
  ['with the file behind it', `${hex}  kubelet\n`, `sha256:${hex}`],
  ['a digit short', hex.slice(1), undefined],
  ['a digit long', `${hex}0`, undefined],
  ['with words before it', `sha256 ${hex}`, undefined],
  ['in capitals', hex.toUpperCase(), undefined],
  ['a page', '<html>', undefined],
])('a digest file: %s', (_title, text, digest) => {
  expect(parseDigestFile(text)).toBe(digest);
});

test('what only a control plane runs goes to control planes, and a name is taken once', () => {
  const listed =
    'registry.k8s.io/kube-apiserver:v1.36.3\nregistry.k8s.io/kube-proxy:v1.36.3\nregistry.k8s.io/etcd:3.6.8-0\n';
  const images = planImages(
    listed,
    ['registry.k8s.io/kube-proxy:v1.36.3', 'registry.k8s.io/coredns/coredns:v1.14.2'],
    [],
  );
  expect(images).toEqual([
    { name: 'registry.k8s.io/kube-apiserver:v1.36.3', roles: ['control-plane'] },
    { name: 'registry.k8s.io/kube-proxy:v1.36.3', roles: ['control-plane', 'node'] },
    { name: 'registry.k8s.io/etcd:3.6.8-0', roles: ['control-plane'] },
    { name: 'registry.k8s.io/coredns/coredns:v1.14.2', roles: ['control-plane', 'node'] },
  ]);
  expect([versionOf(images, 'etcd'), versionOf(images, 'coredns')]).toEqual(['3.6.8', '1.14.2']);
});

test('a version is read whole, and of that image only', () => {
  const images = planImages('registry.k8s.io/not-etcd:1.0.0\nregistry.k8s.io/etcd:13.16.18-0\n', [], []);
  expect([versionOf(images, 'etcd'), versionOf(images, 'coredns')]).toEqual(['13.16.18', undefined]);
  expect(versionOf(planImages('registry.k8s.io/etcd:latest\n', [], []), 'etcd')).toBeUndefined();
});

test.each([
  ['registry.k8s.io/coredns/coredns:v1', undefined, ['https://registry.k8s.io', 'coredns/coredns', 'v1']],
  ['docker.io/library/busybox:1', undefined, ['https://registry-1.docker.io', 'library/busybox', '1']],
  ['localhost:5000/a/b:c_1', undefined, ['https://localhost:5000', 'a/b', 'c_1']],
  ['localhost/a:1', undefined, ['https://localhost', 'a', '1']],
  ['ghcr.io/a/b@sha256:' + hex, undefined, ['https://ghcr.io', 'a/b', `sha256:${hex}`]],
  ['ghcr.io/a/b:t@sha256:' + hex, undefined, ['https://ghcr.io', 'a/b', `sha256:${hex}`]],
  ['registry.k8s.io/pause:3', 'http://127.0.0.1:5000', ['http://127.0.0.1:5000', 'pause', '3']],
  ['registry.k8s.io/pause:3', 'https://mirror/k8s/', ['https://mirror', 'k8s/pause', '3']],
  ['ghcr.io/a/b:3', 'https://mirror/all/of/it', ['https://mirror', 'all/of/it/a/b', '3']],
] as const)('%s lies, with the mirror %s, at %j', (name, mirror, [server, repository, reference]) => {
  expect(placeOf(name, mirror)).toEqual({ server, repository, reference });
});

test.each([
  'busybox',
  'busybox:1',
  'library/busybox:1',
  'mylocalhost/busybox:1',
  'localhosts/busybox:1',
  'registry.k8s.io/pause',
  'registry.k8s.io/Pause:3',
  ' registry.k8s.io/pause:3',
  'registry.k8s.io/pause:3 ',
  `registry.k8s.io/pause@sha256:${hex.slice(1)}`,
  '',
])('where "%s" lies would be a guess', (name) => {
  expect(placeOf(name, undefined)).toBeUndefined();
});

test('an archive is called by the image’s last name and tag', () => {
  expect(archivePath('registry.k8s.io/coredns/coredns:v1.14.2')).toBe('images/coredns-v1.14.2.tar');
  expect(archivePath(`ghcr.io/a/b@sha256:${hex}`)).toBe('images/b-abababababab.tar');
  expect(archivePath(`ghcr.io/a/b:t@sha256:${hex}`)).toBe('images/b-t-abababababab.tar');
  expect(archivePath('pause:3')).toBe('images/pause-3.tar');
});

test('the addon for Ingress has Contour and Envoy', () => {
  expect(addonImages).toEqual({
    ingress: [
      expect.stringMatching(/^ghcr\.io\/projectcontour\/contour:v[\d.]+$/),
      expect.stringMatching(/^docker\.io\/envoyproxy\/envoy:distroless-v[\d.]+$/),
    ],
  });
});

test('an addon adds its images for nodes, once, and none that every machine has already', () => {
  const [contour = '', envoy = ''] = addonImages.ingress;
  expect(planImages('', [], ['ingress', 'ingress'])).toEqual([
    { name: contour, roles: ['node'], addon: 'ingress' },
    { name: envoy, roles: ['node'], addon: 'ingress' },
  ]);
  expect(planImages('', [envoy], ['ingress'])).toEqual([
    { name: envoy, roles: ['control-plane', 'node'] },
    { name: contour, roles: ['node'], addon: 'ingress' },
  ]);
});
