import { expect, test } from 'vitest';
import { writtenLayers } from './save-lab.ts';

test('the layers that running containers write to are those that are mounted as upper ones', () => {
  const mounts = `overlay / overlay rw,lowerdir=/image,upperdir=/var/lib/isthmus-lab/lab/machines/base-1/upper,workdir=/w 0 0
overlay /run/containerd/rootfs overlay rw,lowerdir=/var/lib/containerd/s/1/fs,upperdir=/var/lib/containerd/s/12/fs,workdir=/var/lib/containerd/s/12/work 0 0
proc /proc proc rw 0 0`;
  expect(writtenLayers(mounts)).toEqual(['s/12/fs']);
});
