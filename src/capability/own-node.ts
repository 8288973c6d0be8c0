import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Named } from './named.ts';

const nodeOfToken = "request.userInfo.extra['authentication.kubernetes.io/node-name']";

/**
 * In CEL: the object is named like the node that the token of whoever asks is bound to. The API server puts that node there for the pod
 * that the token is of.
 * @source kubernetes KEP-4193, bound service account token improvements
 */
export const isNamedLikeOwnNode = `'authentication.kubernetes.io/node-name' in request.userInfo.extra && ${nodeOfToken}[0] == request.name`;

/** A policy's `matchConditions`: an account of ours asks. */
export function askedBy(account: string): readonly { readonly name: string; readonly expression: string }[] {
  const user = `system:serviceaccount:${systemNamespace}:${account}`;
  return [{ name: 'asked-by-its-account', expression: `request.userInfo.username == '${user}'` }];
}

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

/** Whose right to patch the status of Nodes is narrowed, and to what. */
export interface OwnCondition {
  /** Of the policy: `isthmus-agent-writes-own-condition`. */
  readonly name: string;
  readonly account: string;
  /** For messages: `an agent`. */
  readonly who: string;
  /** The type of the one condition that it writes. */
  readonly condition: string;
  /** Further ones, about others than this node, by how their types begin. */
  readonly aboutOthers?: string;
}

/**
 * Of Nodes a program that runs on each of them may write one condition, of its own node. RBAC can't tell one node's from another's, and the
 * status subresource would let it change labels, addresses and everything else that a kubelet says.
 */
export function onlyOwnCondition(own: OwnCondition): Named<IValidatingAdmissionPolicy> {
  const { name, account, who, condition, aboutOthers } = own;
  const further = aboutOthers === undefined ? '' : ` and those that begin with ${aboutOthers}`;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
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
      matchConditions: [...askedBy(account)],
      validations: [
        {
          expression: isNamedLikeOwnNode,
          message: `${who} writes only the Node that its token is bound to`,
          reason: 'Forbidden',
        },
        {
          expression: "request.subResource == 'status' && oldObject != null && object != null",
          message: `${who} writes only the status of a Node`,
          reason: 'Forbidden',
        },
        {
          expression: [
            ...['labels', 'annotations', 'finalizers', 'ownerReferences'].map((field) => isKept('metadata', field)),
            ...statusFields.map((field) => isKept('status', field)),
            `${otherConditions('object', own)} == ${otherConditions('oldObject', own)}`,
          ].join(' && '),
          message: `${who} changes nothing of a Node but its condition ${condition}${further}`,
          reason: 'Forbidden',
        },
      ],
    },
  };
}

/** What makes a policy count: whatever breaks it is refused. */
export function denying({
  metadata: { name },
}: Named<IValidatingAdmissionPolicy>): Named<IValidatingAdmissionPolicyBinding> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'] },
  };
}

/** In CEL: the field is as it was, or absent as it was. */
export function isKept(part: 'metadata' | 'spec' | 'status', field: string): string {
  const [now, before] = [`object.${part}.${field}`, `oldObject.${part}.${field}`];
  return `(has(${now}) ? has(${before}) && ${now} == ${before} : !has(${before}))`;
}

function otherConditions(
  object: 'object' | 'oldObject',
  { condition, aboutOthers }: Pick<OwnCondition, 'condition' | 'aboutOthers'>,
): string {
  const all = `${object}.status.conditions`;
  const further = aboutOthers === undefined ? '' : ` && !c.type.startsWith('${aboutOthers}')`;
  return `(has(${all}) ? ${all}.filter(c, c.type != '${condition}'${further}) : [])`;
}
