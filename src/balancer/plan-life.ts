import type { BackEnd, SeenBalancer } from '#cloud/balancer.ts';
import type { CloudCertificate } from '#cloud/certificate.ts';
import type { Marked } from '#cloud/owned.ts';
import type { PublicAddress } from '#cloud/public-address.ts';
import type { ServiceIngress } from '#kube/resources.ts';
import type { Ip } from '#unit/ip.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import type { Asked } from './asked.ts';
import type { Fault } from './plan-checks.ts';
import type { Reason } from './reasons.ts';
import type { BalancerRecord, Layer } from './record.ts';

/** A port of a balancer, as far as its owner matters. */
export interface OwnedListener extends Marked {
  readonly id: string;
}

/** What decides over the life of one balancer, whichever layer it is of and whoever asks for it. */
export interface LifeSeen<Listener extends OwnedListener> {
  /** Its mark on what it makes, and the UID of the Service, or of the group of Ingresses. */
  readonly mark: string;
  readonly owner: string;
  /** The VPC of the cluster: a balancer in another one does not reach its nodes. */
  readonly vpc: string;
  /** Whether it carries our finalizer, and so may have something in the cloud. */
  readonly isClaimed: boolean;
  readonly record: BalancerRecord;
  readonly published: readonly ServiceIngress[];
  readonly cloud: CloudSeen<Listener>;
  /** Steps that the cloud has refused of late, as `textOfStep` has them: what is beside them goes first. */
  readonly refused?: ReadonlySet<string> | undefined;
  /** The balancer of somebody else that it names, looked at while it still has another one. */
  readonly named?: NamedSeen | undefined;
}

/** @unit found: `undefined` when there is none */
export type NamedSeen =
  | { readonly state: 'unreadable'; readonly why: string }
  | { readonly state: 'known'; readonly found: SeenBalancer<unknown> | undefined };

export type CloudSeen<Listener> =
  | { readonly state: 'unreadable'; readonly why: string }
  | {
      readonly state: 'known';
      /** The one that is recorded, or that carries mark and owner. */
      readonly balancer: SeenBalancer<Listener> | undefined;
      /** Others with the same mark and owner. */
      readonly surplus: readonly SeenBalancer<Listener>[];
      /** All with this mark and owner; the recorded one first, then the oldest. */
      readonly addresses: readonly PublicAddress[];
      /** All with this mark and owner, the oldest first; none of a layer that has none. */
      readonly certificates: readonly CloudCertificate[];
      /** What is bound to the balancer, whoever's it is. */
      readonly bound: readonly Ip[];
      /** A create may have been done although no list shows it yet, or a list lacks what is recorded and may be late. */
      readonly inDoubt: boolean;
      /** A recorded balancer that lost our mark. */
      readonly markLost: string | undefined;
    };

export type Known<Listener> = Extract<CloudSeen<Listener>, { readonly state: 'known' }>;

export type LifeStep =
  | NoteStep
  | { readonly do: 'create'; readonly wish: Asked }
  | { readonly do: 'remove'; readonly balancer: string; readonly why: 'surplus' | 'not-wanted' }
  | { readonly do: 'unlisten'; readonly balancer: string; readonly listener: string }
  | { readonly do: 'add'; readonly balancer: string; readonly listener: string; readonly backEnds: readonly BackEnd[] }
  | { readonly do: 'drop'; readonly balancer: string; readonly listener: string; readonly ids: readonly string[] }
  | { readonly do: 'allocate'; readonly wish: Asked }
  | { readonly do: 'bind'; readonly address: string; readonly balancer: string }
  | { readonly do: 'resize'; readonly address: string; readonly bandwidth: number }
  | { readonly do: 'release'; readonly address: string; readonly why: 'surplus' | 'not-wanted' }
  | { readonly do: 'discard'; readonly certificate: string };

/** What asks the cloud for nothing: something is written to the objects of the cluster, or nothing is done. */
export type NoteStep =
  | { readonly do: 'ignore'; readonly why: 'not-ours' }
  | Hold
  /** Finalizer and record, before the cloud is asked for anything. */
  | { readonly do: 'claim' | 'record'; readonly record: BalancerRecord }
  | { readonly do: 'publish'; readonly ingress: readonly ServiceIngress[] }
  /** The finalizer goes, and with it the record. */
  | { readonly do: 'unclaim' };

