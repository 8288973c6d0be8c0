import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { systemNamespace } from '#kube/api/settings.ts';
import { agentAccount } from './agent-daemon-set.ts';

type Named<T> = T & { readonly metadata: { readonly name: string } };

const user = `system:serviceaccount:${systemNamespace}:${agentAccount}`;
const nodeOfToken = "request.userInfo.extra['authentication.kubernetes.io/node-name']";
const isOwn = `'authentication.kubernetes.io/node-name' in request.userInfo.extra && ${nodeOfToken}[0] == request.name`;
/** What a kubelet says of its node, conditions apart. */
const statusFields = [
  'addresses',
  'allocatable',
  'capacity',
  'config',
  'daemonEndpoints',
  'images',
  'nodeInfo',
  'phase',
];
const askedByAgent = [{ name: 'asked-by-an-agent', expression: `request.userInfo.username == '${user}'` }];

/**
 * An agent may write the status of the PodRange of its own node and nothing else of any. Which node is its own stands in its
 * token, put there by the API server for the node that the agent's pod is bound to.
 * @source kubernetes KEP-4193, bound service account token improvements
 */
export const onlyOwnStatus: Named<IValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'isthmus-agent-writes-own-status' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ['isthmus.dev'],
          apiVersions: ['*'],
          resources: ['podranges', 'podranges/status'],
          operations: ['CREATE', 'UPDATE', 'DELETE'],
        },
      ],
    },
    matchConditions: askedByAgent,
    validations: [
      {
        expression: "request.subResource == 'status'",
        message: 'an agent writes only the status of a PodRange',
        reason: 'Forbidden',
      },
      {
        expression: isOwn,
        message: 'an agent writes only the PodRange of the node that its token is bound to',
        reason: 'Forbidden',
      },
    ],
  },
};

/** In CEL: the field is as it was, or absent as it was. */
function isKept(part: 'metadata' | 'status', field: string): string {
  const [now, before] = [`object.${part}.${field}`, `oldObject.${part}.${field}`];
  return `(has(${now}) ? has(${before}) && ${now} == ${before} : !has(${before}))`;
}

function otherConditions(object: 'object' | 'oldObject'): string {
  const all = `${object}.status.conditions`;
  return `(has(${all}) ? ${all}.filter(c, c.type != 'NetworkUnavailable') : [])`;
}

/**
 * Of Nodes an agent may write one condition, NetworkUnavailable, of its own node. The status subresource would let it change labels,
 * addresses and everything else that a kubelet says.
 */
export const onlyOwnCondition: Named<IValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'isthmus-agent-writes-own-condition' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['*'],
          resources: ['nodes', 'nodes/status'],
          operations: ['CREATE', 'UPDATE', 'DELETE'],
        },
      ],
    },
    matchConditions: askedByAgent,
    validations: [
      { expression: isOwn, message: 'an agent writes only the Node that its token is bound to', reason: 'Forbidden' },
      {
        expression: "request.subResource == 'status' && oldObject != null && object != null",
        message: 'an agent writes only the status of a Node',
        reason: 'Forbidden',
      },
      {
        expression: [
          ...['labels', 'annotations', 'finalizers', 'ownerReferences'].map((field) => isKept('metadata', field)),
          ...statusFields.map((field) => isKept('status', field)),
          `${otherConditions('object')} == ${otherConditions('oldObject')}`,
        ].join(' && '),
        message: 'an agent changes nothing of a Node but its condition NetworkUnavailable',
        reason: 'Forbidden',
      },
    ],
  },
};

export const onlyOwnStatusBinding = bindingOf(onlyOwnStatus);
export const onlyOwnConditionBinding = bindingOf(onlyOwnCondition);

function bindingOf({
  metadata: { name },
}: Named<IValidatingAdmissionPolicy>): Named<IValidatingAdmissionPolicyBinding> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  };
}
