/**
 * Why the pod network of a node does not work, by the reason of the condition on its PodRange, which is also the reason of the Event
 * and a label of the metric `isthmus_pod_range_fault`; with what it means and what helps. `docs/reference/events.md` is made from it.
 */
export const networkReasons: Readonly<Record<string, string>> = {
  Working: 'Pods of the node have a working network.',
  Enough: 'The node gets the addresses that its pods need.',
  NoPodRange:
    'The controller has not given the node a PodRange. Look at the controller’s log when this lasts for more than a minute.',
  NoAddress:
    'The PodRange has no usable address yet. A new address of the cloud works after up to 15 seconds; when it lasts longer, the condition `Addresses` has the cause.',
  NodeAddressMissing:
    'No interface of the node has the node’s address. Configure it, or reset the machine and join it again.',
  KernelSetting:
    'A kernel setting keeps packets of pods from passing and could not be set. The message has the command.',
  ForwardingDropped:
    'A packet filter of the node drops packets of pods: Docker, ufw or firewalld. The message has the command that lets them pass.',
  ForeignCniConfiguration:
    'Another network plugin’s configuration is used because its file sorts first. Remove that file.',
  LookFailed: 'The agent could not look at the node’s network. The message has the error.',
  NoWayBack: 'Packets of pods do not come back from beyond the gateway. Set its routes with `isthmus routes apply`.',
  MachineUnclear:
    'The cloud’s answer about the node’s machine is unclear, so no addresses are requested. The message says why.',
  CloudRefuses:
    'The cloud refuses more addresses: a quota, a full subnet, keys or permissions. The message has its words.',
  NoMoreAddresses:
    'Event only: the node is given no further addresses, and new pods on it may wait. The note has the cause, which the condition `Addresses` has for as long as it lasts.',
  RangeFull: 'The node has as many addresses as it may have. Add a node, or a larger range.',
};
