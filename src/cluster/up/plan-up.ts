import type { CloudMachine } from '#cloud/compute.ts';
import type { Instant } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';

/** The machines that cluster.yaml asks for. */
export interface UpWanted {
  readonly controlPlane: string;
  readonly cloudMachines: readonly string[];
  readonly machines: readonly string[];
  /** Of the physical machines, by name. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** What there is, in the cloud, in the cluster and on the operator's computer. */
export interface UpSeen {
  readonly at: Instant;
  /** Machines that carry our mark. */
  readonly cloudMachines: readonly Pick<CloudMachine, 'name' | 'id' | 'state'>[];
  /** `none`: no kubeconfig is kept, so this computer has not made the control plane to its end. */
  readonly api: 'none' | 'silent' | 'answers';
  readonly nodes: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly providerId: string | undefined;
    /** Its InternalIP, once it has told one. */
    readonly address?: string | undefined;
  }[];
  /** Join tokens that exist, by the machine they were made for. */
  readonly tokens: readonly { readonly machine: string; readonly expires: Instant }[];
  /** Objects that are missing or of another version or configuration, as people call them. */
  readonly staleObjects: readonly string[];
  /** What is not running in full, `Deployment kube-system/coredns-site 1/2`. */
  readonly unready: readonly string[];
  /** Routes that the site's gateway lacks or has wrong; `undefined` when it is not ours to set. */
  readonly routes: readonly string[] | undefined;
}

export type UpStep = { readonly why: string } & (
  | { readonly do: 'create-cloud-machine'; readonly machine: string }
  | { readonly do: 'start-cloud-machine'; readonly machine: string; readonly id: string }
  | { readonly do: 'replace-cloud-machine'; readonly machine: string; readonly id: string }
  | { readonly do: 'make-control-plane'; readonly machine: string }
  | { readonly do: 'wait-for-api' }
  | { readonly do: 'forget-node'; readonly machine: string }
  | { readonly do: 'apply-objects' }
  | { readonly do: 'join-machine'; readonly machine: string }
  | { readonly do: 'wait-for-node'; readonly machine: string }
  | { readonly do: 'remove-tokens'; readonly machine: string }
  | { readonly do: 'wait-for-workloads' }
  | { readonly do: 'set-routes' }
);

/** Steps in stages: those of one stage may be taken at the same time, the next stage needs all of them done. */
export type UpPlan =
  | { readonly stages: readonly (readonly UpStep[])[] }
  | { readonly blocked: string; readonly cure: string };

/** What is left to do until the world is as cluster.yaml says; no stage when it is. */
export function planUp(seen: UpSeen, wanted: UpWanted): UpPlan {
  const blocked = lostControlPlane(seen, wanted) ?? twoOfOneName(seen, wanted) ?? strangersName(seen, wanted);
  if (blocked !== undefined) return blocked;
  const base = planControlPlane(seen, wanted);
  // What the cluster has can't be seen now, and what it lacks is planned when it can.
  if (seen.api === 'silent') return { stages: base.filter((stage) => stage.length > 0) };
  const workers = planWorkers(seen, wanted);
  const waits = planWaits(seen, wanted, workers);
  const stages = [
    ...base,
    workers.filter((step) => step.do === 'forget-node'),
    workers.filter((step) => step.do !== 'forget-node'),
    waits,
    planTokens(seen, wanted, waits),
    planRoutes(seen, wanted, waits),
    planWorkloads(seen, waits, base.flat().length > 0),
  ];
  return { stages: stages.filter((stage) => stage.length > 0) };
}

function isInCloud(wanted: UpWanted, machine: string): boolean {
  return wanted.cloudMachines.includes(machine);
}

/** Making it anew would make another, empty cluster beside the nodes of the old one; that is for a person to decide. */
function lostControlPlane(seen: UpSeen, wanted: UpWanted): UpPlan | undefined {
  const { controlPlane } = wanted;
  if (seen.api !== 'silent' || !isInCloud(wanted, controlPlane)) return undefined;
  if (seen.cloudMachines.some(({ name }) => name === controlPlane)) return undefined;
  return {
    blocked: `the control plane ${controlPlane} of this cluster does not exist in the cloud any more, and its data with it`,
    cure: 'run isthmus down to clear what is left, then isthmus up makes a new cluster',
  };
}

