import { fail, ok } from '#unit/result.ts';
import {
  type ApplicationRule,
  matchKey,
  type RuleAction,
  type RuleMatch,
  type RuleWish,
} from '../application-balancer.ts';
import type { CloudResult } from '../failure.ts';
import type { ListsAt } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone } from './outcomes.ts';
import { actionParams, matchParams, parseRules } from './parse-rule.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, ruleMade, rules } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** What is in one listener: its rules and certificates. */
export interface InListener extends ListsAt {
  readonly balancer: string;
  readonly listener: string;
}

/** A rule for one match, and the one that a lost answer may have left. */
export async function createRule(
  at: InListener,
  wish: RuleWish,
  deadline: Deadline,
): Promise<CloudResult<ApplicationRule>> {
  const action = 'CreateRule';
  const match = matchParams(wish.match);
  if (match === undefined) return unsaid(action, wish.match);
  // Left out, a rule whose back ends are gone hands its requests to the next one: to another application.
  const params = { ...placeOf(at), ...match, ...actionParams(wish.action), Pass: false };
  return makeOnce(
    {
      look: () => findRule(at, wish.match, deadline),
      ask: (share) => at.wire.call({ action, effect: 'once', params, shape: ruleMade }, share),
      sight: ({ RuleId }) => ok({ id: RuleId, ...wish }),
      poll: at.poll,
    },
    deadline,
  );
}

async function findRule(
  at: InListener,
  match: RuleMatch,
  deadline: Deadline,
): Promise<CloudResult<ApplicationRule | undefined>> {
  const listed = await listRules(at, deadline);
  if (!listed.ok) return listed;
  return ok(listed.value.find((one) => one.match !== undefined && matchKey(one.match) === matchKey(match)));
}

/** @shape the first that is tried first */
export async function listRules(at: InListener, deadline: Deadline): Promise<CloudResult<readonly ApplicationRule[]>> {
  const call = { action: 'DescribeRules', effect: 'read', params: placeOf(at), shape: rules } as const;
  const listed = await at.wire.call(call, deadline);
  return listed.ok ? ok(parseRules(listed.value.Rules).filter(({ id }) => at.removed?.has(id) !== true)) : listed;
}

const update = 'UpdateRuleAttribute';

/** Without a match it is the last rule, of which the cloud changes nothing but where it sends to. */
export async function updateRule(
  at: InListener,
  rule: string,
  { match, action }: { readonly match?: RuleMatch; readonly action: RuleAction },
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const conditions = match === undefined ? {} : matchParams(match);
  if (conditions === undefined) return unsaid(update, match ?? {});
  const params = {
    ...placeOf(at),
    RuleId: rule,
    ...(match === undefined
      ? actionParams(action, 'unweighted')
      : { ...conditions, ...actionParams(action), Pass: false }),
  };
  const answer = await at.wire.call({ action: update, effect: 'repeatable', params, shape: accepted }, deadline);
  return answer.ok ? ok() : answer;
}

export async function deleteRule(at: InListener, rule: string, deadline: Deadline): Promise<CloudResult<void>> {
  const params = { ...placeOf(at), RuleId: rule };
  const call = { action: 'DeleteRule', effect: 'repeatable', params, shape: accepted } as const;
  return doneIfGone(await at.wire.call(call, deadline));
}

/**
 * Takes back ends out of the rules of their listener, which keep the others; out of the last rule only when no other has them, because
 * it may send to all that the listener has, and would then send to those that it names.
 */
export async function leaveRules(
  lists: ListsAt,
  balancer: string,
  listener: string,
  backEnds: readonly string[],
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const at = { ...lists, balancer, listener };
  const leaving = new Set(backEnds);
  const listed = await listRules(at, deadline);
  if (!listed.ok) return listed;
  const having = listed.value.flatMap(({ id, match, action }) =>
    action?.do === 'send' && action.to.some(({ backEnd }) => leaving.has(backEnd)) ? [{ id, match, action }] : [],
  );
  const matching = having.filter(({ match }) => match !== undefined);
  for (const { id, match, action } of matching.length > 0 ? matching : having) {
    const left = { ...action, to: action.to.filter(({ backEnd }) => !leaving.has(backEnd)) };
    const wish = { ...(match !== undefined && { match }), action: left };
    const changed = doneIfGone(await updateRule(at, id, wish, deadline));
    if (!changed.ok) return changed;
  }
  return ok();
}

function placeOf({ balancer, listener }: InListener): Params {
  return { LoadBalancerId: balancer, ListenerId: listener };
}

function unsaid(action: string, match: RuleMatch): CloudResult<never> {
  const message = `a rule for "${matchKey(match)}" can't be written: UCloud takes expressions of at most 255 letters, digits and - _ . / = ? ^ * $ ! : ( ) [ ] + |`;
  return fail({ kind: 'invalid', raw: { action, code: 'match', message } });
}
