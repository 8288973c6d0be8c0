import { formatCidr, parseCidr } from '#unit/ip.ts';
import { drawName } from '../engine/random.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import type { GatewayState } from '../gateway/state.ts';
import { portOf } from './port.ts';
import type { Placed, RouteRuleRecord, RouteTableRecord } from './state.ts';
import { systemRoutesOf } from './system-routes.ts';

const mostRules = 50;
const example = 'write routerule-1|10.30.0.0/16|instance|uhost-1|0|remark|add';

interface Place {
  readonly state: Placed & Pick<GatewayState, 'chance'>;
  readonly region: string;
}

/**
 * The table's own rules after all that is asked, in the order in which it is asked.
 * @fails Refusal 230 for text that is no rule, 5022 for a range that has a rule, 4207 for too many, 8039 for what does not exist
 * @source UCloud API reference, ModifyRouteRule
 */
export function modifyRules(
  table: RouteTableRecord,
  asked: readonly string[],
  place: Place,
): readonly RouteRuleRecord[] {
  let rules = table.rules;
  for (const [at, text] of asked.entries()) rules = modify(rules, readParts(text, `RouteRule.${at}`), table, place);
  if (rules.length > mostRules) throw new Refusal(4207, `a route table has at most ${mostRules} rules of its own`);
  return rules;
}

interface Parts {
  readonly name: string;
  readonly id: string;
  readonly destination: string;
  readonly hopType: string;
  readonly hop: string;
  readonly remark: string;
  readonly verb: 'add' | 'update' | 'delete';
}

function readParts(text: string, name: string): Parts {
  const parts = text.split('|');
  if (!areSeven(parts)) throw notValid(name, `"${text}" has not the seven parts of a rule; ${example}`);
  const [id, destination, hopType, hop, priority, remark, verb] = parts;
  if (priority !== '0') throw notValid(name, `the priority is reserved and must be 0; ${example}`);
  if (verb !== 'add' && verb !== 'update' && verb !== 'delete')
    throw notValid(name, `"${verb}" is none of add, update and delete; ${example}`);
  return { name, id, destination, hopType: hopType.toLowerCase(), hop, remark, verb };
}

function areSeven(parts: string[]): parts is [string, string, string, string, string, string, string] {
  return parts.length === 7 && parts[0] !== '';
}

function modify(
  rules: readonly RouteRuleRecord[],
  parts: Parts,
  table: RouteTableRecord,
  place: Place,
): readonly RouteRuleRecord[] {
  if (parts.verb !== 'add' && !rules.some(({ id }) => id === parts.id))
    throw new Refusal(8039, `route table ${table.id} has no rule ${parts.id}`);
  const others = parts.verb === 'add' ? rules : rules.filter(({ id }) => id !== parts.id);
  if (parts.verb === 'delete') return others;
  const id = parts.verb === 'add' ? `routerule-${drawName(place.state.chance, 12)}` : parts.id;
  const destination = readDestination(parts, others, table, place);
  const changed = { id, destination, hop: readHop(parts, table, place.state), remark: parts.remark };
  return parts.verb === 'add' ? [...rules, changed] : rules.map((rule) => (rule.id === id ? changed : rule));
}

function readDestination(
  { name, destination }: Parts,
  others: readonly RouteRuleRecord[],
  { vpc: home }: RouteTableRecord,
  { state, region }: Place,
): string {
  const range = parseCidr(destination);
  if (range === undefined) throw notValid(name, `"${destination}" is no range; ${example}`);
  const system = state.vpcs.filter(({ id }) => id === home).flatMap((vpc) => systemRoutesOf(vpc, region));
  const taken = [...others.map((rule) => rule.destination), ...system.map((route) => route.range)];
  if (taken.includes(formatCidr(range))) throw new Refusal(5022, `there is a rule for ${destination} already`);
  return formatCidr(range);
}

function readHop({ name, hopType, hop }: Parts, { vpc }: RouteTableRecord, state: Placed): string {
  // No action here makes a VIP.
  if (hopType === 'vip') throw new Refusal(8039, `VIP ${hop} does not exist`);
  if (hopType !== 'instance') throw notValid(name, `the next hop is of type instance or vip; ${example}`);
  const port = portOf(hop, state);
  if (port === undefined) throw new Refusal(8039, `instance ${hop} does not exist`);
  if (port.vpc !== vpc) throw notValid(name, `${hop} is in ${port.vpc}, the table in ${vpc}`);
  return hop;
}
