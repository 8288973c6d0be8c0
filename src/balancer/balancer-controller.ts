import type { SharedCaches } from '#capability/controller-part.ts';
import { endpointSlices, type ServiceObject, services } from '#kube/resources.ts';
import { viewOf } from '#kube/view-of.ts';
import { workQueue } from '#kube/work-queue.ts';
import { minutes, seconds, untilAborted, uptime } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { type ServiceSeen, serviceSeen } from './application/choose-targets.ts';
import { openIngressQueue } from './application/ingress-queue.ts';
import { type BackEndsChosen, chooseBackEnds, nodeSeen } from './choose-back-ends.ts';
import { EndpointsByService, sliceSeen } from './endpoints.ts';
import { type Gates, openGates } from './gates.ts';
import { tendLeaving } from './leaving-nodes.ts';
import { type GatedPod, type GateService, selects } from './plan-gate.ts';
import { type Gathered, gatheredWith, planGathering } from './plan-gathering.ts';
import { leavingSeen, type SendersSeen } from './plan-leaving.ts';
import { isClaimed, isWanted } from './service.ts';
import { ServiceBalancers, type ServiceBalancersOptions } from './service-balancers.ts';

/**
 * How many Services are tended at once. They wait for the cloud's limit of calls most of the time: with few, the action at its limit starves
 * while all of them wait for others. Each waits for a call for at most a minute, so there must not be too many either.
 */
export const serviceWorkers = 128;

/**
 * Gives each Service of type LoadBalancer and each group of Ingresses its balancer until `end`. Start it under the leader's lease alone. A crash between any two
 * of its steps leaves nothing behind and makes nothing twice: what is in the cloud is found again by mark and owner.
 */
export async function runBalancerController(
  options: ServiceBalancersOptions & { readonly caches: SharedCaches },
  end: AbortSignal,
): Promise<void> {
  const { kube, caches, cloud, note } = options;
  const nodes = viewOf(caches.nodes(), nodeSeen, end);
  const kept = kube.cache(services, {}, end, keep);
  const slices = kube.cache(endpointSlices, {}, end, sliceSeen);
  const endpoints = new EndpointsByService();
  const cluster = {
    nodes: () => nodes.list(),
    endpoints: (service: string) => endpoints.of(service),
    answers: (namespace: string, address: string, port: number) => endpoints.answers(namespace, address, port),
    isFit: (pod: string) => gates.isFit(pod),
    service(key: string) {
      const [namespace = '', name = ''] = key.split('/');
      return kept.get({ namespace, name })?.seen;
    },
  };
  const balancers = new ServiceBalancers(options, cluster, end);
  const relevant = new Set<string>();
  const forIngresses = openIngressQueue(
    options,
    cluster,
    () => {
      leaving.look();
      gates.look();
    },
    end,
  );
  const leaving = leavingQueue(
    options,
    (machine) => joined(balancers.sendersTo(machine, relevant), forIngresses.sendersTo(machine)),
    end,
  );
  let complete = false;
  const selecting = ({ namespace, labels }: GatedPod): readonly Kept[] =>
    kept.list().filter((one) => one.key.startsWith(`${namespace}/`) && selects(one.selector, labels));
  const standing = (pod: GatedPod): readonly GateService[] => {
    const services = selecting(pod);
    const own = services.flatMap(({ key, isRelevant }) =>
      isRelevant ? { key: `Service ${key}`, stands: balancers.standsTo(key, pod.address) } : [],
    );
    const keys = services.map(({ key }) => key);
    return [...own, ...forIngresses.standing(keys, pod.address)];
  };
  const gates: Gates = openGates(
    {
      ...options,
      servicesOf: (pod) => (complete ? standing(pod) : undefined),
      onChange(pod) {
        if (!complete) return;
        for (const { key, isRelevant } of selecting(pod)) {
          if (isRelevant) queue.add(key);
          forIngresses.look(key);
        }
      },
    },
    end,
  );
  const queue = workQueue({
    async tend(key) {
      const wish = await balancers.tend(key);
      leaving.look();
      gates.look();
      return wish;
    },
    workers: serviceWorkers,
    onError: (error, { key, failures, wait }) =>
      note({ service: key, fault: messageOf(error), failures, again: wait }, 'tending a load balancer failed'),
    backoff: { first: seconds(1), most: minutes(5) },
  });
  const changed = (key: string): void => {
    const [namespace = '', name = ''] = key.split('/');
    forIngresses.look(key);
    if (kept.get({ namespace, name })?.isRelevant === true) relevant.add(key);
    else if (relevant.delete(key)) leaving.look();
    else return;
    if (complete) queue.add(key);
  };
  kept.onChange(changed);
  slices.onChange((key) => {
    const [namespace = '', name = ''] = key.split('/');
    for (const service of endpoints.set(key, slices.get({ namespace, name }))) {
      if (complete && relevant.has(service)) queue.add(service);
      forIngresses.look(service);
    }
  });
  await Promise.all([nodes.synced, kept.synced, slices.synced, leaving.synced, gates.synced, forIngresses.synced]);
  const gathering = gatherChanges(
    // A node's heartbeat is no news to a balancer.
    () => chooseBackEnds(nodes.list(), cloud.provider, Number.POSITIVE_INFINITY),
    () => {
      for (const key of relevant) queue.add(key);
      forIngresses.lookAtAll();
    },
  );
  nodes.onChange(gathering.look);
  complete = true;
  for (const { key, isRelevant } of kept.list()) if (isRelevant) relevant.add(key);
  for (const key of relevant) queue.add(key);
  forIngresses.begin();
  leaving.begin();
  gates.look();
  await untilAborted(end);
  gathering.stop();
  await Promise.all([queue.stop(), forIngresses.stop(), leaving.stop(), gates.stop()]);
}

