import { groundOf } from '#capability/ground.ts';
import { machineKnownCondition } from '#kube/api/machine-known.ts';
import { groupLabel } from '#kube/api/node-group.ts';
import type { NodeObject } from '#kube/resources.ts';
import { instanceTypeLabel } from './attributes/plan-node-labels.ts';

/** What is done about a node whose machine the cloud does not know; empty while nothing is. */
export function planNodeComplaints({ status }: NodeObject): readonly string[] {
  const said = status?.conditions?.find(({ type, status }) => type === machineKnownCondition && status === 'False');
  return said?.message === undefined ? [] : [said.message];
}

/** Which machine a node is, and of which group; none where that is not certain. */
export function planNodePath(node: NodeObject): readonly string[] {
  const place = groundOf(node);
  switch (place.ground) {
    case 'cloud': {
      const shape = node.metadata.labels?.[instanceTypeLabel];
      const group = node.metadata.labels?.[groupLabel];
      return [
        `machine ${place.id} of ${place.provider}, zone ${place.zone}${shape === undefined ? '' : `, ${shape}`}`,
        ...(group === undefined
          ? []
          : [`of node group ${group}, which makes and removes it: kubectl get nodegroup ${group}`]),
      ];
    }
    case 'site':
      return [`machine ${place.machine} of the site`];
    case 'unclear':
      return [];
  }
}
