/**
 * Where containerd looks for its network. Not /etc/cni/net.d: what another program or an earlier cluster left there would be
 * taken for ours. And in memory: after a reboot a node takes no pods until its agent serves again.
 */
export const cniConfigurationFolder = '/run/isthmus/net.d';
