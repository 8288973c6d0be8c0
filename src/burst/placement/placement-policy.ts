import type {
  IMutatingAdmissionPolicy,
  IMutatingAdmissionPolicyBinding,
  IValidatingAdmissionPolicy,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { entryOf, listOf } from '#capability/cel.ts';
import { groundLabel } from '#capability/ground.ts';
import type { Named } from '#capability/named.ts';
import { placementKey, placements } from './wish.ts';

const name = 'isthmus-pods-have-their-placement';
const namesName = 'isthmus-placements-are-known';

/** What keeps the cluster going is placed by its own manifests. */
const notOfTheSystem = {
  matchExpressions: [
    {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn' as const,
      values: ['kube-system', 'isthmus-system', 'isthmus-ingress'],
    },
  ],
};

const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
const affinity = 'Object.spec.affinity';
const term = `${affinity}.nodeAffinity.${preferred}`;

/** These differ between the pods of one workload, so pods that share them are not each other's copies. */
const ownLabels = [
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/job-completion-index',
  'statefulset.kubernetes.io/pod-name',
];

/** A patch of the list or map at a path, which may not be there yet. */
function add(isThere: string, path: string, key: string, value: string, whole: string): string {
  return `[${isThere} ? JSONPatch{op: 'add', path: '${path}/${key}', value: ${value}} : JSONPatch{op: 'add', path: '${path}', value: ${whole}}]`;
}

const onlyOn = add(
  'has(object.spec.nodeSelector)',
  '/spec/nodeSelector',
  groundLabel.replace('/', '~1'),
  'variables.side',
  `{'${groundLabel}': variables.side}`,
);

const oneTerm = `${term}{weight: 100, preference: ${term}.preference{matchExpressions: [${term}.preference.matchExpressions{key: '${groundLabel}', operator: 'In', values: [variables.side]}]}}`;
// A list of `Object`s as the value of a patch makes the API server of 1.36.3 break off the call (reflect.Set of *structpb.Struct); of maps it
// takes one.
const termAsMap = `{'weight': dyn(100), 'preference': dyn({'matchExpressions': [{'key': dyn('${groundLabel}'), 'operator': dyn('In'), 'values': dyn([variables.side])}]})}`;
const nodeAffinity = `${affinity}.nodeAffinity{${preferred}: [${oneTerm}]}`;
const ratherOn = `!has(object.spec.affinity) ? [JSONPatch{op: 'add', path: '/spec/affinity', value: ${affinity}{nodeAffinity: ${nodeAffinity}}}] : !has(object.spec.affinity.nodeAffinity) ? [JSONPatch{op: 'add', path: '/spec/affinity/nodeAffinity', value: ${nodeAffinity}}] : [JSONPatch{op: 'add', path: '/spec/affinity/nodeAffinity/${preferred}', value: [${termAsMap}]}]`;

// An empty selector with all labels of the pod as keys: the API server makes a selector of them.
const oneConstraint = `{'maxSkew': dyn(1), 'topologyKey': dyn('${groundLabel}'), 'whenUnsatisfiable': dyn('ScheduleAnyway'), 'labelSelector': dyn({}), 'matchLabelKeys': dyn(object.metadata.labels.filter(key, !(key in ${listOf(ownLabels)})))}`;
const overBoth = add(
  'has(object.spec.topologySpreadConstraints)',
  '/spec/topologySpreadConstraints',
  '-',
  oneConstraint,
  `[${oneConstraint}]`,
);

/**
 * Gives a new pod what its placement means: a node selector, a preference or a spread constraint over the two sides. What the pod says
 * of the same by itself stays as it is.
 */
export const podsHaveTheirPlacement: Named<IMutatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicy',
  metadata: { name },
  spec: {
    // What must stay on the site must not run in the cloud because nobody could tell.
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    matchConstraints: {
      namespaceSelector: notOfTheSystem,
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
    },
    matchConditions: [
      { name: 'is-not-placed', expression: "!has(object.spec.nodeName) || object.spec.nodeName == ''" },
      {
        // Its controller makes one for each node, and one that may not run there would be pending for ever.
        name: 'is-of-no-daemon-set',
        expression:
          "!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(owner, owner.kind == 'DaemonSet')",
      },
    ],
    variables: [
      { name: 'own', expression: entryOf('object.metadata.annotations', placementKey) },
      { name: 'all', expression: entryOf('namespaceObject.metadata.annotations', placementKey) },
      { name: 'wish', expression: "variables.own != '' ? variables.own : variables.all" },
      { name: 'side', expression: "variables.wish in ['cloud-only', 'cloud-first'] ? 'cloud' : 'site'" },
    ],
    mutations: [
      patch(
        `variables.wish in ['cloud-only', 'site-only'] && !(has(object.spec.nodeSelector) && '${groundLabel}' in object.spec.nodeSelector)`,
        onlyOn,
      ),
      patch(
        `variables.wish in ['cloud-first', 'base-first'] && !(has(object.spec.affinity) && has(object.spec.affinity.nodeAffinity) && has(object.spec.affinity.nodeAffinity.${preferred}) && size(object.spec.affinity.nodeAffinity.${preferred}) > 0)`,
        ratherOn,
      ),
      patch(
        `variables.wish == 'spread' && has(object.metadata.labels) && !(has(object.spec.topologySpreadConstraints) && object.spec.topologySpreadConstraints.exists(one, one.topologyKey == '${groundLabel}'))`,
        overBoth,
      ),
    ],
  },
};

