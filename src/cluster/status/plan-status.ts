import { explainHowToStay } from '../leaving.ts';

export interface NodeStatus {
  readonly name: string;
  readonly ground: 'cloud' | 'site' | 'unknown';
  readonly role: 'control-plane' | 'node';
  readonly address: string | undefined;
  readonly ready: boolean;
  readonly version: string | undefined;
  /** Whether it is marked as about to be removed. */
  readonly leaving: boolean;
  /** Why it is not ready, in the words of its kubelet. */
  readonly why: string | undefined;
  /** What the capabilities tell about it, as columns of a table; the same headings for every node. */
  readonly columns: Readonly<Record<string, string>>;
  /** The same for programs. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface StatusSeen {
  readonly cluster: string;
  readonly api: 'none' | 'silent' | 'answers';
  readonly wanted: readonly { readonly name: string; readonly ground: 'cloud' | 'site' }[];
  /** Machines of NodeGroups, whose own conditions say what they lack. */
  readonly grouped?: readonly string[];
  readonly nodes: readonly NodeStatus[];
  readonly cloudMachines: readonly { readonly name: string; readonly id: string; readonly state: string }[];
  /** Why the cloud's machines are not known; there are none then. */
  readonly cloudFault: string | undefined;
  /** `Deployment kube-system/coredns-site 1/2 ready: …` */
  readonly unready: readonly string[];
  /** What the capabilities found. */
  readonly findings: readonly string[];
}

/** Everything that is not as it should be, each with what helps; empty when all is well. */
export function planStatus(seen: StatusSeen): readonly string[] {
  const ofCloud = seen.cloudFault === undefined ? [] : [seen.cloudFault];
  if (seen.api === 'none')
    return [`there is no kubeconfig of ${seen.cluster} on this computer: run isthmus up`, ...ofCloud];
  if (seen.api === 'silent')
    return [
      `the API server does not answer: ${deadMachines(seen) || 'check the control plane machine and the network path to it'}`,
      ...ofCloud,
    ];
  return [...ofCloud, ...nodeProblems(seen), ...strays(seen), ...seen.unready, ...seen.findings];
}

function deadMachines(seen: StatusSeen): string {
  return seen.cloudMachines
    .filter(({ state }) => state !== 'running')
    .map(({ name, state }) => `${name} is ${state}`)
    .join(', ');
}

function nodeProblems(seen: StatusSeen): string[] {
  const missing = seen.wanted.flatMap(({ name, ground }) => {
    if (seen.nodes.some((node) => node.name === name)) return [];
    return [`${name} (${ground}) has not joined the cluster: run isthmus up`];
  });
  const faulty = seen.nodes.flatMap((node) => {
    const problems: string[] = [];
    const wanted = seen.wanted.find(({ name }) => name === node.name);
    if (wanted === undefined && seen.grouped?.includes(node.name) !== true)
      problems.push(
        `node ${node.name} is not in cluster.yaml: name it there, or run isthmus up, which asks and then drains and removes it`,
      );
    else if (wanted !== undefined && node.ground !== wanted.ground)
      problems.push(
        `node ${node.name} is a ${node.ground} node, but cluster.yaml lists it among the ${wanted.ground} machines`,
      );
    if (wanted !== undefined && node.leaving)
      problems.push(
        `node ${node.name} is in cluster.yaml and marked as about to be removed, so it gets no pods and no load balancer sends to it: ${explainHowToStay(node.name, true)}`,
      );
    if (!node.ready) problems.push(`node ${node.name} is not ready: ${node.why}`);
    return problems;
  });
  return [...missing, ...faulty];
}

/** They cost money and do nothing. */
function strays(seen: StatusSeen): string[] {
  return seen.cloudMachines
    .filter(({ name }) => seen.grouped?.includes(name) !== true)
    .filter(({ name }) => !seen.wanted.some((wanted) => wanted.ground === 'cloud' && wanted.name === name))
    .map(
      ({ name, id }) =>
        `cloud machine ${name} (${id}) carries this cluster's mark and is not in cluster.yaml: name it there, or run isthmus up, which asks and then removes it`,
    );
}
