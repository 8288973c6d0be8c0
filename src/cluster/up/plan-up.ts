import type { Outside } from '#capability/capability.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import { formatMs, type Instant, minutes, ms } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import { explainUnreached, type Unreached } from '../plan-unreached.ts';

/** The machines that cluster.yaml asks for. */
export interface UpWanted {
  /** What could not be done in this run, by the machine or the outside, and why: nothing more is tried there. */
  readonly leftOut?: ReadonlyMap<string, string>;
  /** Cloud machines that could not be made as cluster.yaml asks for them, and why; of no concern where they are there. */
  readonly unmakeable?: ReadonlyMap<string, string>;
  /** The one machine that is asked for or dropped; what else cluster.yaml asks for is left to a whole run. */
  readonly only?: string | undefined;
  readonly controlPlane: string;
  readonly cloudMachines: readonly string[];
  readonly nodeGroups: readonly string[];
  readonly machines: readonly string[];
  /** Of the physical machines, by name. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** What there is, in the cloud, in the cluster and on the operator's computer. */
export interface UpSeen {
  readonly at: Instant;
  /** Machines that carry our mark. */
  readonly cloudMachines: readonly (Pick<CloudMachine, 'name' | 'id' | 'state'> & {
    /** On its first interface, once it has one. */
    readonly address?: string | undefined;
  })[];
  /** `none`: no kubeconfig is kept here. Another computer may have one. */
  readonly api: 'none' | 'silent' | 'answers';
  /** Where the kept kubeconfig looks for the API server. */
  readonly apiAddress?: string | undefined;
  /** NodeGroups that `up` made; their machines are nothing else that is seen here. */
  readonly groups: readonly { readonly name: string; readonly machines: number }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly providerId: string | undefined;
    /** Its machine holds etcd's data. */
    readonly isControlPlane: boolean;
    /** It is ready, and the API server does not get through to its kubelet. */
    readonly unreached?: Unreached | undefined;
    /** Its InternalIP, once it has told one. */
    readonly address?: string | undefined;
  }[];
  /** Join tokens that exist, by the machine they were made for. */
  readonly tokens: readonly { readonly machine: string; readonly expires: Instant }[];
  /** Machines that were let in and have not been seen to join, with what they reported of their progress. */
  readonly joining: readonly {
    readonly machine: string;
    readonly hasToken: boolean;
    /** `412 of 586 MB`; `undefined` when it has not reported. */
    readonly amount: string | undefined;
    /** Since when a run that waited for it has seen no progress. */
    readonly stalledSince: Instant | undefined;
  }[];
  /** Objects that are missing or of another version or configuration, as people call them. */
  readonly staleObjects: readonly string[];
  /** What is not running in full, `Deployment kube-system/coredns-site 1/2`. */
  readonly unready: readonly string[];
  /** What capabilities keep right outside the cluster, as far as it is ours to set. */
  readonly outsides: readonly OutsideSeen[];
}

export interface OutsideSeen extends Pick<Outside, 'what' | 'follows'> {
  /** What is missing, wrong or left over; empty when it is as it should be, and when it can't be known yet. */
  readonly difference: readonly string[];
  /** Why it can't be looked at, with the cure; nothing is done to it then. */
  readonly fault?: string;
}

export type UpStep = { readonly why: string } & (
  | { readonly do: 'create-cloud-machine'; readonly machine: string }
  | { readonly do: 'start-cloud-machine'; readonly machine: string; readonly id: string }
  | { readonly do: 'replace-cloud-machine'; readonly machine: string; readonly id: string }
  | { readonly do: 'make-control-plane'; readonly machine: string }
  | { readonly do: 'wait-for-api' }
  | { readonly do: 'forget-node'; readonly machine: string }
  | { readonly do: 'apply-objects' }
  | { readonly do: 'renew-token'; readonly machine: string }
  | { readonly do: 'join-machine'; readonly machine: string; readonly hasNode: boolean }
  | { readonly do: 'wait-for-node'; readonly machine: string }
  | { readonly do: 'remove-tokens'; readonly machine: string }
  | { readonly do: 'wait-for-workloads' }
  | { readonly do: 'leave-balancers'; readonly machine: string }
  | { readonly do: 'drain-node'; readonly machine: string }
  /** address: `undefined` when its Node tells none, and nobody can know where it is. */
  | { readonly do: 'reset-machine'; readonly machine: string; readonly address: string | undefined }
  | { readonly do: 'remove-cloud-machine'; readonly machine: string; readonly id: string }
  | { readonly do: 'remove-node-group'; readonly group: string }
  | { readonly do: 'set-outside'; readonly what: string }
);

