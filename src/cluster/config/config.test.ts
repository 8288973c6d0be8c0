import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { cidr } from '#unit/ip.ts';
import { parseClusterConfig } from './config.ts';
import { explainFault } from './fault.ts';

const good = `name: shop
kubernetes: 1.36.3
bundle: { url: http://192.168.50.2/bundle/, digest: sha256:${'a'.repeat(64)} }
cloud:
  provider: ucloud
  region: cn-bj2
  zone: cn-bj2-04
  project: org-abc
  vpc: uvnet-1
  subnet: subnet-1
  credentials: { publicKey: { env: PUB }, privateKey: { env: PRIV } }
network:
  services: 10.96.0.0/16
  site:
    mode: routed
    pods: 172.16.0.0/16
    perMachine: 24
    machines: 192.168.50.0/24
    gateway: { address: 192.168.50.1, ssh: { user: admin, key: keys/gateway } }
  cloud: { warm: { low: 4, high: 12 } }
ssh: { key: ~/.ssh/id_ed25519 }
controlPlane: [cp-1]
cloudMachines:
  - { name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }
  - { name: web-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base, disk: 100Gi }
machines:
  - { name: base-1, address: 192.168.50.13, ssh: { user: ops } }
  - { name: base-2, address: 192.168.50.14 }
`;
const env = { PUB: 'p', PRIV: 'q', HOME: '/home/ann' };
const read = (text: string, surroundings = env) =>
  parseClusterConfig(text, '/srv/shop/cluster.yaml', { env: surroundings });

test('a good file becomes values in units, with defaults and resolved key paths', () => {
  const parsed = read(good);
  if (!parsed.ok) throw new Error(parsed.failure.map((fault) => explainFault('cluster.yaml', fault)).join('\n'));
  expect(parsed.value).toEqual({
    name: 'shop',
    kubernetes: '1.36.3',
    bundle: { url: 'http://192.168.50.2/bundle', digest: `sha256:${'a'.repeat(64)}` },
    cloud: {
      provider: 'ucloud',
      region: 'cn-bj2',
      zone: 'cn-bj2-04',
      project: 'org-abc',
      vpc: 'uvnet-1',
      subnet: 'subnet-1',
      endpoint: 'https://api.ucloud.cn',
      credentials: { publicKey: 'PUB', privateKey: 'PRIV' },
    },
    network: {
      services: cidr('10.96.0.0/16'),
      mtu: undefined,
      site: {
        pods: cidr('172.16.0.0/16'),
        perMachine: 24,
        machines: [cidr('192.168.50.0/24')],
        gateway: {
          address: '192.168.50.1',
          ssh: { user: 'admin', key: '/srv/shop/keys/gateway', port: 22, agent: false, jump: undefined },
        },
      },
      cloud: { warm: { low: 4, high: 12 } },
    },
    ssh: { user: 'root', key: '/home/ann/.ssh/id_ed25519', port: 22, agent: false, jump: undefined },
    controlPlane: 'cp-1',
    cloudMachines: [
      { name: 'cp-1', cpu: 2, memory: gibi(4), image: 'uimage-base', disk: gibi(40) },
      { name: 'web-1', cpu: 2, memory: gibi(4), image: 'uimage-base', disk: gibi(100) },
    ],
    machines: [
      {
        name: 'base-1',
        address: '192.168.50.13',
        ssh: { user: 'ops', key: '/home/ann/.ssh/id_ed25519', port: 22, agent: false, jump: undefined },
      },
      {
        name: 'base-2',
        address: '192.168.50.14',
        ssh: { user: 'root', key: '/home/ann/.ssh/id_ed25519', port: 22, agent: false, jump: undefined },
      },
    ],
  });
});

