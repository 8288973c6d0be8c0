import type { UlbCloud } from './cloud.ts';
import type { BalancerHead } from './record.ts';

/** What a balancer of a subnet begins with, as it was asked for. */
export function newHead(
  asked: {
    readonly Name: string;
    readonly Tag: string;
    readonly Remark: string;
    readonly ChargeType: string;
    readonly Quantity: number;
  },
  place: { readonly id: string; readonly subnet: { readonly id: string; readonly vpc: string }; readonly ip: string },
  { now, balancers }: Pick<UlbCloud, 'now' | 'balancers'>,
): BalancerHead {
  const { id, subnet, ip } = place;
  return {
    id,
    name: asked.Name,
    tag: asked.Tag,
    remark: asked.Remark,
    vpc: subnet.vpc,
    subnet: subnet.id,
    ip,
    chargeType: asked.ChargeType,
    quantity: asked.Quantity,
    createdAt: Math.floor(now() / 1000),
    listedAt: balancers.listedAt(),
    trouble: undefined,
  };
}
