import { leavingTaint } from '#kube/api/leaving.ts';

/** What undoes a removal that stopped half-way: `kubectl uncordon web-1 and …`, of a marked node with the taint. */
export function explainHowToStay(name: string, isMarked: boolean): string {
  return `kubectl uncordon ${name}${isMarked ? ` and kubectl taint node ${name} ${leavingTaint}-` : ''} if it is to stay`;
}
