import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IServiceAccount } from 'kubernetes-models/v1';
import type { Named } from '#capability/named.ts';
import { controllerAccount, controllerLease, systemNamespace } from '#kube/api/settings.ts';

export const serviceAccount: Named<IServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: controllerAccount, namespace: systemNamespace },
};

/** What every controller may do, whatever its capability. */
export const clusterRole: Named<IClusterRole> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: controllerAccount },
  rules: [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }],
};

export const clusterRoleBinding: Named<IClusterRoleBinding> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: controllerAccount },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: controllerAccount },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};

/** Its lease, in our namespace only. */
export const role: Named<IRole> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name: controllerAccount, namespace: systemNamespace },
  rules: [
    // A name can't be asked for at a create; afterwards only its own.
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      resourceNames: [controllerLease],
      verbs: ['get', 'update'],
    },
  ],
};

export const roleBinding: Named<IRoleBinding> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: controllerAccount, namespace: systemNamespace },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: controllerAccount },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};
