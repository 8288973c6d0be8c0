import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { isOfTheSite } from './is-of-the-site.ts';

const taintsOf = (object: string): string => `(has(${object}.spec.taints) ? ${object}.spec.taints : [])`;

/**
 * No cloud controller says of a machine of the site that it is switched off, or that it waits for a cloud. One that is there already goes by our
 * controller, and one that a kubelet brings at its registration does not keep it from registering.
 * @unit site: names of the machines of the site
 */
export function noCloudTaints(
  site: readonly string[],
): IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'isthmus-no-cloud-taints-on-site' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['nodes'], operations: ['UPDATE'] }],
      },
      matchConditions: [
        { name: 'is-changed', expression: `${taintsOf('object')} != ${taintsOf('oldObject')}` },
        { name: 'is-of-the-site', expression: isOfTheSite(site) },
      ],
      variables: [
        {
          // @source k8s.io/cloud-provider v0.36 api/well_known_taints.go
          name: 'added',
          expression: `${taintsOf('object')}.filter(t, t.key.startsWith('node.cloudprovider.kubernetes.io/') && !${taintsOf('oldObject')}.exists(o, o.key == t.key))`,
        },
      ],
      validations: [
        {
          expression: 'size(variables.added) == 0',
          messageExpression: `object.metadata.name + ' is a machine of the site, of which no cloud can say anything: it cannot have the taint ' + variables.added[0].key`,
          reason: 'Forbidden',
        },
      ],
    },
  };
}
