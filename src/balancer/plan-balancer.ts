import {
  type BackEnd,
  backEndKey,
  type CloudBackEnd,
  type CloudBalancer,
  type CloudListener,
} from '#cloud/balancer.ts';
import type { Inbound } from '#cloud/inbound.ts';
import type { PublicAddress } from '#cloud/public-address.ts';
import type { ServiceIngress } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import type { Ip } from '#unit/ip.ts';
import { type BackEndsChosen, excludeLabel } from './choose-back-ends.ts';
import type { EndpointsSeen } from './endpoints.ts';
import type { ParsedWish, PortWish, Wish, WishedListener } from './parse-wish.ts';
import {
  type Expected,
  type Fault,
  planClosedPorts,
  planEndpointFaults,
  planUnhealthy,
  type Sending,
} from './plan-checks.ts';
import type { Reason } from './reasons.ts';
import type { BalancerRecord } from './record.ts';

/** One Service and all that is in the cloud for it. */
export interface BalancerSeen {
  /** Its mark on what it makes, and the Service's UID. */
  readonly mark: string;
  readonly owner: string;
  /** The VPC of the cluster: a balancer in another one does not reach its nodes. */
  readonly vpc: string;
  /** Where cloud machines and their pods have their addresses. */
  readonly subnet: string;
  /** `undefined` when it is to have no balancer of ours: another type, another class, or it is being deleted. */
  readonly wish: ParsedWish | undefined;
  /** Its ports, whatever else of it can be served. */
  readonly ports: readonly PortWish[];
  /** Whether it carries our finalizer, and so may have something in the cloud. */
  readonly isClaimed: boolean;
  readonly record: BalancerRecord;
  readonly published: readonly ServiceIngress[];
  readonly backEnds: BackEndsChosen;
  readonly endpoints: EndpointsSeen;
  /** What the Service says of its pods, and what security groups let in; what is absent is not judged. */
  readonly expected?: Expected | undefined;
  readonly inbound?: ReadonlyMap<string, Inbound> | undefined;
  readonly cloud: CloudSeen;
  /** The balancer of somebody else that it names, looked at while it still has another one. */
  readonly named?: NamedSeen | undefined;
  readonly mostListeners: number;
}

/** @unit found: `undefined` when there is none */
export type NamedSeen =
  | { readonly state: 'unreadable'; readonly why: string }
  | { readonly state: 'known'; readonly found: CloudBalancer | undefined };

export type CloudSeen =
  | { readonly state: 'unreadable'; readonly why: string }
  | {
      readonly state: 'known';
      /** The one that is recorded, or that carries mark and owner. */
      readonly balancer: CloudBalancer | undefined;
      /** Others with the same mark and owner. */
      readonly surplus: readonly CloudBalancer[];
      /** All with this mark and owner; the recorded one first, then the oldest. */
      readonly addresses: readonly PublicAddress[];
      /** What is bound to the balancer, whoever's it is. */
      readonly bound: readonly Ip[];
      /** A create may have been done although no list shows it yet, or a list lacks what is recorded and may be late. */
      readonly inDoubt: boolean;
      /** A recorded balancer that lost our mark. */
      readonly markLost: string | undefined;
    };

type Known = Extract<CloudSeen, { readonly state: 'known' }>;

export type BalancerStep =
  | { readonly do: 'ignore'; readonly why: 'not-ours' }
  /** @unit checks: whether the balancer's checks are waited for */
  | { readonly do: 'hold'; readonly reason: Reason; readonly message: string; readonly checks?: true }
  /** Finalizer and record, before the cloud is asked for anything. */
  | { readonly do: 'claim' | 'record'; readonly record: BalancerRecord }
  | { readonly do: 'create'; readonly wish: Wish }
  | { readonly do: 'remove'; readonly balancer: string; readonly why: 'surplus' | 'not-wanted' }
  | {
      readonly do: 'listen' | 'change';
      readonly balancer: string;
      readonly listener: string;
      readonly wish: WishedListener;
    }
  | { readonly do: 'unlisten'; readonly balancer: string; readonly listener: string }
  | { readonly do: 'add'; readonly balancer: string; readonly listener: string; readonly backEnds: readonly BackEnd[] }
  | { readonly do: 'drop'; readonly balancer: string; readonly listener: string; readonly ids: readonly string[] }
  | { readonly do: 'allocate'; readonly wish: Wish }
  | { readonly do: 'bind'; readonly address: string; readonly balancer: string }
  | { readonly do: 'resize'; readonly address: string; readonly bandwidth: number }
  | { readonly do: 'release'; readonly address: string; readonly why: 'surplus' | 'not-wanted' }
  | { readonly do: 'publish'; readonly ingress: readonly ServiceIngress[] }
  /** The finalizer goes, and with it the record. */
  | { readonly do: 'unclaim' };