/** Steps in stages: those of one stage may be taken at the same time, the next stage needs all of them done. */
export type UpPlan =
  | {
      readonly stages: readonly (readonly UpStep[])[];
      /** What can't be done, each with its cure; everything else can. */
      readonly leftOut: readonly string[];
    }
  | { readonly blocked: string; readonly cure: string };

/** What is left to do until the world is as cluster.yaml says; no stage when it is, or when nothing more can be done. */
export function planUp(seen: UpSeen, wanted: UpWanted): UpPlan {
  const blocked = controlPlaneInDoubt(seen, wanted) ?? clusterMissing(seen, wanted);
  if (blocked !== undefined) return blocked;
  const base = planControlPlane(seen, wanted);
  const [unmakeable] = base.flat().flatMap((step) => whyUnmakeable(wanted, step) ?? []);
  if (unmakeable !== undefined) return { blocked: unmakeable, cure: 'correct cluster.yaml' };
  // What the cluster has can't be seen now, and what it lacks is planned when it can.
  if (seen.api === 'silent') return { stages: base.filter((stage) => stage.length > 0), leftOut: [] };
  const doubtful = new Map([...twoOfOneName(seen, wanted), ...strangersName(seen, wanted)]);
  const asked = planWorkers(seen, wanted).filter((step) => !doubtful.has(machineOf(step)));
  const out = new Map([...doubtful, ...leftOutOf(asked, seen, wanted)]);
  const may = (step: UpStep): boolean => !out.has(machineOf(step));
  const workers = asked.filter(may);
  // What follows from other machines that are waited for is left to a whole run, and would never come to an end here.
  const waits = planWaits(seen, wanted, workers).filter((step) => may(step) && isAskedFor(step, wanted));
  const [leave = [], drain = [], remove = [], forget = []] = planRemovals(seen, wanted).map((stage) =>
    stage.filter(may),
  );
  // What is made smaller for a machine that goes alone waits until that is empty: else the wrong one of its pods would go first, and then the other.
  const isLater = wanted.only !== undefined && drain.some((step) => isAskedFor(step, wanted));
  const [early, late] = isLater ? [[], base.flat()] : [base, []];
  const removals = [leave, drain, [...late, ...remove], forget];
  const outsides = (side: 'cloud' | 'site'): UpStep[] => planOutsides(seen, wanted, waits, side).filter(may);
  // Before that, no pod of the site reaches the API server, and its machines have joined by then. What leaves changes it once more.
  const leaves = removals.flat().some((step) => isAskedFor(step, wanted));
  const isEarly = !leaves && waits.some((step) => wanted.machines.includes(machineOf(step)));
  const stages = [
    ...early,
    workers.filter((step) => step.do === 'forget-node'),
    workers.filter((step) => step.do !== 'forget-node'),
    [...waits, ...(isEarly ? outsides('site') : [])],
    ...removals,
    planGroups(seen, wanted).filter(may),
    planTokens(seen, wanted, waits).filter(may),
    [...(isEarly ? [] : outsides('site')), ...outsides('cloud')],
    planWorkloads(seen, waits, base.flat().length > 0).filter(may),
  ].map((stage) => stage.filter((step) => isAskedFor(step, wanted)));
  const ofInterest = [...out].filter(([about]) => isAbout(about, seen, wanted)).map(([, why]) => why);
  const told = new Set([...ofInterest, ...outsideFaults(seen), ...unreachedFaults(seen, wanted, out)]);
  return { stages: stages.filter((stage) => stage.length > 0), leftOut: [...told] };
}

/** A machine can be added or removed alone only where there is a cluster. */
function clusterMissing({ api }: UpSeen, { only }: UpWanted): UpPlan | undefined {
  if (only === undefined || api === 'answers') return undefined;
  if (api === 'silent')
    return { blocked: 'the API server of the cluster does not answer', cure: 'run isthmus up, which waits for it' };
  return notMadeHere;
}

export const notMadeHere = {
  blocked: 'there is no kubeconfig of this cluster on this computer',
  cure: 'run isthmus up, which makes the cluster, or run this where the cluster was made',
} as const;

/** Objects of the cluster name its machines, and so do routes outside of it: both follow each machine that comes or goes. */
function isAskedFor(step: UpStep, { only }: UpWanted): boolean {
  if (only === undefined || step.do === 'apply-objects' || step.do === 'set-outside') return true;
  return 'machine' in step && step.machine === only;
}

