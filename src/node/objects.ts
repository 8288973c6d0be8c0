import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type Rules, refusing, rightsEverywhere } from '#capability/rights.ts';
import { controllerAccount } from '#kube/api/settings.ts';
import { nodesKeepTheirGround } from './policy/keep-ground.ts';
import { noCloudTaints } from './policy/no-cloud-taints.ts';
import { siteNodesStay } from './policy/site-nodes-stay.ts';

const rules: Rules = [
  // Labels and taints, and Nodes whose machines the cloud does not know.
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'patch', 'delete'] },
  // Those that do not tolerate the taints of their nodes.
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  // What they say of pods whose machine is cut off.
  { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
  // What is done about Nodes.
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
];

export function nodeObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const site = cluster.machines.map((machine) => machine.name);
  const policies = [nodesKeepTheirGround(site), siteNodesStay(site), noCloudTaints(site)];
  return [
    ...rightsEverywhere({ name: 'isthmus-controller-node', account: controllerAccount, rules }),
    ...policies.flatMap(refusing),
  ];
}
