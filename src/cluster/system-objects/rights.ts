import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IServiceAccount } from 'kubernetes-models/v1';
import { systemNamespace } from '#kube/api/settings.ts';

type Named<T> = T & { readonly metadata: { readonly name: string } };

export const agentAccount = 'isthmus-agent';
export const controllerAccount = 'isthmus-controller';

export const serviceAccounts: readonly Named<IServiceAccount>[] = [agentAccount, controllerAccount].map((name) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: systemNamespace },
}));

export const clusterRoles: readonly Named<IClusterRole>[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: agentAccount },
    rules: [
      { apiGroups: ['isthmus.dev'], resources: ['podranges'], verbs: ['get', 'list', 'watch'] },
      // Which one's status is the business of the admission policy: RBAC can't tell one node's agent from another's.
      { apiGroups: ['isthmus.dev'], resources: ['podranges/status'], verbs: ['patch', 'update'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: controllerAccount },
    rules: [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['isthmus.dev'], resources: ['podranges'], verbs: ['*'] },
      { apiGroups: ['isthmus.dev'], resources: ['machines'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ],
  },
];

export const clusterRoleBindings: readonly Named<IClusterRoleBinding>[] = [agentAccount, controllerAccount].map(
  (name) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: systemNamespace }],
  }),
);

/** Its lease, in our namespace only. */
export const roles: readonly Named<IRole>[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: controllerAccount, namespace: systemNamespace },
    rules: [
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
      },
    ],
  },
];

export const roleBindings: readonly Named<IRoleBinding>[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: controllerAccount, namespace: systemNamespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: controllerAccount },
    subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
  },
];
