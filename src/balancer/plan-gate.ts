import { type Condition, conditionAfter } from '#kube/api/condition.ts';
import type { PodObject } from '#kube/resources.ts';

/** What an author of pods lists under `readinessGates`: such a pod is ready only when load balancers send to it. */
export const podGate = 'isthmus.dev/balancer';

export interface GatedPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string | undefined;
  /** It lacks nothing but the gate, or nothing at all. False for one without the gate. */
  readonly isFit: boolean;
  /** What it says of the gate now. */
  readonly said: Condition | undefined;
}

export function gatedPod({ metadata, spec, status }: PodObject): GatedPod {
  const { namespace = '', name, labels = {}, deletionTimestamp } = metadata;
  const gates = (spec?.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const isTrue = (wanted: string): boolean =>
    status?.conditions?.some(({ type, status: is }) => type === wanted && is === 'True') ?? false;
  const others = gates.filter((one) => one !== podGate);
  return {
    namespace,
    name,
    labels,
    address: status?.podIP,
    isFit: gates.includes(podGate) && deletionTimestamp === undefined && ['ContainersReady', ...others].every(isTrue),
    said: status?.conditions?.find(({ type }) => type === podGate) as Condition | undefined,
  };
}

/** How a Service of type LoadBalancer, or an Ingress, stands to one pod of a Service. */
export interface GateService {
  /** `Service namespace/name` */
  readonly key: string;
  /** `not-concerned`: its balancer sends to nodes. `unknown`: it has not been looked at yet. */
  readonly stands: 'not-concerned' | 'unknown' | 'not-yet' | 'well';
}

/** Whether a Service's selector takes a pod: one without a selector takes none. */
export function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/**
 * What the pod is to say of the gate; `undefined` for nothing new. Once open it stays open: from then on kubelet's own probes decide.
 * @unit at: now, RFC 3339
 */
export function planGate(pod: GatedPod, services: readonly GateService[], at: string): Condition | undefined {
  if (!pod.isFit || pod.said?.status === 'True') return undefined;
  const missing = services.filter(({ stands }) => stands === 'unknown' || stands === 'not-yet').map(({ key }) => key);
  const said =
    missing.length === 0
      ? ({
          status: 'True',
          reason: 'BalancersSend',
          message: 'every load balancer that sends to pods sends to this one',
        } as const)
      : ({
          status: 'False',
          reason: 'BalancerChecks',
          message: `waiting until the load balancer of ${missing.toSorted().join(', ')} finds this pod healthy`,
        } as const);
  const condition = conditionAfter(pod.said === undefined ? [] : [pod.said], { type: podGate, ...said }, at);
  return pod.said?.status === condition.status && pod.said.message === condition.message ? undefined : condition;
}
