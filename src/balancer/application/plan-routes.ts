import {
  type ApplicationListener,
  type ApplicationRule,
  matchKey,
  type RuleAction,
  type RuleMatch,
  type RuleWish,
} from '#cloud/application-balancer.ts';
import { type BackEnd, backEndKey, type CloudBackEnd } from '#cloud/balancer.ts';
import { byPrecedence, overlaps } from './match.ts';
import type { RouteAction, WishedRoute } from './wish.ts';

export type RouteStep =
  | { readonly do: 'route'; readonly wish: RuleWish }
  | { readonly do: 'reroute'; readonly rule: string; readonly wish: RuleWish | Pick<RuleWish, 'action'> }
  | { readonly do: 'unroute'; readonly rule: string };

/**
 * What brings the rules of a listener nearer to what they should be; its back ends must be there. A new rule is tried before all others,
 * so those that have to come before it are made anew after it.
 * @shape `undefined`: nothing is left to do
 * @unit stays: whether a rule that nobody wants stays all the same
 */
export function planRoutes(
  there: ApplicationListener,
  wished: { readonly routes: readonly WishedRoute[]; readonly last: RouteAction | undefined },
  stays: (match: RuleMatch) => boolean,
): RouteStep | undefined {
  const last = there.rules.find(({ match }) => match === undefined);
  const lastStep = last === undefined || wished.last === undefined ? undefined : actionStep(there, last, wished.last);
  // First: nobody may get what no route is for.
  if (lastStep !== undefined) return lastStep;
  return planPlaces(there, wished) ?? planActions(there, wished) ?? planExtra(there, wished, stays);
}

/** Back ends that a rule of the listener needs. */
export function backEndsIn(actions: readonly RouteAction[]): readonly BackEnd[] {
  const all = actions.flatMap((one) => (one.do === 'send' ? one.to : []));
  return [...new Map(all.map((one) => [backEndKey(one), one])).values()];
}

/** Back ends that rules send to now, by id. */
export function idsInRules(there: ApplicationListener): ReadonlySet<string> {
  return new Set(
    there.rules.flatMap(({ action }) => (action?.do === 'send' ? action.to.map(({ backEnd }) => backEnd) : [])),
  );
}

interface Placed {
  readonly match: RuleMatch;
  readonly action: RouteAction;
  readonly rule: ApplicationRule | undefined;
  /** Where it is tried now. */
  readonly at: number;
}

/** New rules and wrong places, from the one that is to be tried last. */
function planPlaces(
  there: ApplicationListener,
  wished: { readonly routes: readonly WishedRoute[] },
): RouteStep | undefined {
  const places = new Map(
    there.rules.flatMap((rule, at) =>
      rule.match === undefined ? [] : [[matchKey(rule.match), { rule, at }] as const],
    ),
  );
  const placed = wished.routes
    .toSorted((a, b) => byPrecedence(b.match, a.match))
    .map(({ match, action }): Placed => {
      const found = places.get(matchKey(match));
      return { match, action, rule: found?.rule, at: found?.at ?? -1 };
    });
  // What has to be tried after it, and is not.
  const isBehind = (one: Placed, later: readonly Placed[], moved: ReadonlySet<Placed>): boolean =>
    later.some((two) => overlaps(one.match, two.match) && (moved.has(two) || two.at < one.at));
  const moved = new Set<Placed>();
  placed.forEach((one, index) => {
    if (one.rule === undefined || isBehind(one, placed.slice(0, index), moved)) moved.add(one);
  });
  const [first] = moved;
  if (first === undefined) return undefined;
  if (first.rule !== undefined) return { do: 'unroute', rule: first.rule.id };
  const wish = { match: first.match, action: actionOf(there, first.action, undefined) };
  const later = placed.slice(0, placed.indexOf(first));
  // One that must be made anew for this one's sake lends its place, so that nobody's requests go astray for longer than a call.
  const lender = [...moved].find(
    (one) =>
      one.rule !== undefined &&
      overlaps(one.match, first.match) &&
      later.every((two) => !overlaps(first.match, two.match) || two.at > one.at),
  );
  return lender?.rule === undefined ? { do: 'route', wish } : { do: 'reroute', rule: lender.rule.id, wish };
}

function planActions(
  there: ApplicationListener,
  wished: { readonly routes: readonly WishedRoute[] },
): RouteStep | undefined {
  const byMatch = new Map(wished.routes.map((one) => [matchKey(one.match), one.action]));
  for (const rule of there.rules) {
    const action = rule.match === undefined ? undefined : byMatch.get(matchKey(rule.match));
    const step = action === undefined ? undefined : actionStep(there, rule, action);
    if (step !== undefined) return step;
  }
  return undefined;
}

/** Rules that nobody wants, the one that is tried last first. */
function planExtra(
  there: ApplicationListener,
  { routes }: { readonly routes: readonly WishedRoute[] },
  stays: (match: RuleMatch) => boolean,
): RouteStep | undefined {
  const wanted = new Set(routes.map(({ match }) => matchKey(match)));
  const extra = there.rules.findLast(
    ({ match }) => match !== undefined && !wanted.has(matchKey(match)) && !stays(match),
  );
  return extra === undefined ? undefined : { do: 'unroute', rule: extra.id };
}

function actionStep(there: ApplicationListener, rule: ApplicationRule, wanted: RouteAction): RouteStep | undefined {
  const action = actionOf(there, wanted, rule.action);
  return textOf(action) === textOf(rule.action) ? undefined : { do: 'reroute', rule: rule.id, wish: { action } };
}

function actionOf(there: ApplicationListener, wanted: RouteAction, now: RuleAction | undefined): RuleAction {
  if (wanted.do === 'answer') return wanted;
  // The first of two that are the same: the other one goes.
  const ids = new Map(there.backEnds.toReversed().map((one) => [backEndKey(one), one.id]));
  const to = wanted.to.flatMap((one) => ids.get(backEndKey(one)) ?? []);
  const kept = keptMeanwhile(there, wanted.to, now);
  return { do: 'send', to: [...new Set([...to, ...kept])].toSorted().map((backEnd) => ({ backEnd, weight: 1 })) };
}

/**
 * Back ends that go on although others are to take over, until one of those is well: they take some seconds to be checked, and a
 * client must not meet a rule without back ends meanwhile. A pod of the same kind goes at once: its address may be another's soon.
 */
function keptMeanwhile(
  there: ApplicationListener,
  wanted: readonly BackEnd[],
  now: RuleAction | undefined,
): readonly string[] {
  if (now?.do !== 'send' || wanted.length === 0) return [];
  const keys = new Set(wanted.map(backEndKey));
  if (there.backEnds.some((one) => one.healthy === true && keys.has(backEndKey(one)))) return [];
  const isPods = wanted[0]?.machine === undefined;
  const has = new Set(now.to.map(({ backEnd }) => backEnd));
  const goesOn = ({ machine, healthy }: CloudBackEnd): boolean =>
    machine === undefined ? !isPods : isPods || healthy !== false;
  return there.backEnds.flatMap((one) => (has.has(one.id) && !keys.has(backEndKey(one)) && goesOn(one) ? one.id : []));
}

function textOf(action: RuleAction | undefined): string {
  if (action?.do !== 'send') return JSON.stringify(action ?? null);
  return action.to
    .map(({ backEnd, weight }) => `${backEnd}:${weight}`)
    .toSorted()
    .join();
}
