import { type ApplicationListener, matchKey } from '#cloud/application-balancer.ts';
import { ingressFinalizer } from '#kube/api/leaving.ts';
import { type IngressObject, ingresses, type ServiceIngress } from '#kube/resources.ts';
import { type Ms, minutes, ms, now, seconds } from '#unit/clock.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { homesOf } from '../choose-pods.ts';
import { Claimants } from '../claimants.ts';
import { CloudView } from '../cloud-view.ts';
import type { EndpointsSeen } from '../endpoints.ts';
import { InboundView } from '../inbound-view.ts';
import { describeStep, followFailure, isCloudStep, isRefusal } from '../perform-step.ts';
import type { Fault } from '../plan-checks.ts';
import type { GateService } from '../plan-gate.ts';
import type { SendersSeen } from '../plan-leaving.ts';
import type { Hold, NoteStep } from '../plan-life.ts';
import { isFault, type Reason } from '../reasons.ts';
import { type BalancerRecord, formatRecord, parseRecord, readRecord } from '../record.ts';
import { Rests } from '../rests.ts';
import type { ClusterView, ServiceBalancersOptions } from '../service-balancers.ts';
import { chooseGroup, type GroupChosen, type MemberSeen, portsToPods, shareOfService } from './choose-group.ts';
import { chooseKept, chooseOwners, type OwnersOfRules, type RulesKept } from './choose-kept.ts';
import { chooseTargets, type ServiceSeen } from './choose-targets.ts';
import { conditionOf } from './condition-of.ts';
import { membershipOf } from './group.ts';
import { type ClassesSeen, isClaimed, keyOf, servicesOf } from './ingress.ts';
import { parseIngress } from './parse-ingress.ts';
import { type AlbStep, explainApplicationStep, performApplicationStep } from './perform-application.ts';
import { type ApplicationSeen, planApplication } from './plan-application.ts';
import { backEndsIn } from './plan-routes.ts';
import { SecretView } from './secret-view.ts';
import type { RouteAction } from './wish.ts';

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
  /** Whether some Service of a namespace has an endpoint there. */
  readonly answers: (namespace: string, address: string, port: number) => boolean;
}

/** Keeps the ALB of each group of Ingresses as they want it: looks, decides on one step, takes it, and looks again. */
export class IngressGroups {
  readonly #options: ServiceBalancersOptions;
  readonly #cluster: IngressView;
  readonly #end: AbortSignal;
  readonly #view: CloudView<ApplicationListener>;
  readonly #inbound: InboundView;
  readonly #secrets: SecretView;
  readonly #claimants: Claimants<IngressObject>;
  readonly #rests: Rests;
  /** By group and Service, the ports that send to its pods. */
  readonly #toPods = new Map<string, ReadonlyMap<string, ReadonlySet<number>>>();
  /** By group, whose its rules are. */
  readonly #owners = new Map<string, OwnersOfRules>();

