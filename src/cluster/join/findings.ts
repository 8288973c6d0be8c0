/**
 * One thing about a machine that keeps it from becoming a node (`fault`), that the operator should know before it does (`warning`), or
 * that its owner should know (`note`).
 */
export interface Finding {
  /** By which programs and docs/guide/machine-check.md know it. */
  readonly name: FindingName;
  readonly weight: 'fault' | 'warning' | 'note';
  readonly what: string;
  readonly why: string;
  readonly cure: string;
}

/** Why each finding matters. */
export const reasons = {
  'another-cluster': 'a machine can be a node of one cluster only; a join would take it out of the other',
  'is-node':
    'ports, containers and packet rules of a node are its own, so what another cluster left among them is not reported',
  'not-root': 'a join writes system files and loads kernel modules',
  architecture: 'the programs and images of the bundle are built for x86-64',
  'no-systemd': 'containerd and kubelet run as systemd units',
  'system-version': 'Isthmus has been tested on Debian 12; what else this system needs is not known',
  'host-name':
    'logs and metrics of machines with the same name cannot be told apart; the name of the Node comes from cluster.yaml',
  'host-name-unresolved':
    'sudo and other programs wait for the name servers each time they look up their own host name',
  'few-cpus': 'the parts of Kubernetes do not answer in time with fewer',
  'little-memory': 'the parts of Kubernetes and the system would be ended for lack of memory',
  'little-disk': 'programs and images of the bundle do not fit, and kubelet evicts pods when the disk is nearly full',
  'few-inodes': 'kubelet evicts pods while less than 5 % of the inodes are free, however many bytes are free',
  'old-kernel': 'kube-proxy in nftables mode does not start on older kernels',
  'no-overlay': 'containerd stacks the layers of images with it',
  'no-conntrack': 'Services rely on connection tracking',
  'no-nftables': 'kube-proxy and Isthmus write their rules with nftables',
  'cgroup-controllers': 'kubelet does not start without them',
  swap: 'pods do not use swap, but the system may move memory of kubelet and etcd to it and slow them down',
  inotify:
    'containerd, kubelet and many programs in pods watch files; beyond the limit they fail with "too many open files"',
  'cgroup-v1': 'Kubernetes 1.38 requires cgroup v2',
  selinux:
    'Isthmus has not been tested with SELinux enforcing; it may deny pods access to their volumes and to the network',
  'missing-commands': 'the join and the agent run them',
  'old-containerd': 'kubelet speaks version 1 of the CRI, which containerd knows since 1.6',
  'other-runtime':
    'a join configures containerd anew and restarts it; two runtimes share memory, disk and the FORWARD chain',
  'loopback-resolver': 'in a pod a loopback address is the pod itself, so CoreDNS would query itself',
  'no-resolver': 'CoreDNS on this machine does not start without a name server to forward to',
  'many-resolvers': 'pods get the first three name servers only, and kubelet reports DNSConfigForming for each pod',
  'legacy-forward': 'packets to and from pods are forwarded packets',
  'no-default-route':
    'pods and programs on this machine reach only networks that have a route of their own, and programs outside pods cannot reach Services',
  'forwarding-off': 'pods on this machine are unreachable after a reboot until the agent has switched forwarding on',
  'closed-forward': 'packets to and from pods are forwarded packets',
  'closed-input': 'the API server connects to kubelet on port 10250 for kubectl logs, exec and metrics',
  proxy: 'programs that honour these variables send requests for the cluster to the proxy',
  'several-cards': 'the Node has one address, and the API server and other nodes must reach the machine on it',
  'two-default-routes': 'answers may leave by another card than the one that was asked, and routers drop them',
  'dhcp-address':
    'the address of a Node is fixed at its join; with another one the machine has to be removed and joined again',
  'path-mtu-silent': 'routers drop large packets without saying so: connections open and then hang',
  'path-mtu':
    'connections find the smaller size by path MTU discovery, which needs ICMP "fragmentation needed" to pass every firewall',
  'cni-files': 'they show that another program or an earlier cluster had configured the network of pods',
  'cni-links': 'their routes and addresses may overlap with those of this cluster',
  'packet-rules': 'they may still redirect addresses of Services to pods that do not exist any more',
  'other-distribution': 'two kubelets on one machine compete for ports, cgroups and pods',
  'etcd-data': 'kubeadm refuses to make a control plane while the folder is not empty',
  'left-containers': 'kubelet ends containers that it does not know',
  'taken-ports': 'kubelet or a part of the control plane must listen there',
  'no-bundle': 'the machine fetches programs and images from it',
  'no-api': 'kubelet and the agent must reach it at all times',
  'no-pod-way': 'pods of this machine could not reach pods of that side, and would not be reached by them',
  clock: 'certificates and tokens are not valid yet, or not any more, by a clock that is wrong',
  'no-time-sync': 'a clock that is right today drifts, and certificates are judged by it',
} as const satisfies Readonly<Record<string, string>>;

export type FindingName = keyof typeof reasons;

const finding =
  (weight: Finding['weight']) =>
  (name: FindingName, what: string, cure: string): Finding => ({ name, weight, what, why: reasons[name], cure });
export const fault = finding('fault');
export const warning = finding('warning');
export const note = finding('note');
