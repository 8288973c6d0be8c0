import { type Cidr, contains, type Ip } from '#unit/ip.ts';

/** What a cloud lets in to one machine. What the machine's own system drops is not known here. */
export type Inbound =
  /** Nothing judges what comes from inside the VPC. */
  | { readonly guarded: false }
  /** The first rule that fits decides; what no rule fits is dropped. */
  | { readonly guarded: true; readonly groups: readonly string[]; readonly rules: readonly InboundRule[] }
  /** Each of several interfaces judges what comes to it, and which one that is is not told. */
  | { readonly guarded: 'by-interface'; readonly interfaces: readonly Inbound[] };

export interface InboundRule {
  /** The security group that it is of. */
  readonly group: string;
  readonly admits: boolean;
  /** `ALL` fits every protocol; one that we never ask about keeps its name. */
  readonly protocol: string;
  readonly from: readonly Cidr[];
  /** `undefined` for all. */
  readonly ports: readonly { readonly first: number; readonly last: number }[] | undefined;
}

export interface Knock {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly from: Ip;
}

/**
 * Who refuses a packet. @shape `undefined` when it is let in, or may be by one of several interfaces; the groups that have no rule for it,
 * or the one whose rule drops it
 */
export function refuserOf(inbound: Inbound, knock: Knock): readonly string[] | undefined {
  if (inbound.guarded === false) return undefined;
  if (inbound.guarded === 'by-interface') {
    const refusers = inbound.interfaces.map((one) => refuserOf(one, knock));
    const isOpen = refusers.some((groups) => groups === undefined);
    return isOpen ? undefined : [...new Set(refusers.flatMap((groups) => groups ?? []))];
  }
  const deciding = inbound.rules.find((rule) => fits(rule, knock));
  if (deciding === undefined) return inbound.groups;
  return deciding.admits ? undefined : [deciding.group];
}

function fits({ protocol, from, ports }: InboundRule, knock: Knock): boolean {
  return (
    (protocol === 'ALL' || protocol === knock.protocol) &&
    from.some((range) => contains(range, knock.from)) &&
    (ports?.some(({ first, last }) => first <= knock.port && knock.port <= last) ?? true)
  );
}
