import * as z from 'zod';

/** What a cluster can have beside what it needs. */
export const addonNames = ['ingress'] as const;
export type AddonName = (typeof addonNames)[number];

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const file = z.object({
  /** Relative to the folder of bundle.json. */
  path: z.string().regex(/^(bin|images|cni)\/[A-Za-z0-9._-]+$/),
  digest,
  size: z.number().int().positive(),
});

/**
 * Everything of Kubernetes and of Isthmus that a machine needs, as files with digests: `bundle.json` beside `bin/`, `cni/`
 * and `images/`. The lab's toolchain makes one from Go modules; the same form holds official release files.
 */
export const bundleSchema = z.object({
  format: z.literal('isthmus-bundle/v1'),
  versions: z.object({
    kubernetes: z.string(),
    etcd: z.string(),
    coredns: z.string(),
    cniPlugins: z.string(),
    isthmus: z.string(),
  }),
  /** Executables for /usr/local/bin: `kubeadm`, `kubelet`, `kubectl`, `isthmus`. */
  bin: z.array(file.extend({ name: z.string(), roles: z.array(z.enum(['control-plane', 'node'])) })),
  /** CNI plugins for /opt/cni/bin. */
  cni: z.array(file.extend({ name: z.string() })),
  /** Image archives (docker-archive), each with the names it loads under and the machines that need it. */
  images: z.array(
    file.extend({
      names: z.array(z.string()).min(1),
      roles: z.array(z.enum(['control-plane', 'node'])),
      /** Only for clusters with this addon; no machine fetches it when it joins. */
      addon: z.enum(addonNames).optional(),
    }),
  ),
});

export type Bundle = z.infer<typeof bundleSchema>;

/** The addons whose images a bundle has. */
export function addonsOf({ images }: Bundle): readonly AddonName[] {
  return addonNames.filter((name) => images.some(({ addon }) => addon === name));
}

/** What to do where a bundle lacks the images of an addon. */
export function addonCure(name: AddonName): string {
  return `make one with isthmus bundle create --addon ${name}, and write its digest in cluster.yaml`;
}