function isAbout(about: string, { outsides }: UpSeen, { only }: UpWanted): boolean {
  return only === undefined || about === only || outsides.some(({ what }) => what === about);
}

/** What a step is about, as `leftOut` names it. */
export function machineOf(step: UpStep): string {
  if (step.do === 'set-outside') return step.what;
  if (step.do === 'remove-node-group') return `group ${step.group}`;
  return 'machine' in step ? step.machine : step.do;
}

/** A machine that is there already need not be as cluster.yaml asks for it. */
function whyUnmakeable({ unmakeable }: UpWanted, step: UpStep): string | undefined {
  const makes = step.do === 'create-cloud-machine' || step.do === 'replace-cloud-machine';
  return makes ? unmakeable?.get(step.machine) : undefined;
}

function leftOutOf(asked: readonly UpStep[], seen: UpSeen, wanted: UpWanted): ReadonlyMap<string, string> {
  const unmakeable = asked.flatMap((step) => {
    const why = whyUnmakeable(wanted, step);
    return why === undefined ? [] : [[machineOf(step), why] as const];
  });
  const faulty = seen.outsides.flatMap(({ what, fault }) => (fault === undefined ? [] : [[what, fault] as const]));
  return new Map([...faulty, ...unmakeable, ...(wanted.leftOut ?? [])]);
}

function outsideFaults({ outsides }: UpSeen): string[] {
  return outsides.flatMap(({ fault }) => fault ?? []);
}

/** Nothing that `up` could do helps. */
function unreachedFaults(
  { nodes }: UpSeen,
  { cloudMachines, machines, only }: UpWanted,
  told: ReadonlyMap<string, string>,
): string[] {
  return nodes.flatMap(({ name, unreached }) => {
    const isOurs = cloudMachines.includes(name) || machines.includes(name);
    const isMeant = only === undefined || only === name;
    if (unreached === undefined || !isOurs || !isMeant || told.has(name)) return [];
    return explainUnreached(name, unreached);
  });
}

function isInCloud(wanted: UpWanted, machine: string): boolean {
  return wanted.cloudMachines.includes(machine);
}

/**
 * The control plane's disk holds all that the cluster knows. It is never replaced, and never made a second time beside what may
 * still be there: whatever can't be told for certain is for a person to decide.
 */
function controlPlaneInDoubt(seen: UpSeen, wanted: UpWanted): UpPlan | undefined {
  const { controlPlane } = wanted;
  if (!isInCloud(wanted, controlPlane)) return undefined;
  const [first, ...others] = seen.cloudMachines.filter(({ name }) => name === controlPlane);
  if (first === undefined) return seen.api === 'none' ? undefined : missingControlPlane(controlPlane, seen.api);
  if (others.length > 0) return twoControlPlanes(seen, controlPlane, [first, ...others]);
  if (first.state !== 'failed') return undefined;
  return {
    blocked: `the cloud reports that the installation of the control plane ${controlPlane} (${first.id}) failed; if a cluster was ever made on it, its disk holds the data of that cluster (etcd in /var/lib/etcd)`,
    cure: `if it has run before, try to start it in the console of the cloud, or save its disk first; if it has never run, remove ${first.id} in the console; then run isthmus up again`,
  };
}

function missingControlPlane(controlPlane: string, api: 'silent' | 'answers'): UpPlan {
  const answers = api === 'answers' ? 'its API server answers, but ' : '';
  return {
    blocked: `${answers}the cloud lists no machine ${controlPlane} with the mark of this cluster: it was removed, and the data of the cluster (etcd) with it, or it was renamed or lost its mark`,
    cure: `look for it in the console of the cloud; if it is there, give it back its name and its business group; if it is gone for good, run isthmus down to clear what is left, then isthmus up makes a new cluster`,
  };
}

function twoControlPlanes(seen: UpSeen, controlPlane: string, found: UpSeen['cloudMachines']): UpPlan {
  const nodeId = seen.nodes.find(({ name }) => name === controlPlane)?.providerId;
  const own = found.find(({ id, address }) =>
    nodeId === undefined ? address !== undefined && address === seen.apiAddress : belongsTo(nodeId, id),
  );
  const which =
    own === undefined
      ? 'it is not known which of them holds the data of the cluster (etcd in /var/lib/etcd)'
      : `${own.id} holds the data of the cluster (etcd)`;
  const rest =
    own === undefined
      ? 'the others'
      : found
          .filter(({ id }) => id !== own.id)
          .map(({ id }) => id)
          .join(', ');
  return {
    blocked: `the cloud has ${found.length} machines ${controlPlane} of this cluster: ${found.map(({ id }) => id).join(', ')}; ${which}`,
    cure: `${own === undefined ? 'find out which of them it is, ' : ''}remove ${rest} in the console of the cloud, then run isthmus up again`,
  };
}

