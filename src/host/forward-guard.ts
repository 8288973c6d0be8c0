import { isDeepStrictEqual } from 'node:util';
import { byNumber, type Ip } from '#unit/ip.ts';
import { ipBytes } from './netlink/links-and-routes.ts';
import type { Netlink } from './netlink/netlink.ts';
import {
  type BaseChain,
  changeNftables,
  countPackets,
  isEqual,
  loadAddress,
  loadProtocol,
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NFPROTO_IPV4,
  newBaseChain,
  newRule,
  newTable,
  noRules,
  rulesOf,
  verdict,
} from './netlink/nftables.ts';

export interface ForwardGuard {
  /** What nothing that this node forwards may reach over TCP. */
  readonly closed: readonly Ip[];
  /** Pods that may all the same. */
  readonly allowed: readonly Ip[];
}

/**
 * Drops TCP that this node would forward to certain addresses, in a table of our own. Looked at after address translation: a
 * Service or node port that leads there is no way round. Traffic of the node itself is not forwarded. TCP alone, because some
 * clouds answer DNS at the same address.
 * @shape whether anything had to be changed
 */
export function keepForwardGuard(nft: Netlink, { closed, allowed }: ForwardGuard): boolean {
  const wanted = closed
    .toSorted(byNumber)
    .flatMap((target) => [
      ...allowed.toSorted(byNumber).map((source) => ({ comment: `${source} may reach ${target}`, source, target })),
      { comment: `nobody may reach ${target}`, source: undefined, target },
    ]);
  const comments = rulesOf(nft, chain).map(({ comment }) => comment);
  if (
    isDeepStrictEqual(
      comments,
      wanted.map(({ comment }) => comment),
    )
  )
    return false;
  const rules = wanted.map(({ comment, source, target }) =>
    newRule(
      'last',
      chain,
      comment,
      ...(source === undefined ? [] : [loadAddress('source'), isEqual(ipBytes(source))]),
      loadAddress('destination'),
      isEqual(ipBytes(target)),
      loadProtocol(),
      isEqual(Buffer.from([tcp])),
      countPackets(),
      verdict(source === undefined ? NF_DROP : NF_ACCEPT),
    ),
  );
  const place = [newTable(chain.family, chain.table), newBaseChain(chain, beforeFilters), noRules(chain)];
  changeNftables(nft, 'guarding what is forwarded', ...place, ...rules);
  return true;
}

const chain: BaseChain = {
  family: NFPROTO_IPV4,
  table: 'isthmus',
  name: 'forward',
  hook: NF_INET_FORWARD,
  type: 'filter',
  policy: NF_ACCEPT,
};
const tcp = 6;
/** Filters stand at 0; an accept here is heard by them all the same. */
const beforeFilters = -5;
