import { zoneKey } from '#capability/cloud-labels.ts';
import { groundLabel } from '#capability/ground.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { StorageCapacityObject, StorageClassObject } from '#kube/resources.ts';
import { diskDriver } from '../driver.ts';
import { groundOfDriver } from '../grounds.ts';

/**
 * On which nodes the scheduler may put a pod whose volume of that class is yet to be made: nodes of the cloud, for a disk such that its driver runs on.
 * Without it a class without `allowedTopologies`, as UK8S's users write them, would send pods to machines of the site as well, and there they would wait for
 * ever. `undefined` for a class that is not the cloud's. The cloud has room for whatever it sells: what it has not, it says when it is asked.
 */
export function planCapacity({ metadata, provisioner = '' }: StorageClassObject): StorageCapacityObject | undefined {
  if (groundOfDriver[provisioner] !== 'cloud') return undefined;
  const { name, uid = '' } = metadata;
  return {
    metadata: {
      name: capacityName(name),
      namespace: systemNamespace,
      // It goes with its class.
      ownerReferences: [{ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name, uid }],
    },
    storageClassName: name,
    capacity: '1Ei',
    nodeTopology: {
      matchExpressions: [
        { key: groundLabel, operator: 'In', values: ['cloud'] },
        ...(provisioner === diskDriver ? [{ key: zoneKey, operator: 'Exists' }] : []),
      ],
    },
  };
}

export function capacityName(className: string): string {
  return `isthmus-${className}`;
}
