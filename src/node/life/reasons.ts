/**
 * What is done about a cloud node whose machine the cloud does not know, by the reason of its condition `isthmus.dev/MachineKnown`, which is also
 * the reason of its Events and a label of the metric `isthmus_missing_machine`; with what it means and what helps. `docs/reference/events.md` is
 * made from it.
 */
export const nodeReasons = {
  ConfirmingMissing:
    'The node is not ready, and the cloud has said that it does not know its machine. It is asked again, a minute apart, until it has said so three times.',
  DeletingNode:
    'Event only: the cloud has said three times, a minute apart, that it does not know the machine, and the Node is deleted. `isthmus up` makes the machine again while cluster.yaml names it.',
  TooManyMissing:
    'The cloud does not know the machines of more nodes than a tenth of its nodes (one, in a cluster of fewer than twenty). That is seldom a matter of single machines, so no Node is deleted until fewer are missing. Check the keys, the region and the project that the controller uses; if the machines are gone for good, delete their Nodes with `kubectl delete node NAME`.',
  ControlPlaneMissing:
    'The cloud does not know the machine of a control plane node, which has the data of the cluster. Its Node is never deleted by Isthmus: a person must decide.',
  AnswerUnclear:
    'The cloud had said that it does not know the machine, and now does not answer, or not clearly. It is asked again; nothing is done until then.',
} as const satisfies Readonly<Record<string, string>>;

export type NodeReason = keyof typeof nodeReasons;
