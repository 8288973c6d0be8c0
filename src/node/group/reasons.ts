/**
 * Why a machine of a group goes: the reason of the Event on its NodeGroup, and in its record there. `docs/reference/events.md` is made from it.
 */
export const leavingReasons = {
  ScaledIn: 'There are more machines than are wanted.',
  GroupDeleted: 'The NodeGroup is being deleted, or was dropped from cluster.yaml.',
  NotJoined:
    'The machine booted and made no progress for three minutes, or joined and was not ready for ten. It is replaced. The Event says what the cloud and the machine last told; on a machine that still runs /var/log/isthmus-join.log says more.',
  InstallFailed: 'The cloud reports that its installation failed. The machine is replaced.',
  SwitchedOff: 'The machine is switched off in the cloud and its node is not ready. It is replaced.',
  MachineGone:
    'The cloud has said for certain that it does not know the machine any more, and its Node is gone. Another one is made.',
} as const satisfies Readonly<Record<string, string>>;

export type LeavingReason = keyof typeof leavingReasons;

/** Reasons of the condition `Scaled` of a NodeGroup, in the order in which they weigh: the first that holds is told. */
export const scaledReasons = {
  Refused:
    'The cloud refuses to make a machine, in words that the condition repeats: an image or a shape that it does not have, a quota, the keys. Correct it; the cloud is asked again every minute.',
  Exhausted:
    'The cloud has no machine left of any of the shapes in any of the zones. It is asked again every five minutes; add a shape or a zone.',
  MachinesDoNotJoin:
    'Machines that were made did not join, and were replaced. The next one is made after a growing wait; the Events of the NodeGroup say why each went.',
  HeldByPods:
    'Machines are to go, and pods on them say `isthmus.dev/do-not-disrupt`. They stay until these pods have ended or say so no more.',
  HeldByBudgets: 'A machine is to go, and a PodDisruptionBudget keeps a pod on it.',
  MachineMissing:
    'A node is not ready and the cloud does not know its machine. It is replaced once its Node is deleted, see `ConfirmingMissing`.',
  CloudUnclear: 'The cloud does not answer, or not clearly. Nothing is done until it does.',
  Leaving: 'Machines are leaving: load balancers, pods, the machine and its Node, in this order.',
  Making: 'The cloud makes machines.',
  Joining: 'Machines boot and join.',
  NotReady: 'Nodes of the group are not ready.',
  AsWanted: 'All machines that are wanted are there, and their Nodes are Ready.',
} as const satisfies Readonly<Record<string, string>>;

export type ScaledReason = keyof typeof scaledReasons;