/** Of Services and of Ingresses. */
function joined(a: SendersSeen, b: SendersSeen): SendersSeen {
  return {
    undecided: [...a.undecided, ...b.undecided],
    balancers: [...new Set([...a.balancers, ...b.balancers])].toSorted(),
  };
}

/** Acts upon changes of back ends, many at once when they come together. */
function gatherChanges(choose: () => BackEndsChosen, act: () => void) {
  let told = choose();
  let gathered: Gathered | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    look(this: void) {
      const now = choose();
      if (JSON.stringify(now) === JSON.stringify(told)) return;
      gathered = gatheredWith(gathered, { before: told.machines, now: now.machines, at: uptime() });
      told = now;
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          gathered = undefined;
          act();
        },
        Math.max(0, planGathering(gathered) - uptime()),
      );
    },
    stop: () => clearTimeout(timer),
  };
}

/** Tends what Nodes say of the balancers that send to them. */
function leavingQueue(
  { kube, caches, note }: Pick<ServiceBalancersOptions, 'kube' | 'note'> & { readonly caches: SharedCaches },
  sendersOf: (machine: string) => SendersSeen,
  end: AbortSignal,
) {
  const view = viewOf(caches.nodes(), leavingSeen, end);
  const queue = workQueue({
    async tend(name) {
      const seen = view.get({ name });
      if (seen !== undefined) await tendLeaving(kube, seen, sendersOf);
    },
    onError: (error, { key, failures, wait }) =>
      note(
        { node: key, fault: messageOf(error), failures, again: wait },
        'telling whether load balancers send to a node failed',
      ),
  });
  let begun = false;
  const look = (): void => {
    if (!begun) return;
    for (const { name, isOut, said } of view.list()) if (isOut || said !== undefined) queue.add(name);
  };
  view.onChange(look);
  return {
    synced: view.synced,
    look,
    /** Before all Services are known, none seems to send. */
    begin() {
      begun = true;
      look();
    },
    stop: () => queue.stop(),
  };
}

interface Kept {
  readonly key: string;
  /** What Ingresses that name it need to know. */
  readonly seen: ServiceSeen;
  readonly isRelevant: boolean;
  readonly selector: Readonly<Record<string, string>> | undefined;
}

function keep(service: ServiceObject): Kept {
  const { namespace = '', name } = service.metadata;
  return {
    key: `${namespace}/${name}`,
    seen: serviceSeen(service),
    isRelevant: isWanted(service) || isClaimed(service),
    selector: service.spec?.selector,
  };
}