/** Until one of them is a node it is not known which is the right one, and removing the wrong one loses what runs on it. */
function twoOfOneName(seen: UpSeen, wanted: UpWanted): readonly (readonly [string, string])[] {
  return wanted.cloudMachines.flatMap((machine) => {
    const ids = seen.cloudMachines.filter(({ name }) => name === machine).map(({ id }) => id);
    if (ids.length < 2) return [];
    const nodeId = seen.nodes.find(({ name }) => name === machine)?.providerId;
    const node = nodeId === undefined ? 'none of them has joined the cluster' : `the node is ${nodeId}`;
    const why = `the cloud has ${ids.length} machines ${machine} of this cluster: ${ids.join(', ')}; ${node}; remove all but one in the console of the cloud`;
    return [[machine, why] as const];
  });
}

/** A node that has the name of one of our physical machines and is another machine. */
function strangersName(seen: UpSeen, wanted: UpWanted): readonly (readonly [string, string])[] {
  return seen.nodes.flatMap(({ name, address }) => {
    const own = wanted.addresses.get(name);
    if (own === undefined || address === undefined || own === address) return [];
    const why = `the cluster already has a node ${name} at ${address}, but cluster.yaml has the machine ${name} at ${own}; give the machine another name, or correct its address; if the machine of that node is gone for good, run kubectl delete node ${name}`;
    return [[name, why] as const];
  });
}

function planControlPlane(seen: UpSeen, wanted: UpWanted): UpStep[][] {
  const machine = wanted.controlPlane;
  const stages: UpStep[][] = [];
  if (isInCloud(wanted, machine)) stages.push(planMachine(seen, machine, 'it will be the control plane'));
  if (seen.api === 'none') stages.push([{ do: 'make-control-plane', machine, why: notMadeHere.blocked }]);
  if (seen.api === 'silent')
    stages.push([{ do: 'wait-for-api', why: 'it does not answer; further steps are planned when it does' }]);
  if (seen.api === 'none') stages.push([{ do: 'apply-objects', why: 'some may be missing' }]);
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
      // Of a machine that failed it shows only in the cluster whether anything is lost with it.
      return seen.api === 'answers'
        ? [{ do: 'replace-cloud-machine', machine, id: there.id, why: 'its installation in the cloud failed' }]
        : [];
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
  if (node?.isControlPlane === true) return [];
  const steps = planMachine(seen, machine, 'it is in cluster.yaml');
  if (node !== undefined && !belongsTo(node.providerId, there?.id))
    steps.unshift({
      do: 'forget-node',
      machine,
      why: `its Node belongs to a machine that is gone (${node.providerId ?? 'no provider id'})`,
    });
  else if (node !== undefined) return [...steps, ...planRejoining(seen, node)];
  if (there === undefined || steps.some((step) => step.do === 'replace-cloud-machine')) return steps;
  if (seen.api !== 'answers') return steps;
  const step = planJoining(seen, machine, there.id);
  if (step?.do === 'replace-cloud-machine') return [...steps.filter(({ do: kind }) => kind === 'forget-node'), step];
  return [...steps, ...(step === undefined ? [] : [step])];
}

/** How long a machine may make no progress before it is replaced: longer than lines are usually cut for. */
const mostPatience = minutes(20);

/**
 * Nobody can log in to a cloud worker, so what it has in its user data is its one chance. As long as it may use that, it is waited
 * for, however slow it is; replacing it throws away what it has fetched.
 */
function planJoining({ at, tokens, joining }: UpSeen, machine: string, id: string): UpStep | undefined {
  const seen = joining.find((one) => one.machine === machine);
  const so = seen?.amount === undefined ? '' : ` (${seen.amount})`;
  const still = ms(at - (seen?.stalledSince ?? at));
  if (still >= mostPatience) {
    const why = `it has made no progress for ${formatMs(still)}${so}, and nobody can log in to it`;
    return { do: 'replace-cloud-machine', machine, id, why };
  }
  const isGood = tokens.some((token) => token.machine === machine && token.expires > at);
  // Also one that is good: it may have let in a try that was cut short, or be of a version before, which told nobody whose it is.
  if (seen?.hasToken === true) {
    const why = isGood
      ? 'it has not joined, and may have to begin anew'
      : 'it has expired, and the machine may still be joining';
    return { do: 'renew-token', machine, why: `${why}${so}` };
  }
  if (isGood) return undefined;
  const why = 'it has not joined, and it has no join token that could be renewed';
  return { do: 'replace-cloud-machine', machine, id, why };
}