/** The next step; nothing is removed before what replaces it is recorded, and nothing is asked for before it is written down. */
export function planBalancer(seen: BalancerSeen): BalancerStep {
  const { wish, isClaimed, record } = seen;
  if (wish === undefined) {
    if (!isClaimed) return { do: 'ignore', why: 'not-ours' };
    return planGivingUp(seen) ?? { do: 'unclaim' };
  }
  if (!wish.ok) {
    const [first] = wish.refusals;
    const message = wish.refusals.map((refusal) => refusal.message).join('; ');
    return planKeeping(seen, { reason: first?.reason ?? 'NotSupported', message });
  }
  const wanted = recordFor(wish.wish);
  if (!isClaimed) return { do: 'claim', record: wanted };
  if (!fits(record, wanted)) return planMoving(seen, wanted);
  if (seen.cloud.state === 'unreadable') return unreadable(seen.cloud.why);
  return planServing(seen, seen.cloud, wish.wish);
}

/** What there is goes on as it is, with the right back ends: a change that cannot be served must not end what is. */
function planKeeping(seen: BalancerSeen, { reason, message }: Fault): BalancerStep {
  const { cloud, isClaimed, ports } = seen;
  const balancer = isClaimed && cloud.state === 'known' && cloud.markLost === undefined ? cloud.balancer : undefined;
  const kept = balancer?.listeners.filter((one) => one.mark === seen.mark && one.owner === seen.owner) ?? [];
  if (balancer === undefined || kept.length === 0) return { do: 'hold', reason, message };
  const served = kept.flatMap((there) => {
    const port = ports.find((one) => isOn(there, one));
    // Without a node port no node can be a back end.
    const isServed = port !== undefined && (seen.backEnds.pods !== undefined || port.nodePort !== 0);
    return isServed ? [{ there, wanted: wantedOf(seen, there, port).wanted }] : [];
  });
  const isDoubtful = cloud.state === 'known' && cloud.inDoubt;
  const step = served
    .flatMap(({ there, wanted }) => backEndSteps(seen, balancer.id, there, wanted))
    .find((one) => one.do === 'drop' || !isDoubtful);
  if (step !== undefined) return step;
  const waits = served.some(({ there, wanted }) => keptMeanwhile(seen, there, wanted).length > 0);
  const text = `${message}; load balancer ${balancer.id} serves as before`;
  return { do: 'hold', reason, message: text, ...(waits && { checks: true }) };
}

/** What it has is given up only for a balancer that can be used. */
function planMoving(seen: BalancerSeen, wanted: BalancerRecord): BalancerStep {
  const { named } = seen;
  if (wanted.uses === 'existing') {
    if (named === undefined || named.state === 'unreadable') return unreadable(named?.why ?? 'not asked yet');
    const message = whyUnusable(seen, wanted.balancer, named.found);
    if (message !== undefined) return planKeeping(seen, { reason: 'BalancerUnknown', message });
  }
  return planGivingUp(seen) ?? { do: 'record', record: wanted };
}

function recordFor({ use }: Wish): BalancerRecord {
  return use === undefined ? { uses: 'made' } : { uses: 'existing', balancer: use };
}

function fits(record: BalancerRecord, wanted: BalancerRecord): boolean {
  return record.uses === wanted.uses && (record.uses === 'made' || record.balancer === wanted.balancer);
}

function unreadable(why: string): BalancerStep {
  return { do: 'hold', reason: 'CloudUnreadable', message: `cannot read the load balancers of the cloud: ${why}` };
}

const doubt: BalancerStep = {
  do: 'hold',
  reason: 'InDoubt',
  message: 'the cloud may have made something that its lists do not show yet: waiting before asking again',
};

