export interface WaySeen {
  /** How often in a row packets from pods' addresses got no answer while the node's own did. */
  readonly lost: number;
  /** Whether the last one did. */
  readonly answered: boolean;
}

/** How packets of pods come back from beyond the gateway; `unknown` while nobody answered the node itself either. */
export type Way = 'unknown' | 'open' | { readonly fault: string };

/**
 * What is wrong with the way of pods' packets beyond the gateway. One lost answer may be chance.
 */
export function planWay(
  seen: WaySeen | undefined,
  at: { readonly pods: string; readonly node: string; readonly peer: string },
): Way {
  if (seen === undefined) return 'unknown';
  if (seen.answered || seen.lost < enough) return 'open';
  const fault = `pods of this node get no replies from ${at.peer}, the node itself does: the return route to ${at.pods} is missing; on the site's gateway it must lead to ${at.node} (isthmus routes shows what is missing there), in the VPC to the site's gateway`;
  return { fault };
}

const enough = 2;
