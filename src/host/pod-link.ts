import { writeFileSync } from 'node:fs';
import { type Ip, numberOf } from '#unit/ip.ts';
import { podInterfacePrefix } from '#unit/pod-interface.ts';
import { ENODEV, isErrno } from './netlink/error.ts';
import {
  addressesOf,
  formatMac,
  ifinfo,
  ipBytes,
  linkByName,
  linkConf,
  linksOf,
  parseLink,
  routesOf,
  rtmsg,
} from './netlink/links-and-routes.ts';
import { attr, type Message, message, nest, text, u32 } from './netlink/message.ts';
import { insideNamespace, isOwnNamespace, withNamespace } from './netlink/namespace.ts';
import { Netlink } from './netlink/netlink.ts';
import * as rt from './netlink/rtnetlink.ts';

/** The pod's gateway: no machine has it, a permanent neighbour entry leads to the host side of the link. */
export const podGateway = '169.254.1.1' as Ip;

export interface PodLinkWish {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** At most 15 characters, beginning with `podInterfacePrefix`. */
  readonly hostName: string;
  /** Name of the interface inside, `eth0`. */
  readonly podName: string;
  readonly address: Ip;
  /** Bytes. */
  readonly mtu: number;
}

export interface PodLink {
  readonly hostMac: string;
  readonly podMac: string;
}

/**
 * Connects a pod: a veth pair with fixed MAC addresses, /32 routes on both sides, everything up, and a host side that takes
 * only the pod's own address as a source. What was half done is taken back when a step fails.
 * @fails NetlinkError: EEXIST when either interface name is taken, Error when the namespace is the machine's own, or there is none at the path
 */
export function addPodLink(host: Netlink, wish: PodLinkWish): PodLink {
  // A host-network container by mistake: its default route would become the pod's.
  if (isOwnNamespace(wish.netns)) throw new Error(`${wish.netns} is the network namespace of the machine itself`);
  const podMac = podMacOf(wish.address);
  const pod = insideNamespace(wish.netns, () => new Netlink());
  try {
    withNamespace(wish.netns, (fd) => host.request(`adding link ${wish.hostName}`, vethPair(wish, fd, podMac)));
    try {
      // Both ends up before routes: the kernel refuses a route through a link that is down.
      const link = parseLink(host.ask(`reading link ${wish.hostName}`, linkByName(wish.hostName)));
      refuseIpv6(wish.hostName);
      pod.request(`setting up ${wish.podName} in ${wish.netns}`, ...podSide(wish, link.peer));
      host.request(`setting up ${wish.hostName}`, ...hostSide(wish, link.index, podMac));
    } catch (e) {
      removeAgain(host, wish.hostName);
      throw e;
    }
  } finally {
    pod.close();
  }
  return { hostMac: formatMac(hostMac), podMac: formatMac(podMac) };
}

/** Why this attachment is not as `addPodLink` left it; empty when all is well. */
export function podLinkFaults(host: Netlink, wish: Omit<PodLinkWish, 'mtu'>): readonly string[] {
  const faults: string[] = [];
  const seen = observePodLinks(host).find((link) => link.name === wish.hostName);
  if (seen === undefined) faults.push(`the host has no interface ${wish.hostName}`);
  else if (!seen.addresses.includes(wish.address)) faults.push(`the host has no route to ${wish.address}`);
  const pod = insideNamespace(wish.netns, () => new Netlink());
  try {
    const inside = linksOf(pod).find((link) => link.name === wish.podName);
    if (!addressesOf(pod).some(({ link, address }) => link === inside?.index && address === wish.address))
      faults.push(`${wish.podName} in ${wish.netns} does not have the address ${wish.address}`);
    if (!routesOf(pod).some((route) => route.bits === 0 && route.gateway === podGateway))
      faults.push(`${wish.netns} has no default route through ${podGateway}`);
  } finally {
    pod.close();
  }
  return faults;
}

export interface PodLinkSeen {
  readonly name: string;
  /** The addresses routed through it. */
  readonly addresses: readonly Ip[];
}

