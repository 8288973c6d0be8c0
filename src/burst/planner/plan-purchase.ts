import type { Taint } from '#kube/resources.ts';
import type { PlannerPod, Quantities } from './planner-pod.ts';
import { antiTermsOf, conflict, hostKey, keepsOffBeyondNode } from './pod-conflict.ts';
import { type Amounts, capacityOf, demandOf, isPort } from './pod-demand.ts';
import { type MachineSeen, whyNotOn } from './why-not-on.ts';

/** What is known when machines are bought. */
export interface PurchaseSeen<P extends PlannerPod> {
  /** Pods that wait for a node. */
  readonly pending: readonly P[];
  /** Nodes that take pods, and machines that were bought and have not joined. They are filled before a machine is bought. */
  readonly nodes: readonly PlannerNode[];
  readonly groups: readonly PlannerGroup[];
  /** What each DaemonSet runs on the nodes that it matches. */
  readonly daemons: readonly PlannerPod[];
}

export interface PlannerNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly allocatable: Quantities;
  /** What runs on it and has not ended. Left out: it has not joined, and its DaemonSets' pods are still to come. */
  readonly pods?: readonly PlannerPod[];
}

export interface PlannerGroup {
  readonly name: string;
  /** Labels and taints of the Nodes of its machines, without the zone. */
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** How many machines it has, those on their way included, and how many it may have. */
  readonly current: number;
  readonly max: number;
  /** By preference: machines are of the first type that the cloud has left in a zone. */
  readonly types: readonly PlannerType[];
}

export interface PlannerType {
  readonly name: string;
  /** What the Node's status will say: less than the machine has, and with the number of its pods. */
  readonly allocatable: Quantities;
  /** Zones of the group where the cloud has machines of this type left. A machine may come in any of them. */
  readonly zones: readonly string[];
  /** Of an hour. Left out: unknown. */
  readonly price?: number;
}

export interface PurchasePlan<P extends PlannerPod> {
  readonly machines: readonly MachinesBought<P>[];
  /** What fits on nodes that are there or on their way. */
  readonly fitting: readonly { readonly node: string; readonly pods: readonly P[] }[];
  /** Equal pods for which no machine is bought, and why, for all of them in one sentence. */
  readonly without: readonly {
    readonly pods: readonly P[];
    readonly says: string;
    /** Groups that could hold them if they might have more machines. */
    readonly full: readonly string[];
  }[];
}

export interface MachinesBought<P extends PlannerPod> {
  readonly group: string;
  readonly type: string;
  readonly count: number;
  readonly pods: readonly P[];
}

/**
 * Decides which machines to buy for pods that wait. Equal pods are planned together, the largest first: onto what is there or on its way,
 * then onto what was bought for larger ones, then onto the machines that hold all of them for the least money.
 * What is not reckoned with is not guessed: a pod with a required pod affinity, a required spread or a volume claim gets no machine, and is
 * told why.
 * @shape every pending pod is in exactly one of `machines`, `fitting` and `without`; a group is in `machines` once at most
 * @source kube-scheduler's filters NodeResourcesFit, NodePorts, NodeAffinity, TaintToleration, and InterPodAffinity per node
 */
export function planPurchase<P extends PlannerPod>(seen: PurchaseSeen<P>): PurchasePlan<P> {
  const offers = seen.groups.flatMap((group) => offerOf(group, seen.daemons));
  const nodes = seen.nodes.map((node) => placeOf<P>(node, seen.daemons));
  const bound = seen.nodes.flatMap(({ pods = [] }) => pods).filter((pod) => antiTermsOf(pod).length > 0);
  const bought: Place<P>[] = [];
  const without: PurchasePlan<P>['without'][number][] = [];
  for (const one of bySize(classesOf(seen.pending), offers)) {
    const unplanned = whyUnplanned(one.pod, bound);
    if (unplanned !== undefined) {
      without.push({ pods: one.pods, says: `no machine is bought for ${named(one)}: ${unplanned}`, full: [] });
      continue;
    }
    let left = fill(one, one.pods, [...nodes, ...bought]);
    while (left.length > 0) {
      const offer = cheapest(one, left.length, offers);
      if (offer === undefined) break;
      const each = roomFor(one, freshPlace(offer));
      const count = Math.min(Math.ceil(left.length / each), offer.left);
      const fresh = Array.from({ length: count }, () => freshPlace<P>(offer));
      offer.left -= count;
      bought.push(...fresh);
      left = fill(one, left, fresh);
    }
    if (left.length > 0) without.push(tellWithout<P>({ ...one, pods: left }, seen.groups, offers));
  }
  return {
    machines: offers.flatMap(({ group, type }) => {
      const places = bought.filter((place) => place.group === group.name);
      if (places.length === 0) return [];
      return [{ group: group.name, type, count: places.length, pods: places.flatMap(({ taken }) => taken) }];
    }),
    fitting: nodes.flatMap(({ name, taken }) => (taken.length === 0 ? [] : [{ node: name, pods: taken }])),
    without,
  };
}