/** Everything of ours goes; `undefined` when nothing is left. */
function planGivingUp({ cloud, record, mark, owner }: BalancerSeen): BalancerStep | undefined {
  if (cloud.state === 'unreadable') return unreadable(cloud.why);
  if (cloud.markLost !== undefined) return markLost(cloud.markLost, mark);
  if (record.uses === 'existing') {
    const { balancer } = cloud;
    const [listener] = balancer?.listeners.filter((one) => one.mark === mark && one.owner === owner) ?? [];
    if (balancer !== undefined && listener !== undefined)
      return { do: 'unlisten', balancer: balancer.id, listener: listener.id };
    return cloud.inDoubt ? doubt : undefined;
  }
  const [address] = cloud.addresses;
  if (address !== undefined) return { do: 'release', address: address.id, why: 'not-wanted' };
  const [balancer] = [...cloud.surplus, ...(cloud.balancer === undefined ? [] : [cloud.balancer])];
  if (balancer !== undefined) return { do: 'remove', balancer: balancer.id, why: 'not-wanted' };
  return cloud.inDoubt ? doubt : undefined;
}

function markLost(id: string, mark: string): BalancerStep {
  return {
    do: 'hold',
    reason: 'MarkLost',
    message: `load balancer ${id} no longer carries the mark of this cluster, so it is neither changed nor removed: set its business group to isthmus-${mark} again`,
  };
}

function planServing(seen: BalancerSeen, cloud: Known, wish: Wish): BalancerStep {
  const found = planFinding(seen, cloud, wish);
  if ('do' in found) return found;
  const listeners = planListeners(seen, found.balancer, wish);
  if (listeners.step !== undefined) {
    // A listener or a back end that may be there already is not asked for twice.
    const isMade = listeners.step.do === 'listen' || listeners.step.do === 'add';
    return isMade && cloud.inDoubt ? doubt : listeners.step;
  }
  const { step, ips } = planAddress(seen, cloud, found.balancer, wish);
  if (step !== undefined) return step;
  const ingress = ips.map((ip): ServiceIngress => ({ ip, ipMode: ipModeOf(wish) }));
  if (!sameIngress(seen.published, ingress)) return { do: 'publish', ingress };
  // The private address is published before the public one goes.
  const [spare] = wish.isPublic || seen.record.uses === 'existing' ? cloud.addresses.slice(1) : cloud.addresses;
  if (spare !== undefined && seen.record.uses === 'made')
    return { do: 'release', address: spare.id, why: wish.isPublic ? 'surplus' : 'not-wanted' };
  return planRest(seen, found.balancer, wish, listeners.faults);
}

/** The balancer that serves, or what has to be done until there is one. */
function planFinding(
  seen: BalancerSeen,
  cloud: Known,
  wish: Wish,
): BalancerStep | { readonly balancer: CloudBalancer } {
  const { record, mark } = seen;
  const { balancer } = cloud;
  if (record.uses === 'existing') {
    const message = whyUnusable(seen, record.balancer, balancer);
    return balancer === undefined || message !== undefined
      ? { do: 'hold', reason: 'BalancerUnknown', message: message ?? '' }
      : { balancer };
  }
  if (cloud.markLost !== undefined) return markLost(cloud.markLost, mark);
  if (balancer === undefined) return cloud.inDoubt ? doubt : { do: 'create', wish };
  if (record.balancer !== balancer.id) return { do: 'record', record: { ...record, balancer: balancer.id } };
  const [surplus] = cloud.surplus;
  return surplus === undefined ? { balancer } : { do: 'remove', balancer: surplus.id, why: 'surplus' };
}

/** Why a balancer that a Service names cannot be its own. @unit balancer: what was found under the id */
function whyUnusable({ vpc }: BalancerSeen, id: string, balancer: CloudBalancer | undefined): string | undefined {
  if (balancer === undefined) return `there is no load balancer ${id} in this region and project: name another one`;
  if (balancer.mark !== undefined) return `load balancer ${id} was made for a Service: name one that you made yourself`;
  if (balancer.vpc !== vpc) return `load balancer ${id} is in the VPC ${balancer.vpc}, and the nodes are in ${vpc}`;
  return undefined;
}

