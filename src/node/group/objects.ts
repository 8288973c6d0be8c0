import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { askedBy } from '#capability/own-node.ts';
import { type Rules, refusing, rightsAtHome, rightsEverywhere, rightsIn } from '#capability/rights.ts';
import { nodeGroupSpec, nodeGroupStatus, nodeGroups } from '#kube/api/node-group.ts';
import { controllerAccount } from '#kube/api/settings.ts';
import { type CrdObject, crdFor, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';

export const nodeGroupCrd: CrdObject = crdFor(
  nodeGroups,
  { spec: nodeGroupSpec, status: nodeGroupStatus },
  {
    singular: 'nodegroup',
    description:
      'Cloud machines of one kind, of which there are as many as are wanted. Named like this with an end of their own.',
    shortNames: ['ng'],
    scale: {
      specReplicasPath: '.spec.desired',
      statusReplicasPath: '.status.machines',
      labelSelectorPath: '.status.selector',
    },
    validations: [
      {
        rule: "self.metadata.name.matches('^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$')",
        message:
          'metadata.name must be at most 40 characters of a-z, 0-9 and -, beginning with a letter: its machines are named after it',
      },
    ],
    printerColumns: [
      { name: 'Desired', type: 'integer', jsonPath: '.spec.desired' },
      { name: 'Machines', type: 'integer', jsonPath: '.status.machines' },
      { name: 'Ready', type: 'integer', jsonPath: '.status.ready' },
      { name: 'Min', type: 'integer', jsonPath: '.spec.min' },
      { name: 'Max', type: 'integer', jsonPath: '.spec.max' },
      { name: 'State', type: 'string', jsonPath: '.status.conditions[?(@.type=="Scaled")].reason' },
      { name: 'Says', type: 'string', jsonPath: '.status.conditions[?(@.type=="Scaled")].message', priority: 1 },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  },
);

const everywhere: Rules = [
  { apiGroups: ['isthmus.dev'], resources: ['nodegroups'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: ['isthmus.dev'], resources: ['nodegroups/status'], verbs: ['update'] },
  // What has to leave a machine before it ends, and may say no.
  { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  // Whether load balancers may send to a node.
  { apiGroups: [''], resources: ['services'], verbs: ['list'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['list'] },
];

/** For each machine that is to join: its token, its progress and who may write that. */
const atHome: Rules = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch', 'delete'] },
  {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['create', 'patch', 'delete'],
  },
];

/** Which Secrets these are is the business of the admission policy: RBAC can't tell them by the beginning of their names. */
const tokens: Rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'patch', 'delete'] }];

const isToken = (object: string): string =>
  `${object}.metadata.name.startsWith('bootstrap-token-') && has(${object}.type) && ${object}.type == 'bootstrap.kubernetes.io/token'`;

/** Of the Secrets of Kubernetes the controller writes those by which machines join, and no other. */
const onlyJoinTokens: IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'isthmus-controller-writes-only-join-tokens' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['CREATE', 'UPDATE', 'DELETE'] },
      ],
    },
    matchConditions: [
      ...askedBy(controllerAccount),
      { name: 'in-kube-system', expression: "request.namespace == 'kube-system'" },
    ],
    validations: [
      {
        expression: `(object == null || ${isToken('object')}) && (oldObject == null || ${isToken('oldObject')})`,
        message: 'of the Secrets in kube-system the controller writes only tokens by which machines join',
        reason: 'Forbidden',
      },
    ],
  },
};

export function groupObjects({ cluster }: Pick<ClusterFacts, 'cluster'>): readonly SystemObject[] {
  const account = { name: 'isthmus-controller-groups', account: controllerAccount };
  return [
    { resource: customResourceDefinitions as Resource<KubeObject>, object: nodeGroupCrd },
    ...refusing(onlyJoinTokens),
    ...rightsEverywhere({ ...account, rules: everywhere }),
    ...rightsAtHome({ ...account, rules: atHome }),
    ...rightsIn('kube-system', { ...account, rules: tokens }),
    ...cluster.nodeGroups.map(({ name, spec }) => ({
      resource: nodeGroups as unknown as Resource<KubeObject>,
      object: { metadata: { name }, spec } as KubeObject,
    })),
  ];
}
