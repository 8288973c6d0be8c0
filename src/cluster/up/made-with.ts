import { isControlPlane } from '#kube/api/control-plane.ts';
import { settingsName, settingsSchema, systemNamespace } from '#kube/api/settings.ts';
import type { Kube } from '#kube/kube.ts';
import { configMaps, type NodeObject, nodes } from '#kube/resources.ts';
import { formatCidr } from '#unit/ip.ts';
import type { ClusterConfig } from '../config/config.ts';
import type { Fault } from '../config/fault.ts';

/** What a cluster says that it was made with, by the key of cluster.yaml; what can't be read is left out. */
export type MadeWith = Readonly<Record<string, string>>;

interface Row {
  readonly inFile: (config: ClusterConfig) => string;
  /** Why it can't be changed in a cluster that exists. */
  readonly why: string;
}

/** The keys of cluster.yaml that can't be changed once the cluster exists, beside those that the cloud's provider names. All others can. */
export const fixedKeys = {
  name: { inFile: ({ name }) => name, why: 'everything that the cluster has in the cloud is marked with it' },
  kubernetes: { inFile: ({ kubernetes }) => kubernetes, why: 'this version of Isthmus cannot upgrade a cluster' },
  secretsEncryption: {
    inFile: ({ secretsEncryption }) => String(secretsEncryption),
    why: 'the Secrets in etcd are stored so',
  },
  controlPlane: {
    inFile: ({ controlPlane }) => controlPlane,
    why: 'the data of the cluster (etcd) is on that machine',
  },
  'cloud.provider': { inFile: ({ cloud }) => cloud.provider, why: 'the machines of the cluster are there' },
  'cloud.region': { inFile: ({ cloud }) => cloud.region, why: 'the machines of the cluster are there' },
  'cloud.zone': { inFile: ({ cloud }) => cloud.zone, why: 'the machines of the cluster are there' },
  'cloud.vpc': { inFile: ({ cloud }) => cloud.vpc, why: 'the machines of the cluster are in it' },
  'network.services': {
    inFile: ({ network }) => formatCidr(network.services),
    why: 'every Service has an address of it',
  },
  'network.site.pods': {
    inFile: ({ network }) => formatCidr(network.site.pods),
    why: 'nodes, pods and the routes on the gateway have addresses of it',
  },
  'network.site.perMachine': {
    inFile: ({ network }) => String(network.site.perMachine),
    why: 'every node on the site has a pod subnet of this size',
  },
} as const satisfies Readonly<Record<string, Row>>;

/** Reads from the cluster itself what it was made with. @fails KubeError */
export async function observeMadeWith(kube: Kube): Promise<MadeWith> {
  const [map, kubeadm, listed] = await Promise.all([
    kube.get(configMaps, { name: settingsName, namespace: systemNamespace }),
    kube.get(configMaps, { name: 'kubeadm-config', namespace: 'kube-system' }),
    kube.list(nodes),
  ]);
  return readMadeWith(map?.data ?? {}, listed, kubeadm?.data?.['ClusterConfiguration']);
}

/**
 * From the settings that the last `up` wrote, and from the Node of the control plane; as long as no run has come to the settings, from what
 * kubeadm noted when it made the control plane.
 */
export function readMadeWith(
  data: Readonly<Record<string, string>>,
  listed: readonly NodeObject[],
  kubeadm?: string,
): MadeWith {
  const [controlPlane] = listed.filter(isControlPlane);
  const version = controlPlane?.status?.nodeInfo?.kubeletVersion.replace(/^v/, '');
  const settings = settingsSchema.safeParse(parse(data['settings.json'])).data;
  const perMachine = (parse(data['network.json']) as { perMachine?: number } | undefined)?.perMachine;
  return {
    ...(controlPlane !== undefined && { controlPlane: controlPlane.metadata.name }),
    ...(version !== undefined && { kubernetes: version }),
    ...(kubeadm !== undefined && { secretsEncryption: String(kubeadm.includes('encryption-provider-config')) }),
    ...(settings !== undefined && {
      name: settings.name,
      secretsEncryption: String(settings.secretsEncryption),
      ...Object.fromEntries(Object.entries(settings.cloud).map(([key, value]) => [`cloud.${key}`, value])),
      'network.services': settings.ranges.services,
      'network.site.pods': settings.ranges.sitePods,
    }),
    ...(perMachine !== undefined && { 'network.site.perMachine': String(perMachine) }),
  };
}

/** What somebody else wrote into it counts as not known. */
function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '{}');
  } catch {
    return undefined;
  }
}

/** Every key whose value in the file is another than the cluster was made with. */
export function planMadeWith(made: MadeWith, config: ClusterConfig): readonly Fault[] {
  const { fixed, own } = config.cloud;
  const ofProvider = Object.entries(fixed).map(([key, why]): [string, Row] => [
    `cloud.${key}`,
    { inFile: () => own[key] ?? '', why },
  ]);
  return [...Object.entries<Row>(fixedKeys), ...ofProvider].flatMap(([path, { inFile, why }]): Fault[] => {
    const [was, is] = [made[path], inFile(config)];
    if (was === undefined || was === is) return [];
    const problem = `cannot be changed: the cluster was made with ${was}, and ${why}; write ${was} again, or make a new cluster (isthmus down, then isthmus up)`;
    return [{ path, line: undefined, value: is, problem, example: undefined }];
  });
}
