import type { IClusterRole, IClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { denying } from '#capability/own-node.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { admissionBindings, admissionPolicies, clusterRoleBindings, clusterRoles } from '#kube/resources.ts';
import { nodesKeepTheirGround } from './policy/keep-ground.ts';
import { noCloudTaints } from './policy/no-cloud-taints.ts';
import { siteNodesStay } from './policy/site-nodes-stay.ts';

const name = 'isthmus-controller-node';

const role: IClusterRole & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: [
    // Labels and taints, and Nodes whose machines the cloud does not know.
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
    // What is done about these.
    { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
  ],
};

const binding: IClusterRoleBinding & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};

export function nodeObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  const site = cluster.machines.map((machine) => machine.name);
  const policies = [nodesKeepTheirGround(site), siteNodesStay(site), noCloudTaints(site)];
  return [
    one(clusterRoles, role),
    one(clusterRoleBindings, binding),
    ...policies.flatMap((policy) => [one(admissionPolicies, policy), one(admissionBindings, denying(policy))]),
  ];
}