/** One listener after the other, those that are too many first: they may have the port or the place of a new one. */
function planListeners(
  seen: BalancerSeen,
  balancer: CloudBalancer,
  wish: Wish,
): { readonly step: BalancerStep | undefined; readonly faults: readonly Fault[] } {
  const isOurs = (one: CloudListener): boolean => one.mark === seen.mark && one.owner === seen.owner;
  const own = balancer.listeners.filter(isOurs);
  const chosen = new Set<string>();
  const faults: Fault[] = [];
  const steps: BalancerStep[] = [];
  for (const wished of wish.listeners) {
    const there = own.find((one) => isOn(one, wished) && one.lastPort === one.port);
    if (there !== undefined) {
      chosen.add(there.id);
      steps.push(...stepsOf(seen, balancer.id, there, wished));
      continue;
    }
    const other = balancer.listeners.find((one) => !isOurs(one) && isOn(one, wished));
    const fault = other === undefined ? fullBalancer(seen, balancer, wished) : takenPort(balancer.id, wished, other);
    const { checkPort = wished.checkPort } = wantedOf(seen, undefined, wished);
    const as = { ...wished, checkPort };
    if (fault === undefined) steps.push({ do: 'listen', balancer: balancer.id, listener: '', wish: as });
    else faults.push(fault);
  }
  const [extra] = own.filter(({ id }) => !chosen.has(id));
  if (extra !== undefined) return { step: { do: 'unlisten', balancer: balancer.id, listener: extra.id }, faults };
  return { step: steps[0], faults };
}

function isOn(one: CloudListener, { protocol, port }: PortWish): boolean {
  return one.protocol === protocol && one.port <= port && port <= one.lastPort;
}

function takenPort(id: string, { protocol, port }: WishedListener, other: CloudListener): Fault {
  const whose = other.owner === undefined ? 'by somebody else' : 'by another Service';
  return {
    reason: 'PortInUse',
    message: `${protocol} port ${port} of load balancer ${id} is already in use ${whose} (listener ${other.id}): use another port`,
  };
}

function fullBalancer(
  { mostListeners }: BalancerSeen,
  balancer: CloudBalancer,
  { port }: WishedListener,
): Fault | undefined {
  if (balancer.listeners.length < mostListeners) return undefined;
  return {
    reason: 'TooManyPorts',
    message: `load balancer ${balancer.id} has ${balancer.listeners.length} listeners and takes no more, so port ${port} is not served`,
  };
}

/** What one listener should send to, and the port on which it should check that. */
function wantedOf(
  { backEnds: { machines, pods }, vpc, subnet }: BalancerSeen,
  there: CloudListener | undefined,
  { name, nodePort, checkPort }: PortWish & { readonly checkPort?: number | undefined },
): { readonly wanted: readonly BackEnd[]; readonly checkPort: number | undefined } {
  if (pods === undefined) return { wanted: machines.map((machine) => ({ machine, port: nodePort })), checkPort };
  const wanted = pods.flatMap(({ address, ports }): readonly BackEnd[] => {
    const port = ports[name];
    return port === undefined ? [] : [{ address, vpc, subnet, port }];
  });
  // Without a pod nobody knows a better one.
  return { wanted, checkPort: wanted[0]?.port ?? there?.checkPort };
}

/**
 * Back ends that go on although others are to take over, until one of those is well: they take some seconds to be checked, and a
 * client must not meet a listener without back ends meanwhile. A pod goes on only while it answers: its address may be another's soon.
 */
function keptMeanwhile(
  { backEnds: { ending = [] } }: BalancerSeen,
  there: CloudListener,
  wanted: readonly BackEnd[],
): readonly CloudBackEnd[] {
  const keys = new Set(wanted.map(backEndKey));
  if (wanted.length === 0 || there.backEnds.some((one) => one.healthy === true && keys.has(backEndKey(one)))) return [];
  const isPods = wanted[0]?.machine === undefined;
  return there.backEnds.filter((one) => {
    if (keys.has(backEndKey(one))) return false;
    // Checked on the port of the new kind, the old one is soon found unwell.
    if ((one.machine === undefined) !== isPods) return true;
    return one.healthy !== false && (one.address === undefined || ending.includes(one.address));
  });
}

/** What brings a listener to what it should be; back ends come before others go. */
function stepsOf(
  seen: BalancerSeen,
  balancer: string,
  there: CloudListener,
  wished: WishedListener,
): readonly BalancerStep[] {
  const { id: listener } = there;
  const { wanted, checkPort } = wantedOf(seen, there, wished);
  const isAsWished =
    there.scheduler === wished.scheduler &&
    there.sticky === wished.sticky &&
    there.proxyProtocol === wished.proxyProtocol &&
    there.checkPort === checkPort;
  const wish = { ...wished, checkPort: checkPort ?? wished.checkPort };
  const steps = backEndSteps(seen, balancer, there, wanted);
  return [
    ...steps.filter((step) => step.do === 'add'),
    // After what it is right for has come: whoever is checked on a wrong port is out within seconds.
    ...(isAsWished ? [] : [{ do: 'change', balancer, listener, wish } as const]),
    ...steps.filter((step) => step.do === 'drop'),
  ];
}

