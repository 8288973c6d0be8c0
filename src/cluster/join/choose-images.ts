import type { Download } from '#machine/bootstrap.ts';
import type { JoinFile } from '#machine/join-file.ts';
import type { Bundle } from '../bundle/bundle.ts';

/** A node runs its own parts within seconds of joining; other images may come meanwhile. */
export type ImageTurn = 'before-joining' | 'while-joining';

/** A kubelet that misses one of these asks a registry for it, and tries again only much later. */
const ownParts = /\/(pause|kube-[a-z-]+|etcd|coredns|isthmus):/;

/** The images of a role for one of the two turns; the largest first, because the last one keeps one worker waiting. */
export function chooseImages(images: Bundle['images'], role: JoinFile['role'], turn: ImageTurn): Bundle['images'] {
  return imagesOf(images, role)
    .filter(({ names }) => names.some((name) => ownParts.test(name)) === (turn === 'before-joining'))
    .sort((a, b) => b.size - a.size);
}

/** What a machine of this role fetches when it joins. Those of addons come later, to nodes of clusters that have them. */
export function imagesOf(images: Bundle['images'], role: JoinFile['role']): Bundle['images'] {
  return images.filter(({ roles, addon }) => roles.includes(role) && addon === undefined);
}

/** Bytes of the bundle that a machine of this role fetches. */
export function bytesFor(role: JoinFile['role'], { bin, cni, images }: Bundle): number {
  const files = [...bin.filter(({ roles }) => roles.includes(role)), ...imagesOf(images, role), ...cni];
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** What a bare machine of this role is told of the bundle. @fails Error for a bundle without our program */
export function downloadFor(role: JoinFile['role'], bundle: Bundle): Download {
  const program = bundle.bin.find(({ name }) => name === 'isthmus');
  if (program === undefined) throw new Error('the bundle has no bin named isthmus; make the bundle again');
  const { path, digest, size } = program;
  return { program: { path, digest, size }, bytes: bytesFor(role, bundle) };
}
