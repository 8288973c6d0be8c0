/** What networks need of the world: cables, and a VPC that carries, routes and filters packets. */
export interface VpcWorld {
  /** Puts one more interface into a machine that is there, on or off: while it is on it has the link. It stays in over power cycles. */
  attach(id: string, port: WorldInterface): Promise<void>;
  /** Takes it out again; nothing happens when it is not in. */
  detach(id: string, port: string): Promise<void>;
  /** From now on the VPC carries packets from and to `ip` for this port: a machine's own, or an interface's wherever it is attached. */
  giveAddress(port: string, ip: string): Promise<void>;
  /** From now on it does not. */
  takeAddress(port: string, ip: string): Promise<void>;
  /** From now on the VPC routes and filters as told, and no longer as it was told before. */
  shapeNetwork(network: WorldNetwork): Promise<void>;
}

/** An interface beside the one that a machine is made with. The guest configures it; the world only plugs it in. */
export interface WorldInterface {
  /** The cloud's id, `uni-…`. */
  readonly id: string;
  readonly mac: string;
  readonly ip: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** What the VPC does with packets beyond carrying them to the machine that has the address. */
export interface WorldNetwork {
  readonly routes: readonly WorldRoutes[];
  readonly guards: readonly WorldGuard[];
  /** Ports that may send from addresses of balancers, too, because they answer for them. */
  readonly lent: readonly { readonly port: string; readonly ips: readonly string[] }[];
  /** Ranges of the cloud's own services, which no guard keeps anybody from. */
  readonly unguarded: readonly string[];
}

/** One route table with rules of its own; of all that match a packet's destination the longest prefix counts. */
export interface WorldRoutes {
  /** The ports whose packets follow it; a machine's own port has the machine's id. */
  readonly ports: readonly string[];
  /** Ranges that go where they would go without this table. */
  readonly system: readonly string[];
  readonly rules: readonly WorldRoute[];
}

export interface WorldRoute {
  readonly destination: string;
  /** Absent when the machine is gone: what the route catches goes nowhere. */
  readonly hop: { readonly port: string; readonly ip: string } | undefined;
}

/** The filter at one port: the first rule that matches counts, and what none admits is dropped. Replies always pass. */
export interface WorldGuard {
  readonly port: string;
  readonly ingress: readonly FilterRule[];
  readonly egress: readonly FilterRule[];
}

export interface FilterRule {
  readonly admits: boolean;
  readonly protocol: 'TCP' | 'UDP' | 'ICMP' | 'ALL';
  /** Where the packet comes from, on ingress; where it goes to, on egress. Ranges or addresses; none: nothing matches. */
  readonly peers: readonly string[];
  /** Destination ports, as `80` or `443-450`; none: all of them. */
  readonly ports: readonly string[];
}
