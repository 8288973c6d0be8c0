import { isControlPlane } from '#kube/api/control-plane.ts';
import { type MachineObject, machines } from '#kube/api/machine.ts';
import { settingsName, settingsSchema, systemNamespace } from '#kube/api/settings.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { configMaps, type NodeObject, nodes } from '#kube/resources.ts';
import { formatCidr } from '#unit/ip.ts';
import type { ClusterConfig } from '../config/config.ts';
import type { Fault } from '../config/fault.ts';

/** What a cluster says that it was made with, by the key of cluster.yaml; what can't be read is left out. */
export type MadeWith = Readonly<Record<string, string>>;

interface Row {
  /** `undefined`: it says nothing of it. */
  readonly inFile: (config: ClusterConfig) => string | undefined;
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
  'network.site.mode': {
    inFile: ({ network }) => network.site.mode,
    why: 'the pods of machines on the site have their addresses by it',
  },
  'network.site.pods': {
    inFile: ({ network }) => network.site.routed && formatCidr(network.site.routed.pods),
    why: 'nodes, pods and the routes on the gateway have addresses of it',
  },
  'network.site.perMachine': {
    inFile: ({ network }) => network.site.routed && String(network.site.routed.perMachine),
    why: 'every routed node on the site has a pod subnet of this size',
  },
} as const satisfies Readonly<Record<string, Row>>;

/** Reads from the cluster itself what it was made with. @fails KubeError */
export async function observeMadeWith(kube: Kube): Promise<MadeWith> {
  const [map, kubeadm, listed, recorded] = await Promise.all([
    kube.get(configMaps, { name: settingsName, namespace: systemNamespace }),
    kube.get(configMaps, { name: 'kubeadm-config', namespace: 'kube-system' }),
    kube.list(nodes),
    listIfServed(kube, machines),
  ]);
  const joined = new Set(listed.map(({ metadata }) => metadata.name));
  return {
    ...readMadeWith(map?.data ?? {}, listed, kubeadm?.data?.['ClusterConfiguration']),
    ...podNetworksOf(recorded.filter(({ metadata }) => joined.has(metadata.name))),
  };
}

/** How pods of machines that have joined get their addresses. */
export function podNetworksOf(recorded: readonly MachineObject[]): MadeWith {
  return Object.fromEntries(
    recorded.flatMap(({ metadata: { name }, spec: { podNetwork } }) =>
      podNetwork === undefined ? [] : [[podNetworkOf(name), podNetwork]],
    ),
  );
}

function podNetworkOf(machine: string): string {
  return `machine ${machine}: podNetwork`;
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
  const { mode = 'routed', perMachine } = (parse(data['network.json']) ?? {}) as { mode?: string; perMachine?: number };
  return {
    ...(controlPlane !== undefined && { controlPlane: controlPlane.metadata.name }),
    ...(version !== undefined && { kubernetes: version }),
    ...(kubeadm !== undefined && { secretsEncryption: String(kubeadm.includes('encryption-provider-config')) }),
    ...(settings !== undefined && {
      name: settings.name,
      secretsEncryption: String(settings.secretsEncryption),
      ...Object.fromEntries(Object.entries(settings.cloud).map(([key, value]) => [`cloud.${key}`, value])),
      'network.services': settings.ranges.services,
      'network.site.mode': mode,
      ...(settings.ranges.sitePods !== undefined && { 'network.site.pods': settings.ranges.sitePods }),
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
  const ofMachines = config.machines.flatMap(({ name, podNetwork }, i): Fault[] => {
    const was = made[podNetworkOf(name)];
    if (was === undefined || was === podNetwork) return [];
    const problem = `cannot be changed: ${name} has joined as a ${was} machine, and its pods have their addresses by it; write ${was} again, or remove the machine and add it anew`;
    return [{ path: `machines[${i}].podNetwork`, line: undefined, value: podNetwork, problem, example: undefined }];
  });
  const ofCluster = [...Object.entries<Row>(fixedKeys), ...ofProvider].flatMap(([path, { inFile, why }]): Fault[] => {
    const [was, is] = [made[path], inFile(config)];
    if (was === undefined || is === undefined || was === is) return [];
    const problem = `cannot be changed: the cluster was made with ${was}, and ${why}; write ${was} again, or make a new cluster (isthmus down, then isthmus up)`;
    return [{ path, line: undefined, value: is, problem, example: undefined }];
  });
  return [...ofCluster, ...ofMachines];
}
