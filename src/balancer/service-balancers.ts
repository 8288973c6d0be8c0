import type { ApplicationListener } from '#cloud/application-balancer.ts';
import type { CloudListener, Listening } from '#cloud/balancer.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { Inbound } from '#cloud/inbound.ts';
import { conditionAfter } from '#kube/api/condition.ts';
import { balancerFinalizer } from '#kube/api/leaving.ts';
import type { Events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { type ServiceIngress, type ServiceObject, services } from '#kube/resources.ts';
import { type Ms, minutes, ms, now, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { recordAnnotation } from './annotations.ts';
import { actionFor, wishWith } from './application/parse-service.ts';
import { type AlbStep, explainApplicationStep, performApplicationStep } from './application/perform-application.ts';
import { type ApplicationSeen, type ApplicationStep, planApplication } from './application/plan-application.ts';
import { type BackEndsChosen, chooseBackEnds, type NodeSeen } from './choose-back-ends.ts';
import { choosePods } from './choose-pods.ts';
import { CloudView, type ViewedListener } from './cloud-view.ts';
import type { EndpointSeen, EndpointsSeen } from './endpoints.ts';
import { InboundView } from './inbound-view.ts';
import { nodePortMissing, type ParsedWish, parseWish, portWishes } from './parse-wish.ts';
import { type CloudStep, describeStep, followFailure, isCloudStep, performStep } from './perform-step.ts';
import { type BalancerSeen, type BalancerStep, noBackEnd, planBalancer } from './plan-balancer.ts';
import { planCheckLook } from './plan-check-look.ts';
import { expectedOf, planEndpointFaults } from './plan-checks.ts';
import type { GateService } from './plan-gate.ts';
import type { SendersSeen } from './plan-leaving.ts';
import type { CloudSeen, Hold, LayerWish, NamedSeen } from './plan-life.ts';
import { isFault, type Reason } from './reasons.ts';
import { type BalancerRecord, formatRecord, parseRecord } from './record.ts';
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
  readonly #albView: CloudView<ApplicationListener>;
  readonly #inbound: InboundView;
  /** UIDs that this process was the first to claim. */
  readonly #fresh = new Set<string>();
  /** By UID, what a Service wanted when it was last at rest. */
  readonly #settled = new Map<string, string>();
  /** By key, the machines that a Service was at rest with, when nothing of it was in doubt. */
  readonly #restedWith = new Map<string, readonly string[]>();
  /** By key, how often in a row the balancer's checks were looked at. */
  readonly #checkLooks = new Map<string, number>();
  /** By key, whether a Service's balancer sends to pods. */
  readonly #chosen = new Map<
    string,
    { readonly owner: string; readonly toPods: boolean; readonly listeners: number }
  >();
  /** By key, what the metric says. */
  readonly #measured = new Map<string, Reason>();

  constructor(options: ServiceBalancersOptions, cluster: ClusterView, end: AbortSignal) {
    this.#options = options;
    this.#cluster = cluster;
    this.#end = end;
    const { balancers, applicationBalancers, publicAddresses, certificates, network } = options.cloud;
    const audit = options.audit ?? minutes(10);
    const shared = { publicAddresses, mark: options.mark, audit };
    this.#view = new CloudView({ ...shared, balancers });
    this.#albView = new CloudView({ ...shared, balancers: applicationBalancers, certificates });
    this.#inbound = new InboundView(network, audit, options.note);
  }

  /** Until nothing is left to do for this Service. @fails CloudError, KubeError: the next call goes on from there */
  async tend(key: string): Promise<void | { readonly again: Ms }> {
    const [namespace = '', name = ''] = key.split('/');
    // What is under way may bring back a machine that it had done without.
    this.#restedWith.delete(key);
    for (let taken = 0; taken < mostSteps; taken++) {
      this.#end.throwIfAborted();
      const service = await this.#options.kube.get(services, { namespace, name });
      if (service === undefined) return this.#measure(key, undefined);
      const uid = service.metadata.uid ?? '';
      const seen = await this.#observe(service, key, uid);
      const step = seen.alb === undefined ? planBalancer(seen) : planApplication(seen.alb);
      this.#options.note({ service: key, ...describeStep(step) }, 'planning load balancer');
      if (step.do === 'ignore') return this.#measure(key, undefined);
      if (step.do === 'hold') return this.#rest(service, key, seen, step);
      steps.inc({ step: step.do });
      this.#checkLooks.delete(key);
      this.#end.throwIfAborted();
      await this.#perform(service, key, seen, step);
      if (step.do === 'unclaim') return this.#forget(key, uid);
    }
    return { again: seconds(1) };
  }

  /**
   * Who may send to a machine. A machine that nobody wants is known to be out only after each Service has come to rest without it.
   * @unit services: keys of those that may have something in the cloud
   */
  sendersTo(machine: string, services: Iterable<string>): SendersSeen {
    const undecided = [...services].filter((key) => this.#restedWith.get(key)?.includes(machine) ?? true).toSorted();
    return { undecided, balancers: [...this.#view.sendersTo(machine), ...this.#albView.sendersTo(machine)].toSorted() };
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
    return [...this.#view.listenersOf(owner), ...this.#albView.listenersOf(owner)];
  }

  async #observe(service: ServiceObject, key: string, uid: string): Promise<ServiceSeen> {
    const { mark, vpc, subnet, cloud } = this.#options;
    const { balancers, applicationBalancers } = cloud;
    const limits = {
      subnet,
      mostListeners: balancers.most.listeners,
      mostEntries: applicationBalancers.most.listeners,
    };
    const wish = isWanted(service) ? parseWish(service, limits) : undefined;
    const claimed = isClaimed(service);
    const record = parseRecord(service.metadata.annotations);
    // What it has decides, until that is gone.
    const layer = claimed ? (record.layer ?? 'network') : wish?.ok === true ? wish.wish.layer : 'network';
    const { most } = layer === 'network' ? balancers : applicationBalancers;
    const mostOfListener = Math.floor(most.backEnds / Math.max(1, service.spec?.ports?.length ?? 1));
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
      named: claimed && wish?.ok === true ? await this.#named(wish.wish, record) : undefined,
    };
    const isFresh = this.#fresh.has(uid);
    // Before it is claimed there is nothing of it in the cloud, or it is found afterwards.
    const notAsked = { state: 'unreadable', why: 'not asked yet' } as const;
    const seen = claimed && layer === 'network' ? await this.#view.observe(uid, record, isFresh) : notAsked;
    const ofAlb = claimed && layer === 'application' ? await this.#albView.observe(uid, record, isFresh) : notAsked;
    const inbound = await this.#inboundOf(layer === 'network' ? seen : ofAlb, reached);
    const whole = {
      ...life,
      subnet,
      wish: wanted,
      ports,
      backEnds,
      endpoints,
      expected: expectedOf(service),
      inbound,
      cloud: seen,
      mostListeners: balancers.most.listeners,
    };
    if (layer === 'network') return { ...whole, alb: undefined };
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
      faults: [...noBackEnd(whole, { isLocal }), ...planEndpointFaults(expectedOf(service), endpoints)],
      cloud: ofAlb,
      looks: this.#checkLooks.get(key) ?? 0,
      mostListeners: most.listeners,
    };
    return { ...whole, alb };
  }

  /** Only once there is a balancer that sends. */
  async #inboundOf(
    seen: CloudSeen<ViewedListener>,
    machines: readonly string[],
  ): Promise<ReadonlyMap<string, Inbound> | undefined> {
    if (seen.state !== 'known' || seen.balancer === undefined || machines.length === 0) return undefined;
    const { provider } = this.#options.cloud;
    const all = this.#cluster
      .nodes()
      .flatMap(({ ground }) => (ground.ground === 'cloud' && ground.provider === provider ? ground.id : []));
    return this.#inbound.of(machines, all);
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

  /** Asked for only when it is another than what the Service has. */
  async #named({ use, layer }: LayerWish, record: BalancerRecord): Promise<NamedSeen | undefined> {
    const has = record.uses === 'existing' && (record.layer ?? 'network') === layer ? record.balancer : undefined;
    if (use === undefined || has === use) return undefined;
    const looked = await (layer === 'network' ? this.#view : this.#albView).named(use);
    return looked.ok
      ? { state: 'known', found: looked.value }
      : { state: 'unreadable', why: explainFailure(looked.failure) };
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

  async #rest(
    service: ServiceObject,
    key: string,
    seen: ServiceSeen,
    { reason, message, checks }: Hold,
  ): Promise<{ readonly again: Ms }> {
    await this.#tell(service, key, seen.published, reason, message);
    const uid = seen.owner;
    const cloud = seen.alb?.cloud ?? seen.cloud;
    const view: Pick<CloudView<ViewedListener>, 'nextLook' | 'lookAtChecks'> = seen.alb === undefined
      ? this.#view
      : this.#albView;
    const isSure = !seen.isClaimed || (cloud.state === 'known' && !cloud.inDoubt);
    if (isSure) this.#restedWith.set(key, seen.backEnds.machines);
    if (reason === 'Serving') this.#settled.set(uid, wishText(seen));
    else this.#settled.delete(uid);
    if (reason === 'CloudUnreadable') throw new Error(message);
    const again = view.nextLook(uid);
    if (checks !== true && !this.#hasWaiting(key, seen)) {
      this.#checkLooks.delete(key);
      return { again };
    }
    const looks = (this.#checkLooks.get(key) ?? 0) + 1;
    this.#checkLooks.set(key, looks);
    this.#inbound.lookAgain();
    // Not waited for: others are to be served meanwhile, and the next turn of this one sees what came of it.
    if (cloud.state === 'known' && cloud.balancer !== undefined)
      view
        .lookAtChecks(cloud.balancer.id)
        .catch((e: unknown) => this.#options.note({ service: key, fault: messageOf(e) }, 'looking at checks failed'));
    return { again: ms(Math.min(again, planCheckLook(looks))) };
  }

  async #perform(
    service: ServiceObject,
    key: string,
    seen: ServiceSeen,
    step: Exclude<BalancerStep | ApplicationStep, { readonly do: 'ignore' | 'hold' }>,
  ): Promise<void> {
    // It was at rest and nobody has changed the Service or the nodes: somebody has changed the cloud.
    if (this.#settled.get(seen.owner) === wishText(seen) && isCloudStep(step))
      this.#event(service, 'Drift', 'Warning', `the cloud was changed by hand and is put back: ${sayStep(step)}`);
    if (isCloudStep(step)) return this.#ask(service, key, seen, step);
    switch (step.do) {
      case 'claim':
        await this.#claim(service, step.record);
        return this.#tell(service, key, seen.published, 'Making', 'the load balancer is being made');
      case 'record':
        return this.#write(service, { annotations: { [recordAnnotation]: formatRecord(step.record) } });
      case 'publish':
        return this.#tell(service, key, step.ingress, 'Making', 'the load balancer has an address');
      case 'unclaim':
        return this.#unclaim(service);
    }
  }

  /** Asks the cloud; what it refuses is told on the Service before this turn ends. */
  async #ask(
    service: ServiceObject,
    key: string,
    seen: ServiceSeen,
    step: CloudStep<Listening> | AlbStep,
  ): Promise<void> {
    const { mark, vpc, cloud } = this.#options;
    const client = {
      owner: seen.owner,
      name: nameOf(mark, service),
      tell: (reason: Reason, message: string) => this.#event(service, reason, 'Normal', message),
    };
    const isOfAlb = seen.alb !== undefined;
    const failure = isOfAlb
      ? await performApplicationStep(
          // Certificates of Services are named by their ids.
          {
            ...cloud,
            balancers: cloud.applicationBalancers,
            view: this.#albView,
            mark,
            vpc,
            contentOf: () => undefined,
          },
          client,
          step as AlbStep,
        )
      : await performStep({ ...cloud, view: this.#view, mark, vpc }, client, step as CloudStep<Listening>);
    if (failure === undefined) return;
    const view = isOfAlb ? this.#albView : this.#view;
    await followFailure(view, seen.owner, `${sayStep(step)} for Service ${key}`, failure, (reason, message) =>
      this.#tell(service, key, seen.published, reason, message),
    );
  }

  async #claim(service: ServiceObject, record: BalancerRecord): Promise<void> {
    const { uid = '', finalizers = [] } = service.metadata;
    const isNew = !finalizers.includes(balancerFinalizer);
    await this.#write(service, {
      ...(isNew && { finalizers: [...finalizers, balancerFinalizer] }),
      annotations: { [recordAnnotation]: formatRecord(record) },
    });
    if (isNew) this.#fresh.add(uid);
  }

  async #unclaim(service: ServiceObject): Promise<void> {
    const { finalizers = [], deletionTimestamp } = service.metadata;
    if (deletionTimestamp === undefined) await this.#applyStatus(service, {});
    const { namespace = '', name } = service.metadata;
    // Our own write of the status has moved the version on; the list is the one that was read.
    const fresh = await this.#options.kube.get(services, { namespace, name });
    if (fresh === undefined || fresh.metadata.uid !== service.metadata.uid) return;
    await this.#write(fresh, {
      finalizers: (fresh.metadata.finalizers ?? finalizers).filter((one) => one !== balancerFinalizer),
      annotations: { [recordAnnotation]: null },
    });
  }

  /** Only over the version that the plan was made from. */
  async #write(service: ServiceObject, change: object): Promise<void> {
    const { namespace = '', name, uid, resourceVersion } = service.metadata;
    this.#end.throwIfAborted();
    await this.#options.kube.merge(services, { namespace, name }, { metadata: { uid, resourceVersion, ...change } });
  }

  /** Writes address and condition, when either is new, and tells a change as an Event and in the metric. */
  async #tell(
    service: ServiceObject,
    key: string,
    ingress: readonly ServiceIngress[],
    reason: Reason,
    message: string,
  ): Promise<void> {
    this.#measure(key, isFault(reason) ? reason : undefined);
    const status = reason === 'Serving' ? 'True' : isFault(reason) ? 'False' : 'Unknown';
    const before = service.status?.conditions;
    const last = before?.find(({ type }) => type === balancerCondition);
    const published = service.status?.loadBalancer?.ingress ?? [];
    const isSame = last?.reason === reason && last.message === message && last.status === status;
    if (isSame && JSON.stringify(published) === JSON.stringify(ingress)) return;
    const said = { type: balancerCondition, status, reason, message } as const;
    const condition = conditionAfter(before, said, new Date(now()).toISOString());
    await this.#applyStatus(service, { loadBalancer: { ingress }, conditions: [condition] });
    if (isSame) return;
    if (isFault(reason)) this.#event(service, reason, 'Warning', message);
    else if (reason === 'Serving') this.#event(service, reason, 'Normal', message);
  }

  async #applyStatus(service: ServiceObject, status: object): Promise<void> {
    const { namespace = '', name, uid } = service.metadata;
    this.#end.throwIfAborted();
    await this.#options.kube.apply(
      services,
      { metadata: { namespace, name, ...(uid !== undefined && { uid }) }, status },
      { manager: 'isthmus-balancer', force: true, subresource: 'status' },
    );
  }

  #event({ metadata }: ServiceObject, reason: Reason, type: 'Normal' | 'Warning', note: string): void {
    const { name, namespace = '', uid } = metadata;
    const regarding = { apiVersion: 'v1', kind: 'Service', name, namespace, ...(uid !== undefined && { uid }) };
    this.#options.events.tell(regarding, { reason, type, action: 'Balancer' }, note);
  }

  #measure(key: string, reason: Reason | undefined): void {
    const [namespace = '', service = ''] = key.split('/');
    const last = this.#measured.get(key);
    if (last === reason) return;
    if (last !== undefined) faults.remove({ namespace, service, reason: last });
    if (reason === undefined) this.#measured.delete(key);
    else {
      this.#measured.set(key, reason);
      faults.set({ namespace, service, reason }, 1);
    }
  }

  #forget(key: string, uid: string): void {
    this.#restedWith.set(key, []);
    this.#chosen.delete(key);
    this.#checkLooks.delete(key);
    this.#fresh.delete(uid);
    this.#settled.delete(uid);
    this.#view.forget(uid);
    this.#albView.forget(uid);
    this.#measure(key, undefined);
  }
}

