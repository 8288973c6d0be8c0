import type { Kube } from '#kube/kube.ts';
import { type EndpointSliceObject, endpointSlices, nodes, type ServiceObject, services } from '#kube/resources.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { account, connectTo, makeMachines, place, type Sim } from './cloud.ts';

const machineCount = 10;
/** Listeners of one network load balancer. @source UCloud ULB manual, quotas */
const mostListeners = 5;
const label = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Services and nodes in Kubernetes, and a cloud that is to come to what they say. */
export interface ServicesWorld {
  readonly sim: Sim;
  readonly services: number;
  /** Services with a load balancer of their own, which has a public address. */
  readonly own: number;
  /** Takes one node out of all balancers, or lets it in again; never the first, so that one always serves. @unit n: counted from 0 */
  changeNode(n: number): Promise<void>;
  /** Whether nodes that may be back ends are others than at the beginning. */
  readonly isChanged: boolean;
  /** @fails WaitedTooLong, when something was made twice as well */
  untilConverged(): Promise<void>;
}

/** The account takes 200 load balancers: a fifth of the Services have one of their own, the others share some that are there before. */
export async function makeServicesWorld(sim: Sim, kube: Kube, count: number): Promise<ServicesWorld> {
  const own = Math.floor(count / 5);
  const machines = await makeNodes(sim, kube);
  const shared = await makeShared(sim, Math.ceil((count - own) / mostListeners));
  await eachOf(count, (n) => makeService(kube, n, n < own ? undefined : shared[(n - own) % shared.length]));
  const left = new Set<string>();
  return {
    sim,
    services: count,
    own,
    async changeNode(n) {
      const name = `cloud-${1 + (n % (machineCount - 2))}`;
      const leaves = !left.has(name);
      if (leaves) left.add(name);
      else left.delete(name);
      await kube.merge(nodes, { name }, { metadata: { labels: { [label]: leaves ? '' : null } } });
    },
    get isChanged() {
      return left.size > 0;
    },
    untilConverged: () =>
      untilConverged(sim, { count, own, machines: machines.filter((_, n) => !left.has(`cloud-${n}`)) }),
  };
}

/** As an operator would, before there is a cluster: they carry no mark. */
async function makeShared(sim: Sim, count: number): Promise<readonly string[]> {
  const { balancers } = connectTo(sim, ms(20));
  const made: string[] = [];
  for (let n = 0; n < count; n++) {
    const wish = {
      name: `shared-${n}`,
      vpc: place.VPCId,
      subnet: place.SubnetId,
      charge: 'hour',
      quantity: 1,
    } as const;
    const one = await balancers.create({ ...wish, mark: 'setup', owner: `${n}` }, { within: minutes(1) });
    if (!one.ok) throw new Error(one.failure.raw.message);
    made.push(one.value.id);
  }
  for (const balancer of sim.cloud.objects().balancers) Object.assign(balancer, { tag: 'Default', remark: '' });
  return made;
}

async function makeNodes(sim: Sim, kube: Kube): Promise<readonly string[]> {
  const machines = await makeMachines(sim, machineCount);
  for (const [n, id] of machines.entries()) {
    const name = `cloud-${n}`;
    await kube.create(nodes, {
      metadata: { name, labels: { 'isthmus.dev/ground': 'cloud' } },
      spec: { providerID: `ucloud://${account.zone}/${id}` },
    });
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Bench', message: '' }];
    await kube.merge(nodes, { name }, { status: { conditions } }, { subresource: 'status' });
  }
  return machines;
}

async function makeService(kube: Kube, n: number, use: string | undefined): Promise<void> {
  const name = `s-${n}`;
  const port = 1000 + n;
  const annotations = use === undefined ? {} : { 'isthmus.dev/balancer-id': use };
  const spec = { type: 'LoadBalancer', selector: { app: name }, ports: [{ port, protocol: 'TCP' }] };
  await kube.create(services, { metadata: { name, namespace: 'default', annotations }, spec } as ServiceObject);
  const slice = {
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.16.0.9'], nodeName: 'cloud-0', conditions: { ready: true } }],
    ports: [{ port: 8080, protocol: 'TCP' }],
  };
  await kube.create(endpointSlices, slice as EndpointSliceObject);
}

async function untilConverged(
  { cloud }: Sim,
  { count, own, machines }: { readonly count: number; readonly own: number; readonly machines: readonly string[] },
): Promise<void> {
  const wanted = machines.toSorted().join();
  await waitFor(
    'the cloud to be as Services and nodes say',
    async () => {
      const { balancers, eips } = cloud.objects();
      const bound = eips.filter(({ resource }) => balancers.some(({ id }) => id === resource)).length;
      const listeners = balancers.flatMap((one) => one.listeners);
      const right = listeners.filter(
        ({ targets }) =>
          targets
            .map(({ resource }) => resource)
            .toSorted()
            .join() === wanted,
      ).length;
      if (right < count || bound < own)
        throw new Error(`${right} of ${count} listeners are right, ${bound} of ${own} addresses are bound`);
      if (listeners.length > count || bound > own) throw new Error('something was made twice');
      return true;
    },
    { within: minutes(30), every: ms(100) },
  );
}

async function eachOf(count: number, perform: (n: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < count; first += 16)
    await Promise.all(Array.from({ length: Math.min(16, count - first) }, (_, n) => perform(first + n)));
}