/** Nothing is to be done for now. */
export interface Hold {
  readonly do: 'hold';
  readonly reason: Reason;
  readonly message: string;
  /** Whether what the balancer itself will say is waited for: its checks, or its address. */
  readonly checks?: true;
  /** Whether what the lists show is not all yet, so that they are asked again. */
  readonly lists?: true;
  /** What stands against single objects that share the balancer. */
  readonly faults?: readonly OwnedFault[];
}

/** @unit of: `namespace/name` of the object that it stands against; `undefined` for all */
export interface OwnedFault extends Fault {
  readonly of: string | undefined;
}

/** What differs by layer. */
export interface LifeParts<Listener, Step, Wish extends LayerWish> {
  /** Whether a wish is for this layer. */
  readonly isOwn: (wish: LayerWish) => wish is Wish;
  /** What is to be told, while what there is goes on as it is. */
  readonly keep: (fault: Fault) => Hold | Step;
  readonly serve: (
    balancer: SeenBalancer<Listener>,
    wish: Wish,
  ) => {
    readonly step: Step | undefined;
    readonly faults: readonly Fault[];
  };
  readonly rest: (balancer: SeenBalancer<Listener>, wish: Wish, faults: readonly Fault[]) => Hold;
  readonly ipMode: (wish: Wish) => 'VIP' | 'Proxy' | undefined;
}

export type LayerWish = Asked & { readonly layer: Layer };

export type LifeWish =
  | { readonly ok: true; readonly wish: LayerWish }
  | { readonly ok: false; readonly refusals: readonly Fault[] };

/**
 * The next step; nothing is removed before what replaces it is recorded, and nothing is asked for before it is written down.
 * @unit wish: `undefined` when there is to be no balancer of ours
 */
export function planLife<Listener extends OwnedListener, Step extends { readonly do: string }, Wish extends LayerWish>(
  seen: LifeSeen<Listener>,
  wish: LifeWish | undefined,
  parts: LifeParts<Listener, Step, Wish>,
): LifeStep | Step {
  const { isClaimed, record } = seen;
  if (wish === undefined) {
    if (!isClaimed) return { do: 'ignore', why: 'not-ours' };
    return planGivingUp(seen) ?? { do: 'unclaim' };
  }
  if (!wish.ok) {
    const [first] = wish.refusals;
    const message = wish.refusals.map((refusal) => refusal.message).join('; ');
    return parts.keep({ reason: first?.reason ?? 'NotSupported', message });
  }
  const wanted = recordFor(wish.wish);
  if (!isClaimed) return { do: 'claim', record: wanted };
  if (!parts.isOwn(wish.wish) || !fits(record, wanted)) return planMoving(seen, wanted, parts.keep);
  if (seen.cloud.state === 'unreadable') return unreadable(seen.cloud.why);
  return planServing(seen, seen.cloud, wish.wish, parts);
}

/** What it has is given up only for a balancer that can be used. */
function planMoving<Listener extends OwnedListener, Step>(
  seen: LifeSeen<Listener>,
  wanted: BalancerRecord,
  keep: (fault: Fault) => Hold | Step,
): LifeStep | Step {
  const { named } = seen;
  if (wanted.uses === 'existing') {
    if (named === undefined || named.state === 'unreadable') return unreadable(named?.why ?? 'not asked yet');
    const usable = usableOf(seen, wanted.balancer, named.found);
    if (!usable.ok) return keep({ reason: 'BalancerUnknown', message: usable.failure });
  }
  return planGivingUp(seen) ?? { do: 'record', record: wanted };
}

function recordFor({ use, layer }: LayerWish): BalancerRecord {
  const of = layer === 'network' ? {} : { layer };
  return use === undefined ? { uses: 'made', ...of } : { uses: 'existing', ...of, balancer: use };
}

function fits(record: BalancerRecord, wanted: BalancerRecord): boolean {
  return (
    record.uses === wanted.uses &&
    record.layer === wanted.layer &&
    (record.uses === 'made' || record.balancer === wanted.balancer)
  );
}

function unreadable(why: string): Hold {
  return { do: 'hold', reason: 'CloudUnreadable', message: `cannot read the load balancers of the cloud: ${why}` };
}

export const doubt: Hold = {
  do: 'hold',
  reason: 'InDoubt',
  message: 'the cloud may have made something that its lists do not show yet: waiting before asking again',
};

