import { type IngressObject, ingressClasses, ingresses } from '#kube/resources.ts';
import { workQueue } from '#kube/work-queue.ts';
import { minutes, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { GateService } from '../plan-gate.ts';
import type { SendersSeen } from '../plan-leaving.ts';
import type { ServiceBalancersOptions } from '../service-balancers.ts';
import { classesSeen, keyOf, servicesOf } from './ingress.ts';
import { IngressGroups, type IngressView } from './ingress-groups.ts';

/** Tends the groups of Ingresses, each when something that it depends on has changed. */
export interface IngressQueue {
  readonly synced: Promise<void>;
  /** Everything is known now. */
  readonly begin: () => void;
  /** A Service or its endpoints changed. @unit service: `namespace/name` */
  readonly look: (service: string) => void;
  readonly lookAtAll: () => void;
  readonly sendersTo: (machine: string) => SendersSeen;
  /** How the groups that use one of these Services stand to a pod of theirs. */
  readonly standing: (services: readonly string[], address: string | undefined) => readonly GateService[];
  readonly stop: () => Promise<void>;
}

export function openIngressQueue(
  options: ServiceBalancersOptions,
  cluster: Omit<IngressView, 'ingresses' | 'classes'>,
  onTended: () => void,
  end: AbortSignal,
): IngressQueue {
  const { kube, note } = options;
  const all = kube.cache(ingresses, {}, end);
  const classes = kube.cache(ingressClasses, {}, end);
  const groups = new IngressGroups(
    options,
    { ...cluster, ingresses: () => all.list(), classes: () => classesSeen(classes.list()) },
    end,
  );
  /** By Ingress, where it was when it was last looked at: whoever left is not forgotten there. */
  const last = new Map<string, readonly string[]>();
  let begun = false;
  const queue = workQueue({
    async tend(group) {
      const wish = await groups.tend(group);
      onTended();
      return wish;
    },
    workers: 4,
    onError: (error, { key, failures, wait }) =>
      note({ group: key, fault: messageOf(error), failures, again: wait }, 'tending an ALB failed'),
    backoff: { first: seconds(1), most: minutes(5) },
  });
  const add = (groupKeys: readonly string[]): void => {
    if (begun) for (const group of groupKeys) queue.add(group);
  };
  const lookAt = (key: string, ingress: IngressObject | undefined): void => {
    const now = ingress === undefined ? [] : groups.groupsOf(ingress);
    add([...new Set([...(last.get(key) ?? []), ...now])]);
    if (now.length === 0) last.delete(key);
    else last.set(key, now);
  };
  const lookAtAll = (): void => {
    for (const ingress of all.list()) lookAt(keyOf(ingress), ingress);
  };
  all.onChange((key) => {
    const [namespace = '', name = ''] = key.split('/');
    lookAt(key, all.get({ namespace, name }));
  });
  classes.onChange(lookAtAll);
  const using = (service: string): readonly string[] =>
    all.list().flatMap((one) => (servicesOf(one).has(service) ? groups.groupsOf(one) : []));
  return {
    synced: Promise.all([all.synced, classes.synced]).then(() => undefined),
    begin() {
      begun = true;
      lookAtAll();
    },
    look: (service) => add(using(service)),
    lookAtAll,
    sendersTo: (machine) => groups.sendersTo(machine, new Set([...last.values()].flat())),
    standing: (services, address) =>
      services.flatMap((service) =>
        [...new Set(using(service))].map((group) => ({
          key: `an Ingress for Service ${service}`,
          stands: groups.standsTo(group, service, address),
        })),
      ),
    stop: () => queue.stop(),
  };
}
