import type { NodeGroupSpec } from '#kube/api/node-group.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { Kube } from '#kube/kube.ts';
import { configMaps } from '#kube/resources.ts';
import { nodeUserData } from '#machine/bootstrap.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { caHashOf, giveJoinToken } from '#machine/join-token.ts';
import { now } from '#unit/clock.ts';
import type { NodeSettings } from '../settings.ts';

export interface JoinPlace {
  readonly cluster: string;
  readonly provider: string;
  readonly region: string;
  /** CIDR of the Services. */
  readonly services: string;
  readonly settings: NodeSettings;
}

/** Gives the machine its own token, and its user data, by which it comes and joins by itself. Can be repeated. */
export async function userDataFor(
  kube: Kube,
  { cluster, provider, region, services, settings }: JoinPlace,
  machine: { readonly name: string; readonly zone: string },
  { labels, taints }: Pick<NodeGroupSpec, 'labels' | 'taints'>,
): Promise<string> {
  const ca = await authorityOf(kube);
  const token = await giveJoinToken(kube, machine.name, now());
  const { kubernetes, bundle, api, download } = settings;
  const join: JoinFile = {
    format: 'isthmus-join/v1',
    cluster,
    machine: machine.name,
    role: 'node',
    ground: 'cloud',
    kubernetes,
    bundle,
    api,
    provider,
    region,
    zone: machine.zone,
    services,
    ...(labels !== undefined && { labels }),
    ...(taints !== undefined && { taints }),
    admission: { token, caHash: caHashOf(ca) },
  };
  return nodeUserData(join, download, ca);
}

/** Kubernetes keeps it there for every pod. @fails Error while it has not done so yet */
async function authorityOf(kube: Kube): Promise<string> {
  const name = 'kube-root-ca.crt';
  const ca = (await kube.get(configMaps, { name, namespace: systemNamespace }))?.data?.['ca.crt'];
  if (ca === undefined) throw new Error(`ConfigMap ${systemNamespace}/${name} has no ca.crt yet`);
  return ca;
}
