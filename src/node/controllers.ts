import type { ControllerPart } from '#capability/controller-part.ts';
import { certificateApprover } from './identity/controllers.ts';
import { runLabelController } from './labels/label-controller.ts';

/** What the node capability runs in the controller. */
export const nodeControllers: readonly ControllerPart[] = [
  certificateApprover,
  { name: 'node-labels', run: ({ kube, caches, note }, end) => runLabelController({ kube, caches, note }, end) },
];
