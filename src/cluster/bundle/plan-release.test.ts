import { expect, test } from 'vitest';
import {
  archivePath,
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
  expect(planKubernetesFiles(officialReleases).map(({ url }) => url)).toEqual([
    'https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubeadm',
    'https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet',
    'https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl',
  ]);
  expect(planPluginsFile({ ...officialReleases, cniBase: 'http://mirror/cni/' }).url).toBe(
    'http://mirror/cni/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz',
  );
});

test.each([
  ['the digest alone', hex, `sha256:${hex}`],
  ['with the file behind it', `${hex}  kubelet\n`, `sha256:${hex}`],
  ['a digit short', hex.slice(1), undefined],
  ['a digit long', `${hex}0`, undefined],
  ['a page', '<html>', undefined],
])('a digest file: %s', (_title, text, digest) => {
  expect(parseDigestFile(text)).toBe(digest);
});

test('what only a control plane runs goes to control planes, and a name is taken once', () => {
  const listed =
    'registry.k8s.io/kube-apiserver:v1.36.3\nregistry.k8s.io/kube-proxy:v1.36.3\nregistry.k8s.io/etcd:3.6.8-0\n';
  const images = planImages(listed, ['registry.k8s.io/kube-proxy:v1.36.3', 'registry.k8s.io/coredns/coredns:v1.14.2']);
  expect(images.map(({ name, roles }) => [name.split('/').at(-1), roles.length])).toEqual([
    ['kube-apiserver:v1.36.3', 1],
    ['kube-proxy:v1.36.3', 2],
    ['etcd:3.6.8-0', 1],
    ['coredns:v1.14.2', 2],
  ]);
  expect([versionOf(images, 'etcd'), versionOf(images, 'coredns')]).toEqual(['3.6.8', '1.14.2']);
});

test.each([
  ['registry.k8s.io/coredns/coredns:v1', undefined, ['https://registry.k8s.io', 'coredns/coredns', 'v1']],
  ['docker.io/library/busybox:1', undefined, ['https://registry-1.docker.io', 'library/busybox', '1']],
  ['localhost:5000/a/b:c_1', undefined, ['https://localhost:5000', 'a/b', 'c_1']],
  ['ghcr.io/a/b:t@sha256:' + hex, undefined, ['https://ghcr.io', 'a/b', `sha256:${hex}`]],
  ['registry.k8s.io/pause:3', 'http://127.0.0.1:5000', ['http://127.0.0.1:5000', 'pause', '3']],
  ['registry.k8s.io/pause:3', 'https://mirror/k8s/', ['https://mirror', 'k8s/pause', '3']],
] as const)('%s lies, with the mirror %s, at %j', (name, mirror, [server, repository, reference]) => {
  expect(placeOf(name, mirror)).toEqual({ server, repository, reference });
});

test.each(['busybox', 'busybox:1', 'library/busybox:1', 'registry.k8s.io/pause', 'registry.k8s.io/Pause:3', ''])(
  'where "%s" lies would be a guess',
  (name) => {
    expect(placeOf(name, undefined)).toBeUndefined();
  },
);

test('an archive is called by the image’s last name and tag', () => {
  expect(archivePath('registry.k8s.io/coredns/coredns:v1.14.2')).toBe('images/coredns-v1.14.2.tar');
  expect(archivePath(`ghcr.io/a/b@sha256:${hex}`)).toBe('images/b-abababababab.tar');
});
