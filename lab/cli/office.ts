import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LabSettings, pathsOf } from '../server/settings.ts';

/** What a command finds on the operator's desk: where it starts, and what is set for it. */
export interface Desk {
  /** The folder of cluster.yaml. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The operator's desk in the lab's office: `isthmus` and `kubectl` are on the PATH, the keys of the cloud account are set, and,
 * once there is a cluster, so is its kubeconfig. What the caller has set stays.
 */
export function deskOf({ name, account, bundle }: LabSettings): Desk {
  const cwd = pathsOf(name).state;
  const [kubeconfig] = kubeconfigsOf(name);
  const wanted = {
    UCLOUD_PUBLIC_KEY: account.publicKey,
    UCLOUD_PRIVATE_KEY: account.privateKey,
    ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig.path }),
  };
  const set = Object.fromEntries(Object.entries(wanted).filter(([key]) => process.env[key] === undefined));
  const bin = [join(import.meta.dirname, '../../bin'), join(bundle.folder, 'bin')];
  return { cwd, env: { ...set, PATH: [...bin, process.env['PATH'] ?? ''].join(':') } };
}

/** The kubeconfigs that `isthmus up` has left beside the lab's cluster.yaml, by name of their cluster. */
export function kubeconfigsOf(lab: string): readonly { readonly cluster: string; readonly path: string }[] {
  const folder = join(pathsOf(lab).state, '.isthmus');
  const clusters = existsSync(folder) ? readdirSync(folder).sort() : [];
  return clusters
    .map((cluster) => ({ cluster, path: join(folder, cluster, 'kubeconfig') }))
    .filter(({ path }) => existsSync(path));
}

/**
 * The kubeconfig of the cluster that was asked for, or of the only one there is.
 * @fails Error when there is no such kubeconfig, or several to choose from
 */
export function kubeconfigOf(lab: string, asked: string | undefined): string {
  const made = kubeconfigsOf(lab);
  const chosen = asked === undefined && made.length === 1 ? made[0] : made.find(({ cluster }) => cluster === asked);
  if (chosen !== undefined) return chosen.path;
  if (made.length === 0)
    throw new Error(
      `lab "${lab}" has no cluster yet; make one with \`isthmus lab exec --name ${lab} office -- isthmus up\``,
    );
  throw new Error(
    `say which cluster with --cluster; lab "${lab}" has ${made.map(({ cluster }) => cluster).join(', ')}`,
  );
}
