import type { IClusterRole, IClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { IServiceAccount } from 'kubernetes-models/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { denying } from '#capability/own-node.ts';
import { podRangeSpec, podRangeStatus, podRanges } from '#kube/api/pod-range.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import { type CrdObject, crdFor, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  admissionBindings,
  admissionPolicies,
  clusterRoleBindings,
  clusterRoles,
  daemonSets,
  mutatingBindings,
  mutatingPolicies,
  serviceAccounts,
} from '#kube/resources.ts';
import { agentAccount, agentDaemonSet } from './agent-daemon-set.ts';
import { onlyOwnNetworkCondition, onlyOwnStatus } from './fence.ts';
import { servicesPreferOwnSide, servicesPreferOwnSideBinding } from './own-side-policy.ts';

type Named<T> = T & { readonly metadata: { readonly name: string } };

export function networkObjects({ image, api, mtu, metadata }: ClusterFacts): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  return [
    one(customResourceDefinitions as Resource<KubeObject>, podRangeCrd),
    one(admissionPolicies, onlyOwnStatus),
    one(admissionBindings, denying(onlyOwnStatus)),
    one(admissionPolicies, onlyOwnNetworkCondition),
    one(admissionBindings, denying(onlyOwnNetworkCondition)),
    one(mutatingPolicies, servicesPreferOwnSide),
    one(mutatingBindings, servicesPreferOwnSideBinding),
    one(serviceAccounts, agentServiceAccount),
    ...roles.flatMap((role) => [one(clusterRoles, role.role), one(clusterRoleBindings, role.binding)]),
    one(daemonSets, agentDaemonSet({ image: image('isthmus.dev/isthmus:'), api, mtu, metadata })),
  ];
}

export const podRangeCrd: CrdObject = crdFor(
  podRanges,
  { spec: podRangeSpec, status: podRangeStatus },
  {
    singular: 'podrange',
    description: 'The addresses that one node, named like this, may give to its pods.',
    shortNames: ['pr'],
    printerColumns: [
      { name: 'Ground', type: 'string', jsonPath: '.spec.ground' },
      { name: 'Subnet', type: 'string', jsonPath: '.spec.subnet' },
      { name: 'In use', type: 'integer', jsonPath: '.status.inUse' },
      { name: 'Free', type: 'integer', jsonPath: '.status.free' },
      { name: 'Network', type: 'string', jsonPath: '.status.network' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  },
);

const agentServiceAccount: Named<IServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: agentAccount, namespace: systemNamespace },
};

interface BoundRole {
  readonly role: Named<IClusterRole>;
  readonly binding: Named<IClusterRoleBinding>;
}

function boundRole(name: string, account: string, rules: NonNullable<IClusterRole['rules']>): BoundRole {
  return {
    role: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
    binding: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: systemNamespace }],
    },
  };
}

const roles: readonly BoundRole[] = [
  boundRole(agentAccount, agentAccount, [
    { apiGroups: ['isthmus.dev'], resources: ['podranges'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] },
    // Which of them open the metadata server to their pods.
    { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
    // Which one's status is the business of the admission policy: RBAC can't tell one node's agent from another's.
    { apiGroups: ['isthmus.dev'], resources: ['podranges/status'], verbs: ['patch'] },
  ]),
  boundRole('isthmus-controller-network', controllerAccount, [
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
    {
      apiGroups: ['isthmus.dev'],
      resources: ['podranges'],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
    },
    // Its own condition; the rest of the status is the agent's.
    { apiGroups: ['isthmus.dev'], resources: ['podranges/status'], verbs: ['patch'] },
  ]),
];