  constructor(options: ServiceBalancersOptions, cluster: IngressView, end: AbortSignal) {
    this.#options = options;
    this.#cluster = cluster;
    this.#end = end;
    const { applicationBalancers: balancers, publicAddresses, certificates, network } = options.cloud;
    const audit = options.audit ?? minutes(10);
    this.#inbound = new InboundView(network, audit, options.note);
    this.#view = new CloudView({ balancers, publicAddresses, certificates, mark: options.mark, audit });
    this.#secrets = new SecretView(options.kube);
    this.#rests = new Rests(this.#inbound, options.note);
    this.#claimants = new Claimants(
      options,
      {
        resource: ingresses,
        apiVersion: 'networking.k8s.io/v1',
        finalizer: ingressFinalizer,
        faults,
        label: 'ingress',
        saysIn: 'annotation',
        conditionOf,
      },
      end,
    );
  }

  /** The groups that an Ingress is in, or was. */
  groupsOf(ingress: IngressObject): readonly string[] {
    const { wants, has } = membershipOf(ingress, this.#cluster.classes());
    return [...new Set([wants, has].flatMap((one) => one ?? []))];
  }

  /** Until nothing is left to do for this group. @fails CloudError, KubeError: the next call goes on from there */
  async tend(group: string): Promise<void | { readonly again: Ms }> {
    this.#rests.begin(group);
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
          for (const one of members.leaving) await this.#claimants.unclaim(one);
          continue;
        }
        return this.#rest(group, members, seen, step);
      }
      steps.inc({ step: step.do });
      this.#rests.act(group);
      this.#end.throwIfAborted();
      if (isCloudStep(step)) await this.#ask(group, members, seen, step);
      else await this.#write(group, members, seen, step);
    }
    return { again: seconds(1) };
  }

  /**
   * Who may send to a machine. A machine that nobody wants is known to be out only after each group has come to rest without it.
   * @unit groups: those that may have something in the cloud
   */
  sendersTo(machine: string, groups: Iterable<string>): SendersSeen {
    const undecided = [...groups].filter((group) => this.#rests.isUndecided(group, machine));
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
    const record = claimed.length === 0 ? unrecorded : (recordOf(claimed) ?? (await this.#recalled(group)));
    const seen =
      claimed.length > 0
        ? await this.#view.observe(group, record, this.#rests.fresh.has(group))
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
    const stays = this.#keep(group, there, members, chosen);
    this.#toPods.set(group, portsToPods(chosen));
    const sent = actionsOf(chosen, stays);
    const homes = homesOf(this.#endpointsOf(here), this.#cluster.nodes());
    return {
      mark,
      owner: group,
      vpc,
      wish,
      kind: 'Ingress',
      kept: {
        actions: new Map([...stays.actions, ...chosen.kept]),
        others: chosen.refused.size > 0,
        last: new Map(there.flatMap(({ port }) => (keptLast === undefined ? [] : [[port, keptLast] as const]))),
        left: new Set([
          ...stays.left,
          ...leaving.flatMap((one) => parseIngress(one).wish.paths.map(({ match }) => matchKey(match))),
        ]),
      },
      // Of those who cannot be understood none is claimed, and none keeps another one's back ends from being kept right.
      isClaimed:
        wish?.ok === true ? here.every((one) => isClaimed(one) && isRecorded(one, record)) : claimed.length > 0,
      record,
      published: publishedBy(here),
      refused: this.#rests.refused(group),
      inbound: await this.#inbound.behind(seen, machinesIn(sent, homes), machinesIn(sent, homes)),
      homes,
      cloud: seen,
      named: wish?.ok === true ? await this.#view.namedAnew(wish.wish, record) : undefined,
      looks: this.#rests.looks(group),
      mostListeners: most.listeners,
      told: chosen.told,
      machines: machinesIn(sent, new Map()),
    };
  }

  /** What becomes of rules that nobody has any more. */
  #keep(
    group: string,
    there: readonly ApplicationListener[],
    members: readonly MemberSeen[],
    chosen: GroupChosen,
  ): RulesKept {
    const byKey = new Map(members.map((one) => [one.key, one]));
    const parsed = new Map(members.map(({ key, parsed: one }) => [key, one]));
    const owners = chooseOwners(this.#owners.get(group) ?? new Map(), there, parsed, chosen.refused);
    this.#owners.set(group, owners);
    if (chosen.refused.size === 0) return { actions: new Map(), left: new Set() };
    const namespaces = new Set(members.map(({ key }) => namespaceOf(key)));
    return chooseKept(there, chosen, owners, {
      targetsOf(key, backend) {
        const member = byKey.get(key);
        return member?.targetsOf(backend, member.parsed.wish.values.targets !== 'nodes').to ?? [];
      },
      isPod: (address, port) => [...namespaces].some((one) => this.#cluster.answers(one, address, port)),
    });
  }

  #endpointsOf(here: readonly IngressObject[]): readonly EndpointsSeen[] {
    const services = new Set(here.flatMap((one) => [...servicesOf(one)]));
    return [...services].map((service) => this.#cluster.endpoints(service));
  }

  /** What to go by when no Ingress says it any more. */
  async #recalled(group: string): Promise<BalancerRecord> {
    const found = await this.#view.recall(group);
    return { ...(found.ok && found.value !== undefined ? found.value : { uses: 'made' }), layer: 'application' };
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

  async #rest(group: string, members: Members, seen: GroupSeen, hold: Hold): Promise<{ readonly again: Ms }> {
    await this.#tellAll(members.here, seen, hold, undefined);
    if (hold.reason !== 'Serving') await this.#tellLeaving(members, hold);
    const { isClaimed: claimed, cloud, machines } = seen;
    const rested = { key: group, owner: group, isClaimed: claimed, cloud };
    const now = { machines, wish: wishText(seen), hasWaiting: this.#hasWaiting(group, members.here) };
    const again = this.#rests.rest(rested, this.#view, hold, now);
    const names = members.here.flatMap((one) =>
      parseIngress(one).wish.tls.map(({ secret }) => `${one.metadata.namespace ?? ''}/${secret}`),
    );
    return { again: ms(Math.min(again, this.#secrets.nextLook(names) ?? Number.POSITIVE_INFINITY)) };
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

  async #write(
    group: string,
    members: Members,
    seen: GroupSeen,
    step: Exclude<NoteStep, { readonly do: 'ignore' | 'hold' }>,
  ): Promise<void> {
    switch (step.do) {
      case 'claim':
        return this.#claim(group, members, seen, step.record);
      case 'record': {
        const record = { ...step.record, group };
        for (const one of members.all)
          if (isClaimed(one) && !isRecorded(one, record)) await this.#claimants.record(one, record);
        return;
      }
      case 'publish':
        return this.#tellAll(members.here, seen, making('the ALB has an address'), step.ingress);
      case 'unclaim':
        for (const one of members.leaving) await this.#claimants.unclaim(one);
        return;
    }
  }

  /** Asks the cloud; what it refuses is told on the Ingresses before this turn ends. */
  async #ask(group: string, members: Members, seen: GroupSeen, step: AlbStep): Promise<void> {
    const { mark, vpc, cloud } = this.#options;
    const { applicationBalancers: balancers, certificates, publicAddresses } = cloud;
    const says = explainApplicationStep(step);
    if (this.#rests.isDrift(group, wishText(seen)))
      for (const one of members.here)
        this.#claimants.event(one, 'Drift', 'Warning', `the cloud was changed by hand and is put back: ${says}`);
    const contentOf = (digest: string) => this.#secrets.contentOf(digest);
    const [first] = members.all;
    const client = {
      owner: group,
      name: `${mark}-${first?.metadata.namespace ?? ''}-${first?.metadata.name ?? ''}`.slice(0, 63),
      tell: (reason: Reason, message: string) => {
        for (const one of members.all) this.#claimants.event(one, reason, 'Normal', message);
      },
    };
    const where = { balancers, publicAddresses, certificates, view: this.#view, mark, vpc, contentOf };
    const failure = await performApplicationStep(where, client, step);
    if (failure === undefined) return;
    const doing = `${says} for Ingress ${members.all.map(keyOf).join(', ')}`;
    const refused = { step, layer: 'application', kind: 'Ingress' } as const;
    if (isRefusal(failure)) this.#rests.refuse(group, step, this.#view, seen.cloud);
    await followFailure(this.#view, group, doing, failure, refused, async (reason, message) => {
      const hold: Hold = { do: 'hold', reason, message, faults: [{ of: undefined, reason, message }] };
      await this.#tellAll(members.here, seen, hold, undefined);
      await this.#tellLeaving(members, hold);
    });
  }

  /** On each member. */
  async #claim(group: string, { here, leaving }: Members, seen: GroupSeen, wanted: BalancerRecord): Promise<void> {
    const isFirst = here.length > 0 && leaving.length === 0 && !here.some(isClaimed);
    const record = { ...(here.some(isClaimed) ? seen.record : wanted), group };
    for (const one of here) if (!isClaimed(one) || !isRecorded(one, record)) await this.#claimants.claim(one, record);
    if (isFirst) this.#rests.fresh.add(group);
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
      await this.#claimants.tell(one, said.reason, said.message, ingress);
    }
  }

  /** What keeps the group from giving up what it has for those that leave it. */
  async #tellLeaving({ leaving }: Members, { reason, message }: Hold): Promise<void> {
    for (const one of leaving) await this.#claimants.tell(one, reason, message, undefined);
  }

  #forget(group: string): void {
    this.#rests.forget(group, group);
    this.#toPods.delete(group);
    this.#owners.delete(group);
    this.#view.forget(group);
    this.#claimants.measureOnly(new Set(this.#cluster.ingresses().map(keyOf)));
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

/** Of a group that has nothing yet. */
const unrecorded: BalancerRecord = { uses: 'made', layer: 'application' };

/** What the newest of all is known to have been done. @shape `undefined`: none of them can be read */
function recordOf(claimed: readonly IngressObject[]): BalancerRecord | undefined {
  const records = claimed.flatMap(({ metadata }) => readRecord(metadata.annotations) ?? []);
  const known = records.find(
    (one) => one.balancer !== undefined && (one.uses === 'existing' || one.address !== undefined),
  );
  const best = known ?? records.find((one) => one.balancer !== undefined) ?? records[0];
  return best && { ...best, layer: 'application' };
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

/** All that the ALB is to do with requests. */
function actionsOf({ wish, kept, keptLast }: GroupChosen, { actions }: RulesKept): readonly RouteAction[] {
  const wished = (wish?.listeners ?? []).flatMap(({ routes, last }) => [...routes.map(({ action }) => action), last]);
  return [...wished, ...kept.values(), ...actions.values(), ...(keptLast === undefined ? [] : [keptLast])];
}

/** Machines that are sent to, and those of pods that are. @unit homes: by address of a pod */
function machinesIn(actions: readonly RouteAction[], homes: ReadonlyMap<string, string>): readonly string[] {
  const machines = backEndsIn(actions).flatMap(({ machine, address }) => machine ?? homes.get(address ?? '') ?? []);
  return [...new Set(machines)].toSorted();
}

/** @unit key: `namespace/name` */
function namespaceOf(key: string): string {
  return key.split('/')[0] ?? '';
}

/** Everything that decides but the cloud. */
function wishText({ wish, kept }: GroupSeen): string {
  return JSON.stringify([wish, [...kept.actions], [...(kept.last ?? [])]]);
}
