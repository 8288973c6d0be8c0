import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBalancerController, serviceWorkers } from '#balancer/balancer-controller.ts';
import { connect } from '#kube/client.ts';
import { recordEvents } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { type ServiceObject, services } from '#kube/resources.ts';
import { type Binaries, ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { formatMs, minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../src/program/shared-caches.ts';
import { type ApiServer, startApiServer } from '../test/support/api-server.ts';
import { buildGoProgram } from '../test/support/go-program.ts';
import { start } from '../test/support/process.ts';
import { account, connectTo, mark, place, type Sim, startCloud } from './cloud.ts';
import { type Phase, type ServicesOutcome, servicesTable } from './services-table.ts';
import { makeServicesWorld, type ServicesWorld } from './services-world.ts';

export interface ServicesSize {
  readonly services: number;
  readonly changes: number;
  /** Calls of one action that the cloud takes within a second. */
  readonly rate: number;
}

interface Contender {
  readonly title: string;
  /** @shape ends it; resolves when it has ended */
  start(this: void, sim: Sim, server: ApiServer, kube: Kube): () => Promise<void>;
  /** Whether nothing is left to do for a Service that the cloud serves. */
  isSettled(this: void, service: ServiceObject): boolean;
}

/**
 * Services of type LoadBalancer, then changes of nodes, by upstream's service controller and by ours, one after the other, each between
 * a real API server of its own and a simulated cloud of its own with the same limit of calls. A cloud that does not come to what Services
 * and nodes say ends the run: then there is nothing to compare.
 */
export async function benchServices(size: ServicesSize): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  try {
    const binaries = await ensureBinaries(note);
    const contenders = [await upstream(folder), isthmus];
    const outcomes: ServicesOutcome[] = [];
    for (const contender of contenders) outcomes.push(await measure(contender, binaries, size));
    console.log(`\n${servicesTable(outcomes, size)}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const isthmus: Contender = {
  title: 'isthmus',
  start(sim, _server, kube) {
    const end = new AbortController();
    const over = new Error('the bench is over');
    const done = runBalancerController(
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
    return async () => {
      end.abort(over);
      await done;
    };
  },
  isSettled: ({ status }) => status?.conditions?.some(({ reason }) => reason === 'Serving') === true,
};

async function upstream(folder: string): Promise<Contender> {
  const program = await buildGoProgram(join(import.meta.dirname, 'service-controller'), note);
  return {
    title: 'upstream',
    start(sim, server) {
      const setup = join(folder, 'setup.json');
      const { publicKey, privateKey, region } = account;
      const cloud = { endpoint: sim.url, region, project: account.project.id, publicKey, privateKey };
      const at = { vpc: place.VPCId, subnet: place.SubnetId };
      const running = writeFile(setup, JSON.stringify({ kube: server.access, cloud: { ...cloud, ...at } }), {
        mode: 0o600,
      }).then(() =>
        start(program, ['--setup', setup, '--workers', String(serviceWorkers)], {
          cwd: folder,
          log: join(folder, 'upstream.log'),
        }),
      );
      return async () => {
        const controller = await running;
        await controller.assertAlive();
        await controller.end('SIGTERM');
      };
    },
    isSettled: ({ status }) => (status?.loadBalancer?.ingress?.length ?? 0) > 0,
  };
}

async function measure(
  { title, start: begin, isSettled }: Contender,
  binaries: Binaries,
  { services: count, changes, rate }: ServicesSize,
): Promise<ServicesOutcome> {
  const sim = await startCloud({ speed: 0.001, seed: rate });
  const server = await startApiServer({ ...binaries, within: minutes(2) });
  const kube = connect(server.access);
  try {
    const world = await makeServicesWorld(sim, kube, count);
    note(`${title}: ${count} Services (${world.own} with a load balancer of their own), ${rate} calls/s`);
    sim.cloud.limit({ calls: rate });
    const end = begin(sim, server, kube);
    try {
      const made = await phase(world, () => Promise.resolve());
      note(`${title}: all Services are in the cloud after ${formatMs(ms(made.took))}`);
      await untilSettled(kube, count, isSettled);
      const idle = await callsWhenIdle(sim);
      const changed = await phase(world, async () => {
        for (let n = 0; n < changes; n++) await world.changeNode(n);
      });
      note(
        `${title}: ${changes} node changes, written in ${formatMs(ms(changed.writing))}, are in the cloud ${formatMs(ms(changed.took))} later`,
      );
      await untilSettled(kube, count, isSettled);
      return { title, made, changed, isChanged: world.isChanged, idle: idle + (await callsWhenIdle(sim)) };
    } finally {
      await end();
    }
  } finally {
    await sim.close();
    await kube.close();
    await server.stop();
  }
}

/** From what is written to a cloud that is as it says. */
async function phase(world: ServicesWorld, write: () => Promise<void>): Promise<Phase> {
  const before = world.sim.calls.length;
  const began = performance.now();
  await write();
  const written = performance.now();
  await world.untilConverged();
  return { writing: written - began, took: performance.now() - written, calls: world.sim.calls.slice(before) };
}

async function untilSettled(kube: Kube, count: number, isSettled: (service: ServiceObject) => boolean): Promise<void> {
  await waitFor(
    'every Service to say that it is served',
    async () => {
      const settled = (await kube.list(services)).filter(isSettled).length;
      if (settled < count) throw new Error(`${settled} of ${count} say so`);
      return true;
    },
    { within: minutes(10), every: seconds(1) },
  );
}

async function callsWhenIdle({ calls }: Sim): Promise<number> {
  await sleep(seconds(2));
  const before = calls.length;
  await sleep(seconds(10));
  return calls.length - before;
}

function note(line: string): void {
  console.log(`     ${line}`);
}
