import { createHash } from 'node:crypto';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type CrdObject, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  daemonSets,
  deployments,
  disruptionBudgets,
  ingressClasses,
  jobs,
  namespaces,
  roleBindings,
  roles,
  serviceAccounts,
  services,
} from '#kube/resources.ts';
import { certgenJob } from './certgen.ts';
import { contourDeployment, contourService } from './contour.ts';
import definitions from './contour-crds.json' with { type: 'json' };
import { envoyDeployment, envoyService } from './envoy.ts';
import { imageLoader } from './image-loader.ts';
import { contourName, envoyName, ingressClassName, ingressNamespace } from './names.ts';
import * as rights from './rights.ts';

/**
 * Upstream's manifests, with what is ours: cloud nodes only, images from the bundle, our balancer with PROXY protocol, no ports on the
 * nodes themselves, and pods that the "restricted" level takes. Gateway API is left out: its definitions are not Contour's.
 * @source github.com/projectcontour/contour examples/contour and examples/deployment @v1.33.8
 */
export function ingressObjects({ cluster, image, bundle }: ClusterFacts): readonly SystemObject[] {
  const asked = cluster.addons.ingress;
  if (asked === undefined) return [];
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  const nodes = cluster.cloudMachines.filter(({ name }) => name !== cluster.controlPlane).length;
  const images = { contour: image('projectcontour/contour:'), envoy: image('envoyproxy/envoy:') };
  const certgen = `contour-certgen-${createHash('sha256').update(images.contour).digest('hex').slice(0, 8)}`;
  return [
    one(namespaces, namespace),
    // First of what runs: no other pod here starts before it has done its work on the node.
    one(daemonSets, imageLoader({ image: image('isthmus.dev/isthmus:'), bundle, images: Object.values(images) })),
    ...upstreamDefinitions.map((crd) => one(customResourceDefinitions as Resource<KubeObject>, crd)),
    ...rights.accounts.map((account) => one(serviceAccounts, account)),
    one(clusterRoles, rights.clusterRole),
    one(clusterRoleBindings, rights.clusterRoleBinding),
    ...rights.roles.map((role) => one(roles, role)),
    ...rights.roleBindings.map((binding) => one(roleBindings, binding)),
    one(ingressClasses, ingressClass),
    one(jobs, certgenJob(certgen, images.contour)),
    // Before Envoy, whose balancer takes the longest.
    one(services, envoyService),
    one(services, contourService),
    one(deployments, contourDeployment(images.contour, nodes)),
    one(deployments, envoyDeployment(images, { replicas: asked.replicas, nodes })),
    one(disruptionBudgets, disruptionBudget(contourName)),
    one(disruptionBudgets, disruptionBudget(envoyName)),
  ];
}

/** `tool/contour-crds.ts` writes them from Contour's module. */
const upstreamDefinitions = definitions as unknown as readonly CrdObject[];

/** Faces the internet, so that nothing in it may be more than a plain process. */
const namespace: KubeObject = {
  metadata: { name: ingressNamespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
};

const ingressClass: KubeObject & { readonly spec: object } = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: ingressClassName },
  spec: { controller: 'projectcontour.io/ingress-controller' },
};

/** A drain takes one at a time, and the next only when the first is back elsewhere. */
function disruptionBudget(name: string): IPodDisruptionBudget & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: ingressNamespace },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
  };
}