/** What gives a listener the back ends that it should have, and leaves its settings alone. */
function backEndSteps(
  seen: BalancerSeen,
  balancer: string,
  there: CloudListener,
  wanted: readonly BackEnd[],
): readonly Extract<BalancerStep, { readonly do: 'add' | 'drop' }>[] {
  const { id: listener } = there;
  const waits = new Set(keptMeanwhile(seen, there, wanted).map(({ id }) => id));
  const has = new Set(there.backEnds.map(backEndKey));
  const missing = wanted.filter((one) => !has.has(backEndKey(one)));
  const kept = new Set<string>();
  const isKept = (one: BackEnd): boolean => {
    if (kept.has(backEndKey(one)) || !wanted.some((two) => backEndKey(two) === backEndKey(one))) return false;
    kept.add(backEndKey(one));
    return true;
  };
  const extra = there.backEnds.filter((one) => !isKept(one) && !waits.has(one.id)).map(({ id }) => id);
  return [
    ...(missing.length === 0 ? [] : [{ do: 'add', balancer, listener, backEnds: missing } as const]),
    ...(extra.length === 0 ? [] : [{ do: 'drop', balancer, listener, ids: extra } as const]),
  ];
}

/** @shape ips: where clients reach it, when nothing has to be done before */
function planAddress(
  { record }: BalancerSeen,
  cloud: Known,
  balancer: CloudBalancer,
  wish: Wish,
): { readonly step: BalancerStep | undefined; readonly ips: readonly Ip[] } {
  const inside = balancer.address === undefined ? [] : [balancer.address];
  if (record.uses === 'existing')
    return { step: undefined, ips: wish.isPublic && cloud.bound.length > 0 ? cloud.bound : inside };
  if (!wish.isPublic) {
    const waits: BalancerStep = {
      do: 'hold',
      reason: 'Making',
      message: `load balancer ${balancer.id} has no address yet`,
    };
    return { step: inside.length === 0 ? waits : undefined, ips: inside };
  }
  const [address] = cloud.addresses;
  if (address === undefined) return { step: cloud.inDoubt ? doubt : { do: 'allocate', wish }, ips: [] };
  const ips = [address.ip];
  if (record.address !== address.id) return { step: { do: 'record', record: { ...record, address: address.id } }, ips };
  if (address.boundTo === undefined) return { step: { do: 'bind', address: address.id, balancer: balancer.id }, ips };
  if (address.boundTo !== balancer.id) {
    const message = `public address ${address.id} was bound to ${address.boundTo} by hand: unbind it there, and it is bound to load balancer ${balancer.id} again`;
    return { step: { do: 'hold', reason: 'AddressTaken', message }, ips };
  }
  const { bandwidth, pays } = wish.address;
  if (typeof pays !== 'object' && address.bandwidth !== bandwidth)
    return { step: { do: 'resize', address: address.id, bandwidth }, ips };
  return { step: undefined, ips };
}

/** With PROXY protocol a pod that calls the address must go through the balancer, or the server would not understand it. */
function ipModeOf(wish: Wish): 'VIP' | 'Proxy' {
  return wish.listeners.some(({ proxyProtocol }) => proxyProtocol) ? 'Proxy' : 'VIP';
}

function sameIngress(a: readonly ServiceIngress[], b: readonly ServiceIngress[]): boolean {
  const textOf = (all: readonly ServiceIngress[]): string => all.map(({ ip, ipMode }) => `${ip} ${ipMode}`).join();
  return textOf(a) === textOf(b);
}

/** Ports whose new back ends have not been found well yet, so that the old ones still serve. */
function portsInChange(seen: BalancerSeen, balancer: CloudBalancer, wish: Wish): readonly number[] {
  return wish.listeners.flatMap((wished) => {
    const there = balancer.listeners.find(
      (one) => one.mark === seen.mark && one.owner === seen.owner && isOn(one, wished),
    );
    if (there === undefined) return [];
    return keptMeanwhile(seen, there, wantedOf(seen, there, wished).wanted).length > 0 ? [wished.port] : [];
  });
}

