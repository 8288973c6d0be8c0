import { expect, test } from 'vitest';
import { cidr, ip } from '#unit/ip.ts';
import { chooseFault, type NodeNetworkSeen } from './choose-fault.ts';

const well: NodeNetworkSeen = {
  spec: { ground: 'site', subnet: '172.16.3.0/24' },
  address: ip('192.168.50.13'),
  uplink: {
    index: 2,
    name: 'eth0',
    mtu: 1500,
    address: ip('192.168.50.13'),
    network: cidr('192.168.50.0/24'),
  },
  bridgedFault: undefined,
  settings: [],
  closed: [],
  legacyDrops: false,
  configuration: { folder: '/run/isthmus/net.d', first: '00-isthmus.conflist', ours: '00-isthmus.conflist' },
};
const forwarding = { name: 'net.ipv4.ip_forward', path: 'net/ipv4/ip_forward', was: 0, to: 1 };

const rows: readonly [string, Partial<NodeNetworkSeen>, readonly string[]][] = [
  ['a node on which all is well', {}, []],
  [
    'before the first configuration is written there is none to be foreign',
    { configuration: { ...well.configuration, first: undefined } },
    [],
  ],
  ['no PodRange', { spec: undefined }, ['NoPodRange', 'has no PodRange']],
  ['a PodRange without a usable address', { spec: { ground: 'cloud', addresses: [] } }, ['NoAddress', 'no usable']],
  ['the address moved to no interface', { uplink: undefined }, ['NodeAddressMissing', '192.168.50.13']],
  [
    'a bridged machine that is not in the network of its pods',
    { bridgedFault: 'interface eth1 has no address' },
    [
      'NotInSiteNetwork',
      'interface eth1 has no address; configure that interface, or correct network.site in cluster.yaml',
    ],
  ],
  [
    'forwarding that could not be switched on',
    { settings: [{ ...forwarding, fault: 'EROFS: read-only file system' }] },
    ['KernelSetting', 'run sysctl -w net.ipv4.ip_forward=1'],
  ],
  ['forwarding that was switched on again', { settings: [{ ...forwarding, fault: undefined }] }, []],
  [
    'a closed chain that refused our rules',
    { closed: [{ chain: 'ip filter FORWARD', opened: { fault: 'EPERM' } }] },
    ['ForwardingDropped', 'nftables chain ip filter FORWARD drops'],
  ],
  ['a closed chain that was opened', { closed: [{ chain: 'ip filter FORWARD', opened: true }] }, []],
  ['the older iptables drops', { legacyDrops: true }, ['ForwardingDropped', 'iptables-legacy -I FORWARD -i ist+']],
  [
    "another program's configuration sorts first",
    { configuration: { ...well.configuration, first: '00-a.conf' } },
    ['ForeignCniConfiguration', '/run/isthmus/net.d/00-a.conf'],
  ],
];

test.each(rows)('%s', (_title, change, expected) => {
  const fault = chooseFault({ ...well, ...change });
  const [reason, words = ''] = expected;
  expect(fault).toEqual(reason === undefined ? undefined : { reason, message: expect.stringContaining(words) });
});

test('all faults are told together, under the first one’s reason', () => {
  const closed = [
    { chain: 'ip filter FORWARD', opened: { fault: 'EPERM' } },
    { chain: 'inet fw forward', opened: true },
  ] as const;
  expect(chooseFault({ ...well, spec: { ground: 'cloud' }, closed })?.message).toBe(
    'its PodRange has no usable address yet; the controller requests them; nftables chain ip filter FORWARD drops forwarded packets and could not be opened (EPERM); run nft \'insert rule ip filter FORWARD iifname "ist*" accept\' and the same with oifname',
  );
  const fault = chooseFault({ ...well, uplink: undefined, legacyDrops: true });
  expect(fault?.reason).toBe('NodeAddressMissing');
  expect(fault?.message.split('; ').length).toBeGreaterThan(2);
  expect(fault?.message).toContain('iptables-legacy');
});
