import { type Ip, ipOf, numberOf } from '#unit/ip.ts';
import { attr, cString, type Message, message, nest, parseAttrs, type Reply, text, u32 } from './message.ts';
import type { Netlink } from './netlink.ts';
import * as rt from './rtnetlink.ts';

export interface LinkSeen {
  readonly index: number;
  readonly name: string;
  /** In small letters. */
  readonly mac: string;
  readonly mtu: number;
  /** Index of the other end of a veth pair, in the other end's namespace. */
  readonly peer: number;
  /** The kernel's settings for this link, by the names of rtnetlink.ts: `ipv4(DEVCONF_FORWARDING)`. */
  readonly ipv4: (setting: number) => number | undefined;
  readonly ipv6: (setting: number) => number | undefined;
}

export function linksOf(netlink: Netlink): readonly LinkSeen[] {
  return netlink.dump('reading links', message(rt.RTM_GETLINK, 0, ifinfo(0, 0, 0))).map(parseLink);
}

/** The request for one link. */
export function linkByName(name: string): Message {
  return message(rt.RTM_GETLINK, 0, ifinfo(0, 0, 0), attr(rt.IFLA_IFNAME, text(name)));
}

export function parseLink(reply: Reply): LinkSeen {
  const attrs = parseAttrs(reply.body, 16);
  return {
    index: reply.body.readInt32LE(4),
    name: cString(attrs.get(rt.IFLA_IFNAME) ?? Buffer.alloc(0)),
    mac: formatMac(attrs.get(rt.IFLA_ADDRESS) ?? Buffer.alloc(0)),
    mtu: attrs.get(rt.IFLA_MTU)?.readUInt32LE(0) ?? 0,
    peer: attrs.get(rt.IFLA_LINK)?.readUInt32LE(0) ?? 0,
    // IPv4 counts from 1, IPv6 from 0.
    ipv4: (setting) => valueAt(settingsIn(attrs, rt.AF_INET, rt.IFLA_INET_CONF), setting - 1),
    ipv6: (setting) => valueAt(settingsIn(attrs, rt.AF_INET6, rt.IFLA_INET6_CONF), setting),
  };
}

export function formatMac(mac: Buffer): string {
  return [...mac].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

function settingsIn(link: ReadonlyMap<number, Buffer>, family: number, kind: number): Buffer | undefined {
  const families = link.get(rt.IFLA_AF_SPEC);
  const own = families && parseAttrs(families, 0).get(family);
  return own && parseAttrs(own, 0).get(kind);
}

function valueAt(settings: Buffer | undefined, index: number): number | undefined {
  return settings === undefined || settings.length < 4 * (index + 1) ? undefined : settings.readInt32LE(4 * index);
}

export interface RouteSeen {
  readonly destination: Ip;
  readonly bits: number;
  readonly link: number | undefined;
  readonly gateway: Ip | undefined;
  readonly metric: number;
  readonly type: number;
  readonly protocol: number;
}

/** The IPv4 routes of the main table. */
export function routesOf(netlink: Netlink): readonly RouteSeen[] {
  return netlink
    .dump('reading routes', message(rt.RTM_GETROUTE, 0, Buffer.from([rt.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])))
    .filter((reply) => reply.body[4] === rt.RT_TABLE_MAIN)
    .map(({ body }) => {
      const attrs = parseAttrs(body, 12);
      return {
        destination: ipAt(attrs.get(rt.RTA_DST)) ?? ipOf(0),
        bits: body[1] as number,
        link: attrs.get(rt.RTA_OIF)?.readUInt32LE(0),
        gateway: ipAt(attrs.get(rt.RTA_GATEWAY)),
        metric: attrs.get(rt.RTA_PRIORITY)?.readUInt32LE(0) ?? 0,
        type: body[7] as number,
        protocol: body[5] as number,
      };
    });
}

export interface AddressSeen {
  readonly link: number;
  readonly address: Ip;
  readonly bits: number;
}

/** The IPv4 addresses of all links. */
export function addressesOf(netlink: Netlink): readonly AddressSeen[] {
  return netlink
    .dump('reading addresses', message(rt.RTM_GETADDR, 0, Buffer.from([rt.AF_INET, 0, 0, 0, 0, 0, 0, 0])))
    .flatMap(({ body }) => {
      const address = ipAt(parseAttrs(body, 8).get(rt.IFA_LOCAL));
      return address === undefined ? [] : [{ link: body.readUInt32LE(4), address, bits: body[1] as number }];
    });
}

/** struct ifinfomsg. */
export function ifinfo(index: number, flags: number, change: number): Buffer {
  return u32(0, index, flags, change);
}

/** struct rtmsg of one of our routes. */
export function rtmsg(bits: number, scope: number, type = rt.RTN_UNICAST, table = rt.RT_TABLE_MAIN): Buffer {
  return Buffer.from([rt.AF_INET, bits, 0, 0, table, rt.RTPROT_ISTHMUS, scope, type, 0, 0, 0, 0]);
}

export function ipBytes(address: Ip): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(numberOf(address));
  return bytes;
}

function ipAt(bytes: Buffer | undefined): Ip | undefined {
  return bytes === undefined ? undefined : ipOf(bytes.readUInt32BE(0));
}

/** Settings of one link over netlink: they need no writable /proc/sys, which a container may not have. */
export function linkConf(...settings: readonly (readonly [number, number])[]): Buffer {
  const values = settings.map(([setting, value]) => attr(setting, u32(value)));
  return nest(rt.IFLA_AF_SPEC, nest(rt.AF_INET, nest(rt.IFLA_INET_CONF, ...values)));
}