/** Pods that differ in nothing that a scheduler looks at. */
interface PodClass<P extends PlannerPod> {
  readonly pod: P;
  readonly pods: readonly P[];
  readonly demand: Amounts;
}

/** One node or machine, and what is left of it. */
interface Place<P extends PlannerPod> {
  readonly name: string;
  readonly group: string | undefined;
  /** A machine of a group, in each zone where it may come. */
  readonly may: readonly MachineSeen[];
  readonly free: Map<string, number>;
  /** One pod of each class that is on it. */
  readonly on: PlannerPod[];
  readonly taken: P[];
}

interface Offer {
  readonly group: PlannerGroup;
  readonly type: string;
  readonly price: number | undefined;
  readonly may: readonly MachineSeen[];
  readonly capacity: Amounts;
  readonly daemons: readonly PlannerPod[];
  left: number;
}

function offerOf(group: PlannerGroup, daemons: readonly PlannerPod[]): readonly Offer[] {
  const type = group.types.find(({ zones }) => zones.length > 0);
  if (type === undefined) return [];
  const may = type.zones.map((zone) => ({
    name: '',
    labels: { ...group.labels, 'topology.kubernetes.io/zone': zone },
    taints: group.taints,
  }));
  // In one zone another DaemonSet may run than in the next: all of them have room.
  const coming = daemons.filter((pod) => may.some((machine) => runsDaemon(pod, machine)));
  const capacity = less(capacityOf(type.allocatable), coming);
  const left = Math.max(0, group.max - group.current);
  return [{ group, type: type.name, price: type.price, may, capacity, daemons: coming, left }];
}

function placeOf<P extends PlannerPod>(node: PlannerNode, daemons: readonly PlannerPod[]): Place<P> {
  const on = [...(node.pods ?? daemons.filter((pod) => runsDaemon(pod, node)))];
  const free = less(capacityOf(node.allocatable), on);
  return { name: node.name, group: undefined, may: [node], free, on, taken: [] };
}

function freshPlace<P extends PlannerPod>({ group, may, capacity, daemons }: Offer): Place<P> {
  return { name: '', group: group.name, may, free: new Map(capacity), on: [...daemons], taken: [] };
}

/** @source kubernetes pkg/controller/daemon/util/daemonset_util.go AddOrUpdateDaemonPodTolerations */
function runsDaemon({ spec = {} }: PlannerPod, machine: MachineSeen): boolean {
  const tolerations = [
    ...(spec.tolerations ?? []),
    ...['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map(
      (name) => ({
        key: `node.kubernetes.io/${name}`,
        operator: 'Exists',
      }),
    ),
  ];
  return whyNotOn({ ...spec, tolerations }, machine) === undefined;
}

function less(capacity: Map<string, number>, pods: readonly PlannerPod[]): Map<string, number> {
  for (const { spec = {} } of pods)
    for (const [name, amount] of demandOf(spec)) capacity.set(name, freeOf(capacity, name) - amount);
  return capacity;
}

function freeOf(free: Amounts, resource: string): number {
  return free.get(resource) ?? (isPort(resource) ? 1 : 0);
}

function classesOf<P extends PlannerPod>(pods: readonly P[]): readonly PodClass<P>[] {
  const classes = new Map<string, P[]>();
  for (const pod of pods) {
    const { namespace, labels } = pod.metadata;
    const { containers = [], initContainers = [], volumes = [], ...rest } = pod.spec ?? {};
    const key = JSON.stringify([
      namespace,
      labels,
      [containers, initContainers].map((some) =>
        some.map(({ restartPolicy, resources, ports }) => [restartPolicy, resources?.requests, ports]),
      ),
      volumes.some(isClaim),
      [rest.overhead, rest.resources, rest.nodeSelector, rest.tolerations, rest.affinity],
      rest.topologySpreadConstraints,
    ]);
    const same = classes.get(key);
    if (same === undefined) classes.set(key, [pod]);
    else same.push(pod);
  }
  return [...classes.values()].flatMap((same) => {
    const [pod] = same;
    return pod === undefined ? [] : [{ pod, pods: same, demand: demandOf(pod.spec ?? {}) }];
  });
}

/** Small pods fit beside large ones, not the other way round. Sorting keeps the order of equals. */
function bySize<P extends PlannerPod>(
  classes: readonly PodClass<P>[],
  offers: readonly Offer[],
): readonly PodClass<P>[] {
  const largest = (name: string) => Math.max(...offers.map(({ capacity }) => capacity.get(name) ?? 0), 1);
  const sizes = new Map(
    classes.map((one) => [
      one,
      Math.max(...[...one.demand].filter(([name]) => !isPort(name)).map(([name, amount]) => amount / largest(name))),
    ]),
  );
  return [...classes].sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0));
}

/** Puts as many as fit on each place in turn. @shape those that fit nowhere */
function fill<P extends PlannerPod>(one: PodClass<P>, pods: readonly P[], places: readonly Place<P>[]): readonly P[] {
  let done = 0;
  for (const place of places) {
    if (done === pods.length) break;
    const count = Math.min(roomFor(one, place), pods.length - done);
    if (count === 0) continue;
    for (const [name, amount] of one.demand) place.free.set(name, freeOf(place.free, name) - amount * count);
    for (let taken = 0; taken < count; taken++) place.taken.push(pods[done + taken] as P);
    place.on.push(one.pod);
    done += count;
  }
  return pods.slice(done);
}

