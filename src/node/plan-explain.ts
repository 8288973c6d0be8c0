import { groundOf } from '#capability/ground.ts';
import { machineKnownCondition } from '#kube/api/machine-known.ts';
import type { NodeObject } from '#kube/resources.ts';
import { instanceTypeLabel } from './attributes/plan-node-labels.ts';

/** What is done about a node whose machine the cloud does not know; empty while nothing is. */
export function planNodeComplaints({ status }: NodeObject): readonly string[] {
  const said = status?.conditions?.find(({ type, status }) => type === machineKnownCondition && status === 'False');
  return said?.message === undefined ? [] : [said.message];
}

/** Which machine a node is: one line, or none where that is not certain. */
export function planNodePath(node: NodeObject): readonly string[] {
  const place = groundOf(node);
  switch (place.ground) {
    case 'cloud': {
      const shape = node.metadata.labels?.[instanceTypeLabel];
      return [`machine ${place.id} of ${place.provider}, zone ${place.zone}${shape === undefined ? '' : `, ${shape}`}`];
    }
    case 'site':
      return [`machine ${place.machine} of the site`];
    case 'unclear':
      return [];
  }
}
