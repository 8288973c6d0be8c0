import type { ApplicationRule, RuleAction, RuleMatch } from '../application-balancer.ts';
import { formatHost, formatPath, parseHost, parsePath } from './rule-match.ts';
import type { Rule } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/**
 * The rules of a listener, the first that is tried first. The cloud tries the one that was added last first, and tells neither times nor
 * the order of its list; but the rule that has no match is as old as the listener, so its place tells where the old end is.
 * @source UCloud product manual of ALB, "content forwarding", "matching"
 */
export function parseRules(seen: readonly Rule[]): readonly ApplicationRule[] {
  const own = seen.filter(({ IsDefault }) => !IsDefault).map(parseRule);
  const last = seen.filter(({ IsDefault }) => IsDefault).map(parseRule);
  const isNewestFirst = seen.at(-1)?.IsDefault === true;
  return [...(isNewestFirst ? own : own.toReversed()), ...last];
}

function parseRule(seen: Rule): ApplicationRule {
  return { id: seen.RuleId, match: seen.IsDefault ? undefined : parseMatch(seen), action: parseAction(seen) };
}

function parseMatch({ RuleConditions: conditions }: Rule): RuleMatch {
  const host = conditions.find(({ Type }) => Type === 'Host')?.HostConfig?.Values[0];
  const path = conditions.find(({ Type }) => Type === 'Path')?.PathConfig?.Values[0];
  return {
    ...(host !== undefined && { host: parseHost(host) }),
    ...(path !== undefined && { path: parsePath(path) }),
  };
}

function parseAction({ RuleActions: [action, ...more] }: Rule): RuleAction | undefined {
  // Headers and the like are never asked for.
  if (action === undefined || more.length > 0) return undefined;
  if (action.Type === 'Forward') {
    const to = (action.ForwardConfig?.Targets ?? []).map(({ Id, Weight = 1 }) => ({ backEnd: Id, weight: Weight }));
    return { do: 'send', to: to.sort((a, b) => (a.backEnd < b.backEnd ? -1 : 1)) };
  }
  const { HttpCode: status, Content: text = '' } = action.FixedResponseConfig ?? {};
  return action.Type === 'FixedResponse' && status !== undefined ? { do: 'answer', status, text } : undefined;
}

/** `undefined` when the cloud has no expression for it, or nothing is matched. */
export function matchParams({ host, path }: RuleMatch): Params | undefined {
  const hostText = host === undefined ? undefined : formatHost(host);
  const pathText = path === undefined ? undefined : formatPath(path);
  if ((host === undefined) !== (hostText === undefined) || (path === undefined) !== (pathText === undefined))
    return undefined;
  const conditions: readonly Params[] = [
    ...(hostText === undefined
      ? []
      : [{ Type: 'Host', 'HostConfig.MatchMode': 'Regular', 'HostConfig.Values.0': hostText }]),
    ...(pathText === undefined ? [] : [{ Type: 'Path', 'PathConfig.Values.0': pathText }]),
  ];
  if (conditions.length === 0) return undefined;
  return Object.fromEntries(
    conditions.flatMap((condition, at) =>
      Object.entries(condition).map(([name, value]) => [`RuleConditions.${at}.${name}`, value]),
    ),
  );
}

/** @unit weights: whether they are said; those of the rule without match are the back ends' own */
export function actionParams(wish: RuleAction, weights: 'weighted' | 'unweighted' = 'weighted'): Params {
  const action = 'RuleActions.0';
  if (wish.do === 'answer')
    return {
      [`${action}.Type`]: 'FixedResponse',
      [`${action}.FixedResponseConfig.HttpCode`]: wish.status,
      [`${action}.FixedResponseConfig.Content`]: wish.text,
    };
  const targets = wish.to.flatMap(({ backEnd, weight }, at) => [
    [`${action}.ForwardConfig.Targets.${at}.Id`, backEnd],
    ...(weights === 'weighted' ? [[`${action}.ForwardConfig.Targets.${at}.Weight`, weight]] : []),
  ]);
  return { [`${action}.Type`]: 'Forward', ...(Object.fromEntries(targets) as Params) };
}