/** How many pods of a class fit on a place. */
function roomFor<P extends PlannerPod>(one: PodClass<P>, place: Place<P>): number {
  let room = Number.POSITIVE_INFINITY;
  for (const [name, amount] of one.demand) room = Math.min(room, Math.floor(freeOf(place.free, name) / amount));
  if (room <= 0) return 0;
  if (place.may.some((machine) => whyNotOn(one.pod.spec ?? {}, machine) !== undefined)) return 0;
  if (place.on.some((pod) => conflict(one.pod, pod))) return 0;
  return conflict(one.pod, one.pod) ? 1 : room;
}

/** Unknown prices come after known ones; at one price, the fewest machines; then the first group. */
function cheapest<P extends PlannerPod>(one: PodClass<P>, pods: number, offers: readonly Offer[]): Offer | undefined {
  const ways = offers.flatMap((offer) => {
    const each = offer.left === 0 ? 0 : roomFor(one, freshPlace(offer));
    if (each === 0) return [];
    const machines = Math.ceil(pods / each);
    return [{ offer, machines, price: (offer.price ?? Number.MAX_VALUE) * machines }];
  });
  // Two infinite prices have no difference.
  ways.sort((a, b) => (a.price === b.price ? a.machines - b.machines : a.price - b.price));
  return ways[0]?.offer;
}

/** Why nothing can be said of where a pod may run. */
function whyUnplanned({ metadata, spec = {} }: PlannerPod, bound: readonly PlannerPod[]): string | undefined {
  const pod = { metadata, spec };
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  if ((podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0)
    return 'it has a required pod affinity, which is not planned for';
  const wide = (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).find(
    ({ topologyKey }) => topologyKey !== hostKey,
  );
  if (wide !== undefined)
    return `it has a required pod anti-affinity over ${wide.topologyKey}, which is not planned for`;
  if (bound.some((other) => keepsOffBeyondNode(other, pod)))
    return 'a running pod has a required pod anti-affinity against it over more than one node, which is not planned for';
  const spread = (spec.topologySpreadConstraints ?? []).find(
    ({ whenUnsatisfiable }) => whenUnsatisfiable !== 'ScheduleAnyway',
  );
  if (spread !== undefined)
    return `it must be spread over ${spread.topologyKey} (DoNotSchedule), which is not planned for`;
  if ((spec.volumes ?? []).some(isClaim)) return 'it has a volume claim, which is not planned for';
  return undefined;
}

function isClaim(volume: { readonly persistentVolumeClaim?: object; readonly ephemeral?: object }): boolean {
  return volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined;
}

/** Each group with the first requirement that it fails. */
function tellWithout<P extends PlannerPod>(
  one: PodClass<P>,
  groups: readonly PlannerGroup[],
  offers: readonly Offer[],
): PurchasePlan<P>['without'][number] {
  const full: string[] = [];
  const reasons = groups.map((group) => {
    const offer = offers.find((other) => other.group === group);
    if (offer === undefined) return `the cloud has no machines left for group ${group.name}`;
    const why = whyNotFrom(one, offer);
    if (why !== undefined) return `group ${group.name} cannot hold it: ${why}`;
    full.push(group.name);
    return `group ${group.name} has its maximum of ${group.max} ${group.max === 1 ? 'machine' : 'machines'}`;
  });
  const says = reasons.length === 0 ? 'there is no node group to buy from' : reasons.join('; ');
  return { pods: one.pods, says: `no machine is bought for ${named(one)}: ${says}`, full };
}

function whyNotFrom<P extends PlannerPod>({ pod, demand }: PodClass<P>, offer: Offer): string | undefined {
  for (const machine of offer.may) {
    const why = whyNotOn(pod.spec ?? {}, machine);
    if (why !== undefined) return why;
  }
  for (const [name, amount] of demand) {
    const free = Math.max(0, freeOf(offer.capacity, name));
    if (amount <= free) continue;
    if (isPort(name)) return `${name} is taken by a DaemonSet`;
    const [asked, given] = [amount, free].map((some) => textOf(name, some));
    return `it requests ${asked} of ${name}, and a machine of type ${offer.type} has ${given} for it`;
  }
  return offer.daemons.some((daemon) => conflict(pod, daemon))
    ? 'it must not share a node with a DaemonSet'
    : undefined;
}

function textOf(name: string, amount: number): string {
  if (name === 'cpu') return `${amount / 1000}`;
  return name === 'memory' || name === 'ephemeral-storage' ? `${Math.round(amount / 2 ** 20)}Mi` : `${amount}`;
}

function named<P extends PlannerPod>({ pod, pods }: PodClass<P>): string {
  const { metadata } = pods[0] ?? pod;
  const name = `pod ${metadata.namespace ?? 'default'}/${metadata.name}`;
  return pods.length === 1 ? name : `${name} and ${pods.length - 1} equal pods`;
}
