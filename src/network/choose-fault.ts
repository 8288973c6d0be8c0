import type { ClosedChain } from '#host/forward-filter.ts';
import type { SettingDone } from '#host/kernel-settings.ts';
import type { Uplink } from '#host/node-paths.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import type { Ip } from '#unit/ip.ts';
import { hasUsable } from './ipam/plan-allocation.ts';
import type { NetworkReason } from './reasons.ts';

/** Why pods of this node have no network, and what helps; published on the PodRange and the Node. */
export interface NetworkFault {
  readonly reason: NetworkReason;
  readonly message: string;
}

/** What was seen of a node after everything was set right that could be. */
export interface NodeNetworkSeen {
  readonly spec: PodRangeSpec | undefined;
  /** The node's own address. */
  readonly address: Ip;
  readonly uplink: Uplink | undefined;
  /** What keeps a bridged machine's pods out of the site's network. */
  readonly bridgedFault: string | undefined;
  readonly settings: readonly SettingDone[];
  readonly closed: readonly ClosedChain[];
  readonly legacyDrops: boolean;
  /** The file that the container runtime reads for its network; ours, unless somebody's sorts before it. */
  readonly configuration: { readonly folder: string; readonly first: string | undefined; readonly ours: string };
}

/** Everything that keeps pods from having a network, told together; `undefined` when nothing does. */
export function chooseFault(seen: NodeNetworkSeen): NetworkFault | undefined {
  const faults = [
    ...rangeFaults(seen),
    ...uplinkFaults(seen),
    ...bridgedFaults(seen),
    ...settingFaults(seen),
    ...filterFaults(seen),
    ...configurationFaults(seen),
  ];
  const [first] = faults;
  return first && { reason: first.reason, message: faults.map(({ message }) => message).join('; ') };
}

function rangeFaults({ spec }: NodeNetworkSeen): NetworkFault[] {
  if (spec === undefined)
    return [{ reason: 'NoPodRange', message: 'this node has no PodRange yet; the controller creates it' }];
  if (hasUsable(spec)) return [];
  return [{ reason: 'NoAddress', message: 'its PodRange has no usable address yet; the controller requests them' }];
}

function uplinkFaults({ address, uplink }: NodeNetworkSeen): NetworkFault[] {
  if (uplink !== undefined) return [];
  return [
    {
      reason: 'NodeAddressMissing',
      message: `no interface of this machine has the node's address ${address}; configure that address, or reset the machine and run isthmus up to join it with its new one`,
    },
  ];
}

function bridgedFaults({ bridgedFault }: NodeNetworkSeen): NetworkFault[] {
  if (bridgedFault === undefined) return [];
  const message = `${bridgedFault}; configure that interface, or correct network.site in cluster.yaml`;
  return [{ reason: 'NotInSiteNetwork', message }];
}

function settingFaults({ settings }: NodeNetworkSeen): NetworkFault[] {
  return settings.flatMap((setting) => {
    if (setting.fault === undefined) return [];
    const { name } = setting;
    return {
      reason: 'KernelSetting',
      message: `${name} is ${setting.was} and could not be set to ${setting.to} (${setting.fault}); run sysctl -w ${name}=${setting.to}`,
    };
  });
}

function filterFaults({ closed, legacyDrops }: NodeNetworkSeen): NetworkFault[] {
  const refused = closed.flatMap(({ chain, opened }) => {
    if (opened === true) return [];
    return `nftables chain ${chain} drops forwarded packets and could not be opened (${opened.fault}); run nft 'insert rule ${chain} iifname "ist*" accept' and the same with oifname`;
  });
  const legacy = legacyDrops
    ? [
        'the FORWARD chain of iptables-legacy drops forwarded packets; run iptables-legacy -I FORWARD -i ist+ -j ACCEPT and iptables-legacy -I FORWARD -o ist+ -j ACCEPT',
      ]
    : [];
  return [...refused, ...legacy].map((message) => ({ reason: 'ForwardingDropped' as const, message }));
}

function configurationFaults({ configuration: { folder, first, ours } }: NodeNetworkSeen): NetworkFault[] {
  if (first === undefined || first === ours) return [];
  return [
    {
      reason: 'ForeignCniConfiguration',
      message: `the container runtime uses ${folder}/${first} instead of ${ours}, because it sorts first; remove that file`,
    },
  ];
}
