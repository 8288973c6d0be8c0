/**
 * The public list of zones; a region's id is its zone's without the number.
 * @source UCloud API reference, summary/regionlist, as of 2026-11
 */
const zones = `
  cn-bj1-01 cn-bj2-02 cn-bj2-03 cn-bj2-05 cn-sh2-01 cn-sh2-02 cn-sh2-03
  cn-sh-01 cn-sh-02 cn-sh-03 cn-wlcb-01 cn-wlcb-03 cn-wlcb2-01 cn-jx-01 cn-gd2-01
  cn-gd-02 cn-guiyang1-01 hk-02 hk-03 sg-01 sg-02 rus-mosc-01 rus-mosc-02 tw-tp-01
  jpn-tky-01 kr-seoul-01 th-bkk-02 idn-jakarta-01 vn-sng-01 ph-mnl-01 ind-mumbai-01
  pk-khi-01 uz-tas-01 kz-ala-01 uae-dubai-01 us-den-01 us-ca-01 us-ws-01 mx-mex-01
  bra-saopaulo-01 ge-fra-01 uk-london-01 afr-nigeria-01`
  .trim()
  .split(/\s+/);

export interface ZonePlace {
  readonly region: string;
  readonly zone: string;
}

/** All zones, with the account's own even if it is one that is no longer sold (cn-bj2-04, say). */
export function zonesWith(own: ZonePlace): readonly ZonePlace[] {
  const known = zones.map((zone) => ({ region: zone.replace(/-\d+$/, ''), zone }));
  return known.some(({ zone }) => zone === own.zone) ? known : [...known, own];
}

/**
 * Ranges that no subnet may overlap: the cloud's own services live there.
 * @source UCloud VPC manual; most overseas regions have one 10.x.192.0/18, not published one by one
 */
const publicService: Readonly<Record<string, readonly string[]>> = {
  'cn-bj2': ['10.9.192.0/18', '10.10.192.0/18', '10.19.192.0/18', '10.42.192.0/18'],
  'cn-sh2': ['10.23.248.0/21', '10.23.200.0/24', '10.25.248.0/21', '10.25.200.0/24'],
  'cn-gd': ['10.13.192.0/18'],
  hk: ['10.8.192.0/18', '10.7.192.0/18'],
};

/** In every region. */
export const sharedRange = '100.64.0.0/10';

export function forbiddenRanges(region: string): readonly string[] {
  return [sharedRange, ...(publicService[region] ?? [])];
}
