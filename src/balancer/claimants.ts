import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import type { Events } from '#kube/events.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import type { ServiceIngress } from '#kube/resources.ts';
import { now } from '#unit/clock.ts';
import type { gauge } from '#unit/metrics.ts';
import { conditionAnnotation, recordAnnotation } from './annotations.ts';
import { isFault, type Reason } from './reasons.ts';
import { type BalancerRecord, formatRecord } from './record.ts';

/** An object that asks for a balancer: a Service, or an Ingress. */
export interface Claimant extends KubeObject {
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: string }[];
    };
  };
}

/** What differs by the kind of the objects. */
export interface ClaimantKind<T extends Claimant> {
  readonly resource: Resource<T>;
  readonly apiVersion: string;
  readonly finalizer: string;
  readonly faults: ReturnType<typeof gauge<string>>;
  /** The label of the metric that names the object. */
  readonly label: 'service' | 'ingress';
  /** Where the condition is: an Ingress has none in its status. */
  readonly saysIn: 'status' | 'annotation';
  readonly conditionOf: (this: void, object: T) => Condition | undefined;
}

/** Writes to the objects of one kind what is done for them, and tells it. */
export class Claimants<T extends Claimant> {
  readonly #kube: Kube;
  readonly #events: Events;
  readonly #kind: ClaimantKind<T>;
  readonly #end: AbortSignal;
  /** By key, what the metric says. */
  readonly #measured = new Map<string, Reason>();

  constructor(
    { kube, events }: { readonly kube: Kube; readonly events: Events },
    kind: ClaimantKind<T>,
    end: AbortSignal,
  ) {
    this.#kube = kube;
    this.#events = events;
    this.#kind = kind;
    this.#end = end;
  }

  /** Finalizer and record, before the cloud is asked for anything. @shape whether the finalizer is new */
  async claim(object: T, record: BalancerRecord): Promise<boolean> {
    const { finalizers = [] } = object.metadata;
    const isNew = !finalizers.includes(this.#kind.finalizer);
    await this.#write(object, {
      ...(isNew && { finalizers: [...finalizers, this.#kind.finalizer] }),
      annotations: { [recordAnnotation]: formatRecord(record) },
    });
    return isNew;
  }

  record(object: T, record: BalancerRecord): Promise<void> {
    return this.#write(object, { annotations: { [recordAnnotation]: formatRecord(record) } });
  }

  /** The finalizer goes, and all that was written. */
  async unclaim(object: T): Promise<void> {
    const { resource, finalizer } = this.#kind;
    const { namespace = '', name, uid, deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) await this.#applyStatus(object, {});
    // Our own write of the status has moved the version on; the list is the one that was read.
    const fresh = await this.#kube.get(resource, { namespace, name });
    if (fresh === undefined || fresh.metadata.uid !== uid) return;
    await this.#write(fresh, {
      finalizers: (fresh.metadata.finalizers ?? []).filter((one) => one !== finalizer),
      annotations: {
        [recordAnnotation]: null,
        ...(this.#kind.saysIn === 'annotation' && { [conditionAnnotation]: null }),
      },
    });
    this.measure(keyOf(object), undefined);
  }

  /**
   * Writes address and condition, when either is new, and tells a change as an Event and in the metric.
   * @unit addresses: `undefined` for those that it has
   */
  async tell(
    object: T,
    reason: Reason,
    message: string,
    addresses: readonly ServiceIngress[] | undefined,
  ): Promise<void> {
    this.measure(keyOf(object), isFault(reason) ? reason : undefined);
    const status = reason === 'Serving' ? 'True' : isFault(reason) ? 'False' : 'Unknown';
    const last = this.#kind.conditionOf(object);
    const isSame = last?.reason === reason && last.status === status && sameText(last.message, message);
    const published = object.status?.loadBalancer?.ingress ?? [];
    const isMoved = addresses !== undefined && textOf(addresses) !== textOf(published);
    if (isSame && !isMoved) return;
    const said = { type: 'isthmus.dev/Balancer', status, reason, message } as const;
    const condition = conditionAfter(last === undefined ? [] : [last], said, new Date(now()).toISOString());
    const loadBalancer = { ingress: addresses ?? published };
    if (this.#kind.saysIn === 'status') await this.#applyStatus(object, { loadBalancer, conditions: [condition] });
    else {
      if (isMoved) await this.#applyStatus(object, { loadBalancer });
      if (!isSame) await this.#annotate(object, { [conditionAnnotation]: JSON.stringify(condition) });
    }
    if (isSame) return;
    if (isFault(reason)) this.event(object, reason, 'Warning', message);
    else if (reason === 'Serving') this.event(object, reason, 'Normal', message);
  }

  event({ metadata }: T, reason: Reason, type: 'Normal' | 'Warning', note: string): void {
    const { name, namespace = '', uid } = metadata;
    const { apiVersion, resource } = this.#kind;
    const regarding = { apiVersion, kind: resource.kind, name, namespace, ...(uid !== undefined && { uid }) };
    this.#events.tell(regarding, { reason, type, action: 'Balancer' }, note);
  }

  /** What the metric says of an object. @unit key: `namespace/name`; reason: `undefined` when nothing stands against it */
  measure(key: string, reason: Reason | undefined): void {
    const { faults, label } = this.#kind;
    const [namespace = '', name = ''] = key.split('/');
    const last = this.#measured.get(key);
    if (last === reason) return;
    if (last !== undefined) faults.remove({ namespace, [label]: name, reason: last });
    if (reason === undefined) this.#measured.delete(key);
    else {
      this.#measured.set(key, reason);
      faults.set({ namespace, [label]: name, reason }, 1);
    }
  }

  /** Of objects that are gone the metric says nothing. @unit known: keys of those that there are */
  measureOnly(known: ReadonlySet<string>): void {
    for (const key of this.#measured.keys()) if (!known.has(key)) this.measure(key, undefined);
  }

  /** Only over the version that the plan was made from. */
  async #write(object: T, change: object): Promise<void> {
    const { namespace = '', name, uid, resourceVersion } = object.metadata;
    this.#end.throwIfAborted();
    await this.#kube.merge(this.#kind.resource, { namespace, name }, { metadata: { uid, resourceVersion, ...change } });
  }

  /** Over any version. */
  async #annotate(object: T, annotations: object): Promise<void> {
    const { namespace = '', name, uid } = object.metadata;
    this.#end.throwIfAborted();
    await this.#kube.merge(this.#kind.resource, { namespace, name }, { metadata: { uid, annotations } });
  }

  async #applyStatus({ metadata }: T, status: object): Promise<void> {
    const { namespace = '', name, uid } = metadata;
    this.#end.throwIfAborted();
    await this.#kube.apply(
      this.#kind.resource,
      { metadata: { namespace, name, ...(uid !== undefined && { uid }) }, status },
      { manager: 'isthmus-balancer', force: true, subresource: 'status' },
    );
  }
}

/** `shop/web` */
function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** That the cloud refuses the same thing in another request is no news. */
function sameText(a: string, b: string): boolean {
  const bare = (text: string): string => text.replaceAll(/, request [^\s\]]+\]/g, ']');
  return bare(a) === bare(b);
}

function textOf(
  all: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: string }[],
): string {
  return all.map(({ ip, hostname, ipMode }) => `${ip ?? hostname ?? ''} ${ipMode}`).join();
}
