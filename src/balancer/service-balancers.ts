import type { ApplicationListener } from '#cloud/application-balancer.ts';
import type { CloudListener, Listening } from '#cloud/balancer.ts';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import { balancerFinalizer } from '#kube/api/leaving.ts';
import type { Events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { type ServiceObject, services } from '#kube/resources.ts';
import { type Ms, minutes, seconds } from '#unit/clock.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { actionFor, wishWith } from './application/parse-service.ts';
import { type AlbStep, explainApplicationStep, performApplicationStep } from './application/perform-application.ts';
import { type ApplicationSeen, planApplication } from './application/plan-application.ts';
import { type BackEndsChosen, chooseBackEnds, type NodeSeen } from './choose-back-ends.ts';
import { choosePods } from './choose-pods.ts';
import { Claimants } from './claimants.ts';
import { CloudView, type ViewedListener } from './cloud-view.ts';
import type { EndpointSeen, EndpointsSeen } from './endpoints.ts';
import { InboundView } from './inbound-view.ts';
import { Lanes } from './lanes.ts';
import { nodePortMissing, type ParsedWish, parseWish, portWishes } from './parse-wish.ts';
import {
  type Client,
  type CloudStep,
  describeStep,
  explainStep,
  followFailure,
  isCloudStep,
  isRefusal,
  performStep,
} from './perform-step.ts';
import { type BalancerSeen, noBackEnd, planBalancer } from './plan-balancer.ts';
import { expectedOf, planEndpointFaults } from './plan-checks.ts';
import type { GateService } from './plan-gate.ts';
import type { SendersSeen } from './plan-leaving.ts';
import type { Hold, NoteStep } from './plan-life.ts';
import type { Reason } from './reasons.ts';
import { type BalancerRecord, type Layer, readRecord } from './record.ts';
import { Rests } from './rests.ts';
import { balancerCondition, isClaimed, isWanted } from './service.ts';

const faults = gauge('isthmus_balancer_fault', '1 for each Service whose load balancer is not as it should be.', [
  'namespace',
  'service',
  'reason',
]);
const steps = counter('isthmus_balancer_steps_total', 'Steps taken for load balancers of Services.', ['step']);

export interface ServiceBalancersOptions {
  readonly kube: Kube;
  readonly cloud: Cloud;
  readonly events: Events;
  /** The ownership mark of this cluster. */
  readonly mark: string;
  readonly vpc: string;
  /** Of a balancer whose Service names none. */
  readonly subnet: string;
  readonly note: (facts: object, doing: string) => void;
  /** How often everything in the cloud is listed although nothing has changed; 10 min when left out. */
  readonly audit?: Ms | undefined;
}

/** What is known of the cluster beside the Services themselves. */
export interface ClusterView {
  readonly nodes: () => readonly NodeSeen[];
  /** @unit service: `namespace/name` */
  readonly endpoints: (service: string) => EndpointsSeen;
  /** Whether a pod lacks nothing but the gate that load balancers open. @unit pod: `namespace/name` */
  readonly isFit?: (pod: string) => boolean;
}

/** Keeps the balancer of each Service as the Service wants it: looks, decides on one step, takes it, and looks again. */
export class ServiceBalancers {
  readonly #options: ServiceBalancersOptions;
  readonly #cluster: ClusterView;
  readonly #end: AbortSignal;
  readonly #view: CloudView<CloudListener>;
  readonly #directView: CloudView<CloudListener>;
  readonly #albView: CloudView<ApplicationListener>;
  readonly #inbound: InboundView;
  readonly #claimants: Claimants<ServiceObject>;
  readonly #rests: Rests;
  readonly #lanes = new Lanes(changesAtOnce);
  /** By key, whether a Service's balancer sends to pods. */
  readonly #chosen = new Map<
    string,
    { readonly owner: string; readonly toPods: boolean; readonly listeners: number }
  >();

  constructor(options: ServiceBalancersOptions, cluster: ClusterView, end: AbortSignal) {
    this.#options = options;
    this.#cluster = cluster;
    this.#end = end;
    const { balancers, directBalancers, applicationBalancers, publicAddresses, certificates, network } = options.cloud;
    const audit = options.audit ?? minutes(10);
    const shared = { publicAddresses, mark: options.mark, audit };
    this.#view = new CloudView({ ...shared, balancers });
    this.#directView = new CloudView({ ...shared, balancers: directBalancers });
    this.#albView = new CloudView({ ...shared, balancers: applicationBalancers, certificates });
    this.#inbound = new InboundView(network, audit, options.note);
    this.#rests = new Rests(this.#inbound, options.note);
    this.#claimants = new Claimants(
      options,
      {
        resource: services,
        apiVersion: 'v1',
        finalizer: balancerFinalizer,
        faults,
        label: 'service',
        saysIn: 'status',
        conditionOf: ({ status }) => status?.conditions?.find(({ type }) => type === balancerCondition),
      },
      end,
    );
  }

  /** Until nothing is left to do for this Service. @fails CloudError, KubeError: the next call goes on from there */
  async tend(key: string): Promise<void | { readonly again: Ms }> {
    this.#rests.begin(key);
    for (let taken = 0; taken < mostSteps; taken++) {
      const next = await this.#next(key);
      if (next === undefined) return this.#claimants.measure(key, undefined);
      const { service, seen, turn } = next;
      if (turn.step.do === 'ignore') return this.#claimants.measure(key, undefined);
      if (turn.step.do === 'hold') return this.#rest(service, key, seen, turn.step);
      if (turn.of === 'cloud') await this.#askInTurn(key, { service, seen, turn });
      else await this.#write(key, service, seen, turn.step);
      if (turn.step.do === 'unclaim') return this.#forget(key, seen.owner);
    }
    return { again: seconds(1) };
  }

  /** @shape `undefined`: the Service is gone */
  async #next(key: string): Promise<Next | undefined> {
    this.#end.throwIfAborted();
    const [namespace = '', name = ''] = key.split('/');
    const service = await this.#options.kube.get(services, { namespace, name });
    return service && this.#planFor(key, service);
  }

  async #planFor(key: string, service: ServiceObject): Promise<Next> {
    const seen = await this.#observe(service, key, service.metadata.uid ?? '');
    const turn = seen.alb === undefined ? this.#planConnections(seen) : this.#planAlb(seen.alb);
    this.#options.note({ service: key, ...describeStep(turn.step) }, 'planning load balancer');
    return { service, seen, turn };
  }

  /** A change of back ends that has waited for others is planned anew: by then the nodes may be others. The Service is asked for afterwards. */
  async #askInTurn(key: string, first: Next & { readonly turn: CloudTurn }): Promise<void> {
    const { do: kind } = first.turn.step;
    if (kind !== 'add' && kind !== 'drop') return this.#ask(key, first.service, first.seen, first.turn);
    await this.#lanes.through(kind, async (hasWaited) => {
      const { service, seen, turn } = hasWaited ? await this.#planFor(key, first.service) : first;
      if (turn.of === 'cloud' && turn.step.do === kind) await this.#ask(key, service, seen, turn);
    });
  }

  /** The last moment before something is done. */
  #begin(key: string, step: CloudTurn['step'] | NoteStep): void {
    steps.inc({ step: step.do });
    this.#rests.act(key);
    this.#end.throwIfAborted();
  }

  /**
   * Who may send to a machine. A machine that nobody wants is known to be out only after each Service has come to rest without it.
   * @unit services: keys of those that may have something in the cloud
   */
  sendersTo(machine: string, services: Iterable<string>): SendersSeen {
    const undecided = [...services].filter((key) => this.#rests.isUndecided(key, machine)).toSorted();
    return {
      undecided,
      balancers: this.#views()
        .flatMap((view) => view.sendersTo(machine))
        .toSorted(),
    };
  }

  /** How a Service stands to a pod with this address. @unit key: of the Service */
  standsTo(key: string, address: string | undefined): GateService['stands'] {
    const chosen = this.#chosen.get(key);
    if (chosen === undefined) return 'unknown';
    if (!chosen.toPods) return 'not-concerned';
    const listeners = this.#listenersOf(chosen.owner);
    const isWell = ({ backEnds }: ViewedListener): boolean =>
      backEnds.some((one) => one.address === address && one.healthy === true);
    return listeners.length === chosen.listeners && listeners.every(isWell) ? 'well' : 'not-yet';
  }

  #listenersOf(owner: string): readonly ViewedListener[] {
    return this.#views().flatMap((view) => view.listenersOf(owner));
  }

  #views(): readonly CloudView<CloudListener | ApplicationListener>[] {
    return [this.#view, this.#directView, this.#albView];
  }

  #viewOf(layer: Layer): CloudView<CloudListener> | CloudView<ApplicationListener> {
    if (layer === 'application') return this.#albView;
    return layer === 'direct' ? this.#directView : this.#view;
  }

  async #observe(service: ServiceObject, key: string, uid: string): Promise<ServiceSeen> {
    const { mark, vpc, subnet, cloud } = this.#options;
    const { balancers, directBalancers, applicationBalancers } = cloud;
    const mostOf = {
      network: balancers.most,
      direct: directBalancers.most,
      application: applicationBalancers.most,
    };
    const most = {
      network: mostOf.network.listeners,
      direct: mostOf.direct.listeners,
      application: mostOf.application.listeners,
    };
    const wish = isWanted(service) ? parseWish(service, { subnet, most }) : undefined;
    const claimed = isClaimed(service);
    const record = readRecord(service.metadata.annotations) ?? (claimed ? await this.#recalled(uid) : { uses: 'made' });
    // What it has decides, until that is gone.
    const layer = claimed ? (record.layer ?? 'network') : wish?.ok === true ? wish.wish.layer : 'network';
    const mostOfListener = Math.floor(mostOf[layer].backEnds / Math.max(1, service.spec?.ports?.length ?? 1));
    const endpoints = this.#cluster.endpoints(key);
    const ports = portWishes(service);
    const serving = this.#listenersOf(uid).flatMap(({ backEnds: of }) => of);
    const isLocal = service.spec?.externalTrafficPolicy === 'Local';
    const backEnds = this.#choose(key, endpoints, mostOfListener, {
      names: ports.map(({ name }) => name),
      isLocal,
      // What can't be read does not change the kind of what serves.
      toPods: wish?.ok === true ? wish.wish.toPods : serving.some(({ address }) => address !== undefined),
      serving: new Set(serving.flatMap(({ machine }) => machine ?? [])),
    });
    const listeners = wish?.ok === true ? wish.wish.listeners.length : 0;
    this.#chosen.set(key, { owner: uid, toPods: backEnds.pods !== undefined, listeners });
    const reached = [...new Set(backEnds.pods?.map(({ machine }) => machine) ?? backEnds.machines)];
    const wanted = withNodePorts(wish, backEnds);
    const life = {
      mark,
      owner: uid,
      vpc,
      isClaimed: claimed,
      record,
      published: service.status?.loadBalancer?.ingress ?? [],
      refused: this.#rests.refused(key),
      named:
        claimed && wish?.ok === true ? await this.#viewOf(wish.wish.layer).namedAnew(wish.wish, record) : undefined,
    };
    const isFresh = this.#rests.fresh.has(uid);
    // Before it is claimed there is nothing of it in the cloud, or it is found afterwards.
    const notAsked = { state: 'unreadable', why: 'not asked yet' } as const;
    const connections = layer === 'direct' ? this.#directView : this.#view;
    const seen = claimed && layer !== 'application' ? await connections.observe(uid, record, isFresh) : notAsked;
    const ofAlb = claimed && layer === 'application' ? await this.#albView.observe(uid, record, isFresh) : notAsked;
    const inbound = await this.#inbound.behind(layer === 'application' ? ofAlb : seen, reached, this.#machines());
    const whole = {
      ...life,
      layer: layer === 'direct' ? layer : ('network' as const),
      subnet,
      wish: wanted,
      ports,
      backEnds,
      endpoints,
      expected: expectedOf(service),
      inbound,
      cloud: seen,
      mostListeners: most[layer],
    };
    if (layer !== 'application') return { ...whole, alb: undefined };
    const place = { vpc, subnet };
    const alb: ApplicationSeen = {
      ...life,
      wish:
        wanted?.ok === true && wanted.wish.layer === 'application'
          ? { ok: true, wish: wishWith(wanted.wish, backEnds, place) }
          : wanted,
      kind: 'Service',
      kept: {
        actions: new Map(),
        others: false,
        left: new Set(),
        last: new Map(ports.map((port) => [port.port, actionFor(port, backEnds, place)])),
      },
      inbound,
      homes: new Map(backEnds.pods?.map(({ address, machine }) => [address, machine])),
      faults: [...noBackEnd(whole, { isLocal }), ...planEndpointFaults(expectedOf(service), endpoints)],
      cloud: ofAlb,
      looks: this.#rests.looks(key),
      mostListeners: most[layer],
    };
    return { ...whole, alb };
  }

  /** What to go by when the Service does not say it any more; what can't be read now is looked for again. */
  async #recalled(owner: string): Promise<BalancerRecord> {
    for (const layer of ['application', 'direct'] as const) {
      const found = await this.#viewOf(layer).recall(owner);
      if (!found.ok) return { uses: 'made', layer };
      if (found.value !== undefined) return { ...found.value, layer };
    }
    const found = await this.#view.recall(owner);
    return found.ok && found.value !== undefined ? found.value : { uses: 'made' };
  }

  #machines(): readonly string[] {
    const { provider } = this.#options.cloud;
    return this.#cluster
      .nodes()
      .flatMap(({ ground }) => (ground.ground === 'cloud' && ground.provider === provider ? ground.id : []));
  }

  /** Whether a pod waits for this Service's balancer. */
  #hasWaiting(key: string, { backEnds, endpoints }: ServiceSeen): boolean {
    const [namespace = ''] = key.split('/');
    const waits = ({ pod, address }: EndpointSeen): boolean =>
      pod !== undefined &&
      this.#cluster.isFit?.(`${namespace}/${pod}`) === true &&
      this.standsTo(key, address) === 'not-yet';
    return backEnds.pods !== undefined && (endpoints.all ?? []).some(waits);
  }

  #choose(
    key: string,
    endpoints: EndpointsSeen,
    most: number,
    { names, isLocal, toPods, serving }: Sought,
  ): BackEndsChosen {
    const nodes = this.#cluster.nodes();
    const [namespace = ''] = key.split('/');
    const isFit = (pod: string): boolean => this.#cluster.isFit?.(`${namespace}/${pod}`) ?? false;
    const chosen = toPods ? choosePods(endpoints.all ?? [], nodes, names, most, isFit) : undefined;
    if (chosen?.to === 'pods') return { machines: [], left: [], pods: chosen.pods, ending: chosen.ending };
    const answering = endpoints.ready > 0 ? endpoints.nodes : (endpoints.ending ?? endpoints.nodes);
    const withPods = isLocal ? answering : undefined;
    const machines = chooseBackEnds(nodes, this.#options.cloud.provider, most, withPods, serving);
    return chosen === undefined ? machines : { ...machines, whyNotPods: chosen.why };
  }

  #planConnections(seen: BalancerSeen): Turn {
    const step = planBalancer(seen);
    if (!isCloudStep(step)) return { of: 'object', step };
    const { mark, vpc, cloud } = this.#options;
    const isDirect = seen.layer === 'direct';
    const balancers = isDirect ? cloud.directBalancers : cloud.balancers;
    const at = { ...cloud, balancers, view: isDirect ? this.#directView : this.#view, mark, vpc };
    return { of: 'cloud', step, says: explainStep(step), ask: (client) => performStep(at, client, step) };
  }

  #planAlb(seen: ApplicationSeen): Turn {
    const step = planApplication(seen);
    if (!isCloudStep(step)) return { of: 'object', step };
    const { mark, vpc, cloud } = this.#options;
    // Certificates of Services are named by their ids.
    const own = { balancers: cloud.applicationBalancers, view: this.#albView, contentOf: () => undefined };
    const at = { ...cloud, ...own, mark, vpc };
    const ask = (client: Client) => performApplicationStep(at, client, step);
    return { of: 'cloud', step, says: explainApplicationStep(step), ask };
  }

  async #rest(service: ServiceObject, key: string, seen: ServiceSeen, hold: Hold): Promise<{ readonly again: Ms }> {
    const { owner, isClaimed: claimed, backEnds, published } = seen;
    await this.#claimants.tell(service, hold.reason, hold.message, published);
    const view = this.#viewOf(seen.alb === undefined ? seen.layer : 'application');
    const rested = { key, owner, isClaimed: claimed, cloud: seen.alb?.cloud ?? seen.cloud };
    const hasWaiting = this.#hasWaiting(key, seen);
    return {
      again: this.#rests.rest(rested, view, hold, { machines: backEnds.machines, wish: wishText(seen), hasWaiting }),
    };
  }

  async #write(
    key: string,
    service: ServiceObject,
    { owner, published }: ServiceSeen,
    step: Exclude<NoteStep, { readonly do: 'ignore' | 'hold' }>,
  ): Promise<void> {
    this.#begin(key, step);
    switch (step.do) {
      case 'claim':
        if (await this.#claimants.claim(service, step.record)) this.#rests.fresh.add(owner);
        return this.#claimants.tell(service, 'Making', 'the load balancer is being made', published);
      case 'record':
        return this.#claimants.record(service, step.record);
      case 'publish':
        return this.#claimants.tell(service, 'Making', 'the load balancer has an address', step.ingress);
      case 'unclaim':
        return this.#claimants.unclaim(service);
    }
  }

  /** Asks the cloud; what it refuses is told on the Service before this turn ends. */
  async #ask(key: string, service: ServiceObject, seen: ServiceSeen, { step, says, ask }: CloudTurn): Promise<void> {
    this.#begin(key, step);
    const tell = (reason: Reason, message: string) => this.#claimants.event(service, reason, 'Normal', message);
    if (this.#rests.isDrift(seen.owner, wishText(seen)))
      this.#claimants.event(service, 'Drift', 'Warning', `the cloud was changed by hand and is put back: ${says}`);
    const failure = await ask({ owner: seen.owner, name: nameOf(this.#options.mark, service), tell });
    if (failure === undefined) return;
    const layer = seen.alb === undefined ? seen.layer : 'application';
    const refused = { step, layer, kind: 'Service' } as const;
    const view = this.#viewOf(layer);
    if (isRefusal(failure)) this.#rests.refuse(key, step, view, seen.alb?.cloud ?? seen.cloud);
    await followFailure(view, seen.owner, `${says} for Service ${key}`, failure, refused, (reason, message) =>
      this.#claimants.tell(service, reason, message, seen.published),
    );
  }

  #forget(key: string, uid: string): void {
    this.#rests.forget(key, uid);
    this.#chosen.delete(key);
    for (const view of this.#views()) view.forget(uid);
  }
}

interface Next {
  readonly service: ServiceObject;
  readonly seen: ServiceSeen;
  readonly turn: Turn;
}

/** The next step, and what it takes to take it. */
type Turn = { readonly of: 'object'; readonly step: NoteStep } | CloudTurn;

interface CloudTurn {
  readonly of: 'cloud';
  readonly step: CloudStep<Listening> | AlbStep;
  /** `adding 3 back ends to listener-1` */
  readonly says: string;
  readonly ask: (client: Client) => Promise<CloudFailure | undefined>;
}

/** What a Service says of its back ends. @unit names: of its ports; serving: ids of the machines that are back ends now */
interface Sought {
  readonly names: readonly string[];
  readonly isLocal: boolean;
  readonly toPods: boolean;
  readonly serving: ReadonlySet<string>;
}

/**
 * That add back ends, and that remove some. More than the calls of one action that are under way at once, so that the cloud's limit is used; and few,
 * because what waits for its call is decided already: with 128, each change of nodes was followed by up to 128 calls that nobody wanted any more.
 */
const changesAtOnce = 8;

/** More than one Service with all its ports ever needs; a plan that never comes to rest must not keep a worker for ever. */
const mostSteps = 40;

/** `shop-default-web`, as the console shows it. */
function nameOf(mark: string, { metadata }: ServiceObject): string {
  return `${mark}-${metadata.namespace ?? ''}-${metadata.name}`.slice(0, 63);
}

/** A Service, and what is in the cloud for it. @unit alb: when it is an ALB that it has, or is to have */
type ServiceSeen = BalancerSeen & { readonly alb: ApplicationSeen | undefined };

/** Everything that decides but the cloud. */
function wishText({ wish, backEnds }: BalancerSeen): string {
  return JSON.stringify([wish, backEnds.machines, backEnds.pods]);
}

/** Nodes can stand in for pods only where kube-proxy answers on them. */
function withNodePorts(parsed: ParsedWish | undefined, { pods, whyNotPods }: BackEndsChosen): ParsedWish | undefined {
  if (parsed?.ok !== true || parsed.wish.layer === 'direct' || pods !== undefined) return parsed;
  const without = parsed.wish.listeners.filter(({ nodePort }) => nodePort === 0).map(({ port }) => port);
  if (without.length === 0) return parsed;
  const { reason, message } = nodePortMissing(without);
  return {
    ok: false,
    refusals: [{ reason, message: `cloud nodes must be the back ends (${whyNotPods ?? ''}), but ${message}` }],
  };
}