/** What the kernel has of pods' links on this host, sorted by name. */
export function observePodLinks(host: Netlink): readonly PodLinkSeen[] {
  const links = linksOf(host).filter((link) => link.name.startsWith(podInterfacePrefix));
  const routes = routesOf(host).filter((route) => route.bits === 32 && route.type === rt.RTN_UNICAST);
  return links
    .map(({ name, index }) => ({
      name,
      addresses: routes.filter((route) => route.link === index).map((route) => route.destination),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Removes links, and with them routes and the pods' ends, in one request: one removal makes the kernel wait some 16 ms for
 * its readers, a hundred together wait once. A link already gone is success.
 */
export async function removePodLinks(host: Netlink, names: readonly string[]): Promise<void> {
  const marked = names.filter((name) => putInGroup(host, name));
  if (marked.length === 0) return;
  try {
    const byGroup = message(rt.RTM_DELLINK, 0, ifinfo(0, 0, 0), attr(rt.IFLA_GROUP, u32(leavingGroup)));
    await host.requestAside(`removing ${marked.length} pod links`, byGroup);
  } catch (e) {
    // Their pods' namespaces went in between and took them along.
    if (!isErrno(e, ENODEV)) throw e;
  }
}

/** The same for all pods, so that a pod's neighbour entry never changes. Locally administered. */
const hostMac = Buffer.from([0xee, 0xee, 0xee, 0xee, 0xee, 0xee]);
/** A number nobody else is likely to have put links into. */
const leavingGroup = 0x69737401;

/** From the address, so that no two pods of a cluster have the same. The first octet says: locally administered. */
function podMacOf(address: Ip): Buffer {
  const mac = Buffer.from([0x0a, 0x58, 0, 0, 0, 0]);
  mac.writeUInt32BE(numberOf(address), 2);
  return mac;
}

function vethPair(wish: PodLinkWish, netns: number, podMac: Buffer): Message {
  // The peer cannot be created up: ENOTCONN.
  const peer = Buffer.concat([
    ifinfo(0, 0, 0),
    attr(rt.IFLA_IFNAME, text(wish.podName)),
    attr(rt.IFLA_ADDRESS, podMac),
    attr(rt.IFLA_MTU, u32(wish.mtu)),
    attr(rt.IFLA_NET_NS_FD, u32(netns)),
  ]);
  return message(
    rt.RTM_NEWLINK,
    rt.NEW,
    ifinfo(0, 0, 0),
    attr(rt.IFLA_IFNAME, text(wish.hostName)),
    attr(rt.IFLA_ADDRESS, hostMac),
    attr(rt.IFLA_MTU, u32(wish.mtu)),
    nest(
      rt.IFLA_LINKINFO,
      attr(rt.IFLA_INFO_KIND, text('veth')),
      nest(rt.IFLA_INFO_DATA, nest(rt.VETH_INFO_PEER, peer)),
    ),
  );
}

function podSide(wish: PodLinkWish, index: number): readonly Message[] {
  const address = ipBytes(wish.address);
  const gateway = ipBytes(podGateway);
  const via = attr(rt.RTA_OIF, u32(index));
  return [
    message(rt.RTM_SETLINK, 0, ifinfo(1, rt.IFF_UP, rt.IFF_UP)),
    message(rt.RTM_SETLINK, 0, ifinfo(index, rt.IFF_UP, rt.IFF_UP)),
    message(
      rt.RTM_NEWADDR,
      rt.NEW,
      Buffer.concat([Buffer.from([rt.AF_INET, 32, 0, rt.RT_SCOPE_UNIVERSE]), u32(index)]),
      attr(rt.IFA_LOCAL, address),
      attr(rt.IFA_ADDRESS, address),
    ),
    message(rt.RTM_NEWROUTE, rt.NEW, rtmsg(32, rt.RT_SCOPE_LINK), attr(rt.RTA_DST, gateway), via),
    message(rt.RTM_NEWROUTE, rt.NEW, rtmsg(0, rt.RT_SCOPE_UNIVERSE), attr(rt.RTA_GATEWAY, gateway), via),
    neighbour(index, gateway, hostMac),
  ];
}

function hostSide(wish: PodLinkWish, index: number, podMac: Buffer): readonly Message[] {
  const address = ipBytes(wish.address);
  return [
    message(rt.RTM_SETLINK, 0, ifinfo(index, rt.IFF_UP, rt.IFF_UP), linkConf(...podLinkSettings)),
    message(
      rt.RTM_NEWROUTE,
      rt.NEW,
      rtmsg(32, rt.RT_SCOPE_LINK),
      attr(rt.RTA_DST, address),
      attr(rt.RTA_OIF, u32(index)),
    ),
    neighbour(index, address, podMac),
  ];
}

/** What the host's side of a pod's link is set to, and kept at. */
export const podLinkSettings = [
  [rt.DEVCONF_FORWARDING, 1],
  // A packet whose source is not routed back through the link it came from is dropped: a pod cannot lie about its address.
  [rt.DEVCONF_RP_FILTER, 1],
  // A pod tells the node no other way to anybody.
  [rt.DEVCONF_ACCEPT_REDIRECTS, 0],
  [rt.DEVCONF_ACCEPT_SOURCE_ROUTE, 0],
  [rt.DEVCONF_PROXY_ARP, 0],
] as const;

/**
 * Pods have IPv4 only. Without this the kernel would take a pod's router advertisements and move the node's own IPv6 default
 * route to the pod. Before the link is up, so that there is no moment in between; netlink has no word for it.
 * @source CVE-2020-10749
 */
function refuseIpv6(link: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${link}/disable_ipv6`, '1');
  } catch (e) {
    // A kernel without IPv6.
    if ((e as NodeJS.ErrnoException).code !== 'ENOENT') throw e;
  }
}

function neighbour(index: number, address: Buffer, mac: Buffer): Message {
  const ndmsg = u32(rt.AF_INET, index, rt.NUD_PERMANENT);
  return message(rt.RTM_NEWNEIGH, rt.REPLACE, ndmsg, attr(rt.NDA_DST, address), attr(rt.NDA_LLADDR, mac));
}

function removeAgain(host: Netlink, name: string): void {
  try {
    host.request(
      `removing ${name} again`,
      message(rt.RTM_DELLINK, 0, ifinfo(0, 0, 0), attr(rt.IFLA_IFNAME, text(name))),
    );
  } catch (e) {
    if (!isErrno(e, ENODEV)) throw e;
  }
}

function putInGroup(host: Netlink, name: string): boolean {
  try {
    host.request(
      `marking ${name} as leaving`,
      message(
        rt.RTM_SETLINK,
        0,
        ifinfo(0, 0, 0),
        attr(rt.IFLA_IFNAME, text(name)),
        attr(rt.IFLA_GROUP, u32(leavingGroup)),
      ),
    );
    return true;
  } catch (e) {
    if (isErrno(e, ENODEV)) return false;
    throw e;
  }
}
