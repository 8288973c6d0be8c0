import {
  type BackEnd,
  backEndKey,
  type CloudBackEnd,
  type CloudBalancer,
  type CloudListener,
  type Listening,
} from '#cloud/balancer.ts';
import type { Inbound } from '#cloud/inbound.ts';
import { few } from '#unit/few.ts';
import { type BackEndsChosen, excludeLabel } from './choose-back-ends.ts';
import type { EndpointsSeen } from './endpoints.ts';
import type { PortWish, Wish, WishedListener } from './parse-wish.ts';
import type { ListenStep } from './perform-step.ts';
import {
  type Expected,
  type Fault,
  planClosedPorts,
  planEndpointFaults,
  planUnhealthy,
  type Sending,
  sentTo,
} from './plan-checks.ts';
import {
  chooseStep,
  type Hold,
  isOurs,
  type LifeSeen,
  type LifeStep,
  type LifeWish,
  planFixed,
  planLife,
} from './plan-life.ts';

/** One Service and all that is in the cloud for it. */
export interface BalancerSeen extends LifeSeen<CloudListener> {
  /** Which of both it is, or is to be. */
  readonly layer: 'network' | 'direct';
  /** Where cloud machines and their pods have their addresses. */
  readonly subnet: string;
  /** `undefined` when it is to have no balancer of ours: another type, another class, or it is being deleted. */
  readonly wish: LifeWish | undefined;
  /** Its ports, whatever else of it can be served. */
  readonly ports: readonly PortWish[];
  readonly backEnds: BackEndsChosen;
  readonly endpoints: EndpointsSeen;
  /** What the Service says of its pods, and what security groups let in; what is absent is not judged. */
  readonly expected?: Expected | undefined;
  readonly inbound?: ReadonlyMap<string, Inbound> | undefined;
  readonly mostListeners: number;
}

export type BalancerStep = LifeStep | ListenStep<Listening>;

type BackEndStep = Extract<LifeStep, { readonly do: 'add' | 'drop' }>;

/** The next step for a balancer of layer 4. */
export function planBalancer(seen: BalancerSeen): BalancerStep {
  return planLife<CloudListener, BalancerStep, Wish>(seen, seen.wish, {
    isOwn: (wish): wish is Wish => wish.layer === seen.layer,
    keep: (fault) => planKeeping(seen, fault),
    serve: (balancer, wish) => planListeners(seen, balancer, wish),
    rest: (balancer, wish, faults) => planRest(seen, balancer, wish, faults),
    ipMode: ipModeOf,
  });
}

/** What there is goes on as it is, with the right back ends: a change that cannot be served must not end what is. */
function planKeeping(seen: BalancerSeen, { reason, message }: Fault): Hold | BackEndStep {
  const { cloud, isClaimed, ports } = seen;
  const hold: Hold = { do: 'hold', reason, message };
  if (!isClaimed || cloud.state !== 'known' || cloud.markLost !== undefined || cloud.balancer === undefined)
    return hold;
  const { balancer, inDoubt } = cloud;
  const kept = balancer.listeners.filter((one) => isOurs(seen, one));
  if (kept.length === 0) return hold;
  const served = kept.flatMap((there) => {
    const port = ports.find((one) => isOn(there, one));
    // Without a node port no node can be a back end, but where kube-proxy answers on the balancer's own address.
    const isServed =
      port !== undefined && (seen.layer === 'direct' || seen.backEnds.pods !== undefined || port.nodePort !== 0);
    return isServed ? [{ there, wanted: wantedOf(seen, there, port).wanted }] : [];
  });
  const step = served
    .flatMap(({ there, wanted }) => backEndSteps(seen, balancer.id, there, wanted))
    .find((one) => one.do === 'drop' || !inDoubt);
  if (step !== undefined) return step;
  const waits = served.some(({ there, wanted }) => keptMeanwhile(seen, there, wanted).length > 0);
  const text = `${message}; load balancer ${balancer.id} serves as before`;
  return { ...hold, message: text, ...(waits && { checks: true }) };
}

