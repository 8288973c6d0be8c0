import type { AddressHome } from '#cloud/address.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import { podRanges } from '#kube/api/pod-range.ts';
import { connect } from '#kube/client.ts';
import { recordEvents } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { type NodeObject, nodes } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { account, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { emptyLedger, type Ledger, ledgerAfter } from '#network/ipam/ledger.ts';
import { chooseAddress, useOf } from '#network/ipam/plan-allocation.ts';
import { runPodRangeController } from '#network/ipam/pod-range-controller.ts';
import { tellConditions } from '#network/tell-conditions.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, sinceBoot, waitFor } from '#unit/clock.ts';
import { cidr, type Ip, ip, span } from '#unit/ip.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { type ApiServer, startApiServer } from '../../support/api-server.ts';
import { establishCrds } from '../../support/establish-crds.ts';

export const mark = 'isthmus-shop';
export const warm = { low: 3, high: 6 };

/** A real API server and the simulated cloud: what the controller of pod ranges lives between. */
export interface RangesWorld {
  readonly server: ApiServer;
  readonly kube: Kube;
  readonly testCloud: TestCloud;
  readonly cloud: Cloud;
  close(): Promise<void>;
}

export async function startRangesWorld(): Promise<RangesWorld> {
  const server = await startApiServer(await ensureBinaries());
  const kube = connect(server.access);
  await establishCrds(kube);
  const testCloud = await startTestCloud({ secondaryAddressLimit: 12 });
  const real = connectUcloud({ ...account, endpoint: testCloud.url, project: account.project.id, poll: ms(20) });
  // The world only remembers: nothing in it needs 15 s to learn an address.
  const cloud = { ...real, addresses: { ...real.addresses, settle: ms(200) } };
  return {
    server,
    kube,
    testCloud,
    cloud,
    async close() {
      await testCloud.close();
      await kube.close();
      await server.stop();
    },
  };
}

export interface Leader {
  /** Ends it as SIGTERM would. */
  stop(): Promise<void>;
  readonly notes: readonly object[];
}

export function lead(kube: Kube, cloud: Cloud, end = new AbortController(), sitePods = cidr('172.16.0.0/22')): Leader {
  const notes: object[] = [];
  const caches = sharedCaches(kube, end.signal);
  const events = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: (why) => void notes.push({ why, doing: 'losing an Event' }),
  });
  const ranges = runPodRangeController(
    {
      kube,
      cloud,
      caches,
      events,
      mark,
      reserved: ['10.9.0.0/16', '10.96.0.0/16', '192.168.50.0/24'].map(cidr),
      policy: {
        sitePods,
        perMachine: 24,
        bridged: { pods: span('192.168.50.128-192.168.50.151'), interface: undefined },
        usualPodNetwork: 'routed',
        warm,
      },
      note: (facts, doing) => void notes.push({ ...facts, doing }),
      pace: { audit: ms(300), lostAfter: ms(500), refused: ms(400), linger: ms(200) },
    },
    end.signal,
  );
  const done = Promise.all([ranges, tellConditions({ kube, caches, events }, end.signal)]).catch((e: unknown) => {
    if (!end.signal.aborted) throw e;
  });
  return {
    notes,
    async stop() {
      end.abort(new Error('the test ends this leader'));
      await done;
    },
  };
}

/** A machine of the cloud with a Node of the same name. */
export async function addCloudNode(
  world: RangesWorld,
  name: string,
  as = mark,
  { elastic }: { readonly elastic: boolean } = { elastic: false },
): Promise<string> {
  const made = await world.cloud.compute.create(
    {
      name,
      mark: as,
      zone: account.zone,
      image: 'uimage-base',
      vpc: 'uvnet-lab',
      subnet: 'subnet-lab',
      cpu: 2,
      memory: gibi(4),
      bootDisk: gibi(20),
      charge: 'hour',
      elastic,
      userData: '',
    },
    { within: seconds(20) },
  );
  if (!made.ok) throw new Error(made.failure.raw.message);
  const { id } = made.value;
  const primary = await waitFor(
    `the interface of ${name}`,
    async () => {
      const found = await world.cloud.compute.find(id, { within: seconds(5) });
      return found.ok ? found.value.nic?.ip : undefined;
    },
    { within: seconds(10), every: ms(50) },
  );
  await addNode(world.kube, name, `ucloud://${account.zone}/${id}`, 'cloud', primary);
  return id;
}