export function isOurs({ mark, owner }: Pick<LifeSeen<OwnedListener>, 'mark' | 'owner'>, one: Marked): boolean {
  return one.mark === mark && one.owner === owner;
}

/** Everything of ours goes; `undefined` when nothing is left. */
function planGivingUp<Listener extends OwnedListener>(seen: LifeSeen<Listener>): LifeStep | undefined {
  const { cloud, record, mark } = seen;
  if (cloud.state === 'unreadable') return unreadable(cloud.why);
  if (cloud.markLost !== undefined) return markLost(cloud.markLost, mark);
  // Last: a certificate that a listener has cannot go.
  const [certificate] = cloud.certificates;
  const last =
    certificate === undefined
      ? cloud.inDoubt
        ? doubt
        : undefined
      : ({ do: 'discard', certificate: certificate.id } as const);
  if (record.uses === 'existing') return planUnlistening(seen, cloud.balancer) ?? last;
  const [address] = cloud.addresses;
  if (address !== undefined) return { do: 'release', address: address.id, why: 'not-wanted' };
  const [balancer = cloud.balancer] = cloud.surplus;
  if (balancer !== undefined) return { do: 'remove', balancer: balancer.id, why: 'not-wanted' };
  return last;
}

/** Our ports of a balancer of somebody else go, and nothing else of it. */
function planUnlistening<Listener extends OwnedListener>(
  seen: LifeSeen<Listener>,
  balancer: SeenBalancer<Listener> | undefined,
): LifeStep | undefined {
  if (balancer === undefined) return undefined;
  const own = balancer.listeners.find((one) => isOurs(seen, one));
  return own === undefined ? undefined : { do: 'unlisten', balancer: balancer.id, listener: own.id };
}

function markLost(id: string, mark: string): Hold {
  return {
    do: 'hold',
    reason: 'MarkLost',
    message: `load balancer ${id} no longer carries the mark of this cluster, so it is neither changed nor removed: set its business group to isthmus-${mark} again`,
  };
}

/** The first that the cloud has not refused of late: what it refuses must not keep the rest from being done. */
export function chooseStep<Step extends object>(
  steps: readonly Step[],
  { refused }: Pick<LifeSeen<OwnedListener>, 'refused'>,
): Step | undefined {
  return steps.find((one) => refused?.has(textOfStep(one)) !== true) ?? steps[0];
}

export function textOfStep(step: object): string {
  return JSON.stringify(step);
}

/** Steps that make something which may be there already. */
const making = new Set(['listen', 'add', 'route', 'certify']);

function planServing<Listener extends OwnedListener, Step extends { readonly do: string }, Wish extends LayerWish>(
  seen: LifeSeen<Listener>,
  cloud: Known<Listener>,
  wish: Wish,
  { serve, rest, ipMode }: LifeParts<Listener, Step, Wish>,
): LifeStep | Step {
  const found = planFinding(seen, cloud, wish);
  if ('do' in found) return found;
  const served = serve(found.balancer, wish);
  // A listener or a back end that may be there already is not asked for twice.
  if (served.step !== undefined) return making.has(served.step.do) && cloud.inDoubt ? doubt : served.step;
  const reached = planAddress(seen, cloud, found.balancer, wish);
  if ('do' in reached) return reached;
  const isPublic = found.balancer.isPublic ?? wish.isPublic;
  const mode = ipMode(wish);
  const ingress = reached.ips.map((ip): ServiceIngress => ({ ip, ...(mode !== undefined && { ipMode: mode }) }));
  if (!sameIngress(seen.published, ingress)) return { do: 'publish', ingress };
  // The private address is published before the public one goes.
  const [spare] = isPublic ? cloud.addresses.slice(1) : cloud.addresses;
  if (spare !== undefined && seen.record.uses === 'made')
    return { do: 'release', address: spare.id, why: isPublic ? 'surplus' : 'not-wanted' };
  return rest(found.balancer, wish, served.faults);
}

