import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { serviceSeen } from '#balancer/application/choose-targets.ts';
import { IngressGroups } from '#balancer/application/ingress-groups.ts';
import { nodeSeen } from '#balancer/choose-back-ends.ts';
import { EndpointsByService, sliceSeen } from '#balancer/endpoints.ts';
import { isClaimed, isWanted } from '#balancer/service.ts';
import { ServiceBalancers } from '#balancer/service-balancers.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { CloudError, type CloudFailure } from '#cloud/failure.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  type EndpointSliceObject,
  endpointSlices,
  type IngressObject,
  ingresses,
  type NodeObject,
  nodes,
  type ServiceObject,
  services,
} from '#kube/resources.ts';
import type { FaultKind } from '#lab/ucloud/gateway/fault-wish.ts';
import { account, makeMachine, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import type { Clock } from '#lab/ucloud/ucloud.ts';
import { ulb } from '#lab/ucloud/ulb/ulb.ts';
import { unet } from '#lab/ucloud/unet/unet.ts';
import { type Ms, minutes, ms, seconds, sleep } from '#unit/clock.ts';
import { inCloud, type LifeCertificates, type lives, type Stage, saidBy, unsaid } from './balancer-lives.ts';
import { StoreKube } from './store-kube.ts';

/** What takes a second takes 5 ms here: in the simulated cloud, and where the product waits. */
const haste = 200;
const realTimeout = setTimeout;
const realNow = performance.now.bind(performance);
const hasty: Clock = {
  now: () => Date.now() * haste,
  sleep: (span, signal) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      realTimeout(resolve, span / haste);
    }),
};

/** Longer ones are limits of single calls: nobody is to reach those because the computer is busy. */
const longestWait = seconds(5);

/** The longest time between two turns; Secrets are read again after 30 s. */
const longestPause = seconds(6);

/**
 * Load balancers over the simulated cloud and its real wire, with the product's own decisions, turn by turn: between two turns the test can look at
 * what the objects say. It leaves out the API server, for which there are other tests, and the queues.
 */
export class TurnsWorld {
  readonly store = new StoreKube();
  readonly kube = this.store.client();
  /** Events, as `CloudRefuses: …`. */
  readonly events: string[] = [];
  /** Writes to the cloud that were answered, in order. */
  readonly asked: string[] = [];
  /** Whatever must never happen, and did. */
  readonly faults: string[] = [];
  readonly testCloud: TestCloud;
  readonly certificates: LifeCertificates;
  readonly #services: ServiceBalancers;
  readonly #ingresses: IngressGroups;
  readonly #end = new AbortController();
  /** How far the product's clock is ahead of the computer's. */
  #ahead = 0;
  /** Groups that may have something in the cloud, though no Ingress leads to them any more. */
  #groups: readonly string[] = [];

  constructor(testCloud: TestCloud, certificates: LifeCertificates) {
    vi.spyOn(performance, 'now').mockImplementation(() => realNow() + this.#ahead);
    vi.stubGlobal('setTimeout', (act: () => void, span = 0, ...more: []) =>
      realTimeout(act, span > longestWait ? span : span / haste, ...more),
    );
    this.testCloud = testCloud;
    this.certificates = certificates;
    const options = {
      kube: this.kube,
      cloud: this.#connect(),
      events: {
        tell: (_regarding: unknown, { reason }: { readonly reason: string }, note: string) =>
          void this.events.push(`${reason}: ${note}`),
        flush: async () => undefined,
      },
      mark: 'shop',
      vpc: 'uvnet-lab',
      subnet: 'subnet-lab',
      note: () => undefined,
      audit: minutes(10),
    };
    const list = <T extends KubeObject>(of: Resource<T>) => this.store.list(of) as readonly T[];
    const view = {
      nodes: () => list<NodeObject>(nodes).map(nodeSeen),
      endpoints: (service: string) => {
        const known = new EndpointsByService();
        for (const one of list<EndpointSliceObject>(endpointSlices)) known.set(nameOf(one), sliceSeen(one));
        return known.of(service);
      },
      ingresses: () => list<IngressObject>(ingresses),
      classes: () => new Map([['alb', 'isthmus.dev/alb']]),
      service: (key: string) =>
        list<ServiceObject>(services)
          .filter((one) => nameOf(one) === key)
          .map(serviceSeen)[0],
      answers: () => false,
    };
    this.#services = new ServiceBalancers(options, view, this.#end.signal);
    this.#ingresses = new IngressGroups(options, view, this.#end.signal);
  }

  static async open(certificates: LifeCertificates): Promise<TurnsWorld> {
    const testCloud = await startTestCloud({ clock: hasty });
    const world = new TurnsWorld(testCloud, certificates);
    onTestFinished(() => world.close());
    for (const name of ['web-1', 'web-2']) {
      const { id } = await makeMachine(testCloud, { Name: name });
      const providerID = `ucloud://${account.zone}/${id}`;
      const status = { conditions: [{ type: 'Ready', status: 'True' }] };
      world.store.put(nodes, {
        metadata: { name, labels: { 'isthmus.dev/ground': 'cloud' } },
        spec: { providerID },
        status,
      } as NodeObject);
    }
    return world;
  }

  /** Also when the test ends. */
  async close(): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort(new Error('the test is over'));
    await this.testCloud.close();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  }

  inCloud(): string {
    return inCloud(this.testCloud.cloud.objects(), this.certificates).join('; ');
  }