export async function addNode(
  kube: Kube,
  name: string,
  providerID: string,
  ground: string,
  address: string,
): Promise<void> {
  const made = await kube.create(nodes, {
    metadata: { name, labels: { 'isthmus.dev/ground': ground } },
    spec: { providerID },
  } satisfies NodeObject);
  await kube.merge(
    nodes,
    { name },
    { metadata: { uid: made.metadata.uid }, status: { addresses: [{ type: 'InternalIP', address }] } },
    { subresource: 'status' },
  );
}

/** The further addresses that the cloud lists for a machine. */
export async function listed(world: RangesWorld, id: string): Promise<readonly Ip[]> {
  const answer = await world.cloud.addresses.list(await homeOf(world, id), { within: seconds(10) });
  if (!answer.ok) throw new Error(answer.failure.raw.message);
  return answer.value;
}

/** Takes one of them back, behind the controller's back. */
export async function takeAway(world: RangesWorld, id: string, address: Ip): Promise<void> {
  const answer = await world.cloud.addresses.release(await homeOf(world, id), address, { within: seconds(10) });
  if (!answer.ok) throw new Error(answer.failure.raw.message);
}

async function homeOf({ cloud }: RangesWorld, id: string): Promise<AddressHome> {
  const found = await cloud.compute.find(id, { within: seconds(10) });
  const [primary] = found.ok ? found.value.homes : [];
  if (primary === undefined) throw new Error(`machine ${id} has no interface`);
  return primary.home;
}

/**
 * Stands for the agent of one node, without a kernel: gives addresses to pods and answers the controller, by the agent's own
 * decisions. It leaves out links, the disk, and rest after a pod.
 */
export class PodsOf {
  readonly #kube: Kube;
  readonly #node: string;
  #ledger: Ledger = emptyLedger;

  constructor(kube: Kube, node: string) {
    this.#kube = kube;
    this.#node = node;
  }

  get held(): readonly Ip[] {
    return [...this.#ledger.held.values()].map((held) => held.ip);
  }

  /** Gives an address to a pod if there is one. Reads the range and answers for it in one breath, as the agent does. */
  async add(pod: string): Promise<Ip | undefined> {
    const range = await this.#kube.get(podRanges, { name: this.#node });
    const choice = chooseAddress(range?.spec, this.#ledger, sinceBoot());
    if (choice.do === 'refuse') return undefined;
    this.#ledger = ledgerAfter(this.#ledger, {
      do: 'hold',
      link: pod,
      ip: choice.ip,
      container: pod,
      ifname: 'eth0',
      at: sinceBoot(),
    });
    await this.answer();
    return choice.ip;
  }

  async remove(pod: string): Promise<void> {
    const address = this.#ledger.held.get(pod)?.ip ?? ip('0.0.0.0');
    this.#ledger = ledgerAfter(this.#ledger, { do: 'free', link: pod, ip: address, until: sinceBoot() });
    await this.answer();
  }

  async answer(): Promise<void> {
    const range = await this.#kube.get(podRanges, { name: this.#node });
    if (range === undefined) return;
    const status = { ...useOf(range.spec, this.#ledger, sinceBoot()), observedGeneration: range.metadata.generation };
    await this.#kube.merge(podRanges, { name: this.#node }, { status }, { subresource: 'status' });
  }
}

/** The same API server, with its calls counted by their kind and the objects of its lists. */
export function counted(kube: Kube): { readonly kube: Kube; readonly calls: Map<string, number> } {
  const calls = new Map<string, number>();
  const count = (what: string, by = 1): void => void calls.set(what, (calls.get(what) ?? 0) + by);
  const proxy = new Proxy(kube, {
    get(target, name: keyof Kube) {
      const found = target[name] as (...args: readonly unknown[]) => unknown;
      return (...args: readonly unknown[]) => {
        count(name);
        const answer = found.apply(target, [...args]);
        if (name === 'list') void (answer as Promise<readonly unknown[]>).then(({ length }) => count('listed', length));
        return answer;
      };
    },
  });
  return { kube: proxy, calls };
}
