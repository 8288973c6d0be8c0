import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type Rules, rightsAtHome, rightsEverywhere } from '#capability/rights.ts';
import { controllerAccount } from '#kube/api/settings.ts';
import { volumePlaces, volumePlacesSpec } from '#kube/api/volume-places.ts';
import { type CrdObject, crdFor, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { admissionBindings, admissionPolicies, mutatingBindings, mutatingPolicies } from '#kube/resources.ts';
import { diskDriver } from './driver.ts';
import { volumesApart, volumesApartBindings } from './guard/apart-policy.ts';
import { claimsKnowTheirGround, claimsKnowTheirGroundBinding } from './guard/ground-policy.ts';
import { classOutOfReach, outOfReachBindings, volumeOutOfReach } from './guard/placement-policy.ts';
import { shareDriver } from './share/driver.ts';

const everywhere: Rules = [
  // Where its volume can be used.
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['list', 'watch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: ['list', 'watch'] },
  // What its volumes have left behind in the cloud.
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['csidrivers'],
    resourceNames: [diskDriver, shareDriver],
    verbs: ['get', 'patch'],
  },
  { apiGroups: ['isthmus.dev'], resources: ['volumeplaces'], verbs: ['list', 'watch', 'create', 'patch', 'delete'] },
  // The taint of a machine of the cloud that is switched off.
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
];

const atHome: Rules = [
  // On which nodes volumes of a class can be made.
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['csistoragecapacities'],
    verbs: ['list', 'watch', 'create', 'delete'],
  },
  // Which disks were asked for and were never attached.
  { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'delete'] },
];

export const volumePlacesCrd: CrdObject = crdFor(
  volumePlaces,
  { spec: volumePlacesSpec },
  {
    singular: 'volumeplaces',
    description: 'Where the volumes of a namespace can be used, when they cannot all be used in one place.',
    printerColumns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
  },
);

export function storageObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  const controller = { name: 'isthmus-controller-storage', account: controllerAccount };
  const site = cluster.machines.map((machine) => machine.name);
  const machines = { site, cloud: cluster.cloudMachines.map((machine) => machine.name) };
  return [
    one(customResourceDefinitions as Resource<KubeObject>, volumePlacesCrd),
    ...rightsEverywhere({ ...controller, rules: everywhere }),
    ...rightsAtHome({ ...controller, rules: atHome }),
    one(mutatingPolicies, claimsKnowTheirGround),
    one(mutatingBindings, claimsKnowTheirGroundBinding),
    one(admissionPolicies, volumeOutOfReach(machines)),
    one(admissionPolicies, classOutOfReach(machines)),
    one(admissionPolicies, volumesApart),
    ...[...outOfReachBindings, ...volumesApartBindings].map((object) => one(admissionBindings, object)),
  ];
}
