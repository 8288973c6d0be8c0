import type { IServiceAccount } from 'kubernetes-models/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import type { Named } from '#capability/named.ts';
import { type Rights, refusing, rightsEverywhere } from '#capability/rights.ts';
import { podRangeSpec, podRangeStatus, podRanges } from '#kube/api/pod-range.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import { type CrdObject, crdFor, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { daemonSets, mutatingBindings, mutatingPolicies, serviceAccounts } from '#kube/resources.ts';
import { agentAccount, agentDaemonSet } from './agent-daemon-set.ts';
import { onlyOwnNetworkCondition, onlyOwnStatus } from './fence.ts';
import { servicesPreferOwnSide, servicesPreferOwnSideBinding } from './own-side-policy.ts';

export function networkObjects({ image, api, mtu, metadata }: ClusterFacts): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  return [
    one(customResourceDefinitions as Resource<KubeObject>, podRangeCrd),
    ...refusing(onlyOwnStatus),
    ...refusing(onlyOwnNetworkCondition),
    one(mutatingPolicies, servicesPreferOwnSide),
    one(mutatingBindings, servicesPreferOwnSideBinding),
    one(serviceAccounts, agentServiceAccount),
    ...rights.flatMap(rightsEverywhere),
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

const rights: readonly Rights[] = [
  {
    name: agentAccount,
    account: agentAccount,
    rules: [
      { apiGroups: ['isthmus.dev'], resources: ['podranges'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] },
      // Which of them open the metadata server to their pods.
      { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
      // Which one's status is the business of the admission policy: RBAC can't tell one node's agent from another's.
      { apiGroups: ['isthmus.dev'], resources: ['podranges/status'], verbs: ['patch'] },
    ],
  },
  {
    name: 'isthmus-controller-network',
    account: controllerAccount,
    rules: [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      {
        apiGroups: ['isthmus.dev'],
        resources: ['podranges'],
        verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
      },
      // Whether pods of a machine are routed or bridged.
      { apiGroups: ['isthmus.dev'], resources: ['machines'], verbs: ['list', 'watch'] },
      // Its own condition; the rest of the status is the agent's.
      { apiGroups: ['isthmus.dev'], resources: ['podranges/status'], verbs: ['patch'] },
    ],
  },
];
