import type { IConfigMap, ISecret } from 'kubernetes-models/v1';
import { cloudKeysName, type Settings, settingsName, systemNamespace } from '#kube/api/settings.ts';
import { formatCidr } from '#unit/ip.ts';
import { downloadFor } from '../join/choose-images.ts';
import type { SystemFacts } from './system-facts.ts';

/** What the controller needs to know: of the cluster, and for each capability a file of its own; no secret in it. */
export function settingsMap({
  config,
  capabilities,
  vpcRanges,
  bundle,
  api,
}: SystemFacts): IConfigMap & { metadata: { name: string } } {
  const { cloud, network } = config;
  const { provider, region, zone, vpc, subnet, own } = cloud;
  const settings: Settings = {
    name: config.name,
    secretsEncryption: config.secretsEncryption,
    cloud: { ...own, provider, region, zone, vpc, subnet },
    ranges: {
      vpc: [...vpcRanges],
      services: formatCidr(network.services),
      site: network.site.machines.map(formatCidr),
      ...(network.site.routed && { sitePods: formatCidr(network.site.routed.pods) }),
    },
  };
  const joins = { bundle: config.bundle, api, download: downloadFor('node', bundle) };
  const parts = capabilities.flatMap(({ name, settings: own }) =>
    own === undefined ? [] : [[`${name}.json`, json(own(config, joins))] as const],
  );
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: settingsName, namespace: systemNamespace },
    data: { 'settings.json': json(settings), ...Object.fromEntries(parts) },
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The keys of the cloud's API, for the controller alone. */
export function cloudKeysSecret(keys: SystemFacts['keys']): ISecret & { metadata: { name: string } } {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: cloudKeysName, namespace: systemNamespace },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, base64(key)])),
  };
}
