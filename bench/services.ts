import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runBalancerController } from '#balancer/balancer-controller.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import { connect } from '#kube/client.ts';
import { recordEvents } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { type EndpointSliceObject, endpointSlices, nodes, type ServiceObject, services } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import type { Call } from '#lab/ucloud/gateway/gateway.ts';
import { createRememberingWorld } from '#lab/ucloud/remembering-world.ts';
import { createUcloud, type Ucloud } from '#lab/ucloud/ucloud.ts';
import { gibi } from '#unit/bytes.ts';
import { formatMs, minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { cidr } from '#unit/ip.ts';
import { sharedCaches } from '../src/program/shared-caches.ts';
import { startApiServer } from '../test/support/api-server.ts';

const account = {
  publicKey: 'bench',
  privateKey: 'bench',
  project: { id: 'org-bench', name: 'bench' },
  region: 'cn-bj2',
  zone: 'cn-bj2-04',
} as const;
const place = { VPCId: 'uvnet-bench', SubnetId: 'subnet-bench' } as const;
const mark = 'bench';
const machineCount = 10;
/** Listeners of one network load balancer. @source UCloud ULB manual, quotas */
const mostListeners = 5;
const label = 'node.kubernetes.io/exclude-from-external-load-balancers';

export interface ServicesSize {
  readonly services: number;
  readonly changes: number;
  /** Calls of one action that the cloud takes within a second. */
  readonly rate: number;
}

/**
 * Services of type LoadBalancer, then changes of nodes, by our controller between a real API server and the simulated cloud with a
 * limit of calls. The account takes 200 load balancers: a fifth of the Services have one of their own with a public address, the
 * others share balancers that are there before. A cloud that is not as the Services and nodes say ends the run.
 */
export async function benchServices({ services: count, changes, rate }: ServicesSize): Promise<void> {
  const own = Math.floor(count / 5);
  const sim = await startCloud(rate);
  const server = await startApiServer({ ...(await ensureBinaries(note)), within: minutes(2) });
  const kube = connect(server.access);
  const end = new AbortController();
  try {
    const machines = await makeMachines(sim, kube);
    const shared = await makeShared(sim, Math.ceil((count - own) / mostListeners));
    await eachOf(count, (n) => makeService(kube, n, n < own ? undefined : shared[(n - own) % shared.length]));
    note(`${count} Services (${own} with a load balancer of their own), ${machineCount} cloud nodes, ${rate} calls/s`);
    sim.cloud.limit({ calls: rate });

    const done = startController(sim, kube, end);
    const first = await timed(sim, () => untilConverged(sim, { count, own, machines }));
    // Each Service needs at least a listener and its back ends; another action may go on beside.
    tell(`${count} Services`, first, { least: count, rate, per: count, what: 'Service' });
    await waitFor('every Service to say that it is served', () => allServing(kube, count), {
      within: minutes(10),
      every: seconds(1),
    });
    await tellIdle(sim, seconds(10));

    const left = new Set<string>();
    let told = performance.now();
    const second = await timed(sim, async () => {
      for (let n = 0; n < changes; n++) await changeNode(kube, n, left);
      told = performance.now();
      const kept = machines.filter((_, n) => !left.has(`cloud-${n}`));
      await untilConverged(sim, { count, own, machines: kept });
      return performance.now() - told;
    });
    note(`${changes} node changes took ${formatMs(ms(second.took - second.value))} to write`);
    const after = { ...second, took: second.value };
    // From the nodes before to those after, each Service needs one call, unless they are the same.
    tell(`${changes} node changes, after the last`, after, {
      least: left.size === 0 ? 0 : count,
      rate,
      per: changes,
      what: 'change',
    });
    await tellIdle(sim, seconds(10));
    end.abort(new Error('the bench is over'));
    await done;
  } finally {
    end.abort(new Error('the bench is over'));
    await sim.close();
    await kube.close();
    await server.stop();
  }
}

interface Sim {
  readonly url: string;
  readonly cloud: Ucloud;
  /** Every call since the beginning. */
  readonly calls: readonly Call[];
  close(): Promise<void>;
}

async function startCloud(rate: number): Promise<Sim> {
  const calls: Call[] = [];
  const cloud = createUcloud({
    world: createRememberingWorld(),
    account,
    vpc: {
      id: place.VPCId,
      name: 'bench',
      network: cidr('10.9.0.0/16'),
      subnets: [{ id: place.SubnetId, name: 'bench', cidr: cidr('10.9.0.0/20') }],
    },
    images: [{ id: 'uimage-base', name: 'Debian 13', sizeGib: 20 }],
    speed: 0.001,
    seed: rate,
    log: (entry) => void (entry.kind === 'call' && calls.push(entry)),
  });
  const server: Server = createServer(cloud.api);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cloud,
    calls,
    async close() {
      await cloud.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function connectTo(sim: Sim, poll = seconds(2)) {
  return connectUcloud({ ...account, endpoint: sim.url, project: account.project.id, poll });
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

async function makeMachines(sim: Sim, kube: Kube): Promise<readonly string[]> {
  const { compute } = connectTo(sim, ms(20));
  const made: string[] = [];
  for (let n = 0; n < machineCount; n++) {
    const wish = { name: `cloud-${n}`, mark, zone: account.zone, image: 'uimage-base', cpu: 2, userData: '' };
    const one = await compute.create(
      { ...wish, vpc: place.VPCId, subnet: place.SubnetId, memory: gibi(4), bootDisk: gibi(20), elastic: false },
      { within: minutes(1) },
    );
    if (!one.ok) throw new Error(one.failure.raw.message);
    const { id } = one.value;
    made.push(id);
    const { name } = wish;
    await kube.create(nodes, {
      metadata: { name, labels: { 'isthmus.dev/ground': 'cloud' } },
      spec: { providerID: `ucloud://${account.zone}/${id}` },
    });
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Bench', message: '' }];
    await kube.merge(nodes, { name }, { status: { conditions } }, { subresource: 'status' });
  }
  return made;
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

function startController(sim: Sim, kube: Kube, end: AbortController): Promise<void> {
  return runBalancerController(
    {
      kube,
      cloud: connectTo(sim),
      caches: sharedCaches(kube, end.signal),
      events: recordEvents(kube, {
        controller: 'isthmus.dev/controller',
        instance: 'bench',
        stop: end.signal,
        onLost: () => undefined,
      }),
      mark,
      vpc: place.VPCId,
      subnet: place.SubnetId,
      note: () => undefined,
    },
    end.signal,
  ).catch((e: unknown) => {
    if (!end.signal.aborted) throw e;
  });
}

/** Takes one node out of all balancers, or lets it in again; never the first, so that one always serves. */
async function changeNode(kube: Kube, n: number, left: Set<string>): Promise<void> {
  const name = `cloud-${1 + (n % (machineCount - 2))}`;
  const leaves = !left.has(name);
  if (leaves) left.add(name);
  else left.delete(name);
  await kube.merge(nodes, { name }, { metadata: { labels: { [label]: leaves ? '' : null } } });
}

async function untilConverged(
  { cloud }: Sim,
  { count, own, machines }: { readonly count: number; readonly own: number; readonly machines: readonly string[] },
): Promise<number> {
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
  return 0;
}

async function allServing(kube: Kube, count: number): Promise<boolean> {
  const all = await kube.list(services);
  const serving = all.filter(({ status }) => status?.conditions?.some(({ reason }) => reason === 'Serving')).length;
  if (serving < count) throw new Error(`${serving} of ${count} say so`);
  return true;
}

interface Timed {
  readonly took: number;
  readonly value: number;
  readonly calls: readonly Call[];
}

async function timed({ calls }: Sim, run: () => Promise<number>): Promise<Timed> {
  const before = calls.length;
  const began = performance.now();
  const value = await run();
  return { took: performance.now() - began, value, calls: calls.slice(before) };
}

/** @unit least: calls of the busiest action that nobody can do without; per: what calls are counted for */
function tell(
  title: string,
  { took, calls }: Timed,
  { least, rate, per, what }: { readonly least: number; rate: number; per: number; what: string },
): void {
  const refused = calls.filter(({ code }) => code === 153).length;
  const floor = (least / rate) * 1000;
  const ratio = floor === 0 ? 'no call needed' : `${(took / floor).toFixed(2)} times the limit of the cloud's API`;
  console.log(`${title}: ${formatMs(ms(took))}, ${ratio}`);
  console.log(`  ${calls.length} calls, ${(calls.length / per).toFixed(2)} a ${what}, ${refused} refused as too many`);
  const byAction = Map.groupBy(calls, ({ action }) => action);
  for (const [action, some] of [...byAction].toSorted(([, a], [, b]) => b.length - a.length))
    console.log(`  ${some.length} ${action}`);
}

async function tellIdle({ calls }: Sim, span: ReturnType<typeof seconds>): Promise<void> {
  await sleep(seconds(2));
  const before = calls.length;
  await sleep(span);
  console.log(`idle for ${formatMs(span)}: ${calls.length - before} calls`);
}

async function eachOf(count: number, perform: (n: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < count; first += 16)
    await Promise.all(Array.from({ length: Math.min(16, count - first) }, (_, n) => perform(first + n)));
}

function note(line: string): void {
  console.log(`     ${line}`);
}
