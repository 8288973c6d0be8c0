import { type ApplicationListener, matchKey } from '#cloud/application-balancer.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { Inbound } from '#cloud/inbound.ts';
import { conditionAfter } from '#kube/api/condition.ts';
import { ingressFinalizer } from '#kube/api/leaving.ts';
import { type IngressObject, ingresses, type ServiceIngress } from '#kube/resources.ts';
import { type Ms, minutes, ms, now, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { conditionAnnotation, recordAnnotation } from '../annotations.ts';
import { CloudView } from '../cloud-view.ts';
import { InboundView } from '../inbound-view.ts';
import { describeStep, followFailure, isCloudStep } from '../perform-step.ts';
import { planCheckLook } from '../plan-check-look.ts';
import type { Fault } from '../plan-checks.ts';
import type { GateService } from '../plan-gate.ts';
import type { SendersSeen } from '../plan-leaving.ts';
import type { Hold } from '../plan-life.ts';
import { isFault, type Reason } from '../reasons.ts';
import { type BalancerRecord, formatRecord, parseRecord } from '../record.ts';
import type { ClusterView, ServiceBalancersOptions } from '../service-balancers.ts';
import { chooseGroup, type GroupChosen, type MemberSeen, portsToPods, shareOfService } from './choose-group.ts';
import { chooseTargets, type ServiceSeen } from './choose-targets.ts';
import { conditionOf } from './condition-of.ts';
import { membershipOf } from './group.ts';
import { type ClassesSeen, isClaimed, keyOf } from './ingress.ts';
import { parseIngress } from './parse-ingress.ts';
import { type AlbStep, explainApplicationStep, performApplicationStep } from './perform-application.ts';
import { type ApplicationSeen, type ApplicationStep, planApplication } from './plan-application.ts';
import { backEndsIn } from './plan-routes.ts';
import { SecretView } from './secret-view.ts';

const faults = gauge('isthmus_ingress_fault', '1 for each Ingress of ours that is not served as it should be.', [
  'namespace',
  'ingress',
  'reason',
]);
const steps = counter('isthmus_ingress_steps_total', 'Steps taken for ALBs of Ingresses.', ['step']);

/** What is known of the cluster beside the group's own Ingresses. */
export interface IngressView extends ClusterView {
  readonly ingresses: () => readonly IngressObject[];
  readonly classes: () => ClassesSeen;
  /** @unit service: `namespace/name` */
  readonly service: (service: string) => ServiceSeen | undefined;
}

/** Keeps the ALB of each group of Ingresses as they want it: looks, decides on one step, takes it, and looks again. */
export class IngressGroups {
  readonly #options: ServiceBalancersOptions;
  readonly #cluster: IngressView;
  readonly #end: AbortSignal;
  readonly #view: CloudView<ApplicationListener>;
  readonly #inbound: InboundView;
  readonly #secrets: SecretView;
  /** Groups that this process was the first to claim. */
  readonly #fresh = new Set<string>();
  /** By group, what it wanted when it was last at rest. */
  readonly #settled = new Map<string, string>();
  /** By group, the machines that it was at rest with, when nothing of it was in doubt. */
  readonly #restedWith = new Map<string, readonly string[]>();
  /** By group, how often in a row the ALB's checks were looked at. */
  readonly #checkLooks = new Map<string, number>();
  /** By group and Service, the ports that send to its pods. */
  readonly #toPods = new Map<string, ReadonlyMap<string, ReadonlySet<number>>>();
  /** By Ingress, what the metric says. */
  readonly #measured = new Map<string, Reason>();

  constructor(options: ServiceBalancersOptions, cluster: IngressView, end: AbortSignal) {
    this.#options = options;
    this.#cluster = cluster;
    this.#end = end;
    const { applicationBalancers: balancers, publicAddresses, certificates, network } = options.cloud;
    const audit = options.audit ?? minutes(10);
    this.#inbound = new InboundView(network, audit, options.note);
    this.#view = new CloudView({ balancers, publicAddresses, certificates, mark: options.mark, audit });
    this.#secrets = new SecretView(options.kube);
  }

  /** The groups that an Ingress is in, or was. */
  groupsOf(ingress: IngressObject): readonly string[] {
    const { wants, has } = membershipOf(ingress, this.#cluster.classes());
    return [...new Set([wants, has].flatMap((one) => one ?? []))];
  }

  /** Until nothing is left to do for this group. @fails CloudError, KubeError: the next call goes on from there */
  async tend(group: string): Promise<void | { readonly again: Ms }> {
    // What is under way may bring back a machine that it had done without.
    this.#restedWith.delete(group);
    for (let taken = 0; taken < mostSteps; taken++) {
      this.#end.throwIfAborted();
      const members = await this.#membersOf(group);
      if (members.all.length === 0) return this.#forget(group);
      const seen = await this.#observe(group, members);
      const step = planApplication(seen);
      this.#options.note({ group, ingresses: members.all.map(keyOf), ...describeStep(step) }, 'planning ALB');
      if (step.do === 'ignore') return this.#forget(group);
      if (step.do === 'hold') {
        const isSure = seen.cloud.state === 'known' && !seen.cloud.inDoubt;
        // The others have it all now, and it is theirs to end it.
        if (members.here.some(isClaimed) && members.leaving.length > 0 && isSure) {
          for (const one of members.leaving) await this.#unclaim(one);
          continue;
        }
        return this.#rest(group, members, seen, step);
      }
      steps.inc({ step: step.do });
      this.#checkLooks.delete(group);
      this.#end.throwIfAborted();
      await this.#perform(group, members, seen, step);
    }
    return { again: seconds(1) };
  }

  /**
   * Who may send to a machine. A machine that nobody wants is known to be out only after each group has come to rest without it.
   * @unit groups: those that may have something in the cloud
   */
  sendersTo(machine: string, groups: Iterable<string>): SendersSeen {
    const undecided = [...groups].filter((group) => this.#restedWith.get(group)?.includes(machine) ?? true);
    const names = this.#cluster
      .ingresses()
      .filter((one) => this.groupsOf(one).some((group) => undecided.includes(group)))
      .map((one) => `Ingress ${keyOf(one)}`);
    return { undecided: names.toSorted(), balancers: this.#view.sendersTo(machine) };
  }

  /** How a group stands to a pod of a Service. @unit service: `namespace/name`; address: the pod's */
  standsTo(group: string, service: string, address: string | undefined): GateService['stands'] {
    const ports = this.#toPods.get(group);
    if (ports === undefined) return 'unknown';
    const wanted = ports.get(service);
    if (wanted === undefined) return 'not-concerned';
    const listeners = this.#view.listenersOf(group);
    const isWell = (port: number): boolean =>
      listeners.some(
        (one) => one.port === port && one.backEnds.some((two) => two.address === address && two.healthy === true),
      );
    return [...wanted].every(isWell) ? 'well' : 'not-yet';
  }

  /** As the API server has them now. */
  async #membersOf(group: string): Promise<Members> {
    const known = this.#cluster.ingresses().filter((one) => this.groupsOf(one).includes(group));
    const fresh = await Promise.all(
      known.map(({ metadata: { name, namespace = '' } }) => this.#options.kube.get(ingresses, { name, namespace })),
    );
    const all = fresh.flatMap((one) => one ?? []);
    const standing = all.map((ingress) => ({ ingress, ...membershipOf(ingress, this.#cluster.classes()) }));
    // One that still has something elsewhere comes when that has gone.
    const here = standing.filter(({ wants, has }) => wants === group && (has === undefined || has === group));
    const leaving = standing.filter(({ wants, has }) => has === group && wants !== group);
    return {
      here: here.map(({ ingress }) => ingress),
      unclear: new Set(here.flatMap(({ ingress, isUnclear }) => (isUnclear ? keyOf(ingress) : []))),
      leaving: leaving.map(({ ingress }) => ingress),
      all: [...here, ...leaving].map(({ ingress }) => ingress),
    };
  }

  async #observe(group: string, { here, leaving, unclear }: Members): Promise<GroupSeen> {
    const { mark, vpc, subnet, cloud } = this.#options;
    const claimed = [...here, ...leaving].filter(isClaimed);
    const record = recordOf(claimed);
    const seen =
      claimed.length > 0
        ? await this.#view.observe(group, record, this.#fresh.has(group))
        : ({ state: 'unreadable', why: 'not asked yet' } as const);
    const there = this.#view.listenersOf(group);
    const serving = new Set(there.flatMap(({ backEnds }) => backEnds.flatMap(({ machine }) => machine ?? [])));
    const { most } = cloud.applicationBalancers;
    const mostOfService = shareOfService(
      here.map((one) => parseIngress(one).wish),
      most.backEnds,
    );
    const members = await Promise.all(here.map((one) => this.#memberSeen(one, unclear, serving, mostOfService)));
    const secure = new Set(there.flatMap(({ protocol, port }) => (protocol === 'HTTPS' ? port : [])));
    const chosen = chooseGroup(members, { subnet, most, secure }, now() / 1000);
    const { keptLast } = chosen;
    // Who has nothing yet and cannot be understood keeps nothing of those who leave.
    const isLeft = !here.some(isClaimed) && claimed.length > 0 && chosen.wish === undefined;
    const wish = here.length === 0 || isLeft ? undefined : wishOf(chosen);
    this.#toPods.set(group, portsToPods(chosen));
    return {
      mark,
      owner: group,
      vpc,
      wish,
      kind: 'Ingress',
      kept: {
        actions: chosen.kept,
        others: chosen.isPartial,
        last: new Map(there.flatMap(({ port }) => (keptLast === undefined ? [] : [[port, keptLast] as const]))),
        left: new Set(leaving.flatMap((one) => parseIngress(one).wish.paths.map(({ match }) => matchKey(match)))),
      },
      // Of those who cannot be understood none is claimed, and none keeps another one's back ends from being kept right.
      isClaimed:
        wish?.ok === true ? here.every((one) => isClaimed(one) && isRecorded(one, record)) : claimed.length > 0,
      record,
      published: publishedBy(here),
      inbound: await this.#inboundOf(seen, machinesOf(chosen)),
      cloud: seen,
      named: await this.#named(wish, record),
      looks: this.#checkLooks.get(group) ?? 0,
      mostListeners: most.listeners,
      told: chosen.told,
      machines: machinesOf(chosen),
    };
  }

  async #memberSeen(
    ingress: IngressObject,
    unclear: ReadonlySet<string>,
    serving: ReadonlySet<string>,
    most: number,
  ): Promise<MemberSeen> {
    const { namespace = '', creationTimestamp = '' } = ingress.metadata;
    const key = keyOf(ingress);
    const parsed = parseIngress(ingress);
    const names = [...new Set(parsed.wish.tls.map(({ secret }) => secret))];
    const secrets = await Promise.all(names.map(async (one) => [one, await this.#secrets.of(namespace, one)] as const));
    const { provider } = this.#options.cloud;
    const { vpc, subnet } = this.#options;
    return {
      key,
      createdAt: creationTimestamp,
      parsed: unclear.has(key) ? { ...parsed, refusals: [classGone(ingress), ...parsed.refusals] } : parsed,
      secrets: new Map(secrets),
      targetsOf: (ref, toPods) => {
        const service = `${namespace}/${ref.service}`;
        return chooseTargets(
          ref,
          { service: this.#cluster.service(service), endpoints: this.#cluster.endpoints(service) },
          this.#cluster.nodes(),
          {
            toPods,
            most,
            isFit: (pod) => this.#cluster.isFit?.(`${namespace}/${pod}`) ?? false,
            place: { provider, vpc, subnet },
            serving,
          },
        );
      },
    };
  }

  /** Asked for only when it is another than what the group has. */
  async #named(wish: ApplicationSeen['wish'], record: BalancerRecord): Promise<ApplicationSeen['named']> {
    const use = wish?.ok === true ? wish.wish.use : undefined;
    if (use === undefined || (record.uses === 'existing' && record.balancer === use)) return undefined;
    const looked = await this.#view.named(use);
    return looked.ok
      ? { state: 'known', found: looked.value }
      : { state: 'unreadable', why: explainFailure(looked.failure) };
  }

  /** Only once there is an ALB that sends to machines. */
  async #inboundOf(
    seen: ApplicationSeen['cloud'],
    machines: readonly string[],
  ): Promise<ReadonlyMap<string, Inbound> | undefined> {
    if (seen.state !== 'known' || seen.balancer === undefined || machines.length === 0) return undefined;
    return this.#inbound.of(machines, machines);
  }

  async #rest(group: string, members: Members, seen: GroupSeen, hold: Hold): Promise<{ readonly again: Ms }> {
    await this.#tellAll(members.here, seen, hold, undefined);
    const isSure = !seen.isClaimed || (seen.cloud.state === 'known' && !seen.cloud.inDoubt);
    if (isSure) this.#restedWith.set(group, seen.machines);
    if (hold.reason === 'Serving') this.#settled.set(group, wishText(seen));
    else this.#settled.delete(group);
    if (hold.reason === 'CloudUnreadable') throw new Error(hold.message);
    const names = members.here.flatMap((one) =>
      parseIngress(one).wish.tls.map(({ secret }) => `${one.metadata.namespace ?? ''}/${secret}`),
    );
    const again = ms(Math.min(this.#view.nextLook(group), this.#secrets.nextLook(names) ?? Number.POSITIVE_INFINITY));
    if (hold.checks !== true && !this.#hasWaiting(group, members.here)) {
      this.#checkLooks.delete(group);
      return { again };
    }
    const looks = (this.#checkLooks.get(group) ?? 0) + 1;
    this.#checkLooks.set(group, looks);
    this.#inbound.lookAgain();
    if (seen.cloud.state === 'known' && seen.cloud.balancer !== undefined)
      this.#view
        .lookAtChecks(seen.cloud.balancer.id)
        .catch((e: unknown) => this.#options.note({ group, fault: messageOf(e) }, 'looking at checks failed'));
    return { again: ms(Math.min(again, planCheckLook(looks))) };
  }

  /** Whether a pod waits for this group. */
  #hasWaiting(group: string, here: readonly IngressObject[]): boolean {
    const namespaces = new Set(here.map(({ metadata }) => metadata.namespace ?? ''));
    return [...(this.#toPods.get(group)?.keys() ?? [])].some((service) => {
      const [namespace = ''] = service.split('/');
      if (!namespaces.has(namespace)) return false;
      return (this.#cluster.endpoints(service).all ?? []).some(
        ({ pod, address }) =>
          pod !== undefined &&
          this.#cluster.isFit?.(`${namespace}/${pod}`) === true &&
          this.standsTo(group, service, address) === 'not-yet',
      );
    });
  }

  async #perform(
    group: string,
    members: Members,
    seen: GroupSeen,
    step: Exclude<ApplicationStep, { readonly do: 'ignore' | 'hold' }>,
  ): Promise<void> {
    // It was at rest and nobody has changed Ingresses, Services or nodes: somebody has changed the cloud.
    if (this.#settled.get(group) === wishText(seen) && isCloudStep(step))
      for (const one of members.here)
        this.#event(
          one,
          'Drift',
          'Warning',
          `the cloud was changed by hand and is put back: ${explainApplicationStep(step)}`,
        );
    if (isCloudStep(step)) return this.#ask(group, members, seen, step);
    switch (step.do) {
      case 'claim':
        return this.#claim(group, members, seen, step.record);
      case 'record':
        for (const one of members.all.filter(isClaimed)) await this.#record(one, { ...step.record, group });
        return;
      case 'publish':
        return this.#tellAll(members.here, seen, making('the ALB has an address'), step.ingress);
      case 'unclaim':
        for (const one of members.leaving) await this.#unclaim(one);
        return;
    }
  }

  /** Asks the cloud; what it refuses is told on the Ingresses before this turn ends. */
  async #ask(group: string, members: Members, seen: GroupSeen, step: AlbStep): Promise<void> {
    const { mark, vpc, cloud } = this.#options;
    const { applicationBalancers: balancers, certificates, publicAddresses } = cloud;
    const contentOf = (digest: string) => this.#secrets.contentOf(digest);
    const [first] = members.all;
    const client = {
      owner: group,
      name: `${mark}-${first?.metadata.namespace ?? ''}-${first?.metadata.name ?? ''}`.slice(0, 63),
      tell: (reason: Reason, message: string) => {
        for (const one of members.all) this.#event(one, reason, 'Normal', message);
      },
    };
    const where = { balancers, publicAddresses, certificates, view: this.#view, mark, vpc, contentOf };
    const failure = await performApplicationStep(where, client, step);
    if (failure === undefined) return;
    const doing = `${explainApplicationStep(step)} for Ingress ${members.all.map(keyOf).join(', ')}`;
    await followFailure(this.#view, group, doing, failure, (reason, message) =>
      this.#tellAll(
        members.here,
        seen,
        { do: 'hold', reason, message, faults: [{ of: undefined, reason, message }] },
        undefined,
      ),
    );
  }

  /** Finalizer and record on each member, before the cloud is asked for anything. */
  async #claim(group: string, { here, leaving }: Members, seen: GroupSeen, wanted: BalancerRecord): Promise<void> {
    const isFirst = here.length > 0 && leaving.length === 0 && !here.some(isClaimed);
    const record = { ...(here.some(isClaimed) ? seen.record : wanted), group };
    for (const one of here) {
      const { finalizers = [] } = one.metadata;
      if (isClaimed(one) && isRecorded(one, record)) continue;
      const isNew = !finalizers.includes(ingressFinalizer);
      await this.#write(one, {
        ...(isNew && { finalizers: [...finalizers, ingressFinalizer] }),
        annotations: { [recordAnnotation]: formatRecord(record) },
      });
    }
    if (isFirst) this.#fresh.add(group);
  }

  async #record(ingress: IngressObject, record: BalancerRecord): Promise<void> {
    if (isRecorded(ingress, record)) return;
    await this.#write(ingress, { annotations: { [recordAnnotation]: formatRecord(record) } });
  }

  async #unclaim(ingress: IngressObject): Promise<void> {
    const { namespace = '', name, uid, deletionTimestamp } = ingress.metadata;
    if (deletionTimestamp === undefined) await this.#applyStatus(ingress, []);
    // Our own write of the status has moved the version on; the list is the one that was read.
    const fresh = await this.#options.kube.get(ingresses, { namespace, name });
    if (fresh === undefined || fresh.metadata.uid !== uid) return;
    await this.#write(fresh, {
      finalizers: (fresh.metadata.finalizers ?? []).filter((one) => one !== ingressFinalizer),
      annotations: { [recordAnnotation]: null, [conditionAnnotation]: null },
    });
    this.#measure(keyOf(ingress), undefined);
  }

  /** Only over the version that the plan was made from. */
  async #write(ingress: IngressObject, change: object): Promise<void> {
    const { namespace = '', name, uid, resourceVersion } = ingress.metadata;
    this.#end.throwIfAborted();
    await this.#options.kube.merge(ingresses, { namespace, name }, { metadata: { uid, resourceVersion, ...change } });
  }

  /** What stands against each member, or else what is true of the whole. @unit ingress: `undefined` for what each has now */
  async #tellAll(
    here: readonly IngressObject[],
    { told }: GroupSeen,
    hold: Hold,
    ingress: readonly ServiceIngress[] | undefined,
  ): Promise<void> {
    for (const one of here) {
      const key = keyOf(one);
      const own = told.get(key) ?? [];
      const shared = (hold.faults ?? []).filter(({ of }) => of === undefined || of === key);
      const isWhole = hold.faults === undefined && isFault(hold.reason);
      const all: readonly Fault[] = isWhole && own.length === 0 ? [hold] : [...own, ...shared];
      const [first] = all;
      const isOthers = hold.faults !== undefined && first === undefined;
      const said =
        first === undefined
          ? {
              reason: isOthers ? ('Serving' as const) : hold.reason,
              message: isOthers ? servedAllTheSame : hold.message,
            }
          : { reason: first.reason, message: all.map(({ message }) => message).join('; ') };
      await this.#tell(one, said.reason, said.message, ingress);
    }
  }

  /** Writes address and condition, when either is new, and tells a change as an Event and in the metric. */
  async #tell(
    ingress: IngressObject,
    reason: Reason,
    message: string,
    addresses: readonly ServiceIngress[] | undefined,
  ): Promise<void> {
    this.#measure(keyOf(ingress), isFault(reason) ? reason : undefined);
    if (addresses !== undefined && textOf(addresses) !== textOf(ingress.status?.loadBalancer?.ingress ?? []))
      await this.#applyStatus(ingress, addresses);
    const status = reason === 'Serving' ? 'True' : isFault(reason) ? 'False' : 'Unknown';
    const last = conditionOf(ingress);
    if (last?.reason === reason && last.message === message && last.status === status) return;
    const said = { type: 'isthmus.dev/Balancer', status, reason, message } as const;
    const condition = conditionAfter(last === undefined ? [] : [last], said, new Date(now()).toISOString());
    const { namespace = '', name, uid } = ingress.metadata;
    this.#end.throwIfAborted();
    const annotations = { [conditionAnnotation]: JSON.stringify(condition) };
    await this.#options.kube.merge(ingresses, { namespace, name }, { metadata: { uid, annotations } });
    if (isFault(reason)) this.#event(ingress, reason, 'Warning', message);
    else if (reason === 'Serving') this.#event(ingress, reason, 'Normal', message);
  }

  async #applyStatus(ingress: IngressObject, addresses: readonly ServiceIngress[]): Promise<void> {
    const { namespace = '', name, uid } = ingress.metadata;
    this.#end.throwIfAborted();
    await this.#options.kube.apply(
      ingresses,
      {
        metadata: { namespace, name, ...(uid !== undefined && { uid }) },
        status: { loadBalancer: { ingress: addresses } },
      },
      { manager: 'isthmus-balancer', force: true, subresource: 'status' },
    );
  }

  #event({ metadata }: IngressObject, reason: Reason, type: 'Normal' | 'Warning', note: string): void {
    const { name, namespace = '', uid } = metadata;
    const apiVersion = 'networking.k8s.io/v1';
    const regarding = { apiVersion, kind: 'Ingress', name, namespace, ...(uid !== undefined && { uid }) };
    this.#options.events.tell(regarding, { reason, type, action: 'Balancer' }, note);
  }

  #measure(key: string, reason: Reason | undefined): void {
    const [namespace = '', ingress = ''] = key.split('/');
    const last = this.#measured.get(key);
    if (last === reason) return;
    if (last !== undefined) faults.remove({ namespace, ingress, reason: last });
    if (reason === undefined) this.#measured.delete(key);
    else {
      this.#measured.set(key, reason);
      faults.set({ namespace, ingress, reason }, 1);
    }
  }

  #forget(group: string): void {
    this.#restedWith.set(group, []);
    this.#toPods.delete(group);
    this.#checkLooks.delete(group);
    this.#fresh.delete(group);
    this.#settled.delete(group);
    this.#view.forget(group);
    const known = new Set(this.#cluster.ingresses().map(keyOf));
    for (const key of this.#measured.keys()) if (!known.has(key)) this.#measure(key, undefined);
  }
}

