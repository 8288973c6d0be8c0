import type { CloudListener } from '#cloud/balancer.ts';
import { type Inbound, refuserOf } from '#cloud/inbound.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { few } from '#unit/few.ts';
import type { Ip } from '#unit/ip.ts';
import type { BackEndsChosen } from './choose-back-ends.ts';
import type { EndpointsSeen } from './endpoints.ts';
import type { PortWish } from './parse-wish.ts';
import type { Reason } from './reasons.ts';

/** Something that stands between clients and pods although the balancer is as it should be. */
export interface Fault {
  readonly reason: Reason;
  readonly message: string;
}

/** What a Service says of the pods that are to answer. */
export interface Expected {
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly target: number | string | undefined;
  }[];
}

export function expectedOf({ spec }: ServiceObject): Expected {
  const ports = (spec?.ports ?? []).map(({ name = '', port, targetPort }) => ({ name, port, target: targetPort }));
  const { selector = {} } = spec ?? {};
  return { selector: Object.keys(selector).length === 0 ? undefined : selector, ports };
}

/** Whether a pod answers at all, and then whether one does for each port. */
export function planEndpointFaults(expected: Expected, endpoints: EndpointsSeen): readonly Fault[] {
  if (endpoints.ready === 0) return [{ reason: 'NoEndpoint', message: noneReady(expected, endpoints) }];
  const ready = endpoints.all?.filter(({ isReady }) => isReady);
  if (ready === undefined) return [];
  const unanswered = expected.ports.filter(({ name }) => ready.every(({ ports }) => ports[name] === undefined));
  return unanswered.map(({ port, target }) => ({
    reason: 'PortUnanswered',
    message:
      typeof target === 'string'
        ? `no ready pod answers port ${port}: its targetPort "${target}" is the name of no container port of theirs; add the name to the pods, or write the number as targetPort`
        : `no ready endpoint answers port ${port}: its EndpointSlices do not have the port; add it to them`,
  }));
}

function noneReady({ selector }: Expected, { all = [] }: EndpointsSeen): string {
  const pods = [...new Set(all.map(({ pod, address }) => pod ?? address))].toSorted();
  const [first] = pods;
  if (first !== undefined) {
    return `none of its pods is ready (${few(pods)}): see why with kubectl describe pod ${first}`;
  }
  if (selector === undefined)
    return 'the Service has no selector, and no EndpointSlice with its name has an endpoint: add a selector, or an EndpointSlice';
  const labels = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  return `its selector ${labels.join(',')} matches no running pod: compare it with the labels of the pods (kubectl get pods --show-labels)`;
}

/** What the balancer sends, and to whom. */
export interface Sending {
  /** The addresses that it sends from. */
  readonly senders: readonly Ip[];
  readonly subnet: string;
  readonly to: readonly Sent[];
  readonly inbound: ReadonlyMap<string, Inbound>;
}

/** One port on the machines of all back ends that answer on it. */
export interface Sent {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly machines: readonly string[];
  /** The ports that a rule should open, as a security group has them. */
  readonly open: string;
}

/** Where Kubernetes puts node ports when nobody says otherwise. */
export const nodePortRange = '30000-32767';

/** Where the node ports of all listeners are, or the ports of the pods behind them. */
export function sentTo(
  { machines, pods }: Pick<BackEndsChosen, 'machines' | 'pods'>,
  listeners: readonly PortWish[],
): readonly Sent[] {
  return listeners.flatMap(({ protocol, nodePort, name }): readonly Sent[] => {
    if (pods === undefined) return [{ protocol, port: nodePort, machines, open: nodePortRange }];
    const answering = Map.groupBy(pods, ({ ports }) => ports[name]);
    return [...answering].flatMap(([port, on]) =>
      port === undefined
        ? []
        : [{ protocol, port, machines: [...new Set(on.map(({ machine }) => machine))].toSorted(), open: String(port) }],
    );
  });
}

/**
 * Ports that the security groups of machines close to the balancer. The balancer's checks come from addresses that no group can close: what
 * closes their port is found by the checks themselves.
 */
export function planClosedPorts({ senders, subnet, to, inbound }: Sending): readonly Fault[] {
  return to.flatMap(({ protocol, port, machines, open }): readonly Fault[] => {
    const closed = machines.flatMap((machine) => {
      const at = inbound.get(machine);
      const by = senders.flatMap((from) => (at === undefined ? [] : (refuserOf(at, { protocol, port, from }) ?? [])));
      return by.length === 0 ? [] : [{ machine, by }];
    });
    if (closed.length === 0) return [];
    const groups = [...new Set(closed.flatMap(({ by }) => by))].toSorted();
    const message = `the security group ${groups.join(' or ')} closes ${protocol} port ${port} of ${few(closed.map(({ machine }) => machine))} to the load balancer (${senders.join(', ')}): add a rule that accepts ${protocol} ${open} from subnet ${subnet}`;
    return [{ reason: 'PortClosed', message }];
  });
}

/** Ports of which no back end passes the balancer's check. */
export function planUnhealthy(listeners: readonly CloudListener[]): readonly Fault[] {
  const dead = listeners.filter(
    ({ backEnds }) => backEnds.length > 0 && backEnds.every(({ healthy }) => healthy === false),
  );
  return dead.map(({ protocol, port, checkPort, backEnds }) => {
    const isNodes = backEnds.some(({ machine }) => machine !== undefined);
    const checked = `no back end of ${protocol} port ${port} passes the check of the load balancer on port ${checkPort ?? '(unknown)'}`;
    const cure = isNodes
      ? 'let the nodes accept that port from 100.64.0.0/10 and the public-service ranges of the region, and look whether kube-proxy runs on them (kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide)'
      : 'look whether the pods listen on that port and nothing drops it there';
    return { reason: 'ChecksFail', message: `${checked}: ${cure}` };
  });
}