/** A token lets in once. A join that was cut short after its node was made may have to begin anew. */
function planRejoining({ joining }: UpSeen, { name, ready }: UpSeen['nodes'][number]): UpStep[] {
  if (ready || !joining.some(({ machine, hasToken }) => machine === name && hasToken)) return [];
  return [{ do: 'renew-token', machine: name, why: 'its node is not ready, and the machine may have to join again' }];
}

function belongsTo(providerId: string | undefined, id: string | undefined): boolean {
  const parsed = providerId === undefined ? undefined : parseProviderId(providerId);
  return parsed?.ground === 'cloud' && parsed.id === id;
}

function planSiteWorker(seen: UpSeen, machine: string): UpStep[] {
  const node = seen.nodes.find(({ name }) => name === machine);
  if (node?.ready === true) return [];
  const why =
    node === undefined
      ? 'it has not joined the cluster'
      : 'its node is not ready; an interrupted join is completed, nothing else changes';
  return [{ do: 'join-machine', machine, hasNode: node !== undefined, why }];
}

function planWaits(seen: UpSeen, wanted: UpWanted, workers: readonly UpStep[]): UpStep[] {
  const changed = new Set(workers.map(machineOf));
  const isReady = (machine: string): boolean => seen.nodes.some(({ name, ready }) => name === machine && ready);
  // Whether a worker of an earlier run can still join shows when the API server answers.
  const isUnseen = (machine: string): boolean => seen.api === 'none' && machine !== wanted.controlPlane;
  return [...wanted.cloudMachines, ...wanted.machines]
    .filter((machine) => changed.has(machine) || !(isReady(machine) || isUnseen(machine)))
    .map((machine) => ({ do: 'wait-for-node', machine, why: 'its node is not ready yet' }));
}

/**
 * What belongs to the cluster and is not in cluster.yaml any more, in the order in which nothing is lost on the way: load balancers
 * stop sending, pods move, then the machine goes, and its Node last, by which a run that was cut short is known. Nodes that others have joined are left alone.
 */
function planRemovals(seen: UpSeen, wanted: UpWanted): UpStep[][] {
  if (seen.api !== 'answers') return [];
  const named = new Set([...wanted.cloudMachines, ...wanted.machines]);
  const why = 'it is not in cluster.yaml';
  const nodes = seen.nodes.filter(({ name, isControlPlane }) => !named.has(name) && !isControlPlane);
  const grounds = nodes.flatMap((node) => {
    const ground = node.providerId === undefined ? undefined : parseProviderId(node.providerId)?.ground;
    return ground === undefined ? [] : [{ ...node, ground }];
  });
  // The id of the Node counts, not the name: a machine that was renamed in the cloud is still that node's.
  const inUse = seen.nodes.filter(({ name, isControlPlane }) => named.has(name) || isControlPlane);
  const isInUse = (name: string, id: string): boolean =>
    inUse.some((node) => belongsTo(node.providerId, id) || (node.isControlPlane && node.name === name));
  const strays = seen.cloudMachines.filter(
    ({ name, id }) => !wanted.cloudMachines.includes(name) && !isInUse(name, id),
  );
  return [
    grounds
      .filter(({ ready, ground }) => ready && ground === 'cloud')
      .map(({ name }) => ({ do: 'leave-balancers', machine: name, why })),
    grounds.filter(({ ready }) => ready).map(({ name }) => ({ do: 'drain-node', machine: name, why })),
    [
      ...grounds
        .filter(({ ground }) => ground === 'site')
        .map(({ name, address }): UpStep => ({ do: 'reset-machine', machine: name, address, why })),
      ...strays.map(({ name, id }): UpStep => ({ do: 'remove-cloud-machine', machine: name, id, why })),
    ],
    grounds.map(({ name }) => ({ do: 'forget-node', machine: name, why })),
  ];
}