/** The Ingresses of one group. */
interface Members {
  /** Those that are to be served by it. */
  readonly here: readonly IngressObject[];
  /** Of these, those whose class has gone, by key. */
  readonly unclear: ReadonlySet<string>;
  /** Those that it may have something for, and that are not to be served by it any more. */
  readonly leaving: readonly IngressObject[];
  readonly all: readonly IngressObject[];
}

interface GroupSeen extends ApplicationSeen {
  readonly told: ReadonlyMap<string, readonly Fault[]>;
  /** Machines that are to be back ends. */
  readonly machines: readonly string[];
}

/** More than one group with all its rules ever needs at once; a plan that never comes to rest must not keep a worker for ever. */
const mostSteps = 200;

const servedAllTheSame = 'it is served; something stands against another Ingress of its group';

function making(message: string): Hold {
  return { do: 'hold', reason: 'Making', message };
}

function classGone({ spec }: IngressObject): Fault {
  return {
    reason: 'ClassGone',
    message: `IngressClass ${spec?.ingressClassName ?? ''} does not exist any more, so nothing is changed: create it again, or delete the Ingress`,
  };
}

/** What the newest of all is known to have been done. */
function recordOf(claimed: readonly IngressObject[]): BalancerRecord {
  const records = claimed.map(({ metadata }) => parseRecord(metadata.annotations));
  const known = records.find(
    (one) => one.balancer !== undefined && (one.uses === 'existing' || one.address !== undefined),
  );
  const best = known ?? records.find((one) => one.balancer !== undefined) ?? records[0] ?? { uses: 'made' };
  // One that somebody removed by hand counts as none, and never as one of the other layer.
  return { ...best, layer: 'application' };
}

