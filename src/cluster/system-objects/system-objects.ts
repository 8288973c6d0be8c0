import { createHash } from 'node:crypto';
import type { SystemObject } from '#capability/capability.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { customResourceDefinitions } from '#kube/crd.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import * as resources from '#kube/resources.ts';
import { ms, seconds, sleep, uptime } from '#unit/clock.ts';
import { imageNamed } from '../bundle/fetch-bundle.ts';
import { controllerDeployment } from './controller.ts';
import * as dns from './dns.ts';
import { explainHeld, type HeldObject } from './held-fields.ts';
import { machineCrd } from './machine-crd.ts';
import * as rights from './rights.ts';
import { cloudKeysSecret, settingsMap } from './settings.ts';
import type { SystemFacts } from './system-facts.ts';

const digestKey = 'isthmus.dev/digest';
const manager = 'isthmus-up';

/** All objects, in an order in which each finds what it needs: namespace, definitions, rights and settings before what runs. */
export function systemObjects(facts: SystemFacts): readonly SystemObject[] {
  const { config, capabilities, bundle, api, mtu, metadata, mostPorts, mostDisks } = facts;
  const image = (part: string): string => imageNamed(bundle, part);
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  const settings = settingsMap(facts);
  const keys = cloudKeysSecret(facts.keys);
  const controller = {
    image: image('isthmus.dev/isthmus:'),
    api,
    digest: digestOf([settings.data, keys.data]),
    keys: Object.keys(facts.keys),
    nodes: config.cloudMachines.length,
  };
  return [
    one(resources.namespaces, systemNamespaceObject),
    one(customResourceDefinitions as Resource<KubeObject>, machineCrd),
    one(resources.configMaps, settings),
    one(resources.secrets, keys),
    one(resources.serviceAccounts, rights.serviceAccount),
    one(resources.clusterRoles, rights.clusterRole),
    one(resources.clusterRoleBindings, rights.clusterRoleBinding),
    one(resources.roles, rights.role),
    one(resources.roleBindings, rights.roleBinding),
    ...capabilities.flatMap((capability) =>
      capability.objects({ cluster: config, image, bundle: config.bundle, api, mtu, metadata, mostPorts, mostDisks }),
    ),
    { ...one(resources.deployments, controllerDeployment(controller)), needs: [settings, keys] },
    ...dns.objects(config, image('coredns')),
  ].map(withDigest);
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/**
 * The agent works on the node itself, so the namespace takes what is privileged; whatever else is made in it is warned about and
 * in the audit log.
 */
const systemNamespaceObject: KubeObject = {
  metadata: {
    name: systemNamespace,
    labels: {
      'pod-security.kubernetes.io/enforce': 'privileged',
      'pod-security.kubernetes.io/warn': 'baseline',
      'pod-security.kubernetes.io/audit': 'baseline',
    },
  },
};

/** The digest of what we wrote, beside it: a look tells whether the object is still the one of this version and configuration. */
export function withDigest({ resource, object, needs }: SystemObject): SystemObject {
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [digestKey]: digestOf(object) };
  return { resource, object: { ...object, metadata: { ...metadata, annotations } }, ...(needs && { needs }) };
}

/** Whether `isthmus up` wrote the object, from what it says and from cluster.yaml. */
export function isOfFile({ annotations }: KubeObject['metadata']): boolean {
  return digestKey in (annotations ?? {});
}

/** `DaemonSet isthmus-system/isthmus-agent` */
export function nameOf({ resource, object }: SystemObject): string {
  const { namespace, name } = object.metadata;
  return `${resource.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The objects that are missing in the cluster, or were written by another version or configuration. @fails KubeError */
export async function observeSystemObjects(
  kube: Kube,
  wanted: readonly SystemObject[],
): Promise<readonly SystemObject[]> {
  const stale = await Promise.all(
    wanted.map(async ({ resource, object }) => {
      const seen = await kube.get(resource, object.metadata);
      return seen?.metadata.annotations?.[digestKey] !== object.metadata.annotations?.[digestKey];
    }),
  );
  return wanted.filter((_, i) => stale[i]);
}

/**
 * What kubeadm makes, and we take away: by it kube-controller-manager gives the holder of any join token a certificate of any node. Requests of
 * machines are approved by the capability `node`.
 * @source kubernetes cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go v1.36.3
 */
const unwanted: readonly SystemObject[] = [
  { resource: resources.clusterRoleBindings, object: { metadata: { name: 'kubeadm:node-autoapprove-bootstrap' } } },
];

export const unwantedNames: readonly string[] = unwanted.map(nameOf);

/** Those of the objects that a cluster must not have which it has. @fails KubeError */
export async function observeUnwanted(kube: Kube): Promise<readonly SystemObject[]> {
  const seen = await Promise.all(unwanted.map(({ resource, object }) => kube.get(resource, object.metadata)));
  return unwanted.filter((_, i) => seen[i] !== undefined);
}

/**
 * Applies them one after the other. Can be repeated. A field that another manager has changed stays as it is: the rest is
 * applied, and then all such fields are told.
 * @fails KubeError · Error that names each object, field and holder, and the cure
 */
export async function applySystemObjects(kube: Kube, wanted: readonly SystemObject[]): Promise<void> {
  const held: HeldObject[] = [];
  for (const { resource, object, needs = [] } of wanted) {
    // Its pods would start with the old settings, and the next run would find nothing left to do.
    if (held.some(({ seen }) => needs.some((need) => isSameObject(need, seen)))) continue;
    try {
      await applyServed(kube, resource, object);
    } catch (e) {
      if (!(e instanceof KubeError) || e.conflicts.length === 0) throw e;
      held.push({ resource, seen: (await kube.get(resource, object.metadata)) ?? object, conflicts: e.conflicts });
    }
  }
  if (held.length > 0) throw new Error(explainHeld(held));
}

/** Objects of a kind whose definition was applied a moment ago are taken only once the API server has established it. */
async function applyServed(kube: Kube, resource: Resource<KubeObject>, object: KubeObject): Promise<void> {
  for (const end = uptime() + seconds(15); ; await sleep(ms(200)))
    try {
      await kube.apply(resource, object, { manager });
      return;
    } catch (e) {
      if (!(e instanceof KubeError) || e.status !== 404 || uptime() >= end) throw e;
    }
}

function isSameObject(a: KubeObject, b: KubeObject): boolean {
  return a.kind === b.kind && a.metadata.namespace === b.metadata.namespace && a.metadata.name === b.metadata.name;
}
