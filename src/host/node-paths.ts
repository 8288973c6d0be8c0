import { type Cidr, formatCidr, type Ip, ipOf, numberOf } from '#unit/ip.ts';
import { ESRCH, isErrno } from './netlink/error.ts';
import { addressesOf, ifinfo, ipBytes, linkConf, linksOf, routesOf, rtmsg } from './netlink/links-and-routes.ts';
import { attr, type Message, message, nest, text, u32 } from './netlink/message.ts';
import type { Netlink } from './netlink/netlink.ts';
import * as rt from './netlink/rtnetlink.ts';

/** The interface that has the node's own address: what reaches the node reaches its pods the same way. */
export interface Uplink {
  readonly index: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  readonly address: Ip;
  /** The network that is directly reachable through it: its machines need no router between them. */
  readonly network: Cidr;
}

/**
 * Finds it by the address, never by the default route: a machine may have none, or have it on another card.
 * @shape undefined while no interface has this address
 */
export function observeUplink(host: Netlink, address: Ip): Uplink | undefined {
  const own = addressesOf(host).find((seen) => seen.address === address);
  const link = own && linksOf(host).find(({ index }) => index === own.link);
  if (own === undefined || link === undefined) return undefined;
  const { index, name, mtu } = link;
  const n = numberOf(address);
  return { index, name, mtu, address, network: { first: n - (n % 2 ** (32 - own.bits)), bits: own.bits } };
}

/**
 * Lets this machine answer ARP on its uplink for the pods that it has now, and only for those: the kernel answers for what
 * it would forward to another link.
 * @source UCloud's network asks for a pod's address on the machine's own interface (uk8s-cni-vpc sets proxy_arp on it)
 */
export function answerArpForPods(host: Netlink, uplink: Pick<Uplink, 'index' | 'name'>): void {
  host.request(
    `answering ARP for pods on ${uplink.name}`,
    message(rt.RTM_SETLINK, 0, ifinfo(uplink.index, 0, 0), linkConf([rt.DEVCONF_PROXY_ARP, 1])),
  );
  answerAtOnce(host, uplink);
}

/** Without the kernel's delay of up to 0.8 s before it answers for others, which is meant for networks where several machines would. */
export function answerAtOnce(host: Netlink, { index, name }: Pick<Uplink, 'index' | 'name'>): void {
  const immediately = Buffer.alloc(8);
  host.request(
    `answering ARP without delay on ${name}`,
    message(
      rt.RTM_SETNEIGHTBL,
      0,
      Buffer.from([rt.AF_INET, 0, 0, 0]),
      attr(rt.NDTA_NAME, text('arp_cache')),
      nest(rt.NDTA_PARMS, attr(rt.NDTPA_IFINDEX, u32(index)), attr(rt.NDTPA_PROXY_DELAY, immediately)),
    ),
  );
}

/**
 * Makes exactly these ranges unreachable except for the pods in them, which have longer routes: without that a packet to an
 * address of this machine that no pod has would leave by the default route, come back, and circle until it dies.
 */
export function guardRanges(host: Netlink, wanted: readonly Cidr[]): void {
  const seen = routesOf(host)
    .filter((route) => route.type === rt.RTN_UNREACHABLE && route.protocol === rt.RTPROT_ISTHMUS)
    .map((route): Cidr => ({ first: numberOf(route.destination), bits: route.bits }));
  for (const range of without(wanted, seen))
    host.request(`guarding ${formatCidr(range)}`, guard(rt.RTM_NEWROUTE, rt.REPLACE, range));
  for (const range of without(seen, wanted)) removeGuard(host, range);
}

/** A way to addresses through a machine that is directly reachable. */
export interface Route {
  readonly destination: Cidr;
  readonly via: Ip;
}

/**
 * Makes exactly these routes through the uplink, marked as ours.
 * @shape what was changed
 */
export function keepRoutes(
  host: Netlink,
  uplink: Uplink,
  wanted: readonly Route[],
): { readonly added: readonly Route[]; readonly removed: readonly Route[] } {
  const seen = routesOf(host).flatMap(({ protocol, type, gateway, destination, bits, link }) => {
    if (protocol !== rt.RTPROT_ISTHMUS || type !== rt.RTN_UNICAST || gateway === undefined) return [];
    return { destination: { first: numberOf(destination), bits }, via: gateway, link };
  });
  const wantedOnes = new Set(wanted.map(explain));
  const seenOnes = new Set(seen.filter(({ link }) => link === uplink.index).map(explain));
  const added = wanted.filter((route) => !seenOnes.has(explain(route)));
  const removed = seen.filter((route) => route.link !== uplink.index || !wantedOnes.has(explain(route)));
  // Removed first: what leads elsewhere must not stay beside its successor.
  for (const route of removed)
    unlessGone(() => host.request(`removing ${explain(route)}`, neighbour(rt.RTM_DELROUTE, 0, route, undefined)));
  for (const route of added)
    host.request(`adding ${explain(route)}`, neighbour(rt.RTM_NEWROUTE, rt.REPLACE, route, uplink.index));
  return { added, removed };
}

function explain({ destination, via }: Route): string {
  return `the route to ${formatCidr(destination)} via ${via}`;
}

function neighbour(type: number, flags: number, { destination, via }: Route, link: number | undefined): Message {
  return message(
    type,
    flags,
    rtmsg(destination.bits, rt.RT_SCOPE_UNIVERSE),
    attr(rt.RTA_DST, ipBytes(ipOf(destination.first))),
    attr(rt.RTA_GATEWAY, ipBytes(via)),
    ...(link === undefined ? [] : [attr(rt.RTA_OIF, u32(link))]),
  );
}

/** Lets this machine send from an address of its pods' range that no pod gets, and take the answers. */
export function answerFor(host: Netlink, address: Ip): void {
  const head = rtmsg(32, rt.RT_SCOPE_HOST, rt.RTN_LOCAL, rt.RT_TABLE_LOCAL);
  host.request(
    `answering for ${address}`,
    message(rt.RTM_NEWROUTE, rt.REPLACE, head, attr(rt.RTA_DST, ipBytes(address)), attr(rt.RTA_OIF, u32(loopback))),
  );
}

/** The number of `lo` in every network namespace. */
const loopback = 1;

function without(ranges: readonly Cidr[], others: readonly Cidr[]): readonly Cidr[] {
  return ranges.filter((range) => !others.some((other) => other.first === range.first && other.bits === range.bits));
}

function removeGuard(host: Netlink, range: Cidr): void {
  unlessGone(() => host.request(`guarding ${formatCidr(range)} no more`, guard(rt.RTM_DELROUTE, 0, range)));
}

function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch (e) {
    if (!isErrno(e, ESRCH)) throw e;
  }
}

function guard(type: number, flags: number, range: Cidr): Message {
  const head = rtmsg(range.bits, rt.RT_SCOPE_UNIVERSE, rt.RTN_UNREACHABLE);
  return message(type, flags, head, attr(rt.RTA_DST, ipBytes(ipOf(range.first))));
}