  /** Until the cloud has what it should have, the objects say so, and a further turn changes nothing. @shape turns that it took */
  async live(name: string, [title, act, wanted]: Stage): Promise<number> {
    await act();
    for (let turns = 1; ; turns++) {
      const isQuiet = await this.turn(name);
      const said = await unsaid(this.kube, name);
      if (isQuiet && said === undefined && this.inCloud() === wanted.join('; ')) return turns;
      if (turns === mostTurns)
        throw new Error(
          `${title}: ${this.inCloud() || 'nothing'} in place of ${wanted.join('; ') || 'nothing'} (${said})`,
        );
    }
  }

  /** Everything is tended once, and then time passes. @shape whether nothing was asked of the cloud, and nothing failed */
  async turn(name: string): Promise<boolean> {
    const before = this.asked.length;
    const tended: Tended[] = [];
    const service = await this.kube.get(services, { name, namespace: 'default' });
    if (service !== undefined && (isWanted(service) || isClaimed(service)))
      tended.push(await outcomeOf(this.#services.tend(`default/${name}`)));
    const all = this.store.list(ingresses) as readonly IngressObject[];
    this.#groups = [...new Set([...this.#groups, ...all.flatMap((one) => this.#ingresses.groupsOf(one))])];
    for (const group of this.#groups) tended.push(await outcomeOf(this.#ingresses.tend(group)));
    for (const { failure } of tended) if (failure?.kind === 'unknown') await this.#expectTold(name, failure);
    const pause = Math.min(longestPause, ...tended.map(({ again }) => again));
    this.#ahead += pause;
    // The cloud's own time passes too: as much of it while something is waited for.
    await sleep(ms(Math.min(pause, seconds(2))));
    return this.asked.length === before && tended.every(({ failure }) => failure === undefined);
  }

  /** Nobody knows what the call came to: whoever looks at the object now must not read that all is well. */
  async #expectTold(name: string, { raw }: CloudFailure): Promise<void> {
    const { ofService, ofIngress } = await saidBy(this.kube, name);
    const said = [ofService, ofIngress].filter((one) => one !== undefined);
    if (said.length === 0) this.faults.push(`${raw.action} has an unknown outcome, and nothing is said`);
    for (const { status, reason, message } of said)
      if (status !== 'Unknown' || !message.includes('may or may not have been done'))
        this.faults.push(`${raw.action} has an unknown outcome, and it says ${reason}: ${message}`);
  }

  #connect(): Cloud {
    return connectUcloud({
      ...account,
      endpoint: this.testCloud.url,
      project: account.project.id,
      poll: ms(3),
      note: ({ action }) => {
        if (isWrite(action)) this.asked.push(action);
      },
    });
  }
}

function nameOf({ metadata: { namespace = '', name } }: KubeObject): string {
  return `${namespace}/${name}`;
}

/**
 * One life, in which answers of the cloud are lost. At each stage the cloud has what it should have, once, and whenever the outcome of a call is not
 * known the object says so.
 * @shape the writes that were asked for
 */
export async function liveWithLostAnswers(
  certificates: LifeCertificates,
  lifeOf: (typeof lives)[string],
  lost: readonly LostAnswer[],
): Promise<readonly string[]> {
  const world = await TurnsWorld.open(certificates);
  try {
    for (const one of lost) world.testCloud.plant({ ...one, times: 1 });
    for (const stage of lifeOf(world, 'shop')) await world.live('shop', stage);
    if (world.faults.length > 0) throw new Error(world.faults.join('\n'));
    return world.asked;
  } finally {
    await world.close();
  }
}

/** The answer of one call. @unit skip: how many calls of the action are answered before */
export interface LostAnswer {
  readonly action: string;
  readonly skip: number;
  readonly kind: (typeof lostAnswers)[number];
}

/** Nothing was done, and everything was. */
export const lostAnswers = ['timeout', 'hang-up-done'] as const satisfies readonly FaultKind[];

/** What our provider can ask of this cloud to change something about load balancers, their addresses and certificates: from the code of both. */
export function balancerWrites(): readonly string[] {
  const ofCloud = [
    ...Object.keys(ulb.actions),
    ...Object.keys(unet.actions).filter((action) => action.includes('EIP')),
  ];
  const folder = join(import.meta.dirname, '../../src/cloud/ucloud');
  const ours = readdirSync(folder)
    .map((file) => (file.endsWith('.ts') ? readFileSync(join(folder, file), 'utf8') : ''))
    .join('\n');
  return ofCloud.filter((action) => isWrite(action) && ours.includes(`'${action}'`));
}

function isWrite(action: string): boolean {
  return !/^(Describe|List|Get|Check)/.test(action);
}

/** More than any stage takes. */
const mostTurns = 200;

/** How a turn ended, and how long it wants to be left alone. */
interface Tended {
  readonly failure: CloudFailure | undefined;
  readonly again: Ms;
}

/** @fails TypeError, RangeError and whatever else is a mistake of ours */
async function outcomeOf(turn: Promise<void | { readonly again: Ms }>): Promise<Tended> {
  try {
    return { failure: undefined, again: (await turn)?.again ?? longestPause };
  } catch (e) {
    if (e instanceof CloudError) return { failure: e.failure, again: seconds(1) };
    if (!(e instanceof Error) || e instanceof TypeError || e instanceof RangeError) throw e;
    return { failure: { kind: 'unavailable', raw: { action: '', code: '', message: e.message } }, again: seconds(1) };
  }
}
