import { stringify } from 'yaml';
import type { JoinFile } from '#machine/join-file.ts';
import { cniConfigurationFolder } from '#unit/cni-folder.ts';
import { addressAt, cidr } from '#unit/ip.ts';
import { podInterfacePrefix } from '#unit/pod-interface.ts';
import { formatProviderId, type ProviderId } from '#unit/provider-id.ts';
import type { MachineSettings } from './choose-settings.ts';
import { ownSysctlFile } from './surroundings.ts';

/** What is known of a machine by the time its files are written. */
export interface MachineIdentity {
  readonly nodeIp: string;
  readonly providerId: ProviderId;
}

export const paths = {
  containerd: '/etc/containerd/config.toml',
  containerdBefore: '/etc/containerd/config.toml.before-isthmus',
  containerdSocket: '/run/containerd/containerd.sock',
  sysctl: `/etc/sysctl.d/${ownSysctlFile}`,
  modules: '/etc/modules-load.d/isthmus.conf',
  kubeletUnit: '/etc/systemd/system/kubelet.service',
  kubeletDropIn: '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf',
  kubeadm: '/etc/isthmus/kubeadm.yaml',
  patches: '/etc/isthmus/patches',
  kubeletPatch: '/etc/isthmus/patches/kubeletconfiguration+merge.yaml',
} as const;

/** How the API server stores Secrets, where cluster.yaml wants them encrypted. It holds the key. */
export const encryptionPath = '/etc/kubernetes/encryption.yaml';

/** What a Service's DNS has: the tenth address of the range, as everywhere. */
export function dnsAddress(services: string): string {
  return addressAt(cidr(services), 10) as string;
}

/** Version 2 is read by containerd 1.x and 2.x alike. */
export function containerdConfig(settings: MachineSettings, sandboxImage: string): string {
  return `# Written by isthmus; its predecessor is ${paths.containerdBefore}.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = ${settings.restrictOomScoreAdj}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${settings.snapshotter}"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = ${settings.cgroupDriver === 'systemd'}

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "${cniConfigurationFolder}"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
`;
}

export function sysctlFile(settings: MachineSettings): string {
  const conntrack =
    settings.conntrackMax === undefined
      ? ''
      : // The dash: at boot the module may not be there yet.
        `-net.netfilter.nf_conntrack_max = ${settings.conntrackMax}\n`;
  return `# Written by isthmus: a node forwards packets between its pods and the rest.
net.ipv4.ip_forward = 1
# Where bridges exist, they pass packets on without asking the packet filter.
-net.bridge.bridge-nf-call-iptables = 0
-net.bridge.bridge-nf-call-arptables = 0
${conntrack}`;
}

export const modulesFile = 'overlay\nnf_conntrack\n';

/**
 * containerd reports that it runs before its Kubernetes part has found its containers again, and a kubelet that comes in between exits
 * ("server is not initialized yet"). After a boot the node waits for its next start.
 */
export const kubeletUnit = `[Unit]
Description=kubelet: runs the pods of this node
Documentation=https://kubernetes.io/docs/
After=network-online.target containerd.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`;

/**
 * The kubelet talks to the API server and nobody else; a proxy that systemd gives to all services would take that from it.
 * containerd keeps its own: it fetches the images of other people's pods.
 * @source kubernetes/release cmd/krel/templates/latest/kubeadm/10-kubeadm.conf
 */
export const kubeletDropIn = `[Service]
UnsetEnvironment=HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
`;

/** The kubelet settings of this machine alone; those of the cluster come from its ConfigMap. */
export function kubeletPatch(settings: MachineSettings, { maxPods }: Pick<JoinFile, 'maxPods'> = {}): string {
  return yaml({
    cgroupDriver: settings.cgroupDriver,
    failCgroupV1: settings.failCgroupV1,
    evictionHard: settings.evictionHard,
    imageGCHighThresholdPercent: settings.imageGcHighPercent,
    resolvConf: settings.resolvConf,
    ...(maxPods !== undefined && { maxPods }),
  });
}

/** What kubelet runs of a control plane by itself, by kubeadm's names. */
const staticPods = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/**
 * Patches of a control plane's pods, by path. They are asked from the first second on, every second, and for as long in all as by
 * kubeadm: with its ten seconds before and between, a control plane that starts again is called not ready for up to half a minute
 * in which it works.
 */
export function staticPodPatches(): ReadonlyMap<string, string> {
  const startupProbe = { initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 240 };
  return new Map(
    staticPods.map((name) => [
      `${paths.patches}/${name}+strategic.yaml`,
      yaml({ spec: { containers: [{ name, startupProbe }] } }),
    ]),
  );
}