/** Which of them is right can't be told before one is a node, and removing the wrong one loses what runs on it. */
function twoOfOneName(seen: UpSeen, wanted: UpWanted): UpPlan | undefined {
  for (const machine of wanted.cloudMachines) {
    const ids = seen.cloudMachines.filter(({ name }) => name === machine).map(({ id }) => id);
    if (ids.length < 2) continue;
    const nodeId = seen.nodes.find(({ name }) => name === machine)?.providerId;
    const node = nodeId === undefined ? 'none of them is a node yet' : `the node is ${nodeId}`;
    return {
      blocked: `the cloud has ${ids.length} machines ${machine} of this cluster: ${ids.join(', ')}; ${node}`,
      cure: 'end all but one in the console of the cloud, then run isthmus up again',
    };
  }
  return undefined;
}

/** A node that has the name of one of our physical machines and is another machine. */
function strangersName(seen: UpSeen, wanted: UpWanted): UpPlan | undefined {
  for (const { name, address } of seen.nodes) {
    const own = wanted.addresses.get(name);
    if (own === undefined || address === undefined || own === address) continue;
    return {
      blocked: `the cluster has a node ${name} at ${address} already, and cluster.yaml has the machine ${name} at ${own}`,
      cure: `give the machine another name, or its right address; if the node is a machine that is gone for good, run kubectl delete node ${name}`,
    };
  }
  return undefined;
}

function planControlPlane(seen: UpSeen, wanted: UpWanted): UpStep[][] {
  const machine = wanted.controlPlane;
  const stages: UpStep[][] = [];
  if (isInCloud(wanted, machine)) stages.push(planMachine(seen, machine, 'it is to be the control plane'));
  if (seen.api === 'none')
    stages.push([{ do: 'make-control-plane', machine, why: 'no kubeconfig of this cluster is kept here' }]);
  if (seen.api === 'silent')
    stages.push([{ do: 'wait-for-api', why: 'it does not answer; what else is to be done shows when it does' }]);
  if (seen.api === 'none') stages.push([{ do: 'apply-objects', why: 'the cluster may lack some' }]);
  if (seen.api === 'answers' && seen.staleObjects.length > 0)
    stages.push([{ do: 'apply-objects', why: `missing or outdated: ${shortList(seen.staleObjects)}` }]);
  return stages;
}