/** Nothing is to be done; what stands against the Service all the same is told. */
function planRest(seen: BalancerSeen, balancer: CloudBalancer, wish: Wish, faults: readonly Fault[]): BalancerStep {
  const all = [...faults, ...noBackEnd(seen, wish), ...onTheWay(seen, balancer, wish), ...fixed(seen, balancer, wish)];
  const inChange = portsInChange(seen, balancer, wish);
  const [first] = all;
  if (first !== undefined) {
    const message = all.map((one) => one.message).join('; ');
    // Somebody may put it right in the cloud, of which no watch tells.
    const isOutside = all.some(({ reason }) => reason === 'PortClosed' || reason === 'ChecksFail');
    return { do: 'hold', reason: first.reason, message, ...((isOutside || inChange.length > 0) && { checks: true }) };
  }
  if (inChange.length > 0) {
    const message = `load balancer ${balancer.id} still checks the new back ends of port ${inChange.join(', ')}; the old ones serve until one of them is well`;
    return { do: 'hold', reason: 'Making', message, checks: true };
  }
  const { machines, pods, over, whyNotPods } = seen.backEnds;
  const full =
    over === undefined
      ? ''
      : ` and to no more: it takes ${machines.length} back ends for each port, and there are ${over} more`;
  const to =
    pods === undefined ? `${countOf(machines.length, 'cloud node')}${full}` : `${countOf(pods.length, 'pod')} directly`;
  const why = whyNotPods === undefined ? '' : `, and not straight to pods: ${whyNotPods}`;
  return { do: 'hold', reason: 'Serving', message: `load balancer ${balancer.id} sends to ${to}${why}` };
}

function countOf(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

/** With Local a node without a pod drops what it gets, and machines of the site get nothing from the balancer. */
function noBackEnd(
  { backEnds: { machines, left, pods, last }, endpoints }: BalancerSeen,
  wish: Wish,
): readonly Fault[] {
  if (last !== undefined && pods === undefined) {
    const message = `every cloud node carries the label ${excludeLabel}: the load balancer goes on sending to ${few(last)}, so that clients are answered; take the label from a node, or add a cloud node`;
    return [{ reason: 'OnlyExcluded', message }];
  }
  if (machines.length > 0 || pods !== undefined) return [];
  if (wish.isLocal && endpoints.ready > 0) {
    const where = [...endpoints.nodes].toSorted().join(', ');
    const message = `externalTrafficPolicy is Local, but all ready pods are on nodes that cannot be back ends (${where}): set externalTrafficPolicy to Cluster, or run a pod on a cloud node`;
    return [{ reason: 'LocalUnreachable', message }];
  }
  if (wish.isLocal) return [];
  const why = left.map(({ node, why: because }) => `${node}: ${because}`).join(', ');
  const message =
    why === ''
      ? 'there is no cloud node, and only cloud nodes can be back ends: add one under cloudMachines'
      : `no cloud node can be a back end (${why})`;
  return [{ reason: 'NoCloudNode', message }];
}

/** What the checks of the whole way say: nodes, their security groups, pods. */
function onTheWay(seen: BalancerSeen, balancer: CloudBalancer, wish: Wish): readonly Fault[] {
  const { backEnds, endpoints, expected, inbound, mark, owner } = seen;
  const own = balancer.listeners.filter((one) => one.mark === mark && one.owner === owner);
  const { machines, pods } = backEnds;
  const sending: Sending = {
    senders: balancer.senders ?? [],
    subnet: balancer.subnet,
    machines,
    ports: wish.listeners,
    inbound: inbound ?? new Map(),
  };
  const closed = pods === undefined ? planClosedPorts(sending) : [];
  // A closed port is the cause, and a failed check what comes of it.
  return [...closed, ...planUnhealthy(own), ...planEndpointFaults(expected ?? nothingExpected, endpoints)];
}

const nothingExpected: Expected = { selector: undefined, ports: [] };

/** Settings that the cloud does not change on a balancer that exists. */
function fixed({ record }: BalancerSeen, balancer: CloudBalancer, wish: Wish): readonly Fault[] {
  if (record.uses === 'existing') return [];
  const differs = [
    ...(balancer.subnet !== wish.subnet ? [`its subnet is ${balancer.subnet}, not ${wish.subnet}`] : []),
    ...(balancer.charge !== undefined && balancer.charge !== wish.charge
      ? [`it is paid by the ${balancer.charge}, not by the ${wish.charge}`]
      : []),
  ];
  if (differs.length === 0) return [];
  const message = `load balancer ${balancer.id} serves, but cannot be changed to what its annotations say (${differs.join(', ')}): change them back, or delete and create the Service`;
  return [{ reason: 'CannotChange', message }];
}
