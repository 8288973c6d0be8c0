import { type ApplicationListener, matchKey, type RuleAction } from '#cloud/application-balancer.ts';
import type { BackEnd } from '#cloud/balancer.ts';
import type { GroupChosen } from './choose-group.ts';
import type { BackendRef, ParsedIngress } from './parse-ingress.ts';
import type { RouteAction } from './wish.ts';

/** By match of a rule, whose it is, as far as it was seen while that Ingress could be understood. */
export type OwnersOfRules = ReadonlyMap<string, { readonly of: string; readonly backend: BackendRef }>;

/** A rule that is there is remembered although nobody has it any more; @unit members: by key */
export function chooseOwners(
  last: OwnersOfRules,
  there: readonly ApplicationListener[],
  members: ReadonlyMap<string, ParsedIngress>,
  refused: ReadonlySet<string>,
): OwnersOfRules {
  const rules = new Set(keysOf(there));
  const seen = [...members].flatMap(([of, { wish }]) =>
    refused.has(of) ? [] : wish.paths.map(({ match, backend }) => [matchKey(match), { of, backend }] as const),
  );
  return new Map([...[...last].filter(([key]) => rules.has(key)), ...seen]);
}

export interface RulesKept {
  /** By match, what rules that no Ingress has any more are to do meanwhile. */
  readonly actions: ReadonlyMap<string, RouteAction>;
  /** Matches of rules that go: their Ingress can be understood, and has them no longer. */
  readonly left: ReadonlySet<string>;
}

/**
 * What becomes of rules that no Ingress of a group has any more while one of the group cannot be understood. Those of that one follow the
 * Service that they were made for. Of a rule that nobody knows, after a restart, the nodes go on, and pods only while some Service still
 * has them: the address of another one may be another pod's by now.
 */
export function chooseKept(
  there: readonly ApplicationListener[],
  { wish, kept, refused }: Pick<GroupChosen, 'wish' | 'kept' | 'refused'>,
  owners: OwnersOfRules,
  {
    targetsOf,
    isPod,
  }: {
    readonly targetsOf: (ingress: string, backend: BackendRef) => readonly BackEnd[];
    readonly isPod: (address: string, port: number) => boolean;
  },
): RulesKept {
  const named = new Set([
    ...kept.keys(),
    ...(wish?.listeners ?? []).flatMap(({ routes }) => routes.map(({ match }) => matchKey(match))),
  ]);
  const actions = new Map<string, RouteAction>();
  const left = new Set<string>();
  const follow = (key: string, to: readonly BackEnd[]): void => void actions.set(key, { do: 'send', to });
  for (const listener of there)
    for (const { match, action } of listener.rules) {
      const key = match === undefined ? undefined : matchKey(match);
      if (key === undefined || named.has(key)) continue;
      const owner = owners.get(key);
      if (owner !== undefined && !refused.has(owner.of)) left.add(key);
      else if (owner !== undefined) follow(key, targetsOf(owner.of, owner.backend));
      else if (action?.do === 'send')
        follow(
          key,
          sentTo(listener, action).filter(({ address, port }) => address === undefined || isPod(address, port)),
        );
    }
  return { actions, left };
}

function keysOf(there: readonly ApplicationListener[]): readonly string[] {
  return there.flatMap(({ rules }) => rules.flatMap(({ match }) => (match === undefined ? [] : matchKey(match))));
}

function sentTo({ backEnds }: ApplicationListener, { to }: RuleAction & { readonly do: 'send' }): readonly BackEnd[] {
  const ids = new Set(to.map(({ backEnd }) => backEnd));
  return backEnds.filter(({ id }) => ids.has(id));
}
