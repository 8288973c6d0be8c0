import { byNumber, type Ip } from '#unit/ip.ts';
import type { Ledger } from './ipam/ledger.ts';

/** On a Namespace: `allow` opens the metadata server of the cloud to its pods. */
export const metadataAccess = 'isthmus.dev/metadata-access';

/** Whether a Namespace has it; any other value than `allow` opens nothing. */
export function opensMetadata(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[metadataAccess] === 'allow';
}

/**
 * The addresses of this node whose pods may reach the metadata servers. A pod on its way out has that right no more, nor one
 * of which nobody knows the namespace.
 */
export function planMetadataAccess(ledger: Ledger, open: ReadonlySet<string>): readonly Ip[] {
  return [...ledger.held.values()]
    .filter(({ namespace, leaving }) => !leaving && namespace !== undefined && open.has(namespace))
    .map(({ ip }) => ip)
    .sort(byNumber);
}
