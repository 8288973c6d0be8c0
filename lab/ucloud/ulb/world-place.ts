/** Where a balancer of any kind is. */
export interface WorldPlace {
  readonly id: string;
  /** The address that it answers on. */
  readonly ip: string;
  /** The subnet's prefix length and gateway address. */
  readonly prefixLength: number;
  readonly gateway: string;
  /** Addresses of the internet that lead to it. */
  readonly publicIps: readonly string[];
}

export interface WorldTarget {
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
}