/** The balancer that serves, or what has to be done until there is one. */
function planFinding<Listener extends OwnedListener>(
  seen: LifeSeen<Listener>,
  cloud: Known<Listener>,
  wish: Asked,
): LifeStep | { readonly balancer: SeenBalancer<Listener> } {
  const { record, mark } = seen;
  const { balancer } = cloud;
  if (record.uses === 'existing') {
    const usable = usableOf(seen, record.balancer, balancer);
    return usable.ok ? { balancer: usable.value } : { do: 'hold', reason: 'BalancerUnknown', message: usable.failure };
  }
  if (cloud.markLost !== undefined) return markLost(cloud.markLost, mark);
  if (balancer === undefined) return cloud.inDoubt ? doubt : { do: 'create', wish };
  if (record.balancer !== balancer.id) return { do: 'record', record: { ...record, balancer: balancer.id } };
  const [surplus] = cloud.surplus;
  return surplus === undefined ? { balancer } : { do: 'remove', balancer: surplus.id, why: 'surplus' };
}

/** A balancer that is named, or why it cannot be used. @unit balancer: what was found under the id */
function usableOf<Listener>(
  { vpc }: Pick<LifeSeen<OwnedListener>, 'vpc'>,
  id: string,
  balancer: SeenBalancer<Listener> | undefined,
): Result<SeenBalancer<Listener>, string> {
  if (balancer === undefined)
    return fail(`there is no load balancer ${id} in this region and project: name another one`);
  if (balancer.mark !== undefined)
    return fail(`load balancer ${id} was made for a Service or an Ingress: name one that you made yourself`);
  if (balancer.vpc !== vpc)
    return fail(`load balancer ${id} is in the VPC ${balancer.vpc}, and the nodes are in ${vpc}`);
  return ok(balancer);
}

/** Where clients reach it, or what has to be done before. */
function planAddress<Listener extends OwnedListener>(
  { record }: LifeSeen<Listener>,
  cloud: Known<Listener>,
  balancer: SeenBalancer<Listener>,
  wish: Asked,
): LifeStep | { readonly ips: readonly Ip[] } {
  const inside = balancer.address === undefined ? [] : [balancer.address];
  const isPublic = balancer.isPublic ?? wish.isPublic;
  if (record.uses === 'existing') return { ips: isPublic && cloud.bound.length > 0 ? cloud.bound : inside };
  if (!isPublic)
    return inside.length > 0
      ? { ips: inside }
      : { do: 'hold', reason: 'Making', message: `load balancer ${balancer.id} has no address yet`, checks: true };
  const [address] = cloud.addresses;
  if (address === undefined) return cloud.inDoubt ? doubt : { do: 'allocate', wish };
  if (record.address !== address.id) return { do: 'record', record: { ...record, address: address.id } };
  if (address.boundTo === undefined) return { do: 'bind', address: address.id, balancer: balancer.id };
  if (address.boundTo !== balancer.id) {
    const message = `public address ${address.id} was bound to ${address.boundTo} by hand: unbind it there, and it is bound to load balancer ${balancer.id} again`;
    return { do: 'hold', reason: 'AddressTaken', message };
  }
  const { bandwidth, pays } = wish.address;
  if (typeof pays !== 'object' && address.bandwidth !== bandwidth)
    return { do: 'resize', address: address.id, bandwidth };
  return { ips: [address.ip] };
}

function sameIngress(a: readonly ServiceIngress[], b: readonly ServiceIngress[]): boolean {
  const textOf = (all: readonly ServiceIngress[]): string => all.map(({ ip, ipMode }) => `${ip} ${ipMode}`).join();
  return textOf(a) === textOf(b);
}

/** Settings that the cloud does not change on a balancer that exists. @unit what: `Service`, for the cure */
export function planFixed(
  { record }: Pick<LifeSeen<OwnedListener>, 'record'>,
  balancer: SeenBalancer<unknown>,
  wish: Asked,
  what: string,
): readonly Fault[] {
  if (record.uses === 'existing') return [];
  const differs = [
    ...(balancer.subnet !== '' && balancer.subnet !== wish.subnet
      ? [`its subnet is ${balancer.subnet}, not ${wish.subnet}`]
      : []),
    ...(balancer.charge !== undefined && balancer.charge !== wish.charge
      ? [`it is paid by the ${balancer.charge}, not by the ${wish.charge}`]
      : []),
  ];
  if (balancer.isPublic !== undefined && balancer.isPublic !== wish.isPublic)
    differs.push(`it is ${balancer.isPublic ? 'public' : 'private'}, not ${wish.isPublic ? 'public' : 'private'}`);
  if (differs.length === 0) return [];
  const message = `load balancer ${balancer.id} serves, but cannot be changed to what its annotations say (${differs.join(', ')}): change them back, or delete and create the ${what}`;
  return [{ reason: 'CannotChange', message }];
}