/** What a Service says of its back ends. @unit names: of its ports; serving: ids of the machines that are back ends now */
interface Sought {
  readonly names: readonly string[];
  readonly isLocal: boolean;
  readonly toPods: boolean;
  readonly serving: ReadonlySet<string>;
}

/** More than one Service with all its ports ever needs; a plan that never comes to rest must not keep a worker for ever. */
const mostSteps = 40;

/** `shop-default-web`, as the console shows it. */
function nameOf(mark: string, { metadata }: ServiceObject): string {
  return `${mark}-${metadata.namespace ?? ''}-${metadata.name}`.slice(0, 63);
}

/** A Service, and what is in the cloud for it. @unit alb: when it is an ALB that it has, or is to have */
type ServiceSeen = BalancerSeen & { readonly alb: ApplicationSeen | undefined };

function sayStep(step: CloudStep<Listening> | AlbStep): string {
  return explainApplicationStep(step as AlbStep);
}

/** Everything that decides but the cloud. */
function wishText({ wish, backEnds }: BalancerSeen): string {
  return JSON.stringify([wish, backEnds.machines, backEnds.pods]);
}

/** Nodes can stand in for pods only where kube-proxy answers on them. */
function withNodePorts(parsed: ParsedWish | undefined, { pods, whyNotPods }: BackEndsChosen): ParsedWish | undefined {
  if (parsed?.ok !== true || pods !== undefined) return parsed;
  const without = parsed.wish.listeners.filter(({ nodePort }) => nodePort === 0).map(({ port }) => port);
  if (without.length === 0) return parsed;
  const { reason, message } = nodePortMissing(without);
  return {
    ok: false,
    refusals: [{ reason, message: `cloud nodes must be the back ends (${whyNotPods ?? ''}), but ${message}` }],
  };
}
