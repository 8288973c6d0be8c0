import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { listOf } from '#capability/cel.ts';
import { cloudOnlyLabels } from '#capability/cloud-labels.ts';
import { groundLabel } from '#capability/ground.ts';
import type { Named } from '#capability/named.ts';

const name = 'isthmus-nodes-keep-their-ground';

/**
 * A machine of the site cannot call itself a machine of the cloud, whoever writes its Node: pods with cloud disks would be sent to it. A kubelet
 * chooses the labels and the provider id of its own Node, so neither of them alone is believed.
 * @unit site: names of the machines of the site
 */
export function nodesKeepTheirGround(site: readonly string[]): Named<IValidatingAdmissionPolicy> {
  // In the order of the list: that of a map is chance.
  const cloudLabels = `${listOf(cloudOnlyLabels)}.filter(k, k in variables.labels)`;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          // A kubelet may write labels along with its status.
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            resources: ['nodes', 'nodes/status'],
            operations: ['CREATE', 'UPDATE'],
          },
        ],
      },
      matchConditions: [
        // A node that has such a label from before stays Ready; the controller takes the label off.
        {
          name: 'is-changed',
          expression: `oldObject == null || ${labelsOf('object')} != ${labelsOf('oldObject')} || ${idOf('object')} != ${idOf('oldObject')}`,
        },
        {
          name: 'is-of-the-site',
          expression: `${idOf('object')}.startsWith('isthmus-site://') || object.metadata.name in ${listOf(site)}`,
        },
      ],
      variables: [
        { name: 'labels', expression: labelsOf('object') },
        { name: 'id', expression: idOf('object') },
      ],
      validations: [
        {
          expression: "variables.id == '' || variables.id == 'isthmus-site://' + object.metadata.name",
          messageExpression: `object.metadata.name + ' is a machine of the site, and its spec.providerID is "' + variables.id + '": reset the machine and join it again'`,
          reason: 'Forbidden',
        },
        {
          expression: `size(${cloudLabels}) == 0 && (!('${groundLabel}' in variables.labels) || variables.labels['${groundLabel}'] == 'site')`,
          messageExpression: `object.metadata.name + ' is a machine of the site, which cannot have the labels of machines of the cloud: ' + (${cloudLabels} + variables.labels.filter(k, k == '${groundLabel}' && variables.labels[k] != 'site')).join(', ')`,
          reason: 'Forbidden',
        },
      ],
    },
  };
}

function labelsOf(object: string): string {
  return `(has(${object}.metadata.labels) ? ${object}.metadata.labels : {})`;
}

function idOf(object: string): string {
  return `(has(${object}.spec.providerID) ? ${object}.spec.providerID : '')`;
}
