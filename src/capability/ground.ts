import type { NodeObject } from '#kube/resources.ts';
import { type ProviderId, parseProviderId } from '#unit/provider-id.ts';

/** On which side of the line a Node stands, set by its join. */
export const groundLabel = 'isthmus.dev/ground';

export type Ground = ProviderId | { readonly ground: 'unclear'; readonly why: string };

/** Both the provider id and the label must say the same: a node can write its own labels, and the id cannot change once set. */
export function groundOf(node: NodeObject): Ground {
  const text = node.spec?.providerID;
  const label = node.metadata.labels?.[groundLabel];
  if (text === undefined) return { ground: 'unclear', why: 'the Node has no spec.providerID yet' };
  const id = parseProviderId(text);
  if (id === undefined) return { ground: 'unclear', why: `spec.providerID "${text}" has no form that Isthmus uses` };
  if (label !== id.ground)
    return { ground: 'unclear', why: `label ${groundLabel} is "${label ?? ''}" but spec.providerID says ${id.ground}` };
  return id;
}
