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
  const fault = `packets from pods of this node get no answer from ${at.peer}, packets from the node itself do: the way back to ${at.pods} is missing; route it to ${at.node} on the site's gateway (isthmus routes shows what the gateway lacks) and to the gateway in the cloud`;
  return { fault };
}

const enough = 2;
