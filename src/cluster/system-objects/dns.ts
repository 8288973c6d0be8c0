import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IClusterRole, IClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IConfigMap, IService, IServiceAccount } from 'kubernetes-models/v1';
import type { SystemObject } from '#capability/capability.ts';
import type { Named } from '#capability/named.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  deployments,
  serviceAccounts,
  services,
} from '#kube/resources.ts';
import { type Cidr, formatCidr } from '#unit/ip.ts';
import type { ClusterConfig } from '../config/config.ts';
import { dnsAddress } from '../join/files.ts';

type Ground = 'cloud' | 'site';

export function objects(config: ClusterConfig, image: string): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  return [
    one(serviceAccounts, serviceAccount),
    one(clusterRoles, clusterRole),
    one(clusterRoleBindings, clusterRoleBinding),
    one(configMaps, corefile),
    one(services, service(config.network.services)),
    ...groundsOf(config).map(({ ground, machines }) => one(deployments, deployment(ground, machines, image))),
  ];
}

/** Names are answered on both sides, so that a cut line takes no side's DNS away. */
function groundsOf(config: ClusterConfig): readonly { readonly ground: Ground; readonly machines: number }[] {
  const { cloudMachines, machines } = config;
  // A side without machines has none running, so that one whose last machine was removed is complete.
  return [
    { ground: 'cloud', machines: cloudMachines.length },
    { ground: 'site', machines: machines.length },
  ];
}

const namespace = 'kube-system';
// Names that everyone who looks for cluster DNS knows.
const labels = { 'k8s-app': 'kube-dns' };
const account = 'coredns';

const serviceAccount: Named<IServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: account, namespace },
};

const clusterRole: Named<IClusterRole> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'system:coredns' },
  rules: [
    { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
};

const clusterRoleBinding: Named<IClusterRoleBinding> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'system:coredns' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
  subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
};

/** kubeadm's own, @source kubernetes cmd/kubeadm/app/phases/addons/dns/manifests.go v1.36.3 */
const corefile: Named<IConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'coredns', namespace },
  data: {
    Corefile: `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`,
  },
};

function service(range: Cidr): Named<IService> & KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace,
      labels: { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP: dnsAddress(formatCidr(range)),
      selector: labels,
      // A side asks its own.
      trafficDistribution: 'PreferSameZone',
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  };
}

/** As many as there are machines of the side, at most two, and never two on one machine: one machine may fail. */
function deployment(ground: Ground, machines: number, image: string): Named<IDeployment> {
  const own = { ...labels, 'isthmus.dev/ground': ground };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `coredns-${ground}`, namespace, labels: own },
    spec: {
      replicas: Math.min(2, machines),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: own },
      template: {
        metadata: { labels: own },
        spec: {
          serviceAccountName: account,
          priorityClassName: 'system-cluster-critical',
          // Its own questions go to the node's resolver.
          dnsPolicy: 'Default',
          nodeSelector: { 'isthmus.dev/ground': ground },
          tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }],
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                {
                  topologyKey: 'kubernetes.io/hostname',
                  labelSelector: { matchLabels: own },
                  // Of one version: while it is updated, the new one may start beside the old one.
                  matchLabelKeys: ['pod-template-hash'],
                },
              ],
            },
          },
          containers: [
            {
              name: 'coredns',
              image,
              imagePullPolicy: 'IfNotPresent',
              args: ['-conf', '/etc/coredns/Corefile'],
              resources: { limits: { memory: '170Mi' }, requests: { cpu: '50m', memory: '70Mi' } },
              ports: [
                { name: 'dns', containerPort: 53, protocol: 'UDP' },
                { name: 'dns-tcp', containerPort: 53, protocol: 'TCP' },
                { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
              ],
              livenessProbe: {
                httpGet: { path: '/health', port: 8080, scheme: 'HTTP' },
                initialDelaySeconds: 60,
                timeoutSeconds: 5,
                failureThreshold: 5,
              },
              readinessProbe: { httpGet: { path: '/ready', port: 8181, scheme: 'HTTP' }, periodSeconds: 2 },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
                readOnlyRootFilesystem: true,
              },
              volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: 'coredns' } }],
        },
      },
    },
  };
}
