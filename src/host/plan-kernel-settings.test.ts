import { expect, test } from 'vitest';
import { type KernelSettings, type LinkSettings, nameOfSetting, planKernelSettings } from './plan-kernel-settings.ts';

const link = (name: string, is: LinkSettings['is'], change: Partial<LinkSettings> = {}): LinkSettings => ({
  name,
  is,
  forwarding: 1,
  rpFilter: is === 'pod link' ? 1 : 0,
  acceptRedirects: is === 'pod link' ? 0 : 1,
  acceptSourceRoute: 0,
  proxyArp: 0,
  ipv6Off: is === 'pod link' ? 1 : 0,
  ...change,
});
const well: KernelSettings = {
  ipForward: 1,
  rpFilterOfAll: 0,
  links: [link('eth0', 'uplink'), link('ist1', 'pod link'), link('eth1', 'other', { forwarding: 0 })],
};

const rows: readonly [string, KernelSettings, readonly string[]][] = [
  ['a node as it should be is left alone', well, []],
  [
    'forwarding that a hardening file switched off is switched on again',
    { ...well, ipForward: 0 },
    ['net.ipv4.ip_forward 0 to 1'],
  ],
  [
    'forwarding of the uplink and of a pod link alone',
    { ...well, links: [link('eth0.12', 'uplink', { forwarding: 0 }), link('ist1', 'pod link', { forwarding: 0 })] },
    ['net.ipv4.conf.eth0/12.forwarding 0 to 1', 'net.ipv4.conf.ist1.forwarding 0 to 1'],
  ],
  [
    "what the system's defaults set on every new link is taken back on a pod's",
    {
      ...well,
      links: [
        link('ist1', 'pod link', { rpFilter: 2, acceptRedirects: 1, acceptSourceRoute: 1, proxyArp: 1, ipv6Off: 0 }),
      ],
    },
    [
      'net.ipv4.conf.ist1.rp_filter 2 to 1',
      'net.ipv4.conf.ist1.accept_redirects 1 to 0',
      'net.ipv4.conf.ist1.accept_source_route 1 to 0',
      'net.ipv4.conf.ist1.proxy_arp 1 to 0',
      'net.ipv6.conf.ist1.disable_ipv6 0 to 1',
    ],
  ],
  [
    'loose for all, as Ubuntu has it, becomes loose for each link but those of pods',
    { ...well, rpFilterOfAll: 2 },
    [
      'net.ipv4.conf.eth0.rp_filter 0 to 2',
      'net.ipv4.conf.eth1.rp_filter 0 to 2',
      'net.ipv4.conf.all.rp_filter 2 to 0',
    ],
  ],
  [
    'a kernel without IPv6 has nothing to switch off',
    { ...well, links: [link('ist1', 'pod link', { ipv6Off: undefined })] },
    [],
  ],
];

test.each(rows)('%s', (_title, seen, expected) => {
  expect(planKernelSettings(seen).map((step) => `${nameOfSetting(step)} ${step.was} to ${step.to}`)).toEqual(expected);
});
