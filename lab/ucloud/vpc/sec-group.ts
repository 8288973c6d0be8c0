import * as z from 'zod';
import { drawName } from '../engine/random.ts';
import { type Action, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { action, type VpcCloud } from './cloud.ts';
import { vpcOf } from './lookup.ts';
import { membersOf } from './port.ts';
import { checkRules, readRule, ruleShape } from './sec-group-rule.ts';
import type { Placed, SecGroupRecord, SecGroupRuleRecord } from './state.ts';

const mostGroups = 50;
const named = { ...place, SecGroupId: text };
const groupIds = z.array(text).min(1);

/**
 * Security groups and their rules; sec-group-binding.ts has what they are for. 208704: no such group; 208605: a rule that is not
 * valid; 5024: a group that is still used; 4207: too many groups or rules.
 * @source UCloud API reference, vpc2.0-api; 208704 and 208605 as terraform-provider-ucloud has met them
 */
export const secGroupActions: Readonly<Record<string, Action<VpcCloud>>> = {
  // VPCID: so the reference spells it, here alone.
  CreateSecGroup: action({ ...place, VPCID: text, Name: z.string().max(64) }, ({ VPCID, Name }, { state, now }) => {
    const { id: vpc } = vpcOf(VPCID, state);
    if (state.secGroups.length >= mostGroups)
      throw new Refusal(4207, `an account has at most ${mostGroups} security groups`);
    const id = `secgroup-${drawName(state.chance, 12)}`;
    const createdAt = Math.floor(now() / 1000);
    state.secGroups.push({ id, vpc, name: Name, remark: '', createdAt, rules: [], members: [] });
    return { SecGroupId: id };
  }),

  CreateSecGroupRule: action({ ...named, Rule: z.array(z.strictObject(ruleShape)).min(1) }, (args, cloud) => {
    const group = secGroupOf(args.SecGroupId, cloud.state);
    const made = args.Rule.map((rule, at) => readRule(rule, at, `secgrouprule-${drawName(cloud.state.chance, 12)}`));
    putRules(group, [...group.rules, ...made], cloud);
    return { RuleId: made.map(({ id }) => id) };
  }),

  UpdateSecGroupRule: action(
    { ...named, Rule: z.array(z.strictObject({ ...ruleShape, RuleId: text })).min(1) },
    (args, cloud) => {
      const group = secGroupOf(args.SecGroupId, cloud.state);
      const changed = new Map(args.Rule.map((rule, at) => [rule.RuleId, readRule(rule, at, rule.RuleId)]));
      for (const id of changed.keys()) ruleOf(id, group);
      putRules(
        group,
        group.rules.map((rule) => changed.get(rule.id) ?? rule),
        cloud,
      );
      return {};
    },
  ),

  DeleteSecGroupRule: action({ ...named, RuleId: groupIds }, (args, cloud) => {
    const group = secGroupOf(args.SecGroupId, cloud.state);
    for (const id of args.RuleId) ruleOf(id, group);
    putRules(
      group,
      group.rules.filter(({ id }) => !args.RuleId.includes(id)),
      cloud,
    );
    return {};
  }),

  UpdateSecGroup: action(
    { ...place, SecGroupId: groupIds, Name: z.string().max(64).optional(), Remark: text.optional() },
    ({ SecGroupId, Name, Remark }, { state }) => {
      if (Name === undefined && Remark === undefined) throw missing('Name');
      for (const group of SecGroupId.map((id) => secGroupOf(id, state))) {
        group.name = Name ?? group.name;
        group.remark = Remark ?? group.remark;
      }
      return {};
    },
  ),

  DeleteSecGroup: action({ ...place, SecGroupId: groupIds }, (args, { state }) => {
    const groups = args.SecGroupId.map((id) => secGroupOf(id, state));
    // None of them goes unless all can go.
    for (const group of groups) checkUnused(group, state);
    for (const group of groups) state.secGroups.splice(state.secGroups.indexOf(group), 1);
    return {};
  }),

  DescribeSecGroup: action({ ...place, ...page(20), VPCId: text.optional(), SecGroupId: texts }, (args, { state }) => {
    // Asked by id it pages nothing, and one that does not exist is an error, not an empty list.
    if (args.SecGroupId.length > 0) return { DataSet: args.SecGroupId.map((id) => groupInfo(secGroupOf(id, state))) };
    const found = state.secGroups.filter(({ vpc }) => args.VPCId === undefined || vpc === args.VPCId);
    return { DataSet: pageOf(found, args).shown.map(groupInfo) };
  }),
};

/** @fails Refusal 208704 */
export function secGroupOf(id: string, state: Placed): SecGroupRecord {
  const group = state.secGroups.find((one) => one.id === id);
  if (group === undefined) throw new Refusal(208704, `security group ${id} does not exist`);
  return group;
}

function ruleOf(id: string, group: SecGroupRecord): SecGroupRuleRecord {
  const rule = group.rules.find((one) => one.id === id);
  if (rule === undefined) throw new Refusal(8039, `security group ${group.id} has no rule ${id}`);
  return rule;
}

function putRules(group: SecGroupRecord, rules: readonly SecGroupRuleRecord[], { state, network }: VpcCloud): void {
  for (const { peers } of rules)
    if (peers.startsWith('secgroup-') && secGroupOf(peers, state).vpc !== group.vpc)
      throw notValid('Rule', `${peers} is in another VPC than ${group.id}`);
  checkRules(rules);
  group.rules = rules;
  network.changed('groups');
}

function checkUnused(group: SecGroupRecord, state: Placed): void {
  const members = membersOf(group, state);
  if (members.length > 0)
    throw new Refusal(5024, `${group.id} is still bound to ${members.map(({ resource }) => resource).join(', ')}`);
  const naming = state.secGroups.find((one) => one !== group && one.rules.some(({ peers }) => peers === group.id));
  if (naming !== undefined) throw new Refusal(5024, `${group.id} is still named by a rule of ${naming.id}`);
}

function groupInfo(group: SecGroupRecord): object {
  return {
    SecGroupId: group.id,
    Name: group.name,
    VPCId: group.vpc,
    Account: 0,
    Tag: 'Default',
    Remark: group.remark,
    Type: 'user defined',
    CreateTime: group.createdAt,
    Rule: group.rules.map((rule) => ({
      RuleId: rule.id,
      Direction: rule.direction,
      IPRange: rule.peers,
      Priority: rule.priority,
      ProtocolType: rule.protocol,
      DstPort: rule.ports,
      RuleAction: rule.action,
      Remark: rule.remark,
      IPVersion: 'IPv4',
    })),
  };
}
