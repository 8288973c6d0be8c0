import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { systemNamespace } from '#kube/api/settings.ts';
import { agentAccount } from './agent-daemon-set.ts';

type Named<T> = T & { readonly metadata: { readonly name: string } };

const name = 'isthmus-agent-writes-own-status';
const user = `system:serviceaccount:${systemNamespace}:${agentAccount}`;
const nodeOfToken = "request.userInfo.extra['authentication.kubernetes.io/node-name']";

/**
 * An agent may write the status of the PodRange of its own node and nothing else of any. Which node is its own stands in its
 * token, put there by the API server for the node that the agent's pod is bound to.
 * @source kubernetes KEP-4193, bound service account token improvements
 */
export const onlyOwnStatus: Named<IValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name },
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
    matchConditions: [{ name: 'asked-by-an-agent', expression: `request.userInfo.username == '${user}'` }],
    validations: [
      {
        expression: "request.subResource == 'status'",
        message: 'an agent writes only the status of a PodRange',
        reason: 'Forbidden',
      },
      {
        expression: `'authentication.kubernetes.io/node-name' in request.userInfo.extra && ${nodeOfToken}[0] == request.name`,
        message: 'an agent writes only the PodRange of the node that its token is bound to',
        reason: 'Forbidden',
      },
    ],
  },
};

export const onlyOwnStatusBinding: Named<IValidatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name },
  spec: { policyName: name, validationActions: ['Deny'] },
};
