import type { SharedCaches } from '#capability/controller-part.ts';
import { machines } from '#kube/api/machine.ts';
import { type PodRangeObject, type PodRangeSpec, type PodRangeStatus, podRanges } from '#kube/api/pod-range.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { type Ms, minutes, ms, seconds, untilAborted, waitFor } from '#unit/clock.ts';
import { type Cidr, cidr, type Ip, ip, numberOf } from '#unit/ip.ts';
import { AddressUsers } from './address-users.ts';
import { nodeSeen } from './node-seen.ts';
import { PodRanges, type PodRangesOptions } from './pod-ranges.ts';
import { PodsByNode, podSeen } from './pods-seen.ts';
import { SiteSlices, type SliceSeen } from './site-slices.ts';
import { SiteSubnets } from './site-subnets.ts';

/**
 * Keeps one PodRange for each Node until `end`: the only writer of their specs. Start it under the leader's lease alone.
 * A crash between any two of its writes leaks nothing and gives nothing twice: what the cloud gave and nobody wrote down is
 * adopted at the next audit, and what is to go back is first marked, then answered for by the node, then given back, then forgotten.
 */
export async function runPodRangeController(
  options: PodRangesOptions & {
    readonly caches: SharedCaches;
    /** Ranges that no pod range may touch: VPC, Services, site. */
    readonly reserved: readonly Cidr[];
  },
  end: AbortSignal,
): Promise<void> {
  const { kube, caches, note } = options;
  const nodeCache = viewOf(caches.nodes(), nodeSeen, end);
  const rangeCache = kube.cache(podRanges, {}, end, rangeSeen);
  const podCache = viewOf(caches.pods(), podSeen, end);
  const machineCache = kube.cache(machines, {}, end, ({ spec }) => spec.podNetwork);
  const users = new AddressUsers();
  const { sitePods, perMachine, bridged } = options.policy;
  const subnets = sitePods && new SiteSubnets(sitePods, perMachine);
  subnets?.set('reserved', options.reserved);
  const slices = bridged && new SiteSlices(bridged.pods);
  /** A watch tells in the order of writing; only while it begins anew it does not. */
  const isKnown = ({ metadata: { name, uid, generation = 0 } }: PodRangeObject): boolean => {
    const known = rangeCache.get({ name });
    return known?.uid === uid && (known?.generation ?? 0) >= generation && rangeCache.staleSince === undefined;
  };
  const podsByNode = new PodsByNode();
  const ranges = new PodRanges(
    options,
    {
      node: (name) => nodeCache.get({ name }),
      pods: (node) => podsByNode.of(node),
      waitingPods: (node) => podsByNode.waiting(node),
      usedByOthers: (node, addresses) => users.usedByOthers(rangeOf(node), addresses),
      podNetwork: (name) => machineCache.get({ name }),
      slices: (name, range) => slices?.around(name, range !== undefined && isKnown(range)),
      freeSubnet: () => subnets?.free(),
      async knows(range) {
        const look = async (): Promise<boolean> => isKnown(range);
        await waitFor('the watch of PodRanges', look, { within: seconds(10), every: ms(2), signal: end });
      },
      twinOf: (node, subnet) =>
        subnets
          ?.ownersOf(subnet)
          .flatMap((owner) => nodeOfRange(owner) ?? [])
          .find((other) => other !== node),
    },
    end,
  );
  const queue = workQueue({
    tend: (node) => ranges.tend(node),
    workers: 8,
    onError: (error, { key, failures, wait }) =>
      note({ node: key, fault: (error as Error).message, failures, again: wait }, 'tending a pod range failed'),
    backoff: { first: seconds(1), most: minutes(1) },
  });
  // The indexes learn from the first object on; nothing is tended before they know all.
  let complete = false;
  const touched = new Set<string>();
  const tend = (node: string): void => {
    if (complete) queue.add(node);
    else touched.add(node);
  };
  const burst = gathered(burstPause, tend);
  nodeCache.onChange((name) => {
    const addresses = nodeCache.get({ name })?.addresses ?? [];
    users.set(`node ${name}`, addresses);
    subnets?.set(`node ${name}`, addresses.map(alone));
    slices?.setHost(name, addresses);
    tend(name);
  });
  rangeCache.onChange((name) => {
    const { addresses = [], subnet, slice } = rangeCache.get({ name }) ?? {};
    users.set(rangeOf(name), addresses);
    subnets?.set(rangeOf(name), [...(subnet ?? []), ...addresses.map(alone)]);
    slices?.setSlice(name, slice);
    tend(name);
  });
  podCache.onChange((key) => {
    const [namespace = '', name = ''] = key.split('/');
    for (const node of podsByNode.set(key, podCache.get({ namespace, name }))) {
      slices?.setPods(node, podsByNode.of(node).addresses);
      burst.add(node);
    }
  });
  machineCache.onChange(tend);
  await Promise.all([nodeCache.synced, rangeCache.synced, podCache.synced, machineCache.synced]);
  complete = true;
  for (const node of touched) queue.add(node);
  await untilAborted(end);
  burst.stop();
  await queue.stop();
}

/** What bears on other nodes. */
interface RangeSeen {
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly subnet: readonly Cidr[];
  /** What is on its way back is given to nobody by that node, and may come out of the cloud again for another one. */
  readonly addresses: readonly Ip[];
  /** Of a bridged machine. */
  readonly slice: SliceSeen | undefined;
}

function rangeSeen({ metadata: { uid, generation }, spec, status }: PodRangeObject): RangeSeen {
  return {
    uid,
    generation,
    slice: spec.bridged && sliceSeen(spec, status),
    subnet: spec.subnet === undefined ? [] : [cidr(spec.subnet)],
    addresses: (spec.addresses ?? []).filter(({ state }) => state !== 'releasing').map((a) => ip(a.ip)),
  };
}

function sliceSeen({ addresses = [] }: PodRangeSpec, status: PodRangeStatus | undefined): SliceSeen {
  const isUsable = ({ state }: { readonly state: string }): boolean => state === 'usable';
  return {
    usable: addresses.filter(isUsable).map((a) => ip(a.ip)),
    unsettled: addresses.filter((a) => !isUsable(a)).map((a) => ip(a.ip)),
    inUse: status?.inUse ?? 0,
  };
}

function alone(address: Ip): Cidr {
  return { first: numberOf(address), bits: 32 };
}

const rangeOwner = 'range ';

function rangeOf(node: string): string {
  return `${rangeOwner}${node}`;
}

function nodeOfRange(owner: string): string | undefined {
  return owner.startsWith(rangeOwner) ? owner.slice(rangeOwner.length) : undefined;
}

/** A Deployment's pods are bound within a second or two: so that the cloud is asked for many addresses and not many times. */
const burstPause = ms(300);

/** Tells each key once, that long after it came first, however often it came meanwhile. */
function gathered(pause: Ms, tell: (key: string) => void): { add(key: string): void; stop(): void } {
  const timers = new Map<string, NodeJS.Timeout>();
  return {
    add(key) {
      if (timers.has(key)) return;
      const timer = setTimeout(() => {
        timers.delete(key);
        tell(key);
      }, pause);
      timers.set(key, timer);
    },
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
