import { type Cidr, formatCidr, ipOf, numberOf } from '#unit/ip.ts';
import { ESRCH, isErrno } from './netlink/error.ts';
import { ifinfo, ipBytes, linkConf, linksOf, routesOf, rtmsg } from './netlink/links-and-routes.ts';
import { attr, type Message, message, nest, text, u32 } from './netlink/message.ts';
import type { Netlink } from './netlink/netlink.ts';
import * as rt from './netlink/rtnetlink.ts';

/** The interface of this machine's default route. */
export interface Uplink {
  readonly index: number;
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
}

/** @shape undefined while the machine has no default route */
export function observeUplink(host: Netlink): Uplink | undefined {
  const [best] = routesOf(host)
    .filter((route) => route.bits === 0 && route.type === rt.RTN_UNICAST && route.link !== undefined)
    .sort((a, b) => a.metric - b.metric);
  const link = linksOf(host).find(({ index }) => index === best?.link);
  return link && { index: link.index, name: link.name, mtu: link.mtu };
}

/**
 * Lets this machine answer ARP on its uplink for the pods that it has now, and only for those: the kernel answers for what
 * it would forward to another link. Without the delay, which is meant for networks where several machines would answer.
 * @source UCloud's network asks for a pod's address on the machine's own interface (uk8s-cni-vpc sets proxy_arp on it)
 */
export function answerArpForPods(host: Netlink, uplink: Uplink): void {
  const immediately = Buffer.alloc(8);
  const ndtmsg = Buffer.from([rt.AF_INET, 0, 0, 0]);
  host.request(
    `answering ARP for pods on ${uplink.name}`,
    message(rt.RTM_SETLINK, 0, ifinfo(uplink.index, 0, 0), linkConf([rt.DEVCONF_PROXY_ARP, 1])),
    message(
      rt.RTM_SETNEIGHTBL,
      0,
      ndtmsg,
      attr(rt.NDTA_NAME, text('arp_cache')),
      nest(rt.NDTA_PARMS, attr(rt.NDTPA_IFINDEX, u32(uplink.index)), attr(rt.NDTPA_PROXY_DELAY, immediately)),
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

function without(ranges: readonly Cidr[], others: readonly Cidr[]): readonly Cidr[] {
  return ranges.filter((range) => !others.some((other) => other.first === range.first && other.bits === range.bits));
}

function removeGuard(host: Netlink, range: Cidr): void {
  try {
    host.request(`guarding ${formatCidr(range)} no more`, guard(rt.RTM_DELROUTE, 0, range));
  } catch (e) {
    if (!isErrno(e, ESRCH)) throw e;
  }
}

function guard(type: number, flags: number, range: Cidr): Message {
  const head = rtmsg(range.bits, rt.RT_SCOPE_UNIVERSE, rt.RTN_UNREACHABLE);
  return message(type, flags, head, attr(rt.RTA_DST, ipBytes(ipOf(range.first))));
}
