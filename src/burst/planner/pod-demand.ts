import { parseQuantity } from '#kube/quantity.ts';
import type { PlannerContainer, PlannerPodSpec, Quantities } from './planner-pod.ts';

/** Amounts by resource, whole: of CPU thousandths. */
export type Amounts = ReadonlyMap<string, number>;

/** What 1e-6 is for: 1.1 CPU times 1000 is a little more than 1100. */
const rounding = 1e-6;

/**
 * What a pod takes of a node: its requests, its place among the node's pods, and each of its host ports.
 * @source kubernetes staging/src/k8s.io/component-helpers/resource/helpers.go PodRequests: init containers run one after the other beside
 *         the sidecars that were started before them, containers beside all sidecars; requests of the pod stand for the sum, then overhead
 */
export function demandOf(spec: PlannerPodSpec): Amounts {
  const sidecars = new Map<string, number>();
  const starting = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const asked = requestsOf(container.resources?.requests);
    if (container.restartPolicy === 'Always') add(sidecars, asked);
    const beside = new Map(sidecars);
    if (container.restartPolicy !== 'Always') add(beside, asked);
    for (const [name, amount] of beside) starting.set(name, Math.max(starting.get(name) ?? 0, amount));
  }
  const demand = new Map(sidecars);
  for (const container of spec.containers ?? []) add(demand, requestsOf(container.resources?.requests));
  for (const [name, amount] of starting) demand.set(name, Math.max(demand.get(name) ?? 0, amount));
  for (const [name, amount] of requestsOf(spec.resources?.requests)) demand.set(name, amount);
  add(demand, requestsOf(spec.overhead));
  demand.set('pods', 1);
  for (const port of portsOf(spec)) demand.set(port, 1);
  return demand;
}

/** What a node has to give, without a part that is not whole. */
export function capacityOf(allocatable: Quantities): Map<string, number> {
  return new Map(
    Object.entries(allocatable).map(([name, text]) => [name, Math.floor(unitsOf(name, text) + rounding)] as const),
  );
}

/** A host port is free once on each node; that two pods may have it on different addresses of the node is not counted on. */
export function isPort(resource: string): boolean {
  return resource.startsWith('host port ');
}

function portsOf({ containers = [], initContainers = [] }: PlannerPodSpec): readonly string[] {
  const serving = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')];
  return serving.flatMap(({ ports = [] }: PlannerContainer) =>
    // The API server sets hostPort of each port of a pod in the host's network.
    ports.flatMap(({ hostPort = 0, protocol = 'TCP' }) =>
      hostPort === 0 ? [] : [`host port ${hostPort}/${protocol}`],
    ),
  );
}

function requestsOf(quantities: Quantities = {}): Amounts {
  return new Map(
    Object.entries(quantities)
      .map(([name, text]) => [name, Math.ceil(unitsOf(name, text) - rounding)] as const)
      .filter(([, amount]) => amount > 0),
  );
}

function unitsOf(name: string, text: string): number {
  return (parseQuantity(text) ?? 0) * (name === 'cpu' ? 1000 : 1);
}

function add(sum: Map<string, number>, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, (sum.get(name) ?? 0) + amount);
}