function isRecorded({ metadata }: IngressObject, record: BalancerRecord): boolean {
  const { group: _, ...own } = parseRecord(metadata.annotations);
  const { group: __, ...other } = record;
  return formatRecord(own) === formatRecord(other);
}

/** What all members say of their address; nothing when they differ. */
function publishedBy(here: readonly IngressObject[]): readonly ServiceIngress[] {
  const all = here.map(({ status }) => status?.loadBalancer?.ingress ?? []);
  const [first = []] = all;
  return all.every((one) => textOf(one) === textOf(first)) ? first : [];
}

function textOf(all: readonly ServiceIngress[]): string {
  return all.map(({ ip, hostname }) => ip ?? hostname ?? '').join();
}

function wishOf({ wish, told }: GroupChosen): ApplicationSeen['wish'] {
  if (wish !== undefined) return { ok: true, wish };
  return { ok: false, refusals: [...told.values()].flat() };
}

function machinesOf({ wish, kept, keptLast }: GroupChosen): readonly string[] {
  const actions = (wish?.listeners ?? []).flatMap(({ routes, last }) => [...routes.map(({ action }) => action), last]);
  const all = backEndsIn([...actions, ...kept.values(), ...(keptLast === undefined ? [] : [keptLast])]);
  return [...new Set(all.flatMap(({ machine }) => machine ?? []))].toSorted();
}

/** Everything that decides but the cloud. */
function wishText({ wish, kept }: GroupSeen): string {
  return JSON.stringify([wish, [...kept.actions], [...(kept.last ?? [])]]);
}