function patch(
  when: string,
  patches: string,
): NonNullable<NonNullable<IMutatingAdmissionPolicy['spec']>['mutations']>[number] {
  return { patchType: 'JSONPatch', jsonPatch: { expression: `(${when}) ? (${patches}) : []` } };
}

export const podsHaveTheirPlacementBinding: Named<IMutatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicyBinding',
  metadata: { name },
  spec: { policyName: name },
};

/** The annotations of a Namespace or pod, or of the pods that something makes. `dyn`, because the kinds have them in different places. */
function wishIn(object: 'object' | 'oldObject'): string {
  const any = `dyn(${object})`;
  const of = (metadata: string): string =>
    `(has(${metadata}) ? ${entryOf(`${metadata}.annotations`, placementKey)} : '')`;
  return `(request.kind.kind in ['Namespace', 'Pod'] ? ${of(`${any}.metadata`)} : request.kind.kind == 'CronJob' ? ${of(`${any}.spec.jobTemplate.spec.template.metadata`)} : ${of(`${any}.spec.template.metadata`)})`;
}

/** Refuses a placement that nobody knows where it is written, so that pods don't run elsewhere than their owner believes. */
export const placementsAreKnown: Named<IValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: namesName },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      namespaceSelector: notOfTheSystem,
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] },
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          resources: ['namespaces', 'replicationcontrollers'],
          operations: ['CREATE', 'UPDATE'],
        },
        {
          apiGroups: ['apps'],
          apiVersions: ['v1'],
          resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'],
          operations: ['CREATE', 'UPDATE'],
        },
        {
          apiGroups: ['batch'],
          apiVersions: ['v1'],
          resources: ['jobs', 'cronjobs'],
          operations: ['CREATE', 'UPDATE'],
        },
      ],
    },
    matchConditions: [
      // What was there before the policy can be scaled and labelled, and its pods are made.
      {
        name: 'is-changed',
        expression: `oldObject == null || ${wishIn('object')} != ${wishIn('oldObject')}`,
      },
      {
        // Told where it is written: at the Deployment, and not at its ReplicaSets and pods.
        name: 'is-not-made-from-another',
        expression:
          "!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(owner, owner.apiVersion in ['v1', 'apps/v1', 'batch/v1'])",
      },
    ],
    variables: [{ name: 'wish', expression: wishIn('object') }],
    validations: [
      {
        expression: `variables.wish == '' || variables.wish in ${listOf(placements)}`,
        messageExpression: `'${placementKey}: "' + variables.wish + '" is no placement; write one of ${placements.join(', ')}, or remove the annotation'`,
        message: `${placementKey} has an unknown value; write one of ${placements.join(', ')}, or remove the annotation`,
        reason: 'Invalid',
      },
    ],
  },
};