/** `a, b, c and 4 more` */
function shortList(names: readonly string[]): string {
  const rest = names.length - 3;
  return rest <= 1 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${rest} more`;
}

function planMachine(seen: UpSeen, machine: string, purpose: string): UpStep[] {
  const there = seen.cloudMachines.find(({ name }) => name === machine);
  if (there === undefined) return [{ do: 'create-cloud-machine', machine, why: `it does not exist yet; ${purpose}` }];
  switch (there.state) {
    case 'stopped':
      return [{ do: 'start-cloud-machine', machine, id: there.id, why: 'it is switched off' }];
    case 'failed':
      return [{ do: 'replace-cloud-machine', machine, id: there.id, why: 'the cloud could not make or start it' }];
    case 'creating':
    case 'running':
    case 'starting':
    case 'stopping':
    case 'rebooting':
    case 'unreadable':
      return [];
  }
}

function planWorkers(seen: UpSeen, wanted: UpWanted): UpStep[] {
  const isWorker = (machine: string): boolean => machine !== wanted.controlPlane;
  return [
    ...wanted.cloudMachines.filter(isWorker).flatMap((machine) => planCloudWorker(seen, machine)),
    ...wanted.machines.filter(isWorker).flatMap((machine) => planSiteWorker(seen, machine)),
  ];
}

function planCloudWorker(seen: UpSeen, machine: string): UpStep[] {
  const node = seen.nodes.find(({ name }) => name === machine);
  const there = seen.cloudMachines.find(({ name }) => name === machine);
  const steps = planMachine(seen, machine, 'cluster.yaml names it');
  if (node !== undefined && !belongsTo(node.providerId, there?.id))
    steps.unshift({
      do: 'forget-node',
      machine,
      why: `its Node is of a machine that is gone (${node.providerId ?? 'no provider id'})`,
    });
  else if (node !== undefined) return steps;
  if (there === undefined || steps.some((step) => step.do === 'replace-cloud-machine')) return steps;
  const admitted = seen.tokens.some((token) => token.machine === machine && token.expires > seen.at);
  // Nobody can log in to it, so its user data is its one chance.
  if (seen.api === 'answers' && !admitted) {
    const why = 'it is no node, and holds no token to become one';
    return [
      ...steps.filter((step) => step.do === 'forget-node'),
      { do: 'replace-cloud-machine', machine, id: there.id, why },
    ];
  }
  return steps;
}

function belongsTo(providerId: string | undefined, id: string | undefined): boolean {
  const parsed = providerId === undefined ? undefined : parseProviderId(providerId);
  return parsed?.ground === 'cloud' && parsed.id === id;
}

function planSiteWorker(seen: UpSeen, machine: string): UpStep[] {
  const node = seen.nodes.find(({ name }) => name === machine);
  if (node?.ready === true) return [];
  const why = node === undefined ? 'it is no node yet' : 'its node is not ready: perhaps its join was cut short';
  return [{ do: 'join-machine', machine, why }];
}

function planWaits(seen: UpSeen, wanted: UpWanted, workers: readonly UpStep[]): UpStep[] {
  const changed = new Set(workers.map((step) => ('machine' in step ? step.machine : '')));
  const isReady = (machine: string): boolean => seen.nodes.some(({ name, ready }) => name === machine && ready);
  // Whether a worker of an earlier run can still become a node shows when the cluster does.
  const isUnseen = (machine: string): boolean =>
    seen.api === 'none' &&
    machine !== wanted.controlPlane &&
    !changed.has(machine) &&
    seen.cloudMachines.some(({ name }) => name === machine);
  return [...wanted.cloudMachines, ...wanted.machines]
    .filter((machine) => changed.has(machine) || !(isReady(machine) || isUnseen(machine)))
    .map((machine) => ({ do: 'wait-for-node', machine, why: 'its node is not ready yet' }));
}

/** A token is taken back as soon as its machine is in; one that expired is only rubbish. */
function planTokens(seen: UpSeen, wanted: UpWanted, waits: readonly UpStep[]): UpStep[] {
  const waiting = new Set(waits.map((step) => ('machine' in step ? step.machine : '')));
  const holders = new Set(seen.tokens.map(({ machine }) => machine));
  const known = new Set([...wanted.cloudMachines, ...wanted.machines]);
  const steps: UpStep[] = [];
  for (const machine of [...new Set([...holders, ...waiting])].toSorted()) {
    if (machine === wanted.controlPlane) continue;
    const why = known.has(machine) ? 'it has joined, and needs it no more' : 'cluster.yaml does not name this machine';
    steps.push({ do: 'remove-tokens', machine, why });
  }
  return steps;
}

function planRoutes(seen: UpSeen, wanted: UpWanted, waits: readonly UpStep[]): UpStep[] {
  if (seen.routes === undefined) return [];
  if (seen.routes.length > 0) return [{ do: 'set-routes', why: `it differs: ${shortList(seen.routes)}` }];
  const onSite = waits.some((step) => 'machine' in step && wanted.machines.includes(step.machine));
  return onSite ? [{ do: 'set-routes', why: 'it must know the pod subnet of each machine' }] : [];
}

function planWorkloads(seen: UpSeen, waits: readonly UpStep[], changed: boolean): UpStep[] {
  if (seen.unready.length > 0) return [{ do: 'wait-for-workloads', why: `not complete: ${shortList(seen.unready)}` }];
  return waits.length > 0 || changed
    ? [{ do: 'wait-for-workloads', why: 'the cluster is complete when they run' }]
    : [];
}

/** `create cloud machine web-1: it does not exist yet; …` */
export function explainStep(step: UpStep): string {
  return `${titleOf(step)}: ${step.why}`;
}

export function titleOf(step: UpStep): string {
  return 'machine' in step ? `${verbs[step.do]} ${step.machine}` : verbs[step.do];
}

/** How people read each kind of step. A new kind does not compile until it has its words, and is then in `stepKinds` too. */
const verbs: Readonly<Record<UpStep['do'], string>> = {
  'create-cloud-machine': 'create cloud machine',
  'start-cloud-machine': 'start cloud machine',
  'replace-cloud-machine': 'replace cloud machine',
  'make-control-plane': 'make control plane',
  'wait-for-api': 'wait for the API server',
  'forget-node': 'forget node',
  'apply-objects': 'apply system objects',
  'join-machine': 'join machine',
  'wait-for-node': 'wait for node',
  'remove-tokens': 'take back the join token of',
  'set-routes': 'set routes on the gateway',
  'wait-for-workloads': 'wait for workloads',
};

/** Every kind of step that `up` can take, each with the words that begin its progress lines. */
export const stepKinds: readonly { readonly kind: string; readonly words: string }[] = Object.entries(verbs).map(
  ([kind, words]) => ({ kind, words }),
);

/** Whether something that exists would be taken away. */
export function destroys(step: UpStep): boolean {
  return step.do === 'replace-cloud-machine' || step.do === 'forget-node';
}
