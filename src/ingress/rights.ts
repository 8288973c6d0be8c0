import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IServiceAccount } from 'kubernetes-models/v1';
import type { Named } from '#capability/named.ts';
import { certgenLabel } from './certgen.ts';
import { contourName, envoyName, ingressNamespace } from './names.ts';

const rbac = 'rbac.authorization.k8s.io';
const apiVersion = `${rbac}/v1`;
const read = ['get', 'list', 'watch'];
/** What concerns the whole cluster has a name that upstream's manifests do not use. */
const clusterName = `${ingressNamespace}-${contourName}`;

export const accounts: readonly Named<IServiceAccount>[] = [contourName, envoyName, certgenLabel].map((name) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: ingressNamespace },
}));

/** Upstream's, without Gateway API. Secrets of all namespaces: an Ingress names its certificate beside itself. */
export const clusterRole: Named<IClusterRole> = {
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name: clusterName },
  rules: [
    { apiGroups: [''], resources: ['configmaps', 'namespaces', 'secrets', 'services'], verbs: read },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: read },
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['create', 'get', 'update'] },
    {
      apiGroups: ['projectcontour.io'],
      resources: ['contourconfigurations', 'extensionservices', 'httpproxies', 'tlscertificatedelegations'],
      verbs: read,
    },
    {
      apiGroups: ['projectcontour.io'],
      resources: ['contourconfigurations/status', 'extensionservices/status', 'httpproxies/status'],
      verbs: ['create', 'get', 'update'],
    },
  ],
};

export const clusterRoleBinding: Named<IClusterRoleBinding> = {
  apiVersion,
  kind: 'ClusterRoleBinding',
  metadata: { name: clusterName },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: clusterName },
  subjects: [{ kind: 'ServiceAccount', name: contourName, namespace: ingressNamespace }],
};

export const roles: readonly Named<IRole>[] = [
  {
    apiVersion,
    kind: 'Role',
    metadata: { name: contourName, namespace: ingressNamespace },
    rules: [
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'get', 'update'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
    ],
  },
  {
    apiVersion,
    kind: 'Role',
    metadata: { name: certgenLabel, namespace: ingressNamespace },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'update'] }],
  },
];

export const roleBindings: readonly Named<IRoleBinding>[] = [contourName, certgenLabel].map((name) => ({
  apiVersion,
  kind: 'RoleBinding',
  metadata: { name, namespace: ingressNamespace },
  roleRef: { apiGroup: rbac, kind: 'Role', name },
  subjects: [{ kind: 'ServiceAccount', name, namespace: ingressNamespace }],
}));
