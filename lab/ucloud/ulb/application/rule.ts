import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import { listedRules } from './form.ts';
import { ofListener } from './named.ts';
import { readActions, wishedAction } from './read-action.ts';
import { readConditions, wishedCondition } from './read-condition.ts';
import { ruleForm } from './rule-form.ts';
import type { ApplicationBalancerRecord, ApplicationListenerRecord, RuleRecord } from './state.ts';

const conditions = z.array(wishedCondition).default([]);
const actions = z.array(wishedAction).default([]);

/**
 * Rules of a listener, beside the default one which it has from the beginning. 4093: no such target; 4207: too many; 4210: no such rule;
 * 63030 and 63031: a condition is empty or can not be used.
 * @source UCloud API reference, ulb-api; ALB manual, forwarding; codes of the older balancers
 */
export const ruleActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateRule: action(
    { ...ofListener, RuleConditions: conditions, RuleActions: actions, Pass: flag.default(true) },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      const listener = listenerOf(args.ListenerId, balancer);
      if (args.RuleConditions.length === 0) throw missing('RuleConditions.0.Type');
      if (args.RuleActions.length === 0) throw missing('RuleActions.0.Type');
      checkQuota('application', 'rules', countRules(balancer) + 1);
      const rule: RuleRecord = {
        id: `rule-${drawName(state.chance, 12)}`,
        isDefault: false,
        ...readConditions(args.RuleConditions),
        pass: args.Pass,
        actions: readActions(args.RuleActions, listener),
        listedAt: balancers.listedAt(),
      };
      listener.rules = [...listener.rules, rule];
      balancers.changed(balancer.id);
      return { RuleId: rule.id };
    },
  ),

  DescribeRules: action({ ...ofListener, RuleId: text.optional() }, (args, { state, now }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = listenerOf(args.ListenerId, balancer);
    const found = listedRules(listener, now()).filter(({ id }) => args.RuleId === undefined || id === args.RuleId);
    return { Rules: found.map((rule) => ruleForm(rule, listener)) };
  }),

  // What is left out stays as it was, and so does the rule's place among the others.
  UpdateRuleAttribute: action(
    { ...ofListener, RuleId: text, RuleConditions: conditions, RuleActions: actions, Pass: flag.optional() },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      const listener = listenerOf(args.ListenerId, balancer);
      const rule = ruleOf(args.RuleId, listener);
      const [noConditions, noActions] = [args.RuleConditions.length === 0, args.RuleActions.length === 0];
      if (noConditions && noActions && args.Pass === undefined) throw missing('RuleActions.0.Type');
      if (rule.isDefault && !noConditions) throw notValid('RuleConditions', 'the default rule has none');
      if (rule.isDefault && args.Pass !== undefined)
        throw notValid('Pass', 'that of the default rule can not be changed');
      const wanted: RuleRecord = {
        ...rule,
        ...(noConditions ? {} : readConditions(args.RuleConditions)),
        ...(noActions ? {} : { actions: readActions(args.RuleActions, listener) }),
        pass: args.Pass ?? rule.pass,
      };
      listener.rules = listener.rules.map((one) => (one === rule ? wanted : one));
      balancers.changed(balancer.id);
      return {};
    },
  ),

  DeleteRule: action({ ...ofListener, RuleId: text }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = listenerOf(args.ListenerId, balancer);
    const rule = ruleOf(args.RuleId, listener);
    if (rule.isDefault) throw notValid('RuleId', `${rule.id} is the default rule, which can not be deleted`);
    listener.rules = listener.rules.filter((one) => one !== rule);
    balancers.changed(balancer.id);
    return {};
  }),
};

/** The default ones are not counted. */
function countRules({ listeners }: ApplicationBalancerRecord): number {
  return listeners.reduce((sum, { rules }) => sum + rules.length - 1, 0);
}

/** @fails Refusal 4210 */
function ruleOf(id: string, listener: ApplicationListenerRecord): RuleRecord {
  const rule = listener.rules.find((one) => one.id === id);
  if (rule === undefined) throw new Refusal(4210, `listener ${listener.id} has no rule ${id}`);
  return rule;
}
