import { podInterfacePrefix } from '#unit/pod-interface.ts';
import type { Netlink } from './netlink/netlink.ts';
import {
  type BaseChain,
  baseChainsOf,
  changeNftables,
  countPackets,
  type Expression,
  isEqual,
  linkNameLoadedBy,
  loadLinkName,
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NFPROTO_INET,
  NFPROTO_IPV4,
  newRule,
  type Rule,
  rulesOf,
  targetOf,
  valueOf,
  verdict,
  verdictOf,
} from './netlink/nftables.ts';

/** A chain that lets no forwarded packet through unless a rule of its own accepts it: Docker, ufw and firewalld make such. */
export interface ClosedChain {
  /** `ip filter FORWARD`, as nft writes it. */
  readonly chain: string;
  /** Whether pods' links were opened in it just now; `fault` when that was refused. */
  readonly opened: true | { readonly fault: string };
}

/**
 * Sees to it that no chain of nftables, iptables-nft's among them, drops what pods send and get: a verdict elsewhere can't overrule a
 * drop, so the rules stand in that very chain, first, and in the form that iptables itself writes for `-i ist+ -j ACCEPT`.
 * @shape the closed chains that did not let pods through when looked at; empty when there was nothing to do
 */
export function openForwardChains(nft: Netlink): readonly ClosedChain[] {
  return baseChainsOf(nft)
    .filter(({ family, hook, type }) => filtersIpv4(family) && hook === NF_INET_FORWARD && type === 'filter')
    .flatMap((base): readonly ClosedChain[] => {
      const rules = rulesOf(nft, base);
      if (!isClosed(base, rules)) return [];
      const missing = (['in', 'out'] as const).filter((way) => !rules.some((rule) => accepts(rule, way)));
      if (missing.length === 0) return [];
      const chain = `${base.family === NFPROTO_INET ? 'inet' : 'ip'} ${base.table} ${base.name}`;
      try {
        changeNftables(nft, `opening ${chain} for pods`, ...missing.map((way) => acceptRule(base, way)));
        return [{ chain, opened: true }];
      } catch (e) {
        return [{ chain, opened: { fault: (e as Error).message } }];
      }
    });
}

/** What marks our rules in chains of others; a reset finds them by it. */
export const ruleComment = 'isthmus';

function filtersIpv4(family: number): boolean {
  return family === NFPROTO_IPV4 || family === NFPROTO_INET;
}

function isClosed({ policy }: BaseChain, rules: readonly Rule[]): boolean {
  return policy === NF_DROP || refusesAll(rules.at(-1));
}

/** A rule without a condition that drops or rejects whatever comes to it. */
function refusesAll(rule: Rule | undefined): boolean {
  const rest = rule?.expressions.filter((one) => one.name !== 'counter' && one.name !== 'log') ?? [];
  return rest.length === 1 && refuses(rest[0] as Expression);
}

function refuses(expression: Expression): boolean {
  if (expression.name === 'reject') return true;
  return ['REJECT', 'DROP'].includes(targetOf(expression) ?? '') || verdictOf(expression) === NF_DROP;
}

function accepts({ expressions }: Rule, way: 'in' | 'out'): boolean {
  const [load, compare, decide, ...rest] = expressions.filter(({ name }) => name !== 'counter');
  if (load === undefined || compare === undefined || decide === undefined || rest.length > 0) return false;
  const isPrefix = valueOf(compare)?.equals(Buffer.from(podInterfacePrefix)) ?? false;
  return linkNameLoadedBy(load) === way && isPrefix && verdictOf(decide) === NF_ACCEPT;
}

function acceptRule(base: BaseChain, way: 'in' | 'out'): ReturnType<typeof newRule> {
  const prefix = isEqual(Buffer.from(podInterfacePrefix));
  return newRule('first', base, ruleComment, loadLinkName(way), prefix, countPackets(), verdict(NF_ACCEPT));
}
