import type { Latency } from '../engine/latency.ts';

/** How long the network takes. */
export const latencies = {
  /** AttachNetworkInterface, DetachNetworkInterface: not published. UCloud's CNI looks every 3 s, and for 90 s at the most. ucloud/uk8s-cni-vpc @736247a */
  plug: [2, 6],
  /** A fresh or moved secondary address works after 5 to 15 s. UK8S manual, VPC CNI. */
  settle: [5, 15],
  /** Route tables: CreateRouteTable, AssociateRouteTable and ModifyRouteRule are looked at after 3 to 5 s. */
  routes: [3, 5],
  /** Changed rules of a security group are in force within seconds. UCloud VPC manual. */
  groups: [1, 2],
} as const satisfies Record<string, Latency>;
