import type { PodObject } from '#kube/resources.ts';
import { type Ms, uptime } from '#unit/clock.ts';
import { type Ip, parseIp } from '#unit/ip.ts';
import type { PodsSeen } from './plan-range-steps.ts';
import type { WaitingPod } from './plan-waiting-pods.ts';

/** What the pod ranges need to know of a Pod: well below a fiftieth of its text. */
export interface PodSeen {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  /** `undefined`: it waits for one. */
  readonly address: Ip | undefined;
  /** It is being deleted: one that has no address needs none any more. */
  readonly leaving: boolean;
}

/** @shape `undefined`: it is bound to no node yet, uses the network of its node, or has finished */
export function podSeen({ metadata, spec, status }: PodObject): PodSeen | undefined {
  const { nodeName = '', hostNetwork = false } = spec ?? {};
  if (nodeName === '' || hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  return {
    node: nodeName,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    address: parseIp(status?.podIP ?? ''),
    leaving: metadata.deletionTimestamp !== undefined,
  };
}

/** The pods of each node, kept in step by one key at a time: no turn of a node reads the pods of the others. */
export class PodsByNode {
  readonly #pods = new Map<string, PodSeen>();
  readonly #nodes = new Map<string, Map<string, PodSeen>>();
  /** Since when each pod that waits has done so. */
  readonly #since = new Map<string, Ms>();

  /** @shape the nodes whose pods are others now: none when the change bears on nothing that is kept */
  set(key: string, pod: PodSeen | undefined): readonly string[] {
    const before = this.#pods.get(key);
    if (isSame(before, pod)) return [];
    if (pod === undefined || !waits(pod)) this.#since.delete(key);
    else if (!this.#since.has(key) || before?.uid !== pod.uid) this.#since.set(key, uptime());
    if (before !== undefined) this.#forget(key, before.node);
    if (pod !== undefined) {
      this.#pods.set(key, pod);
      this.#nodes.set(pod.node, (this.#nodes.get(pod.node) ?? new Map<string, PodSeen>()).set(key, pod));
    }
    return [...new Set([before?.node ?? [], pod?.node ?? []].flat())];
  }

  #forget(key: string, node: string): void {
    this.#pods.delete(key);
    const others = this.#nodes.get(node);
    others?.delete(key);
    if (others?.size === 0) this.#nodes.delete(node);
  }

  waiting(node: string): readonly WaitingPod[] {
    return [...(this.#nodes.get(node) ?? [])].flatMap(([key, pod]) => {
      const since = this.#since.get(key);
      return since === undefined ? [] : { namespace: pod.namespace, name: pod.name, uid: pod.uid, since };
    });
  }

  of(node: string): PodsSeen {
    const pods = [...(this.#nodes.get(node)?.values() ?? [])];
    return {
      waiting: pods.filter(waits).length,
      addresses: new Set(pods.flatMap(({ address }) => address ?? [])),
    };
  }
}

function waits({ address, leaving }: PodSeen): boolean {
  return address === undefined && !leaving;
}

function isSame(a: PodSeen | undefined, b: PodSeen | undefined): boolean {
  return a?.uid === b?.uid && a?.node === b?.node && a?.address === b?.address && a?.leaving === b?.leaving;
}
