import type { IClusterRole, IClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { controllerAccount, systemNamespace } from '#kube/api/settings.ts';
import {
  admissionBindings,
  admissionPolicies,
  clusterRoleBindings,
  clusterRoles,
  type IngressClassObject,
  ingressClasses,
} from '#kube/resources.ts';
import { doubtfulServices, doubtfulServicesBinding, refusedServices, refusedServicesBinding } from './admission.ts';
import { albClass, albController } from './application/ingress.ts';

const name = 'isthmus-controller-balancer';

const role: IClusterRole & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: [
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
  ],
};

const binding: IClusterRoleBinding & { readonly metadata: { readonly name: string } } = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ kind: 'ServiceAccount', name: controllerAccount, namespace: systemNamespace }],
};

const ingressClass: IngressClassObject = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: albClass },
  spec: { controller: albController },
};

export function balancerObjects({ mostPorts }: Pick<ClusterFacts, 'mostPorts'>): readonly SystemObject[] {
  return [
    { resource: ingressClasses, object: ingressClass },
    { resource: clusterRoles, object: role },
    { resource: clusterRoleBindings, object: binding },
    { resource: admissionPolicies, object: refusedServices(mostPorts) },
    { resource: admissionBindings, object: refusedServicesBinding },
    { resource: admissionPolicies, object: doubtfulServices() },
    { resource: admissionBindings, object: doubtfulServicesBinding },
  ];
}
