import { type Action, actionsOf, text } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import { zonesWith } from '../gateway/regions.ts';
import type { GatewayState } from '../gateway/state.ts';
import { isListed } from '../uhost/state.ts';
import type { Placed } from '../vpc/state.ts';

/** What the actions of this product get. */
export type UaccountCloud = Desk<GatewayState & Placed>;
const action = actionsOf<UaccountCloud>();

/**
 * Regions, zones and projects. ListRegions and ListZones, which the reference names beside GetRegion, are missing here:
 * the form of their answers is not published in any source at hand.
 * @source ucloud-sdk-python3 0.11.150 services/uaccount
 */
export const accountActions: Readonly<Record<string, Action<UaccountCloud>>> = {
  GetRegion: action({ Region: text.optional(), ProjectId: text.optional() }, (_, { account }) => ({
    Regions: zonesWith(account).map(({ region, zone }, at) => ({
      RegionId: at + 1,
      RegionName: region,
      Region: region,
      Zone: zone,
      IsDefault: zone === account.zone,
      BitMaps: '1',
    })),
  })),

  // The official clients put Region and ProjectId on every call, so they are taken here though the page lists neither.
  GetProjectList: action(
    { IsFinance: text.optional(), Region: text.optional(), ProjectId: text.optional() },
    (_, { account, state }) => ({
      ProjectCount: 1,
      ProjectSet: [
        {
          ProjectId: account.project.id,
          ProjectName: account.project.name,
          ParentId: '',
          ParentName: '',
          CreateTime: Math.min(...state.vpcs.map(({ createdAt }) => createdAt)),
          IsDefault: true,
          MemberCount: 1,
          ResourceCount: state.machines.filter(isListed).length + state.vpcs.length + state.subnets.length,
        },
      ],
    }),
  ),
};