/** A group that was taken out of cluster.yaml goes with its machines. One that somebody else made is theirs. */
function planGroups({ groups }: UpSeen, { nodeGroups }: UpWanted): UpStep[] {
  return groups
    .filter(({ name }) => !nodeGroups.includes(name))
    .map(({ name, machines }) => {
      const which = machines === 1 ? 'its machine leaves' : `its ${machines} machines leave`;
      return { do: 'remove-node-group', group: name, why: `it is not in cluster.yaml; ${which}` };
    });
}

/** A token is removed as soon as its machine has joined; one that has expired is only rubbish. */
function planTokens(seen: UpSeen, wanted: UpWanted, waits: readonly UpStep[]): UpStep[] {
  const waiting = new Set(waits.map(machineOf));
  const holders = new Set([...seen.tokens, ...seen.joining].map(({ machine }) => machine));
  const known = new Set([...wanted.cloudMachines, ...wanted.machines]);
  const steps: UpStep[] = [];
  for (const machine of [...new Set([...holders, ...waiting])].toSorted()) {
    if (machine === wanted.controlPlane) continue;
    const why = whyTokensGo(machine, known, waiting);
    steps.push({ do: 'remove-tokens', machine, why });
  }
  return steps;
}

function whyTokensGo(machine: string, known: ReadonlySet<string>, waiting: ReadonlySet<string>): string {
  if (!known.has(machine)) return 'the machine is not in cluster.yaml';
  return waiting.has(machine) ? 'it is not needed once the machine has joined' : 'the machine has joined';
}

function planOutsides(seen: UpSeen, wanted: UpWanted, waits: readonly UpStep[], side: 'cloud' | 'site'): UpStep[] {
  const machines = side === 'site' ? wanted.machines : wanted.cloudMachines;
  const isJoining = waits.some((step) => machines.includes(machineOf(step)));
  return seen.outsides
    .filter(({ follows }) => follows.side === side)
    .flatMap(({ what, follows, difference }): UpStep[] => {
      if (difference.length > 0) return [{ do: 'set-outside', what, why: `differences: ${shortList(difference)}` }];
      return isJoining ? [{ do: 'set-outside', what, why: follows.why }] : [];
    });
}

function planWorkloads(seen: UpSeen, waits: readonly UpStep[], changed: boolean): UpStep[] {
  if (seen.unready.length > 0) return [{ do: 'wait-for-workloads', why: `not complete: ${shortList(seen.unready)}` }];
  return waits.length > 0 || changed
    ? [{ do: 'wait-for-workloads', why: 'the cluster is complete when they are running' }]
    : [];
}

/** `create cloud machine web-1: it does not exist yet; …` */
export function explainStep(step: UpStep): string {
  return `${titleOf(step)}: ${step.why}`;
}

export function titleOf(step: UpStep): string {
  if (step.do === 'set-outside') return `${verbs[step.do]} ${step.what}`;
  if (step.do === 'remove-node-group') return `${verbs[step.do]} ${step.group}`;
  return 'machine' in step ? `${verbs[step.do]} ${step.machine}` : verbs[step.do];
}

/** How people read each kind of step. A new kind does not compile until it has its words, and is then in `stepKinds` too. */
const verbs: Readonly<Record<UpStep['do'], string>> = {
  'create-cloud-machine': 'create cloud machine',
  'start-cloud-machine': 'start cloud machine',
  'replace-cloud-machine': 'replace cloud machine',
  'make-control-plane': 'make control plane',
  'wait-for-api': 'wait for the API server',
  'forget-node': 'delete node',
  'apply-objects': 'apply system objects',
  'renew-token': 'renew the join token of',
  'join-machine': 'join machine',
  'wait-for-node': 'wait for node',
  'remove-tokens': 'remove the join token of',
  'leave-balancers': 'take out of load balancers',
  'drain-node': 'drain node',
  'reset-machine': 'reset machine',
  'remove-cloud-machine': 'remove cloud machine',
  'remove-node-group': 'remove node group',
  'set-outside': 'set',
  'wait-for-workloads': 'wait for workloads',
};

/** Every kind of step that `up` can take, each with the words that begin its progress lines. */
export const stepKinds: readonly { readonly kind: string; readonly words: string }[] = Object.entries(verbs).map(
  ([kind, words]) => ({ kind, words }),
);

/** Whether the step removes something that exists. */
export function destroys(step: UpStep): boolean {
  return destroying.has(step.do);
}

const destroying: ReadonlySet<UpStep['do']> = new Set([
  'replace-cloud-machine',
  'forget-node',
  'leave-balancers',
  'drain-node',
  'reset-machine',
  'remove-cloud-machine',
  'remove-node-group',
]);
