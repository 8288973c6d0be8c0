import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { askedBy, isNamedLikeOwnNode, onlyOwnCondition } from '#capability/own-node.ts';
import { seesPrefix } from '#kube/api/cut.ts';
import { agentAccount } from './agent-daemon-set.ts';

/** An agent may write the status of the PodRange of its own node and nothing else of any. */
export const onlyOwnStatus: IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } } = {
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
    matchConditions: [...askedBy(agentAccount)],
    validations: [
      {
        expression: "request.subResource == 'status'",
        message: 'an agent writes only the status of a PodRange',
        reason: 'Forbidden',
      },
      {
        expression: isNamedLikeOwnNode,
        message: 'an agent writes only the PodRange of the node that its token is bound to',
        reason: 'Forbidden',
      },
    ],
  },
};

/** Of its own Node it writes the condition of its network, and which machines it can reach that the API server does not hear. */
export const onlyOwnNetworkCondition = onlyOwnCondition({
  name: 'isthmus-agent-writes-own-condition',
  account: agentAccount,
  who: 'an agent',
  condition: 'NetworkUnavailable',
  aboutOthers: seesPrefix,
});
