import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import type { Named } from '#capability/named.ts';
import { guardLabel } from './facts.ts';

type PolicySpec = NonNullable<IValidatingAdmissionPolicy['spec']>;
export type Variable = NonNullable<PolicySpec['variables']>[number];

/** What is asked of every pod, and of everything that makes pods, about one other object. All expressions are CEL. */
export interface PodQuestion {
  readonly name: string;
  readonly about: NonNullable<PolicySpec['paramKind']>;
  /** Whether the pod has to do with that object; cheap, because it is asked for each of them. */
  readonly concerns: string;
  readonly variables: readonly Variable[];
  readonly isWell: string;
  /** One sentence: what is wrong, and the way out. */
  readonly says: string;
}

export function podPolicy({
  name,
  about,
  concerns,
  variables,
  isWell,
  says,
}: PodQuestion): Named<IValidatingAdmissionPolicy> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      // It must not stand in the way of what it cannot judge.
      failurePolicy: 'Ignore',
      paramKind: about,
      matchConstraints: { resourceRules },
      matchConditions: [
        { name: 'concerns-it', expression: concerns },
        // What was there before the policy can be scaled, labelled and deleted.
        { name: 'is-changed', expression: `oldObject == null || ${pod} != ${podOf('oldObject')}` },
      ],
      variables: [
        { name: 'pod', expression: pod },
        { name: 'volumes', expression: volumes },
        { name: 'templates', expression: templates },
        ...variables,
      ],
      validations: [
        {
          expression: isWell,
          messageExpression: says,
          message: 'a volume can never be used where the pod must run',
          reason: 'Invalid',
        },
      ],
    },
  };
}

/** A warning everywhere but where the Namespace wants a refusal, or silence. @unit selector: of the objects that are asked about */
export function podBindings(policy: string, selector: object): readonly Named<IValidatingAdmissionPolicyBinding>[] {
  const bind = (name: string, action: 'Warn' | 'Deny', operator: 'In' | 'NotIn', values: string[]) => ({
    apiVersion: 'admissionregistration.k8s.io/v1' as const,
    kind: 'ValidatingAdmissionPolicyBinding' as const,
    metadata: { name },
    spec: {
      policyName: policy,
      validationActions: [action],
      // Of objects in namespaces, those in the namespace of the pod. Where there are none, nothing is known and nothing said.
      paramRef: { selector, parameterNotFoundAction: 'Allow' },
      matchResources: { namespaceSelector: { matchExpressions: [{ key: guardLabel, operator, values }] } },
    },
  });
  return [
    bind(`${policy}-warned`, 'Warn', 'NotIn', ['refuse', 'off']),
    bind(`${policy}-refused`, 'Deny', 'In', ['refuse']),
  ];
}

const always: ('CREATE' | 'UPDATE')[] = ['CREATE', 'UPDATE'];
const resourceRules: NonNullable<NonNullable<PolicySpec['matchConstraints']>['resourceRules']> = [
  { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] },
  { apiGroups: [''], apiVersions: ['v1'], resources: ['replicationcontrollers'], operations: always },
  {
    apiGroups: ['apps'],
    apiVersions: ['v1'],
    resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'],
    operations: always,
  },
  { apiGroups: ['batch'], apiVersions: ['v1'], resources: ['jobs', 'cronjobs'], operations: always },
];

/** The pod of whatever was written. `dyn`, because the kinds have it in different places. */
function podOf(object: 'object' | 'oldObject'): string {
  const any = `dyn(${object})`;
  return `(request.kind.kind == 'Pod' ? ${any}.spec : request.kind.kind == 'CronJob' ? ${any}.spec.jobTemplate.spec.template.spec : ${any}.spec.template.spec)`;
}

const pod = podOf('object');
export const volumes = `(has(${pod}.volumes) ? ${pod}.volumes : [])`;
export const templates =
  "(request.kind.kind == 'StatefulSet' && has(dyn(object).spec.volumeClaimTemplates) ? dyn(object).spec.volumeClaimTemplates : [])";
