import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';

/** Versions of everything in the bundle; `modules/<family>/go.mod` requires the same, which a test compares. */
export const versions = {
  kubernetes: '1.36.3',
  etcd: '3.6.8',
  coredns: '1.14.7',
  cniPlugins: '1.9.1',
} as const;

/** Of the addons, which only some bundles have. */
export const addonVersions = { contour: '1.33.8', envoy: '1.40.0' } as const;

/** Of the sidecars of the CSI drivers, and of the suite that judges drivers. */
export const csiVersions = {
  provisioner: '6.4.0',
  attacher: '4.13.0',
  resizer: '2.3.0',
  snapshotter: '8.7.0',
  sanity: '5.6.0',
} as const;

/** What the bundle is made of. */
type BundledFamily = 'kubernetes' | 'etcd' | 'coredns' | 'plugins';

/** A Go module of ours that lists, as `tool`s, the commands that we build of one upstream project. One each, because their `replace` lines collide. */
export interface Family {
  readonly name: BundledFamily | 'contour' | 'csi' | 'e2e' | 'helm';
  readonly ldflags: string;
  /** A test package that becomes a program as well, called `<its folder>.test`. */
  readonly testPackage?: string;
  /** Commands whose Go package has another name than we want. */
  readonly rename?: Readonly<Record<string, string>>;
}

/** Without these every Kubernetes program calls itself v0.0.0, and kubeadm's version checks misfire. */
function kubernetesVersion(version: string): string {
  const [major, minor] = version.split('.');
  const facts = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: '0'.repeat(40),
    // Fixed: the same inputs give the same bytes.
    buildDate: '2026-01-01T00:00:00Z',
  };
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];
  return packages
    .flatMap((path) => Object.entries(facts).map(([name, value]) => `-X ${path}.${name}=${value}`))
    .join(' ');
}

export const families: readonly (Family & { readonly name: BundledFamily })[] = [
  { name: 'kubernetes', ldflags: `-s -w ${kubernetesVersion(versions.kubernetes)}` },
  { name: 'etcd', ldflags: '-s -w', rename: { server: 'etcd' } },
  { name: 'coredns', ldflags: '-s -w' },
  { name: 'plugins', ldflags: '-s -w' },
];

/** The ingress controller, for bundles with the addon `ingress`. */
export const contour: Family = {
  name: 'contour',
  ldflags: `-s -w -X github.com/projectcontour/contour/internal/build.Version=v${addonVersions.contour}`,
};

/**
 * The sidecars, and csi-sanity. One module: none of them brings more of Kubernetes than its client, and what they share is compiled once.
 * Their images come into the bundle; the programs alone are enough for a test of a driver.
 */
export const csi: Family = { name: 'csi', ldflags: '-s -w' };

/** What renders charts. No part of the toolchain: only a test of the guide's values needs it. */
export const helm: Family = { name: 'helm', ldflags: '-s -w' };

/** Upstream's own end-to-end tests of Kubernetes, and what runs them. No part of the toolchain: only conformance needs them. */
export const endToEnd: Family = {
  name: 'e2e',
  ldflags: `-s -w ${kubernetesVersion(versions.kubernetes)}`,
  testPackage: 'k8s.io/kubernetes/test/e2e',
};

/**
 * The folder with the commands of one family, built now if it is not there. A killed build resumes: what Go has compiled
 * stays in Go's own cache.
 * @fails Error with the last lines that Go printed
 */
export async function buildFamily(family: Family, note: Note): Promise<string> {
  const module = join(import.meta.dirname, 'modules', family.name);
  const inputs = await Promise.all([
    readFile(join(module, 'go.mod')),
    readFile(join(module, 'go.sum')),
    command('go', ['env', 'GOVERSION']),
  ]);
  return artifact(
    {
      kind: family.name,
      inputs: [...inputs, JSON.stringify(family)],
      make: async (folder) => {
        const go = (verb: readonly string[], what: string): Promise<string> =>
          command('go', [...verb, '-trimpath', '-ldflags', family.ldflags, '-o', `${folder}/`, what], {
            cwd: module,
            env: { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' },
          });
        await go(['build'], 'tool');
        if (family.testPackage !== undefined) await go(['test', '-c', '-vet=off'], family.testPackage);
        for (const [from, to] of Object.entries(family.rename ?? {}))
          await command('mv', [join(folder, from), join(folder, to)]);
      },
    },
    note,
  );
}