/** Each row breaks the good file by replacements and gives the faults as they are told. */
const faulty: readonly [string, readonly [string | RegExp, string][], readonly string[]][] = [
  [
    'broken YAML is told with its line',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-1']],
    [
      'cluster.yaml:23: is no readable YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  ],
  [
    'a key given twice is told',
    [['kubernetes: 1.36.3', 'kubernetes: 1.36.3\nname: shop2']],
    ['cluster.yaml:3: is no readable YAML: Map keys must be unique'],
  ],
  [
    'a file that is a list is no cluster',
    [[/[^]*/, '- a\n']],
    ['cluster.yaml:1: must be a mapping; write for example name: shop, kubernetes: 1.36.3, …'],
  ],
  [
    'an empty file is no cluster',
    [[/[^]*/, '']],
    ['cluster.yaml:1: must be a mapping; write for example name: shop, kubernetes: 1.36.3, …'],
  ],
  [
    'an unknown key at the top gets the near one',
    [['controlPlane:', 'controlplane:']],
    [
      'cluster.yaml: controlPlane: is missing; write for example [cp-1]',
      'cluster.yaml:22: controlplane: ["cp-1"] is no key here; did you mean controlPlane?; write for example controlPlane: [cp-1]',
    ],
  ],
  [
    'an unknown key deep down gets the near one',
    [['pods: 172', 'pod: 172']],
    [
      'cluster.yaml:15: network.site.pods: is missing; write for example 172.16.0.0/16',
      'cluster.yaml:16: network.site.pod: "172.16.0.0/16" is no key here; did you mean pods?; write for example pods: 172.16.0.0/16',
    ],
  ],
  [
    'an unknown key without a near one gets the list',
    [['zone: cn-bj2-04', 'zone: cn-bj2-04\n  flavour: x']],
    [
      'cluster.yaml:8: cloud.flavour: "x" is no key here; known are provider, region, zone, project, vpc, subnet, endpoint, credentials',
    ],
  ],
  [
    'a missing part',
    [[/bundle: .*\n/, '']],
    ['cluster.yaml: bundle: is missing; write for example { url: http://192.168.50.2/bundle, digest: sha256:… }'],
  ],
  [
    'a range with host bits',
    [['10.96.0.0/16', '10.96.0.1/16']],
    [
      'cluster.yaml:13: network.services: "10.96.0.1/16" must be an IPv4 range with no bits set after its prefix; write for example 10.96.0.0/16',
    ],
  ],
  [
    'an impossible prefix',
    [['172.16.0.0/16', '172.16.0.0/33']],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/33" must be an IPv4 range with no bits set after its prefix; write for example 172.16.0.0/16',
    ],
  ],
  [
    'a number that is text',
    [['perMachine: 24', 'perMachine: many']],
    ['cluster.yaml:17: network.site.perMachine: "many" must be a whole number from 16 to 28; write for example 24'],
  ],
  [
    'a version without its patch',
    [['1.36.3', '"1.36"']],
    ['cluster.yaml:2: kubernetes: "1.36" must be a full Kubernetes version; write for example 1.36.3'],
  ],
  [
    'a version that YAML takes for a number',
    [['1.36.3', '1.36']],
    ['cluster.yaml:2: kubernetes: 1.36 must be a full Kubernetes version; write for example 1.36.3'],
  ],
  [
    'memory without a unit',
    [['memory: 4Gi', 'memory: 4096']],
    [
      'cluster.yaml:24: cloudMachines[0].shape.memory: 4096 must be an amount with its unit, Mi or Gi; write for example 4Gi',
    ],
  ],
  [
    'services and site pods overlap',
    [['10.96.0.0/16', '172.16.0.0/20']],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/16" overlaps network.services (172.16.0.0/20), so one address would mean two things; choose ranges that share nothing',
    ],
  ],
  [
    'services and the site network overlap',
    [['10.96.0.0/16', '192.168.48.0/20']],
    [
      'cluster.yaml:18: network.site.machines: "192.168.50.0/24" overlaps network.services (192.168.48.0/20), so one address would mean two things; choose ranges that share nothing',
    ],
  ],
  [
    'site pods and the site network overlap',
    [['172.16.0.0/16', '192.168.0.0/16']],
    [
      'cluster.yaml:18: network.site.machines: "192.168.50.0/24" overlaps network.site.pods (192.168.0.0/16), so one address would mean two things; choose ranges that share nothing',
      'cluster.yaml:19: network.site.gateway.address: "192.168.50.1" lies in network.site.pods (192.168.0.0/16), which belongs to pods alone',
      'cluster.yaml:27: machines[0].address: "192.168.50.13" lies in network.site.pods (192.168.0.0/16), which belongs to pods alone',
      'cluster.yaml:28: machines[1].address: "192.168.50.14" lies in network.site.pods (192.168.0.0/16), which belongs to pods alone',
    ],
  ],
  [
    'two site networks overlap',
    [['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.50.0/25]']],
    [
      'cluster.yaml:18: network.site.machines[1]: "192.168.50.0/25" overlaps network.site.machines[0] (192.168.50.0/24), so one address would mean two things; choose ranges that share nothing',
    ],
  ],
  [
    'a services range too small for the DNS address',
    [['10.96.0.0/16', '10.96.0.0/28']],
    [
      'cluster.yaml:13: network.services: "10.96.0.0/28" must have a prefix length from 12 to 27; write for example 10.96.0.0/16',
    ],
  ],
  [
    'a list of site networks with a bad one',
    [['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, site]']],
    [
      'cluster.yaml:18: network.site.machines: ["192.168.50.0/24","site"] must be a range or a list of ranges, and "site" is none; write for example 192.168.50.0/24',
    ],
  ],
  [
    'two machines with one name, across both kinds',
    [['name: base-1', 'name: web-1']],
    ['cluster.yaml:27: machines[0].name: "web-1" is the name of another machine too; every machine needs its own'],
  ],
  [
    'two machines with one address',
    [['192.168.50.14', '192.168.50.13']],
    ['cluster.yaml:28: machines[1].address: "192.168.50.13" is the address of base-1 too; every machine needs its own'],
  ],
  [
    "a machine with the gateway's address",
    [['192.168.50.14', '192.168.50.1']],
    ['cluster.yaml:28: machines[1].address: "192.168.50.1" is the gateway\'s address too; every machine needs its own'],
  ],
  [
    'an address outside the site network',
    [['192.168.50.14', '192.168.51.14']],
    ['cluster.yaml:28: machines[1].address: "192.168.51.14" lies outside network.site.machines (192.168.50.0/24)'],
  ],
  [
    'an address among the pods',
    [['192.168.50.14', '172.16.0.4']],
    [
      'cluster.yaml:28: machines[1].address: "172.16.0.4" lies in network.site.pods (172.16.0.0/16), which belongs to pods alone',
    ],
  ],
  [
    'a control plane that is no machine',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-9]']],
    [
      'cluster.yaml:22: controlPlane[0]: "cp-9" is the name of no machine under cloudMachines or machines; write for example cp-1',
    ],
  ],
  [
    'no control plane',
    [['controlPlane: [cp-1]', 'controlPlane: []']],
    ['cluster.yaml:22: controlPlane: [] must name one machine; write for example [cp-1]'],
  ],
  [
    'two control planes',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-1, web-1]']],
    [
      'cluster.yaml:22: controlPlane: ["cp-1","web-1"] names 2; an even number stands no more failures than one less; this version supports 1',
    ],
  ],
  [
    'three control planes',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-1, web-1, base-1]']],
    ['cluster.yaml:22: controlPlane: ["cp-1","web-1","base-1"] names 3; this version supports 1'],
  ],
  [
    'more machines than pod subnets',
    [['172.16.0.0/16', '172.16.0.0/24']],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/24" holds 1 subnet(s) of /24 for 2 machines; choose a wider range or a longer network.site.perMachine',
    ],
  ],
  [
    'a subnet wider than the range of all',
    [
      ['perMachine: 24', 'perMachine: 16'],
      ['172.16.0.0/16', '172.16.0.0/20'],
    ],
    [
      'cluster.yaml:17: network.site.perMachine: 16 is wider than network.site.pods (172.16.0.0/20); write for example 24',
    ],
  ],
  [
    'water marks the wrong way round',
    [['low: 4, high: 12', 'low: 14, high: 12']],
    [
      'cluster.yaml:20: network.cloud.warm: {"low":14,"high":12} has low above high; write for example { low: 4, high: 12 }',
    ],
  ],
  [
    'no key for the machines',
    [[/ssh: \{ key: ~.*\n/, '']],
    [
      'cluster.yaml: ssh: is missing: the control plane cp-1 is a cloud machine and is reached with this key; write for example { user: root, key: ~/.ssh/id_ed25519 }',
      'cluster.yaml:26: machines[0].ssh: {"user":"ops"} has no SSH key; give one here or for all under ssh at the top level; write for example { user: root, key: ~/.ssh/id_ed25519 }',
      'cluster.yaml:27: machines[1].ssh: has no SSH key; give one here or for all under ssh at the top level; write for example { user: root, key: ~/.ssh/id_ed25519 }',
    ],
  ],
  [
    'a credential variable that is not set',
    [['env: PUB', 'env: NOWHERE']],
    [
      'cluster.yaml:11: cloud.credentials.publicKey.env: "NOWHERE" is not set in the environment; write for example export NOWHERE=… in the shell, then run again',
    ],
  ],
  [
    'a key written into the file',
    [['publicKey: { env: PUB }', 'publicKey: abcdef']],
    [
      'cluster.yaml:11: cloud.credentials.publicKey: names the environment variable that holds the key; keys do not belong in this file; write for example { env: UCLOUD_PUBLIC_KEY }',
    ],
  ],
  [
    'a mode of a later version',
    [['mode: routed', 'mode: bridged']],
    [
      'cluster.yaml:15: network.site.mode: "bridged" must be routed, the only mode of this version; write for example routed',
    ],
  ],
  [
    'another cloud',
    [['provider: ucloud', 'provider: aws']],
    ['cluster.yaml:5: cloud.provider: "aws" must be ucloud; write for example ucloud'],
  ],
  [
    'a name that is no DNS label',
    [['name: web-1', 'name: Web_1']],
    [
      'cluster.yaml:25: cloudMachines[1].name: "Web_1" must be at most 40 characters of a-z, 0-9 and -, beginning with a letter; write for example web-1',
    ],
  ],
  [
    'a digest that is none',
    [[/sha256:a+/, 'sha256:abc']],
    [
      'cluster.yaml:3: bundle.digest: "sha256:abc" must be the digest of bundle.json, sha256: and 64 digits; write for example sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    ],
  ],
  [
    'five faults at once',
    [
      ['name: shop', 'nam: shop'],
      ['10.96.0.0/16', '172.16.0.0/33'],
      ['controlPlane: [cp-1]', 'controlPlane: [cp-9]'],
      ['192.168.50.14', '192.168.50.13'],
      ['env: PRIV', 'env: NIX'],
    ],
    [
      'cluster.yaml: name: is missing; write for example shop',
      'cluster.yaml:1: nam: "shop" is no key here; did you mean name?; write for example name: shop',
      'cluster.yaml:11: cloud.credentials.privateKey.env: "NIX" is not set in the environment; write for example export NIX=… in the shell, then run again',
      'cluster.yaml:13: network.services: "172.16.0.0/33" must be an IPv4 range with no bits set after its prefix; write for example 10.96.0.0/16',
      'cluster.yaml:22: controlPlane[0]: "cp-9" is the name of no machine under cloudMachines or machines; write for example cp-1',
      'cluster.yaml:28: machines[1].address: "192.168.50.13" is the address of base-1 too; every machine needs its own',
    ],
  ],
];

test.each(faulty)('%s', (_title, changes, expected) => {
  let text = good;
  for (const [from, to] of changes) {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`nothing to replace: ${String(from)}`);
    text = changed;
  }
  const parsed = read(text);
  expect(parsed.ok ? [] : parsed.failure.map((fault) => explainFault('cluster.yaml', fault))).toEqual(expected);
});
