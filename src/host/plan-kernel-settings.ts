/** Settings of one link that matter to pods; `undefined` where the kernel has none of that name. */
export interface LinkSettings {
  readonly name: string;
  readonly is: 'uplink' | 'pod link' | 'other';
  readonly forwarding: number | undefined;
  readonly rpFilter: number | undefined;
  readonly acceptRedirects: number | undefined;
  readonly acceptSourceRoute: number | undefined;
  readonly proxyArp: number | undefined;
  readonly ipv6Off: number | undefined;
}

export interface KernelSettings {
  readonly ipForward: number;
  /** `net.ipv4.conf.all.rp_filter`: the kernel takes the greater of this and the link's own. */
  readonly rpFilterOfAll: number;
  readonly links: readonly LinkSettings[];
}

/** One setting to be changed, by its path under /proc/sys. */
export interface SettingStep {
  readonly path: string;
  readonly was: number;
  readonly to: number;
}

/**
 * What must be set so that the kernel forwards pods' packets and takes nothing from a pod that it should not. Hardening files and
 * the system's own defaults switch these, at boot or whenever a link appears.
 */
export function planKernelSettings(seen: KernelSettings): readonly SettingStep[] {
  const steps: SettingStep[] = [];
  const want = (path: string, was: number | undefined, to: number): void => {
    if (was !== undefined && was !== to) steps.push({ path, was, to });
  };
  want('net/ipv4/ip_forward', seen.ipForward, 1);
  for (const link of seen.links) {
    const ipv4 = `net/ipv4/conf/${link.name}`;
    if (link.is !== 'other') want(`${ipv4}/forwarding`, link.forwarding, 1);
    if (link.is === 'pod link') {
      want(`${ipv4}/rp_filter`, link.rpFilter, 1);
      want(`${ipv4}/accept_redirects`, link.acceptRedirects, 0);
      want(`${ipv4}/accept_source_route`, link.acceptSourceRoute, 0);
      want(`${ipv4}/proxy_arp`, link.proxyArp, 0);
      want(`net/ipv6/conf/${link.name}/disable_ipv6`, link.ipv6Off, 1);
    } else if (seen.rpFilterOfAll === loose)
      // What `all` said for this link it says itself from now on.
      want(`${ipv4}/rp_filter`, link.rpFilter, loose);
  }
  // Loose for all would mean loose for pod links: a pod could send with another's address.
  if (seen.rpFilterOfAll === loose) want('net/ipv4/conf/all/rp_filter', loose, 0);
  return steps;
}

const loose = 2;

/** `net/ipv4/ip_forward` as sysctl writes it. */
export function nameOfSetting({ path }: Pick<SettingStep, 'path'>): string {
  return path.replaceAll('.', '?').replaceAll('/', '.').replaceAll('?', '/');
}
