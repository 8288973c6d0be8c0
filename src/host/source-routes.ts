import { type Cidr, type Ip, ipOf } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import { EEXIST, ENOENT, isErrno } from './netlink/error.ts';
import { addressesOf, ifinfo, ipBytes, type LinkSeen, linkConf, linksOf, rtmsg } from './netlink/links-and-routes.ts';
import { attr, cString, type Message, message, parseAttrs, text, u32 } from './netlink/message.ts';
import type { Netlink } from './netlink/netlink.ts';
import * as rt from './netlink/rtnetlink.ts';
import { answerArpForPods } from './node-paths.ts';

/** A network interface beside the uplink, and the addresses that the cloud has given to it. */
export interface SourceWish {
  readonly mac: string;
  /** Its own. */
  readonly address: Ip;
  readonly network: Cidr;
  readonly gateway: Ip;
  /** Of pods. */
  readonly addresses: readonly Ip[];
}

export interface SourceRoutes {
  /** By MAC: the name of the link whose addresses work, or why they do not. */
  readonly links: ReadonlyMap<string, { readonly name: string } | { readonly fault: string }>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Makes packets from these addresses leave by their own interface: a cloud drops what comes from another one. Each interface is set up,
 * gets its own address, answers ARP for its pods, and has a routing table; rules lead to it what comes from its addresses, or in through
 * it. Exactly these rules are kept, marked as ours.
 */
export function keepSourceRoutes(host: Netlink, wishes: readonly SourceWish[]): SourceRoutes {
  const seenLinks = linksOf(host);
  const links = new Map(wishes.map((wish) => [wish.mac, setUp(host, seenLinks, wish)]));
  const wanted = wishes.flatMap((wish) => {
    const link = links.get(wish.mac);
    return link === undefined || 'fault' in link ? [] : rulesOf(link, wish);
  });
  return { links, ...keepRules(host, wanted.length === 0 ? [] : [podsFirst, ...wanted]) };
}

type LinkOrFault = Pick<LinkSeen, 'index' | 'name'> | { readonly fault: string };

function setUp(host: Netlink, links: readonly LinkSeen[], { mac, address, network, gateway }: SourceWish): LinkOrFault {
  const link = links.find((one) => one.mac === mac);
  if (link === undefined) return { fault: `the machine has no interface with the MAC address ${mac}` };
  const { index, name } = link;
  try {
    // It answers ARP for its own address, and not for those of the node's other interfaces.
    const ownAlone = linkConf([rt.DEVCONF_ARP_IGNORE, 1]);
    host.request(`setting up ${name}`, message(rt.RTM_SETLINK, 0, ifinfo(index, rt.IFF_UP, rt.IFF_UP), ownAlone));
    addAddress(host, link, address);
    answerArpForPods(host, link);
    const via = attr(rt.RTA_OIF, u32(index));
    host.request(
      `routing what leaves by ${name}`,
      routeIn(index, network.bits, rt.RT_SCOPE_LINK, attr(rt.RTA_DST, ipBytes(ipOf(network.first))), via),
      routeIn(index, 0, rt.RT_SCOPE_UNIVERSE, attr(rt.RTA_GATEWAY, ipBytes(gateway)), via),
    );
    return { index, name };
  } catch (e) {
    return { fault: `interface ${name} could not be set up: ${messageOf(e)}` };
  }
}

/** As a /32: with its network beside it, the node's own packets to that network could leave by either interface. */
function addAddress(host: Netlink, { index, name }: LinkSeen, address: Ip): void {
  if (addressesOf(host).some((seen) => seen.link === index && seen.address === address)) return;
  const head = Buffer.concat([Buffer.from([rt.AF_INET, 32, 0, rt.RT_SCOPE_UNIVERSE]), u32(index)]);
  const bytes = ipBytes(address);
  host.request(
    `giving ${address} to ${name}`,
    message(rt.RTM_NEWADDR, rt.NEW, head, attr(rt.IFA_LOCAL, bytes), attr(rt.IFA_ADDRESS, bytes)),
  );
}

function routeIn(link: number, bits: number, scope: number, ...attrs: readonly Buffer[]): Message {
  const head = rtmsg(bits, scope, rt.RTN_UNICAST, rt.RT_TABLE_UNSPEC);
  // The gateway may be outside of the network as the node sees it.
  if (bits === 0) head.writeUInt32LE(rt.RTNH_F_ONLINK, 8);
  return message(rt.RTM_NEWROUTE, rt.REPLACE, head, ...attrs, attr(rt.RTA_TABLE, u32(tableOf(link))));
}

/** A number that nobody else is likely to use. */
function tableOf(link: number): number {
  return 7_300_000 + link;
}

/** What goes to which table. */
interface Rule {
  readonly priority: number;
  readonly table: number;
  readonly from?: Ip;
  readonly into?: string;
  /** Routes to fewer than 32 bits are passed over. */
  readonly hostRoutesOnly?: boolean;
}

/** Pods of this node reach each other as before: their routes have all 32 bits, and no other route of the main table counts here. */
const podsFirst: Rule = { priority: 730, table: rt.RT_TABLE_MAIN, hostRoutesOnly: true };

function rulesOf(
  { index, name }: Pick<LinkSeen, 'index' | 'name'>,
  { address, addresses }: SourceWish,
): readonly Rule[] {
  const common = { priority: 731, table: tableOf(index) };
  // By the interface too: else the node would answer ARP for everybody in its network, to whom it has another way.
  return [{ ...common, into: name }, ...[address, ...addresses].map((from) => ({ ...common, from }))];
}

function keepRules(host: Netlink, wanted: readonly Rule[]): Pick<SourceRoutes, 'added' | 'removed'> {
  const seen = new Map(rulesIn(host).map((rule) => [explain(rule), rule]));
  const added = wanted.filter((rule) => !seen.has(explain(rule)));
  const kept = new Set(wanted.map(explain));
  const removed = [...seen].filter(([key]) => !kept.has(key)).map(([, rule]) => rule);
  for (const rule of added)
    unless(EEXIST, () => host.request(`adding ${explain(rule)}`, ruleMessage(rt.RTM_NEWRULE, rt.NEW, rule)));
  for (const rule of removed)
    unless(ENOENT, () => host.request(`removing ${explain(rule)}`, ruleMessage(rt.RTM_DELRULE, 0, rule)));
  return { added: added.map(explain), removed: removed.map(explain) };
}

/** Those that are marked as ours. */
function rulesIn(host: Netlink): readonly Rule[] {
  return host
    .dump('reading rules', message(rt.RTM_GETRULE, 0, Buffer.from([rt.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])))
    .flatMap(({ body }) => {
      const attrs = parseAttrs(body, 12);
      if (attrs.get(rt.FRA_PROTOCOL)?.[0] !== rt.RTPROT_ISTHMUS) return [];
      const [from, into] = [attrs.get(rt.FRA_SRC), attrs.get(rt.FRA_IIFNAME)];
      return {
        priority: attrs.get(rt.FRA_PRIORITY)?.readUInt32LE(0) ?? 0,
        table: attrs.get(rt.FRA_TABLE)?.readUInt32LE(0) ?? 0,
        ...(from !== undefined && { from: ipOf(from.readUInt32BE(0)) }),
        ...(into !== undefined && { into: cString(into) }),
        ...(attrs.get(rt.FRA_SUPPRESS_PREFIXLEN)?.readInt32LE(0) === 31 && { hostRoutesOnly: true }),
      };
    });
}

function ruleMessage(type: number, flags: number, { priority, table, from, into, hostRoutesOnly }: Rule): Message {
  const head = Buffer.from([rt.AF_INET, 0, from === undefined ? 0 : 32, 0, 0, 0, 0, rt.FR_ACT_TO_TBL, 0, 0, 0, 0]);
  return message(
    type,
    flags,
    head,
    attr(rt.FRA_PRIORITY, u32(priority)),
    attr(rt.FRA_TABLE, u32(table)),
    attr(rt.FRA_PROTOCOL, Buffer.from([rt.RTPROT_ISTHMUS])),
    ...(from === undefined ? [] : [attr(rt.FRA_SRC, ipBytes(from))]),
    ...(into === undefined ? [] : [attr(rt.FRA_IIFNAME, text(into))]),
    ...(hostRoutesOnly === true ? [attr(rt.FRA_SUPPRESS_PREFIXLEN, u32(31))] : []),
  );
}

function explain({ priority, table, from, into, hostRoutesOnly }: Rule): string {
  const what = from !== undefined ? `from ${from}` : into !== undefined ? `into ${into}` : 'from all';
  return `the rule ${priority} ${what} lookup ${table}${hostRoutesOnly === true ? ' for hosts alone' : ''}`;
}

function unless(errno: number, request: () => void): void {
  try {
    request();
  } catch (e) {
    if (!isErrno(e, errno)) throw e;
  }
}
