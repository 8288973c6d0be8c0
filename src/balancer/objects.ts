import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type Rules, rightsEverywhere } from '#capability/rights.ts';
import { controllerAccount } from '#kube/api/settings.ts';
import { admissionBindings, admissionPolicies, type IngressClassObject, ingressClasses } from '#kube/resources.ts';
import { doubtfulServices, doubtfulServicesBinding, refusedServices, refusedServicesBinding } from './admission.ts';
import { albClass, albController } from './application/ingress.ts';

const rules: Rules = [
  // Finalizer and record.
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: [''], resources: ['services/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['list', 'watch'] },
  // Whether load balancers still send to a node that leaves.
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
  // Readiness gates.
  { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  // Finalizer, record and condition.
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get', 'list', 'watch', 'patch'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['patch'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingressclasses'], verbs: ['list', 'watch'] },
  // Certificates, each by the name that an Ingress gives.
  { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
];

const ingressClass: IngressClassObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: albClass },
  spec: { controller: albController },
};

export function balancerObjects({ mostPorts }: Pick<ClusterFacts, 'mostPorts'>): readonly SystemObject[] {
  return [
    { resource: ingressClasses, object: ingressClass },
    ...rightsEverywhere({ name: 'isthmus-controller-balancer', account: controllerAccount, rules }),
    { resource: admissionPolicies, object: refusedServices(mostPorts) },
    { resource: admissionBindings, object: refusedServicesBinding },
    { resource: admissionPolicies, object: doubtfulServices() },
    { resource: admissionBindings, object: doubtfulServicesBinding },
  ];
}
