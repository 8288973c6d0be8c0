import { createHash } from 'node:crypto';
import { systemNamespace } from '#kube/api/settings.ts';
import { customResourceDefinitions, ourCrds } from '#kube/crd.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { configMaps, daemonSets, deployments, namespaces, secrets } from '#kube/resources.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { imageNamed } from '../bundle/fetch-bundle.ts';
import type { ClusterConfig } from '../config/config.ts';
import { agentDaemonSet } from './agent.ts';
import { controllerDeployment } from './controller.ts';
import * as dns from './dns.ts';
import { onlyOwnStatus, onlyOwnStatusBinding } from './fence.ts';
import { explainHeld, type HeldObject } from './held-fields.ts';
import * as resources from './resources.ts';
import * as rights from './rights.ts';
import { cloudKeysSecret, settingsMap } from './settings.ts';

/** One object that belongs in every cluster. */
export interface SystemObject {
  readonly resource: Resource<KubeObject>;
  readonly object: KubeObject;
}

/** What the objects are made from, beside the configuration. */
export interface SystemFacts {
  readonly config: ClusterConfig;
  readonly bundle: Bundle;
  readonly keys: { readonly publicKey: string; readonly privateKey: string };
  /** CIDRs of the VPC, as text. */
  readonly vpcRanges: readonly string[];
  /** Where the API server answers. */
  readonly api: { readonly address: string; readonly port: number };
  /** Bytes. */
  readonly mtu: number;
}

const digestKey = 'isthmus.dev/digest';
const manager = 'isthmus-up';

/** All objects, in an order in which each finds what it needs: namespace, definitions, rights and settings before what runs. */
export function systemObjects(facts: SystemFacts): readonly SystemObject[] {
  const { config, bundle, api, mtu } = facts;
  const image = imageNamed(bundle, 'isthmus.dev/isthmus:');
  const dnsImage = imageNamed(bundle, 'coredns');
  const grounds = dns.groundsOf(config);
  const one = (resource: Resource<KubeObject>, object: KubeObject): SystemObject => ({ resource, object });
  return [
    one(namespaces, { metadata: { name: systemNamespace } }),
    ...ourCrds().map((crd) => one(customResourceDefinitions as Resource<KubeObject>, crd)),
    one(configMaps, settingsMap(facts)),
    one(secrets, cloudKeysSecret(facts.keys)),
    one(resources.admissionPolicies, onlyOwnStatus),
    one(resources.admissionBindings, onlyOwnStatusBinding),
    ...rights.serviceAccounts.map((object) => one(resources.serviceAccounts, object)),
    ...rights.clusterRoles.map((object) => one(resources.clusterRoles, object)),
    ...rights.clusterRoleBindings.map((object) => one(resources.clusterRoleBindings, object)),
    ...rights.roles.map((object) => one(resources.roles, object)),
    ...rights.roleBindings.map((object) => one(resources.roleBindings, object)),
    one(daemonSets, agentDaemonSet({ image, api, mtu })),
    one(deployments, controllerDeployment({ image, api })),
    one(resources.serviceAccounts, dns.serviceAccount),
    one(resources.clusterRoles, dns.clusterRole),
    one(resources.clusterRoleBindings, dns.clusterRoleBinding),
    one(configMaps, dns.corefile),
    one(resources.services, dns.service(config.network.services)),
    ...grounds.map((ground) => one(deployments, dns.deployment(ground, dnsImage))),
  ].map(withDigest);
}

/** The digest of what we wrote, beside it: a look tells whether the object is still the one of this version and configuration. */
function withDigest({ resource, object }: SystemObject): SystemObject {
  const digest = createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 16);
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [digestKey]: digest };
  return { resource, object: { ...object, metadata: { ...metadata, annotations } } };
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
 * Applies them one after the other. Can be repeated. A field that another manager has changed stays as it is: the rest is
 * applied, and then all such fields are told.
 * @fails KubeError · Error that names each object, field and holder, and the cure
 */
export async function applySystemObjects(kube: Kube, wanted: readonly SystemObject[]): Promise<void> {
  const held: HeldObject[] = [];
  for (const { resource, object } of wanted) {
    try {
      await kube.apply(resource, object, { manager });
    } catch (e) {
      if (!(e instanceof KubeError) || e.conflicts.length === 0) throw e;
      held.push({ resource, seen: (await kube.get(resource, object.metadata)) ?? object, conflicts: e.conflicts });
    }
  }
  if (held.length > 0) throw new Error(explainHeld(held));
}
