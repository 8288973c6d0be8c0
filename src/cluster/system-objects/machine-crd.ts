import { machineSpec, machines } from '#kube/api/machine.ts';
import { type CrdObject, crdFor } from '#kube/crd.ts';

export const machineCrd: CrdObject = crdFor(
  machines,
  { spec: machineSpec },
  {
    singular: 'machine',
    description: 'A physical machine of the site, named like its node.',
    printerColumns: [
      { name: 'Address', type: 'string', jsonPath: '.spec.address' },
      { name: 'Host key', type: 'string', jsonPath: '.spec.hostKey', priority: 1 },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  },
);
