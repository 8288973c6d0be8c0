import { cidr, ipOf } from '#unit/ip.ts';
import { forbiddenRanges } from '../gateway/regions.ts';

/** The address that checks come from. */
export function probeSource(region: string): string {
  return ipOf(cidr(probeRange(region)).first + 10);
}

/** One of the region's own public-service ranges. @source UCloud VPC manual */
export function probeRange(region: string): string {
  const [shared = '', own = shared] = forbiddenRanges(region);
  return own;
}
