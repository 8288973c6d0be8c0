import type {
  IMutatingAdmissionPolicy,
  IMutatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { mapOf } from '#capability/cel.ts';
import type { Named } from '#capability/named.ts';
import { groundOfDriver } from '../grounds.ts';
import { volumeFacts } from './facts.ts';

const name = 'isthmus-claims-know-their-ground';
const grounds = mapOf(groundOfDriver);

/**
 * Writes on a new claim on which side its volume will be, by its StorageClass. So what uses the claim can be judged in the same
 * `kubectl apply`, before the controller has seen the claim.
 */
export const claimsKnowTheirGround: Named<IMutatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicy',
  metadata: { name },
  spec: {
    // A claim without the label is made all the same, and the controller adds it.
    failurePolicy: 'Ignore',
    reinvocationPolicy: 'Never',
    paramKind: { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' },
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['persistentvolumeclaims'], operations: ['CREATE'] },
      ],
    },
    matchConditions: [
      {
        name: 'is-of-the-class',
        expression: `has(object.spec.storageClassName) && object.spec.storageClassName == params.metadata.name && params.provisioner in ${grounds}`,
      },
    ],
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: `Object{metadata: Object.metadata{labels: {'${volumeFacts.ground}': ${grounds}[params.provisioner]}}}`,
        },
      },
    ],
  },
};

export const claimsKnowTheirGroundBinding: Named<IMutatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicyBinding',
  metadata: { name },
  spec: { policyName: name, paramRef: { selector: {}, parameterNotFoundAction: 'Allow' } },
};
