import type { KubeObject, Resource } from '#kube/kube.ts';

/** The kinds that a cluster is furnished with and that nobody else in this program reads. */
const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;
const admission = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
const core = { group: '', version: 'v1' } as const;

export const serviceAccounts: Resource<KubeObject> = {
  ...core,
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};
export const services: Resource<KubeObject> = { ...core, plural: 'services', kind: 'Service', namespaced: true };
export const clusterRoles: Resource<KubeObject> = {
  ...rbac,
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
};
export const clusterRoleBindings: Resource<KubeObject> = {
  ...rbac,
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
};
export const roles: Resource<KubeObject> = { ...rbac, plural: 'roles', kind: 'Role', namespaced: true };
export const roleBindings: Resource<KubeObject> = {
  ...rbac,
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
};
export const admissionPolicies: Resource<KubeObject> = {
  ...admission,
  plural: 'validatingadmissionpolicies',
  kind: 'ValidatingAdmissionPolicy',
  namespaced: false,
};
export const admissionBindings: Resource<KubeObject> = {
  ...admission,
  plural: 'validatingadmissionpolicybindings',
  kind: 'ValidatingAdmissionPolicyBinding',
  namespaced: false,
};
