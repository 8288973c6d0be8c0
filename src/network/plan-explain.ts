import { complaintsOf } from '#kube/api/condition.ts';
import type { PodRangeObject } from '#kube/api/pod-range.ts';
import type { PodObject } from '#kube/resources.ts';

const noRange =
  'it has no PodRange: kubectl describe node shows an Event if the controller cannot give it one; otherwise look whether the controller runs (kubectl -n isthmus-system get pods)';

/** What keeps pods of a node from having a network; empty when nothing is known against it. */
export function planExplainNodeNetwork(range: PodRangeObject | undefined): readonly string[] {
  if (range === undefined) return [noRange];
  const complaints = complaintsOf(range.status?.conditions);
  if (complaints.length > 0) return complaints;
  const { network } = range.status ?? {};
  if (network === undefined)
    return ['its agent has not reported yet: kubectl -n isthmus-system get pods -o wide shows whether it runs'];
  return network === 'working' ? [] : ['its pod network does not work yet, and its agent has given no reason'];
}

/** Why a pod that is bound to a node has no address; empty when it has one, or needs none of ours. */
export function planExplainPodNetwork(
  { spec, status }: PodObject,
  range: PodRangeObject | undefined,
): readonly string[] {
  const { phase, podIP } = status ?? {};
  const { hostNetwork, nodeName: node = '' } = spec ?? {};
  const finished = phase === 'Succeeded' || phase === 'Failed';
  if (finished || hostNetwork === true || podIP !== undefined) return [];
  const reasons = planExplainNodeNetwork(range).map((says) => `node ${node}: ${says}`);
  const { inUse = 0, free } = range?.status ?? {};
  const full = free === 0 ? [fullNode(node, inUse, range)] : [];
  const settling = range?.spec.addresses?.filter(({ state }) => state === 'settling').length ?? 0;
  const coming = settling > 0 ? [`${settling} more addresses of node ${node} work within seconds`] : [];
  return [...reasons, ...full, ...coming];
}

function fullNode(node: string, inUse: number, range: PodRangeObject | undefined): string {
  const more = explainMore(range);
  return `the pod has no address: all ${inUse} addresses of node ${node} are in use; ${more}`;
}

function explainMore(range: PodRangeObject | undefined): string {
  if (range?.spec.bridged !== undefined)
    return `the controller gives it more of ${range.spec.bridged.pods} while there are any`;
  return range?.spec.ground === 'site' ? 'a subnet of a routed machine does not grow' : 'the controller requests more';
}
