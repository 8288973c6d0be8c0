/**
 * What is done about a cloud node that does not answer, by the reason of its condition `isthmus.dev/Fenced`, which is also the reason of its
 * Events and a label of the metric `isthmus_silent_node`; with what it means and what helps. `docs/reference/events.md` is made from it.
 */
export const fenceReasons = {
  MachineOff:
    'The cloud said twice that the machine is switched off. The node has the taint `node.kubernetes.io/out-of-service`: its pods start elsewhere, and their disks are attached there. The taint goes when the machine is switched on again.',
  MachineGone:
    'The cloud does not know the machine any more, by two different questions, asked twice. As `MachineOff`; remove the machine from cluster.yaml and run `isthmus up`, or make it again.',
  Confirming: 'The cloud said once that the machine is off. It is asked again within seconds.',
  MachineRuns:
    'The machine runs, as the cloud says, and its kubelet is silent: cut off, overloaded or broken. It may still write to its disks, so they stay where they are. Repair it, or switch it off: then its pods start elsewhere within a minute. `storage.powerOffSilentAfter` in cluster.yaml makes Isthmus switch it off by itself.',
  PoweringOff:
    'The machine runs, its kubelet has been silent for as long as `storage.powerOffSilentAfter` allows, and the cloud was asked to switch it off.',
  MachineChanges: 'The machine is being started, stopped or restarted. It is looked at again within seconds.',
  NotOurs:
    'The machine does not carry the mark of this cluster, or is not where the provider id of the Node says. Nothing is done about it.',
  CloudUnclear: 'The cloud does not answer, or not clearly. It is asked again by itself; nothing is done until then.',
  TooManySilent:
    'More nodes of the cloud than a quarter are out of service, or would be: that is seldom a matter of single machines, so nothing more is done by itself. If they are off for good, set the taint with `kubectl taint nodes NAME node.kubernetes.io/out-of-service=off:NoExecute`.',
  MachineBack: 'Event only: the machine is on again, or its kubelet answers, and the taint was removed.',
} as const satisfies Readonly<Record<string, string>>;

export type FenceReason = keyof typeof fenceReasons;
