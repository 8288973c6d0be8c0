import { type Ip, parseIp } from '#unit/ip.ts';
import type { NodeSeen } from './choose-back-ends.ts';
import type { EndpointSeen, EndpointsSeen, PodTarget } from './endpoints.ts';

export type PodsChosen =
  | {
      readonly to: 'pods';
      readonly pods: readonly PodTarget[];
      /** Addresses of pods that are being deleted and still answer. */
      readonly ending?: readonly Ip[];
    }
  /** Nodes must be the back ends, because a pod cannot be one. */
  | { readonly to: 'nodes'; readonly why: string };

/**
 * The pods that a balancer may send to: those that are ready, or that lack nothing but the gate that the balancer opens; when there are none,
 * those that are being deleted and still answer, as kube-proxy has it. All of them or none: a listener checks all its back ends on one port, and nodes do not answer on that of pods.
 * @unit ports: names of the Service's ports; most: back ends of one listener; isFit: of a pod's name
 */
export function choosePods(
  endpoints: readonly EndpointSeen[],
  nodes: readonly NodeSeen[],
  ports: readonly string[],
  most: number,
  isFit: (pod: string) => boolean,
): PodsChosen {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const pods = new Map<string, PodTarget>();
  const takes = ({ isReady, pod }: EndpointSeen): boolean => isReady || (pod !== undefined && isFit(pod));
  // Sorted: the reason that is told must not depend on which slice was read first.
  const taken = endpoints.filter(takes);
  const ending = endpoints.filter(({ isEnding }) => isEnding === true);
  for (const one of (taken.length > 0 ? taken : ending).toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const found = placeOf(one, byName.get(one.node ?? ''), ports);
    if ('why' in found)
      return { to: 'nodes', why: `${one.pod === undefined ? one.address : `pod ${one.pod}`} ${found.why}` };
    pods.set(found.address, { ...found, ports: one.ports });
  }
  const all = [...pods.values()];
  if (all.length > most)
    return {
      to: 'nodes',
      why: `the Service has ${all.length} pods, and the balancer takes ${most} back ends for each port`,
    };
  for (const name of ports) {
    const answersAt = [...new Set(all.flatMap((pod) => pod.ports[name] ?? []))].toSorted((a, b) => a - b);
    if (answersAt.length > 1)
      return {
        to: 'nodes',
        why: `its pods answer on different ports (${answersAt.join(', ')}), and the balancer checks all of them on one`,
      };
  }
  const addresses = ending.flatMap(({ address }) => parseIp(address) ?? []);
  return { to: 'pods', pods: all, ...(addresses.length > 0 && { ending: addresses }) };
}

export function placeOf(
  one: EndpointSeen,
  on: NodeSeen | undefined,
  wanted: readonly string[],
): { readonly address: Ip; readonly machine: string } | { readonly why: string } {
  const address = parseIp(one.address);
  if (address === undefined) return { why: 'has no IPv4 address' };
  if (on === undefined)
    return { why: `is on ${one.node === undefined ? 'no node' : `${one.node}, which is not known`}` };
  if (on.ground.ground !== 'cloud') return { why: `is on ${on.name}, which is not in the VPC` };
  if (on.address === address) return { why: `uses the network of its node ${on.name}` };
  const missing = wanted.find((name) => one.ports[name] === undefined);
  return missing === undefined ? { address, machine: on.ground.id } : { why: `does not have the port "${missing}"` };
}

/** By address of a pod, the machine of the cloud that it runs on. */
export function homesOf(
  all: readonly EndpointsSeen[],
  nodes: readonly Pick<NodeSeen, 'name' | 'ground'>[],
): ReadonlyMap<string, string> {
  const machines = new Map(nodes.flatMap(({ name, ground }) => (ground.ground === 'cloud' ? [[name, ground.id]] : [])));
  return new Map(
    all.flatMap(({ all: each = [] }) =>
      each.flatMap(({ address, node }) => {
        const machine = machines.get(node ?? '');
        return machine === undefined ? [] : [[address, machine] as const];
      }),
    ),
  );
}
