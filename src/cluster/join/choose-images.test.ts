import { expect, test } from 'vitest';
import type { Bundle } from '../bundle/bundle.ts';
import { bytesFor, chooseImages, downloadFor } from './choose-images.ts';

const image = (name: string, size: number, ...roles: Bundle['images'][number]['roles']): Bundle['images'][number] => ({
  names: [name],
  path: 'images/x.tar',
  digest: `sha256:${'a'.repeat(64)}`,
  size,
  roles,
});
const images = [
  image('registry.k8s.io/pause:3.10.2', 1, 'control-plane', 'node'),
  image('registry.k8s.io/kube-apiserver:v1.36.3', 100, 'control-plane'),
  image('registry.k8s.io/kube-proxy:v1.36.3', 110, 'control-plane', 'node'),
  image('registry.k8s.io/etcd:3.6.8-0', 26, 'control-plane'),
  image('registry.k8s.io/coredns/coredns:v1.14.2', 76, 'control-plane', 'node'),
  image('registry.k8s.io/e2e-test-images/agnhost:2.63.0', 105, 'control-plane', 'node'),
  image('isthmus.dev/isthmus:0.1.0', 177, 'control-plane', 'node'),
];
const names = (chosen: Bundle['images']) => chosen.map((one) => one.names[0]?.replace(/^.*\/|:.*$/g, ''));

test('a node has what it will run at once before it joins, and the rest while it joins; the largest first', () => {
  expect(names(chooseImages(images, 'node', 'before-joining'))).toEqual(['isthmus', 'kube-proxy', 'coredns', 'pause']);
  expect(names(chooseImages(images, 'node', 'while-joining'))).toEqual(['agnhost']);
});

test('no image of a control plane is left out or brought twice', () => {
  const both = (['before-joining', 'while-joining'] as const).flatMap((turn) =>
    names(chooseImages(images, 'control-plane', turn)),
  );
  expect(both).toHaveLength(images.length);
  expect(new Set(both)).toEqual(new Set(names(images)));
});

test('images of an addon are no part of joining', () => {
  const envoy = { ...image('docker.io/envoyproxy/envoy:1', 100, 'node'), addon: 'ingress' as const };
  expect(chooseImages([envoy], 'node', 'before-joining')).toEqual([]);
  expect(chooseImages([envoy], 'node', 'while-joining')).toEqual([]);
});

test('an image is known by any of its names', () => {
  const mirrored = { ...image('', 1, 'node'), names: ['mirror.example.com/a1:3', 'registry.k8s.io/pause:3.10.2'] };
  expect(chooseImages([mirrored], 'node', 'before-joining')).toEqual([mirrored]);
  expect(chooseImages([mirrored], 'node', 'while-joining')).toEqual([]);
});

test('a bare machine is told where our program is, and how much it fetches in all', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const file = (name: string, size: number, roles: ('control-plane' | 'node')[]) => {
    return { name, path: `bin/${name}`, digest, size, roles };
  };
  const bundle = {
    bin: [file('kubectl', 70, ['control-plane']), file('isthmus', 5, ['control-plane', 'node'])],
    cni: [{ name: 'loopback', path: 'cni/loopback', digest, size: 100 }],
    images: [
      { path: 'images/a.tar', digest, size: 2000, names: ['a:1'], roles: ['node'] },
      { path: 'images/b.tar', digest, size: 30_000, names: ['b:1'], roles: ['node'], addon: 'ingress' },
    ],
  } as unknown as Bundle;
  expect(downloadFor('node', bundle)).toEqual({ program: { path: 'bin/isthmus', digest, size: 5 }, bytes: 2105 });
  expect(bytesFor('control-plane', bundle)).toBe(175);
  expect(() => downloadFor('node', { ...bundle, bin: [] })).toThrow(
    'the bundle has no bin named isthmus; make the bundle again',
  );
});
