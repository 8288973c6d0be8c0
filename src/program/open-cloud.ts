import type { Cloud } from '#cloud/cloud.ts';
import type { Settings } from '#kube/api/settings.ts';
import { countCloudCall } from './cloud-calls.ts';
import { followCloudKeys } from './cloud-keys.ts';
import { providerNamed } from './providers.ts';

/**
 * The cloud of a cluster, its calls counted, with the keys that are in the folder now and whatever takes their place.
 * @fails Error when the provider is unknown to this version, or a key is missing
 */
export async function openCloud(
  settings: Settings,
  keysFolder: string,
  given: { readonly stop: AbortSignal; readonly note: (facts: object, doing: string) => void },
): Promise<Cloud> {
  const { provider: name, region, zone, vpc, subnet, ...own } = settings.cloud;
  const provider = providerNamed(name);
  const keys = await followCloudKeys(keysFolder, Object.keys(provider.credentials), given);
  return provider.open({ provider: name, region, zone, vpc, subnet, own }, keys, { note: countCloudCall });
}
