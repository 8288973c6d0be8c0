import * as z from 'zod';
import { parseIp } from '#unit/ip.ts';
import { drawName } from '../engine/random.ts';
import { type Action, page, pageOf, place, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { isListed } from '../uhost/state.ts';
import { action, type UnetCloud, type UnetSeen } from './cloud.ts';
import type { FirewallRecord, UnetState } from './state.ts';

const rules = z.array(text).min(1);
const named = { ...place, FWId: text };

/**
 * Firewalls filter a machine's internet traffic, of which the lab has none: they are recorded and no packet is dropped. 54002: no
 * such firewall, on a read; 4600: no such firewall, on a change; 4361: still used.
 * @source UCloud API reference, unet-api; ucloud-sdk-python3 0.11.150 services/unet; codes as terraform-provider-ucloud reads them
 */
export const firewallActions: Readonly<Record<string, Action<UnetCloud>>> = {
  CreateFirewall: action(
    { ...place, Rule: rules, Name: text, Tag: text.default('Default'), Remark: text.default('') },
    (args, { state, now }) => {
      for (const [at, rule] of args.Rule.entries()) readRule(rule, at);
      const id = `firewall-${drawName(state.chance, 12)}`;
      const createdAt = Math.floor(now() / 1000);
      state.firewalls.push({
        id,
        name: args.Name,
        tag: args.Tag,
        remark: args.Remark,
        rules: args.Rule,
        type: 'user defined',
        createdAt,
        machines: [],
      });
      return { FWId: id };
    },
  ),

  UpdateFirewall: action({ ...named, Rule: rules }, (args, { state }) => {
    for (const [at, rule] of args.Rule.entries()) readRule(rule, at);
    firewallOf(args.FWId, state).rules = args.Rule;
    return { FWId: args.FWId };
  }),

  UpdateFirewallAttribute: action(
    { ...named, Name: text.optional(), Tag: text.optional(), Remark: text.optional() },
    (args, { state }) => {
      if ([args.Name, args.Tag, args.Remark].every((one) => one === undefined)) throw missing('Name');
      const firewall = firewallOf(args.FWId, state);
      firewall.name = args.Name ?? firewall.name;
      firewall.tag = args.Tag ?? firewall.tag;
      firewall.remark = args.Remark ?? firewall.remark;
      return {};
    },
  ),

  DescribeFirewall: action(
    {
      ...place,
      ...page(20),
      FWId: text.optional(),
      ResourceType: text.optional(),
      ResourceId: text.optional(),
    },
    (args, { state }) => {
      const found = state.firewalls
        .filter(({ id }) => args.FWId === undefined || id === args.FWId)
        .filter(({ machines }) => args.ResourceId === undefined || machines.includes(args.ResourceId));
      if (args.FWId !== undefined && found.length === 0)
        throw new Refusal(54002, `firewall ${args.FWId} does not exist`);
      const { TotalCount, shown } = pageOf(found, args);
      return { TotalCount, DataSet: shown.map((one) => firewallForm(one, state)) };
    },
  ),

  GrantFirewall: action({ ...named, ResourceType: text, ResourceId: text }, (args, { state }) => {
    if (args.ResourceType.toLowerCase() !== 'uhost') throw notValid('ResourceType', 'only uhost is simulated');
    grantFirewall(args.FWId, machineOf(args.ResourceId, state).id, state);
    return {};
  }),

  DescribeFirewallResource: action({ ...named, ...page(20) }, (args, { state }) => {
    const holders = holdersOf(firewallOf(args.FWId, state), state);
    const { TotalCount, shown } = pageOf(holders, args);
    return {
      TotalCount,
      ResourceSet: shown.map(({ id, name, ip, tag }) => ({
        ResourceID: id,
        ResourceType: 'uhost',
        Name: name,
        PrivateIP: ip,
        Tag: tag,
        Remark: '',
        Status: 0,
        SubResourceId: '',
        SubResourceName: '',
        SubResourceType: '',
      })),
    };
  }),

  DeleteFirewall: action(named, (args, { state }) => {
    const firewall = firewallOf(args.FWId, state);
    if (holdersOf(firewall, state).length > 0) throw new Refusal(4361, `firewall ${firewall.id} is still used`);
    state.firewalls.splice(state.firewalls.indexOf(firewall), 1);
    return {};
  }),
};

/** A machine has one firewall: another one takes its place. @fails Refusal 4600 */
export function grantFirewall(id: string, machine: string, state: UnetState): void {
  const wanted = firewallOf(id, state);
  for (const one of state.firewalls) one.machines = one.machines.filter((other) => other !== machine);
  wanted.machines = [...wanted.machines, machine];
}

/** The one that a new machine gets: without a choice the one that is recommended for the web. @fails Refusal 4600 */
export function chooseFirewall(id: string | undefined, state: UnetState): FirewallRecord | undefined {
  return id === undefined ? state.firewalls.find(({ type }) => type === 'recommend web') : firewallOf(id, state);
}

/** @fails Refusal 4600 */
export function firewallOf(id: string, state: UnetState): FirewallRecord {
  const firewall = state.firewalls.find((one) => one.id === id);
  if (firewall === undefined) throw new Refusal(4600, `firewall ${id} does not exist`);
  return firewall;
}

function holdersOf({ machines }: FirewallRecord, state: UnetSeen) {
  return state.machines.filter((machine) => isListed(machine) && machines.includes(machine.id));
}

/** `TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh` */
function readRule(rule: string, at: number) {
  const [protocol = '', port = '', source = '', verdict = '', priority = '', remark = ''] = rule.split('|');
  const wrong = [
    /^(TCP|UDP|ICMP|GRE)$/.test(protocol) || 'the protocol is TCP, UDP, ICMP or GRE',
    arePorts(port) || 'the port is a number from 1 to 65535 or a range of them',
    isSource(source) || 'the source is an address or a range such as 0.0.0.0/0',
    /^(ACCEPT|DROP)$/.test(verdict) || 'the action is ACCEPT or DROP',
    /^(HIGH|MEDIUM|LOW)$/.test(priority) || 'the priority is HIGH, MEDIUM or LOW',
  ].find((why) => why !== true);
  if (wrong !== undefined) throw notValid(`Rule.${at}`, `"${rule}": ${wrong}; write TCP|22|0.0.0.0/0|ACCEPT|HIGH|ssh`);
  return {
    ProtocolType: protocol,
    DstPort: port,
    SrcIP: source,
    RuleAction: verdict,
    Priority: priority,
    Remark: remark,
  };
}

/** None for protocols that have no ports. */
function arePorts(text: string): boolean {
  if (text === '') return true;
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return Number(from) >= 1 && Number(from) <= Number(to) && Number(to) <= 65_535;
}

/** Host bits may be set. @source UCloud API reference, CreateFirewall: its example has 192.168.1.1/22 */
function isSource(text: string): boolean {
  const [ip = '', bits = '32', ...more] = text.split('/');
  return parseIp(ip) !== undefined && /^\d{1,2}$/.test(bits) && Number(bits) <= 32 && more.length === 0;
}

function firewallForm(firewall: FirewallRecord, state: UnetSeen): object {
  return {
    FWId: firewall.id,
    GroupId: firewall.id,
    Name: firewall.name,
    Tag: firewall.tag,
    Remark: firewall.remark,
    ResourceCount: holdersOf(firewall, state).length,
    CreateTime: firewall.createdAt,
    Type: firewall.type,
    Rule: firewall.rules.map(readRule),
  };
}
