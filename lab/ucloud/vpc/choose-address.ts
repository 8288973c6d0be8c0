import { type Cidr, ipOf, sizeOf } from '#unit/ip.ts';

/** How many addresses of a subnet machines can have: all but the network, the gateway and the last. */
export function usableIn(range: Cidr): number {
  return sizeOf(range) - 3;
}

/** Whether an address is one that a machine could have. */
export function isUsable(range: Cidr, n: number): boolean {
  return n >= range.first + 2 && n < range.first + sizeOf(range) - 1;
}

/** Up to `count` free addresses, the lowest first: what was given back is given again soon, which is the hardest on a client. */
export function chooseAddresses(range: Cidr, taken: ReadonlySet<string>, count: number): string[] {
  const chosen: string[] = [];
  for (let n = range.first + 2; isUsable(range, n) && chosen.length < count; n++)
    if (!taken.has(ipOf(n))) chosen.push(ipOf(n));
  return chosen;
}
