import type { IConfigMap, ISecret } from 'kubernetes-models/v1';
import { type Settings, systemNamespace } from '#kube/api/settings.ts';
import { formatCidr } from '#unit/ip.ts';
import type { SystemFacts } from './system-objects.ts';

export const settingsName = 'isthmus';
export const cloudKeysName = 'isthmus-cloud';

/** What the controller needs to know; no secret in it. */
export function settingsMap({ config, vpcRanges }: SystemFacts): IConfigMap & { metadata: { name: string } } {
  const { cloud, network } = config;
  const { credentials: _names, ...place } = cloud;
  const settings: Settings = {
    name: config.name,
    cloud: place,
    ranges: {
      vpc: [...vpcRanges],
      services: formatCidr(network.services),
      site: network.site.machines.map(formatCidr),
      sitePods: formatCidr(network.site.pods),
    },
    perMachine: network.site.perMachine,
    warm: network.cloud.warm,
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: settingsName, namespace: systemNamespace },
    data: { 'settings.json': `${JSON.stringify(settings, null, 2)}\n` },
  };
}

/** The keys of the cloud's API, for the controller alone. */
export function cloudKeysSecret(keys: SystemFacts['keys']): ISecret & { metadata: { name: string } } {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: cloudKeysName, namespace: systemNamespace },
    type: 'Opaque',
    data: { publicKey: base64(keys.publicKey), privateKey: base64(keys.privateKey) },
  };
}
