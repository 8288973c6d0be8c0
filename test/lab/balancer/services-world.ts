import { runBalancerController } from '#balancer/balancer-controller.ts';
import type { Balancers } from '#cloud/balancer.ts';
import type { Condition } from '#kube/api/condition.ts';
import { recordEvents } from '#kube/events.ts';
import { type EndpointSliceObject, endpointSlices, type ServiceObject, services } from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { addCloudNode, addNode, mark, type RangesWorld, startRangesWorld } from '../network/ranges-world.ts';

/** A controller under the lease; the cloud's lists are late by milliseconds here, and are looked at as often. */
export function leadBalancers(
  { kube, cloud }: RangesWorld,
  change: Partial<Balancers> = {},
  end = new AbortController(),
): { stop(): Promise<void> } {
  const balancers = { ...cloud.balancers, lag: ms(400), ...change };
  const directBalancers = { ...cloud.directBalancers, lag: ms(400) };
  const applicationBalancers = { ...cloud.applicationBalancers, lag: ms(400) };
  const events = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  const options = {
    kube,
    cloud: { ...cloud, balancers, directBalancers, applicationBalancers },
    caches: sharedCaches(kube, end.signal),
    events,
    mark,
    vpc: 'uvnet-lab',
    subnet: 'subnet-lab',
    audit: seconds(2),
    note: () => undefined,
  };
  const done = runBalancerController(options, end.signal).catch((e: unknown) => {
    if (!end.signal.aborted) throw e;
  });
  return {
    async stop() {
      end.abort(new Error('the test ends this leader'));
      await done;
    },
  };
}

/** A cluster with an API server and two cloud nodes and a machine of the site as its nodes. */
export async function startBalancerWorld(): Promise<RangesWorld> {
  const world = await startRangesWorld();
  await addCloudNode(world, 'web-1');
  await addCloudNode(world, 'web-2');
  await addNode(world.kube, 'base-1', 'isthmus-site://base-1', 'site', '192.168.50.13');
  return world;
}

/** Controllers that end with the test that began them. */
export function leadersOf(world: () => RangesWorld) {
  const leaders: { stop(): Promise<void> }[] = [];
  return {
    lead(this: void, change?: Partial<Balancers>): { stop(): Promise<void> } {
      const leader = leadBalancers(world(), change);
      leaders.push(leader);
      return leader;
    },
    async stopAll(this: void): Promise<void> {
      for (const leader of leaders.splice(0)) await leader.stop();
    },
  };
}

/** One slice with one pod on the site. */
export const sliceOf = (name: string, change: Partial<EndpointSliceObject> = {}): EndpointSliceObject =>
  ({
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.16.0.9'], nodeName: 'base-1', conditions: { ready: true } }],
    ports: [{ port: 8080, protocol: 'TCP' }],
    ...change,
  }) as EndpointSliceObject;

export async function makeService(
  { kube }: Pick<RangesWorld, 'kube'>,
  name: string,
  { spec: change = {}, annotations = {} }: { readonly spec?: object; readonly annotations?: object },
): Promise<void> {
  const spec = { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80, protocol: 'TCP' }], ...change };
  await kube.create(services, { metadata: { name, namespace: 'default', annotations }, spec } as ServiceObject);
  await kube.create(endpointSlices, sliceOf(name));
}

export function untilSaid({ kube }: RangesWorld, name: string, reason: string): Promise<Condition> {
  return waitFor(
    `Service ${name} to say ${reason}`,
    async () => {
      const service = await kube.get(services, { name, namespace: 'default' });
      const said = service?.status?.conditions?.find(({ type }) => type === 'isthmus.dev/Balancer');
      if (said?.reason !== reason) throw new Error(`${said?.reason}: ${said?.message}`);
      return said as Condition;
    },
    { within: seconds(30), every: ms(50) },
  );
}

export async function removeService({ kube }: RangesWorld, name: string): Promise<void> {
  await kube.delete(services, { name, namespace: 'default' });
  await waitFor(
    `Service ${name} to be gone`,
    async () => (await kube.get(services, { name, namespace: 'default' })) === undefined,
    { within: seconds(30), every: ms(50) },
  );
}
