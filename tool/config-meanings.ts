/**
 * What each key of cluster.yaml means, for the reference. Keys of SSH access stand under `ssh`, wherever they are written. A
 * test holds this list against the schema, both ways.
 */
export const configMeanings: Readonly<Record<string, string>> = {
  name: 'The cluster, and its mark on what it makes in the cloud. Fixed once the cluster is made.',
  kubernetes: 'The version, in full; must be that of the bundle.',
  secretsEncryption:
    'Whether Secrets are encrypted before they are stored in etcd. The key is in /etc/kubernetes/encryption.yaml of the control plane. Fixed once the cluster is made.',
  'bundle.url': 'The folder that machines fetch Kubernetes from.',
  'bundle.digest': 'The digest of its bundle.json, which holds those of all other files.',
  'cloud.provider': 'Which cloud.',
  'cloud.region': 'The region of the VPC.',
  'cloud.zone': 'The zone that cloud machines are made in. Fixed once the cluster is made.',
  'cloud.project': 'The project that is asked and billed.',
  'cloud.vpc': 'The VPC. Fixed once the cluster is made.',
  'cloud.subnet': 'The subnet of cloud machines, and of the pods on them.',
  'cloud.endpoint': "The base URL of the cloud's API.",
  'cloud.credentials.publicKey.env': 'The environment variable that holds the public API key.',
  'cloud.credentials.privateKey.env': 'The environment variable that holds the private API key.',
  'network.services': 'Addresses of Services. Fixed once the cluster is made.',
  'network.mtu':
    "The largest packet of pods, in bytes. Left out: that of the node's interface. New pods follow a change.",
  'network.site.mode':
    'How pods on the site get addresses and are reached: `routed`, by a subnet for each machine; `bridged`, by addresses of the network that the machines themselves are in ([guide](../guide/site-networks.md)). A machine may say otherwise. Fixed once the cluster is made.',
  'network.site.pods':
    'Routed: the range of all pods on the site, fixed once the cluster is made. Bridged: the first and the last of the addresses that are set aside for pods, `192.168.50.128-192.168.50.250`, which nobody else may use.',
  'network.site.perMachine':
    "The prefix length of one machine's subnet in that range; a node takes as many pods as it has addresses there, 110 at most. Fixed once the cluster is made.",
  'network.site.interface':
    'The network interface of bridged machines in the network of their pods. Left out: the one with the address of the machine.',
  'network.site.bridgedPods':
    'On a routed site: the first and the last of the addresses that are set aside for pods of those machines that are bridged.',
  'network.site.machines': 'The networks that the physical machines are in.',
  'network.site.gateway': 'The router of the site.',
  'network.site.gateway.address': 'Its address in the network of the machines.',
  ssh: 'How a machine is reached. At the top: for the cloud control plane, and for all that have no `ssh` of their own.',
  'ssh.user': 'The user: root, or one that may run sudo without a password.',
  'ssh.key': 'The private key; relative to this file, `~` is allowed. A passphrase is asked for.',
  'ssh.agent': 'Whether keys of the SSH agent are offered as well.',
  'ssh.port': 'The port of the SSH server.',
  'ssh.jump': 'A host to go through; `none` where the one of the top level is not wanted.',
  'ssh.jump.address': 'Its address or name.',
  'ssh.jump.user': 'The user on it.',
  'ssh.jump.key': 'The private key for it.',
  'ssh.jump.agent': 'Whether keys of the SSH agent are offered to it.',
  'ssh.jump.port': 'The port of its SSH server.',
  'network.cloud': 'Addresses of pods in the cloud.',
  'network.cloud.warm':
    'Free addresses that each cloud node keeps ready: a fresh one needs up to 15 s before it works.',
  'network.cloud.warm.low': 'Below this, more are asked for.',
  'network.cloud.warm.high': 'Above this, the rest is given back.',
  controlPlane: 'The control-plane machine, by its name; one in this version.',
  cloudMachines: 'Machines that are made through the API of the cloud.',
  'cloudMachines[].name': 'The name of the machine and of its node.',
  'cloudMachines[].shape.cpu': 'CPUs.',
  'cloudMachines[].shape.memory': 'Memory.',
  'cloudMachines[].image': 'The image that it is made from.',
  'cloudMachines[].disk': 'The size of its system disk; 40Gi when left out.',
  'cloudMachines[].elasticInterfaces':
    'Whether further network interfaces can be attached to it, which its pods then get addresses of. UCloud decides that when it makes a machine, and allows each interface of such a machine fewer addresses.',
  nodeGroups:
    'Groups of cloud machines that come and go; see [node groups](../guide/node-groups.md). A group that is dropped from the file is removed with its machines.',
  'nodeGroups[].name':
    'The name of the NodeGroup. Its machines and nodes are called after it, with an end of their own.',
  'nodeGroups[].shapes[].cpu': 'CPUs.',
  'nodeGroups[].shapes[].memory': 'Memory.',
  'nodeGroups[].image': 'The image that they are made from.',
  'nodeGroups[].zones': "Where they are made: spread over these. Left out: the cluster's own zone and subnet.",
  'nodeGroups[].zones[].zone': 'A zone of the region.',
  'nodeGroups[].zones[].subnet': 'The subnet of the machines there, and of the pods on them.',
  'nodeGroups[].disk': 'The size of their system disk; 40Gi when left out.',
  'nodeGroups[].charge':
    'How each machine is paid: by the hour, or a month or a year in advance; `spot` is cheaper, and the cloud may take the machine away at any time.',
  'nodeGroups[].elasticInterfaces': 'As for `cloudMachines`.',
  'nodeGroups[].labels': 'Labels of their nodes. Machines that are there keep those that they were made with.',
  'nodeGroups[].taints': 'Taints of their nodes. Machines that are there keep those that they were made with.',
  'nodeGroups[].taints[].key': 'The key of the taint.',
  'nodeGroups[].taints[].value': 'Its value.',
  'nodeGroups[].taints[].effect': '`NoSchedule`, `PreferNoSchedule` or `NoExecute`.',
  'nodeGroups[].min': 'So many machines at least.',
  'nodeGroups[].max': 'So many machines at most.',
  'nodeGroups[].initial':
    'So many machines to begin with; `min` when left out. Afterwards the number belongs to whoever scales the group, and a change here changes nothing.',
  machines: 'Physical machines.',
  'machines[].name': 'The name of the machine and of its node.',
  'machines[].address': 'Its address in one of `network.site.machines`.',
  'machines[].podNetwork':
    'Whether its pods are `routed` or `bridged`. Left out: as `network.site.mode` says. Fixed once the machine has joined.',
  'machines[].storage':
    'What the machine gives to volumes of its own; see [volumes on the site](../guide/local-volumes.md).',
  'machines[].storage.directories':
    'Folders that take many volumes, each with a size that holds. They must exist, on ext4 or xfs.',
  'machines[].storage.disks':
    'Whole, empty disks, each of which becomes one volume, by their names under `/dev/disk/by-id`.',
  'machines[].storage.keepFree':
    "What volumes leave free on each folder's file system. Left out: a fifth of it where the machine's own system or kubelet is on it, elsewhere a twentieth.",
  storage: 'Volumes.',
  'storage.cloudDisks':
    'Whether disks of the cloud are volumes for pods of cloud nodes: installs the CSI driver. The keys of the cloud must allow it to make disks. Set back to false, what was installed stays.',
  'storage.fileShares':
    'Whether file shares of the cloud are volumes for pods of cloud nodes: installs the CSI driver `ufs.isthmus.dev`. The control plane must be a cloud machine, and images of cloud machines must have the NFS client. Set back to false, what was installed stays.',
  'storage.powerOffSilentAfter':
    'Switch a cloud machine off whose kubelet has been silent for this long although the machine runs, so that its pods and disks move. Left out: never.',
  addons: 'What the cluster gets beside what it needs. What is left out here is left as it is in the cluster.',
  'addons.ingress':
    'Contour with Envoy on cloud nodes, for Ingress and HTTPProxy; its images must be in the bundle. `isthmus addon ingress remove` removes it.',
  'addons.ingress.replicas': 'How many Envoys.',
};

/** The key under which the meaning of this one stands. */
export function meaningKey(path: string): string {
  return path.replace(/^.*\.ssh\b/, 'ssh');
}
