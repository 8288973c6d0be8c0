import { forbiddenRanges } from '../gateway/regions.ts';
import type { VpcRecord } from './state.ts';

export interface SystemRoute {
  /** LOCAL: inside the VPC; PUBLIC: the cloud's own services; HYBRIDGW: over the leased line. */
  readonly kind: 'LOCAL' | 'PUBLIC' | 'HYBRIDGW';
  readonly range: string;
  readonly hop: string;
}

/**
 * The routes that the cloud itself puts into every table of a VPC. There is none to the internet (CNAT): the lab has no internet.
 * @source UCloud VPC manual, route tables; the names are those of DescribeRouteTable's NexthopType
 */
export function systemRoutesOf({ id, networks, hybrid }: VpcRecord, region: string): readonly SystemRoute[] {
  const gateway = id.replace(/^uvnet/, 'hybridgw');
  return [
    ...networks.map((range) => ({ kind: 'LOCAL', range, hop: 'LOCAL' }) as const),
    ...forbiddenRanges(region).map((range) => ({ kind: 'PUBLIC', range, hop: 'PUBLIC' }) as const),
    ...hybrid.map((range) => ({ kind: 'HYBRIDGW', range, hop: gateway }) as const),
  ];
}
