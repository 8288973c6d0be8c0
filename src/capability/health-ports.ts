/** Ports of our programs on loopback of the node's network. Nobody else's: kubelet, kube-proxy and etcd have 10248 to 10259 and 2379 to 2381. */
export const healthPorts = {
  agent: 9831,
  controller: 9832,
  csiController: 9833,
  csiNode: 9834,
  csiShareController: 9835,
  csiShareNode: 9836,
} as const;