/** kubeadm's configuration, v1beta4, for `init` or `join` by role. */
export function kubeadmConfig(join: JoinFile, identity: MachineIdentity): string {
  const documents = join.role === 'control-plane' ? initDocuments(join, identity) : joinDocuments(join, identity);
  return documents.map(yaml).join('---\n');
}

function initDocuments(join: JoinFile, identity: MachineIdentity): object[] {
  return [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      // Nobody uses the token that kubeadm makes by itself, and it is gone in a minute: every machine gets its own.
      bootstrapTokens: [{ ttl: '1m0s', description: 'made by kubeadm init, used by nobody' }],
      localAPIEndpoint: { advertiseAddress: identity.nodeIp, bindPort: join.api.port },
      nodeRegistration: nodeRegistration(join, identity),
      patches: { directory: paths.patches },
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      clusterName: join.cluster,
      kubernetesVersion: `v${join.kubernetes}`,
      controlPlaneEndpoint: `${join.api.address}:${join.api.port}`,
      networking: { serviceSubnet: join.services, dnsDomain: 'cluster.local' },
      apiServer: apiServer(join),
      controllerManager: { extraArgs: listOf({ controllers }) },
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      clusterDNS: [dnsAddress(join.services)],
      clusterDomain: 'cluster.local',
      failSwapOn: false,
      rotateCertificates: true,
      // Signed by the cluster's authority, once our approver has found that the addresses are the machine's.
      serverTLSBootstrap: true,
    },
    {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      // Two pod ranges, one per ground: no single CIDR tells what is local.
      detectLocalMode: 'InterfaceNamePrefix',
      detectLocal: { interfaceNamePrefix: podInterfacePrefix },
      // One for all machines, and kube-proxy exits where it may not set them: each machine's own sysctl file does it.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    },
  ];
}

/**
 * kubeadm's own list without upstream's eviction, which can't tell a cut line from dead machines: our controller evicts.
 * @source kubernetes v1.36.3 cmd/kubeadm/app/phases/controlplane/manifests.go · KEP-3902
 */
const controllers = '*,bootstrapsigner,tokencleaner,-taint-eviction-controller';

function apiServer({ secretsEncryption = false }: JoinFile): object {
  const args = {
    // Without it the API server takes whoever answers at the address of a node for its kubelet.
    'kubelet-certificate-authority': '/etc/kubernetes/pki/ca.crt',
    ...(secretsEncryption && { 'encryption-provider-config': encryptionPath }),
  };
  const file = { hostPath: encryptionPath, mountPath: encryptionPath, readOnly: true, pathType: 'File' };
  return {
    extraArgs: listOf(args),
    ...(secretsEncryption && { extraVolumes: [{ name: 'encryption', ...file }] }),
  };
}

/** As kubeadm takes arguments. */
function listOf(args: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(args).map(([name, value]) => ({ name, value }));
}

/**
 * How the API server stores Secrets: encrypted with the key. What was stored before is still read.
 * @param key 32 bytes in base64
 * @source https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
 */
export function encryptionConfiguration(key: string): string {
  const providers = [{ secretbox: { keys: [{ name: 'key1', secret: key }] } }, { identity: {} }];
  return yaml({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers }],
  });
}

function joinDocuments(join: JoinFile, identity: MachineIdentity): object[] {
  return [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'JoinConfiguration',
      discovery: {
        bootstrapToken: {
          apiServerEndpoint: `${join.api.address}:${join.api.port}`,
          token: join.admission?.token,
          caCertHashes: [join.admission?.caHash],
        },
      },
      nodeRegistration: nodeRegistration(join, identity),
      patches: { directory: paths.patches },
    },
  ];
}

function nodeRegistration(join: JoinFile, identity: MachineIdentity): object {
  const labels = {
    'isthmus.dev/ground': join.ground,
    'topology.kubernetes.io/region': join.region,
    'topology.kubernetes.io/zone': join.zone,
    ...join.labels,
  };
  const args = {
    'node-ip': identity.nodeIp,
    'node-labels': Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    'provider-id': formatProviderId(identity.providerId),
  };
  return {
    name: join.machine,
    criSocket: `unix://${paths.containerdSocket}`,
    // The bundle brought them; what is missing may still come from a registry.
    imagePullPolicy: 'IfNotPresent',
    ...(join.taints !== undefined && { taints: join.taints }),
    kubeletExtraArgs: listOf(args),
  };
}

/** YAML 1.1, which is what kubeadm's reader and cloud-init take: 1.2 would leave `on` and `1_000` unquoted. */
function yaml(document: object): string {
  return stringify(document, { version: '1.1', lineWidth: 0 });
}
