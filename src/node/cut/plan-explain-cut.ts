import { cutCondition } from '#kube/api/cut.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';
import type { WhenCut } from './choose-when-cut.ts';

/** What is known of a machine of the site that does not answer; empty while it is heard. */
export function planCutComplaints({ status }: NodeObject): readonly string[] {
  const said = status?.conditions?.find(({ type }) => type === cutCondition);
  return said === undefined ? [] : [`${said.reason ?? 'silent'}: ${said.message ?? ''}`];
}

/** What happens to a pod of a machine that does not answer, and why; empty while that is heard. */
export function planCutPod({ metadata }: PodObject, node: NodeObject, whenCut: WhenCut): readonly string[] {
  const said = node.status?.conditions?.find(({ type }) => type === cutCondition);
  if (said === undefined) return [];
  const machine = node.metadata.name;
  if (metadata.deletionTimestamp !== undefined) {
    const why =
      said.status === 'True' ? `was cut off and ${whenCut.why}` : `did not answer (${said.reason ?? 'silent'})`;
    return [`deleted because ${machine} ${why}; what may still run of it there ends when ${machine} is heard again`];
  }
  if (said.status === 'False') return [`is deleted now, because ${machine} is dead`];
  if (said.status !== 'True') return [`is deleted when its tolerations end: nobody knows whether ${machine} is dead`];
  if (whenCut.does === 'move')
    return [`is deleted when its tolerations end, because ${machine} is cut off and ${whenCut.why}`];
  return [`stays on ${machine}, which is only cut off: ${whenCut.why}`];
}
