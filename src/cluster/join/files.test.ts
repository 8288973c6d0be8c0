import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { JoinFile } from '#machine/join-file.ts';
import { chooseSettings } from './choose-settings.ts';
import {
  containerdConfig,
  encryptionConfiguration,
  kubeadmConfig,
  kubeletPatch,
  type MachineIdentity,
  staticPodPatches,
  sysctlFile,
} from './files.ts';
import { usualMachine } from './machine-facts.example.ts';

const join: JoinFile = {
  format: 'isthmus-join/v1',
  cluster: 'shop',
  machine: 'base-1',
  role: 'node',
  ground: 'site',
  kubernetes: '1.36.3',
  bundle: { url: 'http://store/bundle', digest: `sha256:${'a'.repeat(64)}` },
  api: { address: '10.9.0.10', port: 6443 },
  provider: 'ucloud',
  region: 'cn-bj2',
  zone: 'site',
  services: '10.96.0.0/16',
  nodeIp: '192.168.50.13',
  admission: { token: 'abcdef.0123456789abcdef', caHash: `sha256:${'b'.repeat(64)}` },
};
const onSite: MachineIdentity = { nodeIp: '192.168.50.13', providerId: { ground: 'site', machine: 'base-1' } };
const inCloud: MachineIdentity = {
  nodeIp: '10.9.0.10',
  providerId: { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' },
};
const usual = chooseSettings(usualMachine);
const inLab = chooseSettings({
  ...usualMachine,
  cgroup: 'v1',
  mayLowerOomScore: false,
  conntrackMax: 'read-only',
  containerdOnOverlay: true,
});

test("a joining machine's kubeadm configuration", () => {
  expect(kubeadmConfig(join, onSite)).toMatchInlineSnapshot(`
    "apiVersion: kubeadm.k8s.io/v1beta4
    kind: JoinConfiguration
    discovery:
      bootstrapToken:
        apiServerEndpoint: 10.9.0.10:6443
        token: abcdef.0123456789abcdef
        caCertHashes:
          - sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    nodeRegistration:
      name: base-1
      criSocket: unix:///run/containerd/containerd.sock
      imagePullPolicy: IfNotPresent
      kubeletExtraArgs:
        - name: node-ip
          value: 192.168.50.13
        - name: node-labels
          value: isthmus.dev/ground=site,topology.kubernetes.io/region=cn-bj2,topology.kubernetes.io/zone=site
        - name: provider-id
          value: isthmus-site://base-1
    patches:
      directory: /etc/isthmus/patches
    "
  `);
});

test("a control plane's kubeadm configuration", () => {
  const { admission: _none, ...rest } = join;
  const controlPlane: JoinFile = {
    ...rest,
    machine: 'cp-1',
    role: 'control-plane',
    ground: 'cloud',
    zone: 'cn-bj2-04',
  };
  expect(kubeadmConfig(controlPlane, inCloud)).toMatchInlineSnapshot(`
    "apiVersion: kubeadm.k8s.io/v1beta4
    kind: InitConfiguration
    bootstrapTokens:
      - ttl: 1m0s
        description: made by kubeadm init, used by nobody
    localAPIEndpoint:
      advertiseAddress: 10.9.0.10
      bindPort: 6443
    nodeRegistration:
      name: cp-1
      criSocket: unix:///run/containerd/containerd.sock
      imagePullPolicy: IfNotPresent
      kubeletExtraArgs:
        - name: node-ip
          value: 10.9.0.10
        - name: node-labels
          value: isthmus.dev/ground=cloud,topology.kubernetes.io/region=cn-bj2,topology.kubernetes.io/zone=cn-bj2-04
        - name: provider-id
          value: ucloud://cn-bj2-04/uhost-1
    patches:
      directory: /etc/isthmus/patches
    ---
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    clusterName: shop
    kubernetesVersion: v1.36.3
    controlPlaneEndpoint: 10.9.0.10:6443
    networking:
      serviceSubnet: 10.96.0.0/16
      dnsDomain: cluster.local
    apiServer:
      extraArgs:
        - name: kubelet-certificate-authority
          value: /etc/kubernetes/pki/ca.crt
    controllerManager:
      extraArgs:
        - name: controllers
          value: "*,bootstrapsigner,tokencleaner,-taint-eviction-controller"
    ---
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    clusterDNS:
      - 10.96.0.10
    clusterDomain: cluster.local
    failSwapOn: false
    rotateCertificates: true
    serverTLSBootstrap: true
    ---
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    mode: nftables
    detectLocalMode: InterfaceNamePrefix
    detectLocal:
      interfaceNamePrefix: ist
    conntrack:
      maxPerCore: 0
      min: 0
      tcpEstablishedTimeout: 0s
      tcpCloseWaitTimeout: 0s
    "
  `);
});

test('a control plane that encrypts Secrets gives its API server the key, and still reads what was stored before', () => {
  const { admission: _none, ...rest } = join;
  const text = kubeadmConfig({ ...rest, role: 'control-plane', secretsEncryption: true }, inCloud);
  expect(parseAllDocuments(text)[1]?.toJS()).toMatchObject({
    kind: 'ClusterConfiguration',
    apiServer: {
      extraArgs: [
        { name: 'kubelet-certificate-authority', value: '/etc/kubernetes/pki/ca.crt' },
        { name: 'encryption-provider-config', value: '/etc/kubernetes/encryption.yaml' },
      ],
      extraVolumes: [
        {
          name: 'encryption',
          hostPath: '/etc/kubernetes/encryption.yaml',
          mountPath: '/etc/kubernetes/encryption.yaml',
          readOnly: true,
          pathType: 'File',
        },
      ],
    },
  });
  expect(parse(encryptionConfiguration('a2V5'))).toEqual({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [
      {
        resources: ['secrets'],
        providers: [{ secretbox: { keys: [{ name: 'key1', secret: 'a2V5' }] } }, { identity: {} }],
      },
    ],
  });
});

test('every YAML document reads the same in YAML 1.1, which kubeadm and cloud-init speak', () => {
  const odd = { ...join, cluster: 'on', zone: 'no', region: '1_000' };
  for (const text of [kubeadmConfig(odd, onSite), kubeletPatch(inLab), ...staticPodPatches().values()]) {
    const [old, now] = (['1.1', '1.2'] as const).map((version) =>
      parseAllDocuments(text, { version }).map((document) => document.toJS() as unknown),
    );
    expect(old).toEqual(now);
  }
});

test.each([
  ['a usual machine', usual],
  ['a machine of the lab', inLab],
])('containerd, kubelet and kernel settings of %s', (_title, settings) => {
  const files = [
    containerdConfig(settings, 'registry.k8s.io/pause:3.10.2'),
    kubeletPatch(settings),
    sysctlFile(settings),
  ];
  expect(files.join('\n--- next file\n')).toMatchSnapshot();
});

test('the four static pods of a control plane are asked every second until they have started', () => {
  const patches = [...staticPodPatches()].map(([path, text]) => [path, parse(text)]);
  expect(patches.map(([path]) => path)).toEqual([
    '/etc/isthmus/patches/etcd+strategic.yaml',
    '/etc/isthmus/patches/kube-apiserver+strategic.yaml',
    '/etc/isthmus/patches/kube-controller-manager+strategic.yaml',
    '/etc/isthmus/patches/kube-scheduler+strategic.yaml',
  ]);
  const startupProbe = { initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 240 };
  expect(patches[0]?.[1]).toEqual({ spec: { containers: [{ name: 'etcd', startupProbe }] } });
});

test('kubelet takes as many pods as the machine has addresses, and its usual number when that is not known', () => {
  expect(parse(kubeletPatch(inLab, { maxPods: 14 }))).toMatchObject({ maxPods: 14 });
  expect(parse(kubeletPatch(inLab))).not.toHaveProperty('maxPods');
});
