import type {
  IClusterRole,
  IClusterRoleBinding,
  IRole,
  IRoleBinding,
} from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { denying } from '#capability/own-node.ts';
import { signers } from '#kube/api/certificate-request.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  admissionBindings,
  admissionPolicies,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
} from '#kube/resources.ts';
import { nodesKeepTheirLabels, tokensAskForKubelets } from './policies.ts';

type Named<T> = T & { readonly metadata: { readonly name: string } };

const name = 'isthmus-controller-identity';

const role: Named<IClusterRole> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests'],
      verbs: ['list', 'watch'],
    },
    { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/approval'], verbs: ['update'] },
    // No certificate of any other kind.
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: Object.values(signers),
      verbs: ['approve'],
    },
    { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
    { apiGroups: ['isthmus.dev'], resources: ['machines'], verbs: ['get'] },
  ],
};

const binding: Named<IClusterRoleBinding> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};

const own = { name, namespace: systemNamespace };

const ownRole: Named<IRole> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: own,
  rules: [
    // Whose a join token is, and that it has been used.
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'patch'] },
  ],
};

const ownBinding: Named<IRoleBinding> = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: own,
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};

export function identityObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  const keepLabels = nodesKeepTheirLabels(cluster.machines.map((machine) => machine.name));
  return [
    one(clusterRoles, role),
    one(clusterRoleBindings, binding),
    one(roles, ownRole),
    one(roleBindings, ownBinding),
    one(admissionPolicies, tokensAskForKubelets),
    one(admissionBindings, denying(tokensAskForKubelets)),
    one(admissionPolicies, keepLabels),
    one(admissionBindings, denying(keepLabels)),
  ];
}
