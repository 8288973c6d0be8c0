import type {
  IMutatingAdmissionPolicy,
  IMutatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { entryOf, listOf } from '#capability/cel.ts';
import type { Named } from '#capability/named.ts';
import { preferOwnSide } from '#capability/own-side.ts';

const name = 'isthmus-services-prefer-own-side';
const annotations = 'object.metadata.annotations';

/** With one of these a Service says by itself where its traffic goes. @source k8s.io/endpointslice v0.36.3 utils.go hintsEnabled */
const topologyAnnotations = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'];

/**
 * A Service that says nothing about it prefers pods in the zone of the client, and the site is a zone of its own: a cut of the line costs
 * nothing to what exists on both sides. Not one whose nodes take traffic from outside and spread it: that comes in on cloud nodes, and
 * kube-proxy would keep it from all pods of the site.
 */
export const servicesPreferOwnSide: Named<IMutatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicy',
  metadata: { name },
  spec: {
    // A Service without the preference works, and one that cannot be written does not.
    failurePolicy: 'Ignore',
    reinvocationPolicy: 'Never',
    matchConstraints: {
      resourceRules: [
        { apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: ['CREATE', 'UPDATE'] },
      ],
    },
    matchConditions: [
      {
        name: 'says-nothing',
        expression: `!has(object.spec.trafficDistribution) && !(has(${annotations}) && ${listOf(topologyAnnotations)}.exists(key, key in ${annotations}))`,
      },
      { name: 'is-not-opted-out', expression: `${entryOf(annotations, preferOwnSide)} != 'off'` },
      { name: 'stays', expression: '!has(object.metadata.deletionTimestamp)' },
      {
        // Of a headless Service clients choose; without a selector nobody writes hints; and Local has chosen already.
        name: 'kube-proxy-chooses',
        expression:
          "object.spec.type != 'ExternalName' && !(has(object.spec.clusterIP) && object.spec.clusterIP == 'None') && has(object.spec.selector) && size(object.spec.selector) > 0 && !(has(object.spec.internalTrafficPolicy) && object.spec.internalTrafficPolicy == 'Local')",
      },
      {
        name: 'nodes-spread-nothing-from-outside',
        expression:
          "(object.spec.type == 'ClusterIP' && !(has(object.spec.externalIPs) && size(object.spec.externalIPs) > 0)) || (has(object.spec.externalTrafficPolicy) && object.spec.externalTrafficPolicy == 'Local')",
      },
    ],
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: "Object{spec: Object.spec{trafficDistribution: 'PreferSameZone'}}",
        },
      },
    ],
  },
};

export const servicesPreferOwnSideBinding: Named<IMutatingAdmissionPolicyBinding> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicyBinding',
  metadata: { name },
  spec: {
    policyName: name,
    matchResources: {
      namespaceSelector: { matchExpressions: [{ key: preferOwnSide, operator: 'NotIn', values: ['off'] }] },
    },
  },
};
