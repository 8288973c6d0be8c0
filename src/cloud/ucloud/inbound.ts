import { type Cidr, parseCidr, parseIp } from '#unit/ip.ts';
import { ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { Inbound, InboundRule } from '../inbound.ts';
import type { Deadline } from './wire/deadline.ts';
import { type ResourceGroups, resourceGroups, type SecGroup, secGroups } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

/** So many ids in one call: the page of both lists when nothing is said. */
const idsAtOnce = 20;

/**
 * What security groups let in to machines. A machine without one is in firewall mode, and a firewall judges what comes from the
 * internet alone. Public-service ranges pass every group, so no rule of theirs is told.
 * @shape machines that the cloud does not know are left out
 * @source UCloud API reference, vpc2.0-api: DescribeResourceSecGroup, DescribeSecGroup; with an elastic interface the groups are
 *         bound to it, and not to the machine. UCloud VPC manual, security groups: the smaller number of a priority goes first
 */
export async function describeInbound(
  wire: Wire,
  machines: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<ReadonlyMap<string, Inbound>>> {
  const found = await describeResources(wire, machines, deadline);
  if (!found.ok) return found;
  const unis = found.value.flatMap(({ Uni }) => Uni);
  const interfaces = await describeResources(wire, unis, deadline);
  if (!interfaces.ok) return interfaces;
  const byUni = new Map(interfaces.value.map((one) => [one.ResourceId, groupsOf(one)]));
  const judged = found.value.map((own) => ({
    machine: own.ResourceId,
    groups: own.Uni.length === 0 ? [groupsOf(own)] : own.Uni.map((uni) => byUni.get(uni)),
  }));
  const rules = await rulesOfGroups(
    wire,
    [...new Set(judged.flatMap(({ groups }) => groups.flat()))].filter(isThere),
    deadline,
  );
  if (!rules.ok) return rules;
  const inboundOf = (groups: readonly string[]): Inbound =>
    groups.length === 0
      ? { guarded: false }
      : { guarded: true, groups, rules: groups.flatMap((id) => rules.value.get(id) ?? []) };
  return ok(
    new Map(
      judged.flatMap(({ machine, groups }): readonly [string, Inbound][] => {
        const known = groups.filter(isThere).map(inboundOf);
        const [first] = known;
        // An interface that went meanwhile: nothing is said of its machine.
        if (first === undefined || known.length < groups.length) return [];
        return [[machine, known.length === 1 ? first : { guarded: 'by-interface', interfaces: known }]];
      }),
    ),
  );
}

function isThere<T>(one: T | undefined): one is T {
  return one !== undefined;
}

/** In the order in which they are asked. */
function groupsOf({ SecGroupInfo }: ResourceGroups): readonly string[] {
  return SecGroupInfo.toSorted((a, b) => a.Priority - b.Priority).map(({ SecGroupId }) => SecGroupId);
}

async function describeResources(
  wire: Wire,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<readonly ResourceGroups[]>> {
  const found: ResourceGroups[] = [];
  for (const params of pagesOfIds('ResourceId', ids)) {
    const action = 'DescribeResourceSecGroup';
    const answer = await wire.call({ action, effect: 'read', params, shape: resourceGroups }, deadline);
    if (!answer.ok) return answer;
    found.push(...answer.value.DataSet);
  }
  return ok(found);
}

async function rulesOfGroups(
  wire: Wire,
  ids: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<ReadonlyMap<string, readonly InboundRule[]>>> {
  const found: SecGroup[] = [];
  for (const params of pagesOfIds('SecGroupId', ids)) {
    const action = 'DescribeSecGroup';
    const answer = await wire.call({ action, effect: 'read', params, shape: secGroups }, deadline);
    if (!answer.ok) return answer;
    found.push(...answer.value.DataSet);
  }
  return ok(new Map(found.map((group) => [group.SecGroupId, parseRules(group)])));
}

function pagesOfIds(name: string, ids: readonly string[]): readonly Readonly<Record<string, string | number>>[] {
  const pages = Array.from({ length: Math.ceil(ids.length / idsAtOnce) }, (_, at) =>
    ids.slice(at * idsAtOnce, (at + 1) * idsAtOnce),
  );
  return pages.map((page) => ({
    ...Object.fromEntries(page.map((id, at) => [`${name}.${at}`, id])),
    Offset: 0,
    Limit: idsAtOnce,
  }));
}

function parseRules({ SecGroupId, Rule }: SecGroup): readonly InboundRule[] {
  return Rule.filter(({ Direction }) => Direction === 'Ingress')
    .toSorted((a, b) => a.Priority - b.Priority)
    .map(({ RuleAction, ProtocolType, IPRange, DstPort }) => ({
      group: SecGroupId,
      admits: RuleAction === 'Accept',
      protocol: ProtocolType.toUpperCase(),
      // Another group as the peer stands for its machines, and never for a load balancer.
      from: IPRange.split(',').flatMap((part) => parseRange(part.trim()) ?? []),
      ports: parsePorts(DstPort),
    }));
}

function parseRange(text: string): Cidr | undefined {
  return parseCidr(parseIp(text) === undefined ? text : `${text}/32`);
}

function parsePorts(text: string | undefined): InboundRule['ports'] {
  if (text === undefined || text.toUpperCase() === 'ALL') return undefined;
  return text.split(',').flatMap((part) => {
    const [, from, to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    return from === undefined ? [] : [{ first: Number(from), last: Number(to) }];
  });
}
