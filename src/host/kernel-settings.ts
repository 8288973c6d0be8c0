import { readFileSync, writeFileSync } from 'node:fs';
import { podInterfacePrefix } from '#unit/pod-interface.ts';
import { linksOf } from './netlink/links-and-routes.ts';
import type { Netlink } from './netlink/netlink.ts';
import * as rt from './netlink/rtnetlink.ts';
import { type KernelSettings, nameOfSetting, planKernelSettings, type SettingStep } from './plan-kernel-settings.ts';

/** A setting that was wrong, and why it could not be set right; `undefined` when it was. */
export interface SettingDone extends SettingStep {
  /** As sysctl writes it. */
  readonly name: string;
  readonly fault: string | undefined;
}

/**
 * Sets what forwarding and safety of pods need and what has changed since.
 * @shape what was changed, or could not be
 * @unit uplinks: names of the links by which packets of pods leave
 */
export function keepKernelSettings(host: Netlink, uplinks: readonly string[]): readonly SettingDone[] {
  return planKernelSettings(observeKernelSettings(host, uplinks)).flatMap((step) => {
    const name = nameOfSetting(step);
    try {
      writeFileSync(`/proc/sys/${step.path}`, String(step.to));
      return { ...step, name, fault: undefined };
    } catch (e) {
      // Its pod went in between.
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return [];
      return { ...step, name, fault: (e as Error).message };
    }
  });
}

function observeKernelSettings(host: Netlink, uplinks: readonly string[]): KernelSettings {
  return {
    ipForward: numberIn('net/ipv4/ip_forward'),
    rpFilterOfAll: numberIn('net/ipv4/conf/all/rp_filter'),
    links: linksOf(host).map(({ name, ipv4, ipv6 }) => ({
      name,
      is: uplinks.includes(name) ? 'uplink' : name.startsWith(podInterfacePrefix) ? 'pod link' : 'other',
      forwarding: ipv4(rt.DEVCONF_FORWARDING),
      rpFilter: ipv4(rt.DEVCONF_RP_FILTER),
      acceptRedirects: ipv4(rt.DEVCONF_ACCEPT_REDIRECTS),
      acceptSourceRoute: ipv4(rt.DEVCONF_ACCEPT_SOURCE_ROUTE),
      proxyArp: ipv4(rt.DEVCONF_PROXY_ARP),
      ipv6Off: ipv6(rt.DEVCONF_DISABLE_IPV6),
    })),
  };
}

function numberIn(path: string): number {
  return Number(readFileSync(`/proc/sys/${path}`, 'utf8'));
}
