import { type Cidr, overlaps, partAt, partsOf } from '#unit/ip.ts';

/**
 * The lowest part of the site's pod range that touches nothing that is taken: neither the VPC, Services and the site itself,
 * nor any node's address, nor what another node may give to its pods.
 * @shape undefined when the range is used up
 */
export function chooseSubnet(range: Cidr, bits: number, taken: readonly Cidr[]): Cidr | undefined {
  for (let i = 0; i < partsOf(range, bits); i++) {
    const part = partAt(range, bits, i) as Cidr;
    if (!taken.some((other) => overlaps(part, other))) return part;
  }
  return undefined;
}
