import type { JoinFile } from '#machine/join-file.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { imagesOf } from './choose-images.ts';
import { encryptionPath, paths, staticPodPatches } from './files.ts';
import { binariesFor, kubeadmArgv } from './steps.ts';

/** The dry run of `isthmus machine join` on a bare machine. */
export interface JoinDryRun {
  /** Files that our programs write themselves, whole paths. */
  readonly files: readonly string[];
  readonly commands: readonly string[];
}

/** Settings that depend on the machine, such as its cgroup driver, are chosen there and are not told here. */
export function dryRunJoin(
  { role, secretsEncryption = false }: Pick<JoinFile, 'role' | 'secretsEncryption'>,
  bundle: Bundle,
): JoinDryRun {
  const { bin, cni } = binariesFor(role, bundle);
  const images = imagesOf(bundle.images, role);
  const { containerdBefore: _, containerdSocket: __, patches: ___, ...written } = paths;
  return {
    files: [
      '/etc/isthmus/join.json',
      ...[...bin, ...cni].map(({ to }) => to),
      ...Object.values(written),
      ...(role === 'control-plane' ? staticPodPatches().keys() : []),
      ...(secretsEncryption ? [encryptionPath] : []),
    ].toSorted(),
    commands: [
      'modprobe -a -q overlay nf_conntrack',
      `sysctl -q -p ${paths.sysctl}`,
      'systemctl enable -q containerd',
      'systemctl restart containerd',
      ...images.map(({ path }) => `ctr -n k8s.io images import ${path}`),
      'systemctl daemon-reload',
      'systemctl enable -q kubelet',
      kubeadmArgv(role).join(' '),
    ],
  };
}
