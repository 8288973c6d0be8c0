import { type Ip, ipOf } from '#unit/ip.ts';
import { ENOENT, isErrno } from '../netlink/error.ts';
import { ipBytes, type LinkSeen } from '../netlink/links-and-routes.ts';
import { attr, type Message, message, parseAttrs, u32 } from '../netlink/message.ts';
import type { Netlink } from '../netlink/netlink.ts';
import * as rt from '../netlink/rtnetlink.ts';
import { answerAtOnce } from '../node-paths.ts';

type Link = Pick<LinkSeen, 'index' | 'name'>;

/**
 * Lets this machine answer ARP on a link for one address that it routes to another link, a pod's. By an entry for that address alone, and
 * not by `proxy_arp`, with which it would answer for everything that it would forward: where its default route leads to another card, for
 * the whole world. When the pod's link goes, and its route with it, the kernel stops answering although the entry is still there.
 * @source Linux net/ipv4/arp.c arp_process: an entry counts only where the route to the address leaves by another link
 */
export function addProxy(host: Netlink, link: Link, address: Ip): void {
  host.request(`answering ARP for ${address} on ${link.name}`, proxy(rt.RTM_NEWNEIGH, rt.REPLACE, link.index, address));
}

/** Keeps exactly these entries, of those that are marked as ours. @shape what was changed */
export function keepProxies(
  host: Netlink,
  link: Link | undefined,
  wanted: readonly Ip[],
): { readonly added: readonly Ip[]; readonly removed: readonly Ip[] } {
  const seen = proxiesIn(host);
  const kept = new Set(wanted);
  const there = new Set(seen.filter(({ index }) => index === link?.index).map(({ address }) => address));
  const removed = seen.filter(({ index, address }) => index !== link?.index || !kept.has(address));
  for (const { index, address } of removed)
    try {
      host.request(`answering ARP for ${address} no more`, proxy(rt.RTM_DELNEIGH, 0, index, address));
    } catch (e) {
      if (!isErrno(e, ENOENT)) throw e;
    }
  if (link === undefined) return { added: [], removed: removed.map(({ address }) => address) };
  if (wanted.length > 0) answerAtOnce(host, link);
  const added = wanted.filter((address) => !there.has(address));
  for (const address of added) addProxy(host, link, address);
  return { added, removed: removed.map(({ address }) => address) };
}

function proxiesIn(host: Netlink): readonly { readonly index: number; readonly address: Ip }[] {
  return host
    .dump('reading ARP proxies', message(rt.RTM_GETNEIGH, 0, u32(rt.AF_INET, 0, rt.NTF_PROXY << 16)))
    .flatMap(({ body }) => {
      const attrs = parseAttrs(body, 12);
      const address = attrs.get(rt.NDA_DST);
      if (attrs.get(rt.NDA_PROTOCOL)?.[0] !== rt.RTPROT_ISTHMUS || address === undefined) return [];
      return { index: body.readInt32LE(4), address: ipOf(address.readUInt32BE(0)) };
    });
}

function proxy(type: number, flags: number, index: number, address: Ip): Message {
  const mine = attr(rt.NDA_PROTOCOL, Buffer.from([rt.RTPROT_ISTHMUS]));
  const head = u32(rt.AF_INET, index, rt.NTF_PROXY << 16);
  return message(type, flags, head, attr(rt.NDA_DST, ipBytes(address)), ...(type === rt.RTM_NEWNEIGH ? [mine] : []));
}
