import { parseCidr, parseIp } from '#unit/ip.ts';
import { integer, text } from '../gateway/declare.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { SecGroupRuleRecord } from './state.ts';

/** What is missing or wrong in a rule is told with 208605, so nothing is required here. */
export const ruleShape = {
  Direction: text.optional(),
  IPRange: text.optional(),
  Priority: integer.optional(),
  ProtocolType: text.optional(),
  DstPort: text.optional(),
  RuleAction: text.optional(),
  Remark: text.default(''),
  IPVersion: text.default('IPv4'),
};

interface RuleText {
  readonly Direction?: string | undefined;
  readonly IPRange?: string | undefined;
  readonly Priority?: number | undefined;
  readonly ProtocolType?: string | undefined;
  readonly DstPort?: string | undefined;
  readonly RuleAction?: string | undefined;
  readonly Remark: string;
  readonly IPVersion: string;
}

const mostEachWay = 50;

/**
 * One rule as it was asked for.
 * @fails Refusal 208605
 * @source UCloud API reference, CreateSecGroupRule; the three forms of IPRange, and ALL for no port, as terraform-provider-ucloud
 *         sends them
 */
export function readRule(asked: RuleText, at: number, id: string): SecGroupRuleRecord {
  const { Direction, IPRange, Priority = 0, ProtocolType, DstPort, RuleAction, Remark, IPVersion } = asked;
  const wrong = (why: string): Refusal => new Refusal(208605, `Rule.${at} is not valid: ${why}`);
  if (Direction !== 'Ingress' && Direction !== 'Egress') throw wrong('Direction is Ingress or Egress');
  if (RuleAction !== 'Accept' && RuleAction !== 'Drop') throw wrong('RuleAction is Accept or Drop');
  if (IPVersion !== 'IPv4' || ProtocolType === 'ICMPv6') throw wrong('IPv6 is not simulated');
  if (ProtocolType !== 'TCP' && ProtocolType !== 'UDP' && ProtocolType !== 'ICMP' && ProtocolType !== 'ALL')
    throw wrong('ProtocolType is TCP, UDP, ICMP, ICMPv6 or ALL');
  if (Priority < 1 || Priority > 200) throw wrong('Priority is a number from 1 to 200');
  if (IPRange === undefined || !isPeers(IPRange))
    throw wrong('IPRange is ranges such as 10.0.0.0/8,192.168.0.0/16 or one security group');
  if (DstPort === undefined || !arePorts(DstPort, ProtocolType))
    throw wrong('DstPort is ports such as 80,443-450 for TCP and UDP, else ALL');
  return {
    id,
    direction: Direction,
    peers: IPRange,
    priority: Priority,
    protocol: ProtocolType,
    ports: DstPort,
    action: RuleAction,
    remark: Remark,
  };
}

/**
 * What the rules of one group must keep together.
 * @fails Refusal 208605 two rules of a direction with one priority, 4207 too many
 * @source UCloud VPC manual, security groups
 */
export function checkRules(rules: readonly SecGroupRuleRecord[]): void {
  for (const way of ['Ingress', 'Egress'] as const) {
    const priorities = rules.filter(({ direction }) => direction === way).map(({ priority }) => priority);
    const twice = priorities.find((one, at) => priorities.indexOf(one) !== at);
    if (twice !== undefined) throw new Refusal(208605, `two ${way} rules of one group have the priority ${twice}`);
    if (priorities.length > mostEachWay) throw new Refusal(4207, `a group has at most ${mostEachWay} ${way} rules`);
  }
}

function isPeers(text: string): boolean {
  if (/^secgroup-[a-z0-9]+$/.test(text)) return true;
  return text.split(',').every((part) => parseCidr(part) !== undefined || parseIp(part) !== undefined);
}

function arePorts(text: string, protocol: SecGroupRuleRecord['protocol']): boolean {
  if (text === 'ALL') return true;
  if (protocol === 'ICMP' || protocol === 'ALL') return false;
  return text.split(',').every((part) => {
    const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    return Number(from) >= 1 && Number(from) <= Number(to) && Number(to) <= 65_535;
  });
}
