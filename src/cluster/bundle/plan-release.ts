import type { AddonName, Bundle } from './bundle.ts';

type Role = Bundle['bin'][number]['roles'][number];

/** Which releases a bundle is made of and where they lie. */
export interface ReleaseWish {
  /** `1.36.3` */
  readonly kubernetes: string;
  readonly cniPlugins: string;
  /** Server of the layout `/release/v1.36.3/bin/linux/amd64/kubeadm`. */
  readonly kubernetesBase: string;
  /** Server of the layout `/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz`. */
  readonly cniBase: string;
  /** URL of a registry that has all images, each under its path; `undefined` where each lies in the registry of its name. */
  readonly registry: string | undefined;
  /** Images beyond those that Kubernetes needs. */
  readonly moreImages: readonly string[];
  /** Whose images are added as well. */
  readonly addons: readonly AddonName[];
}

/** A file of a release. Its digest lies beside it, at `url` with `.sha256` behind. */
export interface ReleaseFile {
  readonly name: string;
  readonly url: string;
  readonly roles: readonly Role[];
}

/**
 * The sidecars between Kubernetes and our CSI drivers, as upstream publishes them.
 * @source kubernetes-csi.github.io/docs, "Sidecar containers"
 */
export const csiImages: readonly string[] = [
  'registry.k8s.io/sig-storage/csi-provisioner:v6.4.0',
  'registry.k8s.io/sig-storage/csi-attacher:v4.13.0',
  'registry.k8s.io/sig-storage/csi-resizer:v2.3.0',
  'registry.k8s.io/sig-storage/csi-snapshotter:v8.7.0',
  'registry.k8s.io/sig-storage/snapshot-controller:v8.7.0',
];

/** What a bundle is made of where nobody says otherwise. */
export const officialReleases: ReleaseWish = {
  kubernetes: '1.36.3',
  cniPlugins: '1.9.1',
  kubernetesBase: 'https://dl.k8s.io',
  cniBase: 'https://github.com/containernetworking/plugins/releases/download',
  registry: undefined,
  moreImages: csiImages,
  addons: [],
};

/**
 * The images of each addon, as upstream publishes them.
 * @source github.com/projectcontour/contour examples/contour @v1.33.8: this Contour and this Envoy belong together
 */
export const addonImages: Readonly<Record<AddonName, readonly string[]>> = {
  ingress: ['ghcr.io/projectcontour/contour:v1.33.8', 'docker.io/envoyproxy/envoy:distroless-v1.38.9'],
};

const everywhere: readonly Role[] = ['control-plane', 'node'];

/** @source kubernetes.io/releases/download: dl.k8s.io/release/VERSION/bin/linux/ARCH/NAME, digest at NAME.sha256 */
export function planKubernetesFiles(wish: ReleaseWish): readonly ReleaseFile[] {
  const folder = `${trimmed(wish.kubernetesBase)}/release/v${wish.kubernetes}/bin/linux/amd64`;
  return [
    { name: 'kubeadm', roles: everywhere, url: `${folder}/kubeadm` },
    { name: 'kubelet', roles: everywhere, url: `${folder}/kubelet` },
    { name: 'kubectl', roles: ['control-plane'], url: `${folder}/kubectl` },
  ];
}

/** The plugins that nodes need beside our own. */
export const neededPlugins = ['loopback', 'portmap', 'bandwidth'] as const;

/** @source github.com/containernetworking/plugins, release assets */
export function planPluginsFile(wish: ReleaseWish): ReleaseFile {
  const name = `cni-plugins-linux-amd64-v${wish.cniPlugins}.tgz`;
  return { name, roles: everywhere, url: `${trimmed(wish.cniBase)}/v${wish.cniPlugins}/${name}` };
}

/** Reads both forms of a `.sha256` file: the digest alone, and `sha256sum`'s with the name behind it. `undefined` for any other text. */
export function parseDigestFile(text: string): string | undefined {
  const hex = /^([0-9a-f]{64})(?:\s|$)/.exec(text)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** An image by its full name, and which machines need it. */
export interface ImageWish {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly addon?: AddonName;
}

/** Provisioner and resizer are not among them: volumes of the site's machines are made on the machine that keeps them. */
const onlyControlPlane =
  /\/(kube-apiserver|kube-controller-manager|kube-scheduler|etcd|csi-attacher|csi-snapshotter|snapshot-controller):/;

/** The machines that need an image when they join. */
export function rolesOf(name: string): readonly Role[] {
  return onlyControlPlane.test(name) ? ['control-plane'] : everywhere;
}

/** @shape listed: what `kubeadm config images list` printed, a name a line */
export function planImages(
  listed: string,
  more: readonly string[],
  addons: readonly AddonName[],
): readonly ImageWish[] {
  const names = listed.split('\n').filter((line) => line !== '');
  const own: readonly ImageWish[] = [...new Set([...names, ...more])].map((name) => ({ name, roles: rolesOf(name) }));
  const added = [...new Set(addons)].flatMap((addon): readonly ImageWish[] =>
    addonImages[addon].map((name) => ({ name, roles: ['node'], addon })),
  );
  // One that every machine is to have needs no second entry.
  return [...own, ...added.filter(({ name }) => !own.some((one) => one.name === name))];
}

/** Where an image lies. */
export interface ImagePlace {
  /** `https://registry.k8s.io` */
  readonly server: string;
  readonly repository: string;
  /** A tag, or `sha256:…` where the name has one. */
  readonly reference: string;
}

/** `undefined` for a name without registry, or without tag or digest: what it stands for would be a guess. */
export function placeOf(name: string, registry: string | undefined): ImagePlace | undefined {
  const form =
    /^(?<host>[a-z0-9.-]+(?::\d+)?)\/(?<path>[a-z0-9._/-]+?)(?::(?<tag>[\w.-]+))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;
  const { host = '', path = '', tag, digest } = form.exec(name)?.groups ?? {};
  const reference = digest ?? tag;
  if (!/[.:]|^localhost$/.test(host) || reference === undefined) return undefined;
  if (registry === undefined) return { server: serverOf(host), repository: path, reference };
  const { origin, pathname } = new URL(registry);
  // A mirror may keep what it mirrors in a folder of its own.
  return {
    server: origin,
    repository: `${trimmed(pathname)}/${path}`.slice(1),
    reference,
  };
}

/** Docker's registry has another name than its images say. */
function serverOf(host: string): string {
  return host === 'docker.io' ? 'https://registry-1.docker.io' : `https://${host}`;
}

/** The file in the bundle: `registry.k8s.io/coredns/coredns:v1.14.2` is `images/coredns-v1.14.2.tar`. */
export function archivePath(name: string): string {
  const short = name.slice(name.lastIndexOf('/') + 1).replace(/@sha256:([0-9a-f]{12}).*/, '-$1');
  return `images/${short.replaceAll(':', '-')}.tar`;
}

/** The version of one of the images: `3.6.8` of `etcd:3.6.8-0`, `1.14.2` of `coredns:v1.14.2`. */
export function versionOf(images: readonly ImageWish[], part: 'etcd' | 'coredns'): string | undefined {
  const found = images.find(({ name }) => name.includes(`/${part}:`));
  return found && /:v?(\d+\.\d+\.\d+)/.exec(found.name)?.[1];
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}
