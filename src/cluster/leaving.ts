import { leavingTaint } from '#kube/api/leaving.ts';
import type { NodeObject } from '#kube/resources.ts';

/** Whether it is marked as about to be removed: by `isthmus up`, which takes the mark away with the Node, or by who else scales nodes. */
export function isLeaving({ spec }: NodeObject): boolean {
  return (spec?.taints ?? []).some(({ key }) => key === leavingTaint);
}

/** What undoes a removal that stopped half-way: `kubectl uncordon web-1 and …`, of a marked node with the taint. */
export function explainHowToStay(name: string, isMarked: boolean): string {
  return `kubectl uncordon ${name}${isMarked ? ` and kubectl taint node ${name} ${leavingTaint}-` : ''} if it is to stay`;
}
