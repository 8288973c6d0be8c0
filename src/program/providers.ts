import type { CloudProvider } from '#cloud/provider.ts';
import { ucloud } from '#cloud/ucloud/provider.ts';

/** Every kind of cloud that this version knows. */
export const providers: readonly CloudProvider[] = [ucloud];

/** @fails Error when no such provider is known */
export function providerNamed(wanted: string): CloudProvider {
  const provider = providers.find(({ name }) => name === wanted);
  if (provider !== undefined) return provider;
  const known = providers.map(({ name }) => name).join(', ');
  throw new Error(`cloud provider "${wanted}" is unknown to this version of Isthmus; known are ${known}`);
}
