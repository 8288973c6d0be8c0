import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type Rules, refusing, rightsAtHome, rightsEverywhere } from '#capability/rights.ts';
import { signers } from '#kube/api/certificate-request.ts';
import { controllerAccount } from '#kube/api/settings.ts';
import { nodesKeepTheirLabels, tokensAskForKubelets } from './policies.ts';

const everywhere: Rules = [
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
];

const atHome: Rules = [
  // Whose a join token is, and that it has been used.
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'patch'] },
];

export function identityObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const approver = { name: 'isthmus-controller-identity', account: controllerAccount };
  return [
    ...rightsEverywhere({ ...approver, rules: everywhere }),
    ...rightsAtHome({ ...approver, rules: atHome }),
    ...refusing(tokensAskForKubelets),
    ...refusing(nodesKeepTheirLabels(cluster.machines.map((machine) => machine.name))),
  ];
}