/** One listener after the other, those that are too many first: they may have the port or the place of a new one. */
function planListeners(
  seen: BalancerSeen,
  balancer: CloudBalancer,
  wish: Wish,
): { readonly step: BalancerStep | undefined; readonly faults: readonly Fault[] } {
  const own = balancer.listeners.filter((one) => isOurs(seen, one));
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
    const other = balancer.listeners.find((one) => !isOurs(seen, one) && isOn(one, wished));
    const fault = other === undefined ? fullBalancer(seen, balancer, wished) : takenPort(balancer.id, wished, other);
    const { checkPort = wished.checkPort } = wantedOf(seen, undefined, wished);
    const as = listeningOf(wished, checkPort);
    if (fault === undefined) steps.push({ do: 'listen', balancer: balancer.id, listener: '', wish: as });
    else faults.push(fault);
  }
  const [extra] = own.filter(({ id }) => !chosen.has(id));
  if (extra !== undefined) steps.unshift({ do: 'unlisten', balancer: balancer.id, listener: extra.id });
  return { step: chooseStep(steps, seen), faults };
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

/** How a port is answered, without what only the cluster knows. */
function listeningOf(wished: WishedListener, checkPort: number): Listening {
  const { nodePort: _, name: __, ...listening } = wished;
  return { ...listening, checkPort };
}

/** What one listener should send to, and the port on which it should check that. */
function wantedOf(
  { layer, backEnds: { machines, pods }, vpc, subnet }: BalancerSeen,
  there: CloudListener | undefined,
  { name, port: own, nodePort, checkPort }: PortWish & { readonly checkPort?: number | undefined },
): { readonly wanted: readonly BackEnd[]; readonly checkPort: number | undefined } {
  // kube-proxy takes what is for the balancer's address, on the port of the Service.
  if (layer === 'direct') return { wanted: machines.map((machine) => ({ machine, port: own })), checkPort };
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
  const wish = listeningOf(wished, checkPort ?? wished.checkPort);
  const steps = backEndSteps(seen, balancer, there, wanted);
  // What the change is right for comes before it: whoever is checked on a wrong port is out within seconds.
  return isAsWished || steps[0]?.do === 'add' ? steps : [{ do: 'change', balancer, listener, wish }, ...steps];
}

/** What gives a listener the back ends that it should have, and leaves its settings alone. */
function backEndSteps(
  seen: BalancerSeen,
  balancer: string,
  there: CloudListener,
  wanted: readonly BackEnd[],
): readonly BackEndStep[] {
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

/** With PROXY protocol a pod that calls the address must go through the balancer, or the server would not understand it. */
function ipModeOf(wish: Wish): 'VIP' | 'Proxy' {
  return wish.listeners.some(({ proxyProtocol }) => proxyProtocol) ? 'Proxy' : 'VIP';
}

/** Ports whose new back ends have not been found well yet, so that the old ones still serve. */
function portsInChange(seen: BalancerSeen, balancer: CloudBalancer, wish: Wish): readonly number[] {
  return wish.listeners.flatMap((wished) => {
    const there = balancer.listeners.find((one) => isOurs(seen, one) && isOn(one, wished));
    if (there === undefined) return [];
    return keptMeanwhile(seen, there, wantedOf(seen, there, wished).wanted).length > 0 ? [wished.port] : [];
  });
}

/** Nothing is to be done; what stands against the Service all the same is told. */
function planRest(seen: BalancerSeen, balancer: CloudBalancer, wish: Wish, faults: readonly Fault[]): Hold {
  const all = [
    ...faults,
    ...noBackEnd(seen, wish),
    ...onTheWay(seen, balancer, wish),
    ...planFixed(seen, balancer, wish, 'Service'),
  ];
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
export function noBackEnd(
  { backEnds: { machines, left, pods, last }, endpoints }: Pick<BalancerSeen, 'backEnds' | 'endpoints'>,
  wish: { readonly isLocal: boolean },
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
  const { backEnds, endpoints, expected, inbound } = seen;
  const own = balancer.listeners.filter((one) => isOurs(seen, one));
  const sending: Sending = {
    senders: balancer.senders ?? [],
    subnet: balancer.subnet,
    to: sentTo(backEnds, wish.listeners),
    inbound: inbound ?? new Map(),
  };
  // A closed port is the cause, and a failed check what comes of it.
  return [
    ...planClosedPorts(sending),
    ...planUnhealthy(own),
    ...planEndpointFaults(expected ?? nothingExpected, endpoints),
  ];
}

const nothingExpected: Expected = { selector: undefined, ports: [] };
