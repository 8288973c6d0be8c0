/**
 * Why the pod network of a node does not work: one word for the condition on its PodRange, the Events of the node and of its
 * pods, and a label of the metric `isthmus_pod_range_fault`; with what it means and what helps. `docs/reference/events.md` is
 * made from it.
 */
export const networkReasons = {
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
  InterfaceMissing:
    'The cloud lists a network interface that the node does not have, or that could not be set up. Addresses of it go to no pod; the others work. The message names it.',
  NotInSiteNetwork:
    'The machine is bridged, and has no usable interface in the network that its pods are to have addresses of. The message says which.',
  ForeignUse:
    'Another machine of the site network uses addresses that are set aside for pods. No pod gets them while it does. The message has the addresses and the MAC address of that machine.',
  NoWayBack:
    'Replies from beyond the gateway do not reach pods of the node. Set the routes of the gateway with `isthmus routes apply`.',
  NodeUnclear:
    'The provider id of the Node and its label `isthmus.dev/ground` do not say clearly whether it is a cloud machine or a site machine. Reset the machine and run `isthmus up` to join it again.',
  NoSubnetLeft:
    'The site’s pod range has no free subnet for another machine. Remove machines that are no longer used, or make `network.site.pods` larger in a new cluster.',
  NoSiteAddressLeft:
    'All addresses that are set aside for pods of bridged machines are in use, or used by others. Make the range of `network.site` larger, or move pods to other nodes.',
  ModeChanged:
    'The Machine says that its pods are to be routed or bridged, and its PodRange was made for the other. Remove the machine and add it again.',
  SubnetFull:
    'All addresses of a site machine’s subnet are in use, and pods wait for one. Move pods to other nodes; `network.site.perMachine` sets the size of the subnets.',
  MachineUnclear:
    'The cloud’s answer about the node’s machine is unclear, so no addresses are requested. The message says why.',
  CloudRefuses:
    'The cloud refuses more addresses: a quota, a full subnet, keys or permissions. The message has its words.',
  CloudFails:
    'Requests for more addresses have failed more than once: the cloud’s API limits the rate, times out or is unreachable. They are repeated. The message has the last error.',
  RangeFull: 'The node has as many addresses as one PodRange can hold. Add a node.',
} as const satisfies Readonly<Record<string, string>>;

export type NetworkReason = keyof typeof networkReasons;
