import { expect, test } from 'vitest';
import * as z from 'zod';
import type { CloudProvider } from '#cloud/provider.ts';
import { parseClusterConfig } from '#cluster/config/config.ts';
import { explainFault } from '#cluster/config/fault.ts';
import { gibi } from '#unit/bytes.ts';
import { cidr, span } from '#unit/ip.ts';
import { providers } from '../../../src/program/providers.ts';

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
  - { name: web-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base, disk: 100Gi, elasticInterfaces: true }
machines:
  - { name: base-1, address: 192.168.50.13, ssh: { user: ops } }
  - { name: base-2, address: 192.168.50.14 }
`;
const env = { PUB: 'p', PRIV: 'q', HOME: '/home/ann' };
const read = (text: string, surroundings = env) =>
  parseClusterConfig(text, '/srv/shop/cluster.yaml', { env: surroundings, providers });

test('a site with both kinds of machines: what a machine does not say is as the site says', () => {
  const bridged = { pods: span('192.168.50.128-192.168.50.250'), interface: 'eth1' };
  const both = changed(
    ['perMachine: 24', 'perMachine: 25\n    bridgedPods: 192.168.50.128-192.168.50.250\n    interface: eth1'],
    ['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: bridged'],
  );
  expect(both.network.site).toMatchObject({
    mode: 'routed',
    routed: { pods: cidr('172.16.0.0/16'), perMachine: 25 },
    bridged,
  });
  expect(both.machines.map(({ podNetwork }) => podNetwork)).toEqual(['routed', 'bridged']);
});

test('a site of bridged machines alone needs no range but theirs', () => {
  const { network, machines } = changed(
    ['mode: routed', 'mode: bridged'],
    ['pods: 172.16.0.0/16', 'pods: 192.168.50.128-192.168.50.135'],
    [/ *perMachine: 24\n/, ''],
  );
  expect(network.site).toMatchObject({
    mode: 'bridged',
    routed: undefined,
    bridged: { pods: span('192.168.50.128-192.168.50.135'), interface: undefined },
  });
  expect(machines.map(({ podNetwork }) => podNetwork)).toEqual(['bridged', 'bridged']);
});

test('a good file becomes values in units, with defaults and resolved key paths', () => {
  const parsed = read(good);
  if (!parsed.ok) throw new Error(parsed.failure.map((fault) => explainFault('cluster.yaml', fault)).join('\n'));
  expect(parsed.value).toEqual({
    name: 'shop',
    kubernetes: '1.36.3',
    secretsEncryption: false,
    bundle: { url: 'http://192.168.50.2/bundle', digest: `sha256:${'a'.repeat(64)}` },
    cloud: {
      provider: 'ucloud',
      region: 'cn-bj2',
      zone: 'cn-bj2-04',
      vpc: 'uvnet-1',
      subnet: 'subnet-1',
      own: { project: 'org-abc', endpoint: 'https://api.ucloud.cn' },
      fixed: { project: 'the machines of the cluster are there' },
      credentials: { publicKey: 'PUB', privateKey: 'PRIV' },
    },
    network: {
      services: cidr('10.96.0.0/16'),
      mtu: undefined,
      site: {
        mode: 'routed',
        routed: { pods: cidr('172.16.0.0/16'), perMachine: 24 },
        bridged: undefined,
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
      { name: 'cp-1', cpu: 2, memory: gibi(4), image: 'uimage-base', disk: gibi(40), elasticInterfaces: false },
      { name: 'web-1', cpu: 2, memory: gibi(4), image: 'uimage-base', disk: gibi(100), elasticInterfaces: true },
    ],
    nodeGroups: [],
    machines: [
      {
        name: 'base-1',
        address: '192.168.50.13',
        podNetwork: 'routed',
        ssh: { user: 'ops', key: '/home/ann/.ssh/id_ed25519', port: 22, agent: false, jump: undefined },
      },
      {
        name: 'base-2',
        address: '192.168.50.14',
        podNetwork: 'routed',
        ssh: { user: 'root', key: '/home/ann/.ssh/id_ed25519', port: 22, agent: false, jump: undefined },
      },
    ],
    storage: { cloudDisks: false, fileShares: false, powerOffSilentAfter: undefined },
    addons: { ingress: undefined },
  });
});

const groupsOf = (lines: string) => read(`${good}nodeGroups:\n${lines}\n`);

test('groups of cloud machines become what their objects say, by the hour unless told', () => {
  const parsed =
    groupsOf(`  - { name: burst, shapes: [{ cpu: 2, memory: 4Gi }, { cpu: 4, memory: 8192Mi }], image: i, max: 3 }
  - name: full
    shapes: [{ cpu: 2, memory: 4Gi }]
    image: i
    zones: [{ zone: z1, subnet: s1 }]
    disk: 100Gi
    charge: month
    elasticInterfaces: true
    labels: { pool: full }
    taints: [{ key: pool, value: full, effect: NoSchedule }, { key: own, effect: NoExecute }]
    min: 1
    max: 2
    initial: 2`);
  expect(parsed.ok && parsed.value.nodeGroups).toEqual([
    {
      name: 'burst',
      spec: {
        shapes: [
          { cpu: 2, memory: '4Gi' },
          { cpu: 4, memory: '8Gi' },
        ],
        image: 'i',
        disk: '40Gi',
        charge: 'hour',
        min: 0,
        max: 3,
      },
    },
    {
      name: 'full',
      spec: {
        shapes: [{ cpu: 2, memory: '4Gi' }],
        image: 'i',
        zones: [{ zone: 'z1', subnet: 's1' }],
        disk: '100Gi',
        charge: 'month',
        elasticInterfaces: true,
        labels: { pool: 'full' },
        taints: [
          { key: 'pool', value: 'full', effect: 'NoSchedule' },
          { key: 'own', effect: 'NoExecute' },
        ],
        min: 1,
        max: 2,
        initial: 2,
      },
    },
  ]);
});

test.each([
  ['min: 4', 'nodeGroups[0].min: 4 is above max, which is 3; lower min or raise max'],
  ['initial: 4', 'nodeGroups[0].initial: 4 must be from min to max, from 0 to 3; write for example 0'],
  ['min: 2, initial: 1', 'nodeGroups[0].initial: 1 must be from min to max, from 2 to 3; write for example 2'],
  ['min: 4, initial: 2', 'nodeGroups[0].min: 4 is above max, which is 3; lower min or raise max'],
  ['min: 3, initial: 5', 'nodeGroups[0].initial: 5 must be from min to max, from 3 to 3; write for example 3'],
  ['min: "5", initial: 2', 'nodeGroups[0].min: "5" must be a whole number from 0 to 500; write for example 0'],
  ['initial: "9"', 'nodeGroups[0].initial: "9" must be a whole number from 0 to 500; write for example 2'],
  ['charge: week', 'nodeGroups[0].charge: "week" must be hour, month, year or spot; write for example hour'],
  [
    'zones: []',
    'nodeGroups[0].zones: [] must name at least one zone; write for example [{ zone: cn-bj2-05, subnet: subnet-2 }]',
  ],
  ['labels: { pool: 1 }', 'nodeGroups[0].labels.pool: 1 must be a text; put quotes around it'],
])('a group that cannot be is told with %s', (more, fault) => {
  const parsed = groupsOf(`  - { name: burst, shapes: [{ cpu: 2, memory: 4Gi }], image: i, max: 3, ${more} }`);
  const told = parsed.ok ? [] : parsed.failure.map((one) => explainFault('cluster.yaml', one));
  expect(told).toEqual([expect.stringContaining(fault)]);
});

test('a group of which the greatest number is no number is told that alone', () => {
  const parsed = groupsOf(
    `  - { name: burst, shapes: [{ cpu: 2, memory: 4Gi }], image: i, max: "1", min: 2, initial: 2 }`,
  );
  expect(parsed.ok ? [] : parsed.failure.map((one) => explainFault('cluster.yaml', one))).toEqual([
    'cluster.yaml:30: nodeGroups[0].max: "1" must be a whole number from 0 to 500; write for example 10',
  ]);
});

test('groups without names are told so, and nothing else', () => {
  const group = '  - { shapes: [{ cpu: 2, memory: 4Gi }], image: i, max: 3 }';
  const parsed = groupsOf([group, group].join('\n'));
  expect(parsed.ok ? [] : parsed.failure.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
    'nodeGroups[0].name is missing',
    'nodeGroups[1].name is missing',
  ]);
});

test('a group may always have one and the same number of machines', () => {
  const parsed = groupsOf(
    '  - { name: burst, shapes: [{ cpu: 2, memory: 4Gi }], image: i, min: 3, max: 3, initial: 3 }',
  );
  expect(parsed.ok && parsed.value.nodeGroups).toMatchObject([{ spec: { min: 3, max: 3, initial: 3 } }]);
});

test('a machine may say what is usual at its site', () => {
  const routed = changed(['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: routed']);
  expect(routed.machines.map(({ podNetwork }) => podNetwork)).toEqual(['routed', 'routed']);
  const bridged = changed(
    ['mode: routed', 'mode: bridged'],
    ['pods: 172.16.0.0/16', 'pods: 192.168.50.128-192.168.50.250'],
    [/ *perMachine: 24\n/, ''],
    ['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: bridged'],
  );
  expect(bridged.machines.map(({ podNetwork }) => podNetwork)).toEqual(['bridged', 'bridged']);
});

test('only bridged machines need addresses that are set aside, and a network of two addresses has none of its own', () => {
  const one = changed(
    ['perMachine: 24', 'bridgedPods: 192.168.50.128-192.168.50.131'],
    ['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: bridged'],
  );
  expect(one.network.site.bridged?.pods).toEqual(span('192.168.50.128-192.168.50.131'));
  const two = changed(
    ['perMachine: 24', 'bridgedPods: 192.168.60.0-192.168.60.1'],
    ['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.60.0/31]'],
  );
  expect(two.network.site.bridged?.pods).toEqual(span('192.168.60.0-192.168.60.1'));
});

test('a group has a name of its own', () => {
  const group = (name: string): string => `  - { name: ${name}, shapes: [{ cpu: 2, memory: 4Gi }], image: i, max: 3 }`;
  const parsed = groupsOf([group('web-1'), group('burst'), group('burst')].join('\n'));
  expect(parsed.ok ? [] : parsed.failure.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
    'nodeGroups[0].name is also the name of a machine; a group needs its own name',
    'nodeGroups[2].name is also the name of another group; every group needs its own name',
  ]);
});

test('an addon is asked for by its name alone, and an unknown one is told', () => {
  const addonsOf = (lines: string): unknown => {
    const parsed = read(`${good}\n${lines}\n`);
    return parsed.ok
      ? parsed.value.addons
      : parsed.failure.map((fault) => explainFault('cluster.yaml', fault).replace(/:\d+:/, ':'));
  };
  expect(addonsOf('addons: { ingress: {} }')).toEqual({ ingress: { replicas: 2 } });
  expect(addonsOf('addons: { ingress: { replicas: 3 } }')).toEqual({ ingress: { replicas: 3 } });
  expect(addonsOf('addons: { ingress: { replicas: 0 } }')).toEqual([
    'cluster.yaml: addons.ingress.replicas: 0 must be a whole number from 1 to 20; write for example 2',
  ]);
  const alone = read(
    `${good.replace(/cloudMachines:[^]*?\nmachines:/, 'cloudMachines: [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: i }]\nmachines:')}\naddons: { ingress: {} }\n`,
  );
  expect(alone.ok ? [] : alone.failure.map(({ path, problem }) => `${path} ${problem}`)).toEqual([
    'addons.ingress needs a cloud machine beside the control plane: Envoy runs on cloud nodes',
  ]);
  expect(addonsOf('addons: { ingres: {} }')).toEqual([
    'cluster.yaml: addons.ingres: {} unknown key; did you mean ingress?; write for example ingress: {}',
  ]);
});

test('a silent machine is switched off after minutes, and never when nothing is said', () => {
  const storageOf = (lines: string): unknown => {
    const parsed = read(`${good}\n${lines}\n`);
    return parsed.ok
      ? parsed.value.storage
      : parsed.failure.map((fault) => explainFault('cluster.yaml', fault).replace(/:\d+:/, ':'));
  };
  expect(storageOf('storage: { powerOffSilentAfter: 10m }')).toEqual({
    cloudDisks: false,
    fileShares: false,
    powerOffSilentAfter: 600_000,
  });
  expect(storageOf('storage: { cloudDisks: true }')).toEqual({
    cloudDisks: true,
    fileShares: false,
    powerOffSilentAfter: undefined,
  });
  expect(storageOf('storage: { fileShares: true }')).toEqual({
    cloudDisks: false,
    fileShares: true,
    powerOffSilentAfter: undefined,
  });
  for (const bad of ['2m', '10', '1441m'])
    expect(storageOf(`storage: { powerOffSilentAfter: "${bad}" }`)).toEqual([
      `cluster.yaml: storage.powerOffSilentAfter: "${bad}" must be a number of minutes from 3m to 1440m; write for example 10m`,
    ]);
});

test('file shares need a control plane that reaches them', () => {
  const onSite = read(
    `${good.replace('controlPlane: [cp-1]', 'controlPlane: [base-1]')}\nstorage: { fileShares: true }\n`,
  );
  expect(onSite.ok ? [] : onSite.failure.map((one) => explainFault('cluster.yaml', one))).toEqual([
    'cluster.yaml:30: storage.fileShares: true needs a control plane in the cloud, and base-1 is a machine of the site: directories of file shares are made from there; write for example false',
  ]);
});

test('another provider brings its own settings and keys, and is held to them', () => {
  const rain: CloudProvider = {
    name: 'rain',
    examples: { region: 'north', zone: 'north-1', vpc: 'net-1', subnet: 'sub-1' },
    settings: { account: z.string({ error: 'must be the number of the account' }).meta({ example: '4711' }) },
    fixed: {},
    credentials: { token: 'RAIN_TOKEN' },
    open: () => expect.fail('nothing is opened'),
  };
  const readRain = (cloud: string) =>
    parseClusterConfig(good.replace(/cloud:\n[^]*?\nnetwork:/, `cloud: ${cloud}\nnetwork:`), '/cluster.yaml', {
      env: { RAIN_TOKEN: 'x' },
      providers: [...providers, rain],
    });
  const place = 'provider: rain, region: north, zone: north-1, vpc: net-1, subnet: sub-1';
  const parsed = readRain(`{ ${place}, account: a, credentials: { token: { env: RAIN_TOKEN } } }`);
  expect(parsed).toMatchObject({
    ok: true,
    value: { cloud: { provider: 'rain', own: { account: 'a' }, credentials: { token: 'RAIN_TOKEN' } } },
  });
  const faulty = readRain(`{ ${place}, project: p, credentials: { token: { env: RAIN_TOKEN } } }`);
  expect(faulty.ok ? [] : faulty.failure.map((fault) => explainFault('f', fault))).toEqual([
    'f:4: cloud.account: is missing; write for example 4711',
    'f:4: cloud.project: "p" unknown key; known keys are provider, region, zone, vpc, subnet, account, credentials',
  ]);
  const unknown = readRain('{ provider: snow }');
  expect(unknown.ok ? [] : unknown.failure.map((fault) => explainFault('f', fault))).toEqual([
    'f:4: cloud.provider: "snow" must be ucloud or rain; write for example ucloud',
  ]);
});

/** What is good with these changes too. */
const changed = (...changes: readonly (readonly [string | RegExp, string])[]) => {
  let text = good;
  for (const [from, to] of changes) {
    const next = text.replace(from, to);
    if (next === text) throw new Error(`nothing to replace: ${String(from)}`);
    text = next;
  }
  const parsed = read(text);
  if (!parsed.ok) throw new Error(parsed.failure.map((fault) => explainFault('cluster.yaml', fault)).join('\n'));
  return parsed.value;
};

test('two site networks, with a machine in each', () => {
  const { machines, network } = changed(
    ['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.60.0/24]'],
    ['192.168.50.14', '192.168.60.14'],
  );
  expect(machines.map(({ address }) => address)).toEqual(['192.168.50.13', '192.168.60.14']);
  expect(network.site.machines).toHaveLength(2);
});

test('as many machines as there are pod subnets', () => {
  expect(changed(['172.16.0.0/16', '172.16.0.0/23']).network.site.routed?.pods).toEqual(cidr('172.16.0.0/23'));
});

test('the largest and the smallest range for Services', () => {
  expect(changed(['10.96.0.0/16', '10.96.0.0/12']).network.services).toEqual(cidr('10.96.0.0/12'));
  expect(changed(['10.96.0.0/16', '10.96.0.0/27']).network.services).toEqual(cidr('10.96.0.0/27'));
});

test('a warm pool that is kept at one size', () => {
  expect(changed(['low: 4, high: 12', 'low: 12, high: 12']).network.cloud.warm).toEqual({ low: 12, high: 12 });
});

test('a pod subnet is a /24 unless the file says otherwise', () => {
  expect(changed([/ *perMachine: 24\n/, '']).network.site.routed?.perMachine).toBe(24);
});

test('a network of two addresses, each of which a machine has', () => {
  const { machines } = changed(
    ['machines: 192.168.50.0/24', 'machines: [192.168.50.0/30, 192.168.60.0/31]'],
    ['192.168.50.13', '192.168.60.0'],
    ['192.168.50.14', '192.168.60.1'],
  );
  expect(machines.map(({ address }) => address)).toEqual(['192.168.60.0', '192.168.60.1']);
});

test('anchors, aliases and merge keys work as in other tools', () => {
  const { machines } = changed(
    [
      '{ name: base-1, address: 192.168.50.13, ssh: { user: ops } }',
      '{ name: base-1, address: 192.168.50.13, ssh: &ops { user: ops, port: 2222 } }',
    ],
    [
      '{ name: base-2, address: 192.168.50.14 }',
      '{ name: base-2, address: 192.168.50.14, ssh: { <<: *ops, user: jane.doe } }',
    ],
  );
  expect(machines.map(({ ssh: { user, port } }) => ({ user, port }))).toEqual([
    { user: 'ops', port: 2222 },
    { user: 'jane.doe', port: 2222 },
  ]);
});

test('with an SSH agent no machine needs a key in the file', () => {
  const text = good.replace('ssh: { key: ~/.ssh/id_ed25519 }', 'ssh: { agent: true }');
  expect(read(text, { ...env, SSH_AUTH_SOCK: '/run/agent.sock' } as typeof env)).toMatchObject({
    ok: true,
    value: { ssh: { agent: true } },
  });
});

test('with keys of their own for all that is reached no key for all is needed', () => {
  const { ssh, machines } = changed(
    [/ssh: \{ key: ~.*\n/, ''],
    ['controlPlane: [cp-1]', 'controlPlane: [base-1]'],
    ['{ user: ops }', '{ key: keys/base-1 }'],
    ['192.168.50.14 }', '192.168.50.14, ssh: { key: keys/base-2 } }'],
  );
  expect(ssh).toBeUndefined();
  expect(machines.map((one) => one.ssh.key)).toEqual(['/srv/shop/keys/base-1', '/srv/shop/keys/base-2']);
});

test('port, agent and jump host are taken from the top unless a machine has its own', () => {
  const { machines, ssh } = changed(
    [
      'ssh: { key: ~/.ssh/id_ed25519 }',
      'ssh: { key: ~/.ssh/id_ed25519, port: 2222, jump: { address: bastion.example.com, user: ops } }',
    ],
    ['{ user: ops }', '{ user: ops, port: 22, jump: none }'],
  );
  const bastion = {
    address: 'bastion.example.com',
    user: 'ops',
    port: 22,
    key: '/home/ann/.ssh/id_ed25519',
    agent: false,
  };
  expect(ssh).toMatchObject({ port: 2222, jump: bastion });
  expect(machines.map(({ ssh: { port, jump } }) => ({ port, jump }))).toEqual([
    { port: 22, jump: undefined },
    { port: 2222, jump: bastion },
  ]);
});

/** Each row breaks the good file by replacements and gives the faults as they are told. */
const faulty: readonly [string, readonly [string | RegExp, string][], readonly string[]][] = [
  [
    'broken YAML is told with its line',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-1']],
    [
      'cluster.yaml:23: not valid YAML: the indentation does not fit the lines above, or a bracket is not closed; align the keys of one level, and close [ and {',
    ],
  ],
  [
    'a key given twice is told',
    [['kubernetes: 1.36.3', 'kubernetes: 1.36.3\nname: shop2']],
    ['cluster.yaml:3: the key name is given twice, first on line 1; remove one of the two'],
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
      'cluster.yaml:22: controlplane: ["cp-1"] unknown key; did you mean controlPlane?; write for example controlPlane: [cp-1]',
    ],
  ],
  [
    'an unknown key deep down gets the near one',
    [['pods: 172', 'pod: 172']],
    [
      'cluster.yaml:15: network.site.pods: is missing; write for example 172.16.0.0/16',
      'cluster.yaml:16: network.site.pod: "172.16.0.0/16" unknown key; did you mean pods?; write for example pods: 172.16.0.0/16',
    ],
  ],
  [
    'an unknown key without a near one gets the list',
    [['zone: cn-bj2-04', 'zone: cn-bj2-04\n  flavour: x']],
    [
      'cluster.yaml:8: cloud.flavour: "x" unknown key; known keys are provider, region, zone, vpc, subnet, project, endpoint, credentials',
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
      'cluster.yaml:13: network.services: "10.96.0.1/16" must be an IPv4 range such as 10.0.0.0/16; 10.96.0.1/16 is an address in the range 10.96.0.0/16; write for example 10.96.0.0/16',
    ],
  ],
  [
    'an impossible prefix',
    [['172.16.0.0/16', '172.16.0.0/33']],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/33" must be an IPv4 range such as 10.0.0.0/16; the prefix length is at most 32; write for example 172.16.0.0/16',
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
      'cluster.yaml:16: network.site.pods: "172.16.0.0/16" overlaps network.services (172.16.0.0/20); ranges must not overlap',
    ],
  ],
  [
    'services and the site network overlap',
    [['10.96.0.0/16', '192.168.48.0/20']],
    [
      'cluster.yaml:18: network.site.machines: "192.168.50.0/24" overlaps network.services (192.168.48.0/20); ranges must not overlap',
    ],
  ],
  [
    'site pods and the site network overlap',
    [['172.16.0.0/16', '192.168.0.0/16']],
    [
      'cluster.yaml:18: network.site.machines: "192.168.50.0/24" overlaps network.site.pods (192.168.0.0/16); ranges must not overlap',
      'cluster.yaml:19: network.site.gateway.address: "192.168.50.1" is in network.site.pods (192.168.0.0/16), which only pods may use',
      'cluster.yaml:27: machines[0].address: "192.168.50.13" is in network.site.pods (192.168.0.0/16), which only pods may use',
      'cluster.yaml:28: machines[1].address: "192.168.50.14" is in network.site.pods (192.168.0.0/16), which only pods may use',
    ],
  ],
  [
    'two site networks overlap',
    [['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.50.0/25]']],
    [
      'cluster.yaml:18: network.site.machines[1]: "192.168.50.0/25" overlaps network.site.machines[0] (192.168.50.0/24); ranges must not overlap',
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
      'cluster.yaml:18: network.site.machines: ["192.168.50.0/24","site"] must be a range or a list of ranges; "site" is not an IPv4 range; write for example 192.168.50.0/24',
    ],
  ],
  [
    'two machines with one name, across both kinds',
    [['name: base-1', 'name: web-1']],
    [
      'cluster.yaml:27: machines[0].name: "web-1" is also the name of another machine; every machine needs its own name',
    ],
  ],
  [
    'what a machine gives to volumes',
    [
      [
        'address: 192.168.50.14 }',
        'address: 192.168.50.14, storage: { directories: [/srv/a/../b, /var/lib/kubelet/x, /srv/v/, /srv/w, /srv/w/x, /srv/w], disks: [/dev/sdb, /dev/disk/by-id/a-part1, /dev/disk/by-id/a, /dev/disk/by-id/a], keepFree: 20 } }',
      ],
    ],
    [
      'cluster.yaml:28: machines[1].storage.directories[0]: "/srv/a/../b" must be the whole path of a folder on the machine, without . and .. in it; not / itself; write for example /srv/volumes',
      'cluster.yaml:28: machines[1].storage.directories[2]: "/srv/v/" must be the whole path of a folder on the machine, without . and .. in it; not / itself; write for example /srv/volumes',
      'cluster.yaml:28: machines[1].storage.disks[0]: "/dev/sdb" must be the name of a whole disk under /dev/disk/by-id, which stays with the disk; list them with ls -l /dev/disk/by-id; write for example /dev/disk/by-id/nvme-SAMSUNG_MZQL21T9HCJR_S64GNE0R',
      'cluster.yaml:28: machines[1].storage.disks[1]: "/dev/disk/by-id/a-part1" must be the name of a whole disk under /dev/disk/by-id, which stays with the disk; list them with ls -l /dev/disk/by-id; write for example /dev/disk/by-id/nvme-SAMSUNG_MZQL21T9HCJR_S64GNE0R',
      'cluster.yaml:28: machines[1].storage.keepFree: 20 must be an amount with its unit, Mi or Gi; write for example 20Gi',
      'cluster.yaml:28: machines[1].storage.directories[1]: "/var/lib/kubelet/x" is in /var/lib/kubelet, which is not for data; choose a folder of its own; write for example /srv/volumes',
      'cluster.yaml:28: machines[1].storage.directories[4]: "/srv/w/x" is in /srv/w, which is listed too; name one of them',
      'cluster.yaml:28: machines[1].storage.directories[5]: "/srv/w" is listed twice',
      'cluster.yaml:28: machines[1].storage.disks[3]: "/dev/disk/by-id/a" is listed twice',
    ],
  ],
  [
    'two machines with one address',
    [['192.168.50.14', '192.168.50.13']],
    [
      'cluster.yaml:28: machines[1].address: "192.168.50.13" is also the address of base-1; every machine needs its own address',
    ],
  ],
  [
    "a machine with the gateway's address",
    [['192.168.50.14', '192.168.50.1']],
    [
      'cluster.yaml:28: machines[1].address: "192.168.50.1" is also the gateway\'s address; every machine needs its own address',
    ],
  ],
  [
    'an address outside the site network',
    [['192.168.50.14', '192.168.51.14']],
    ['cluster.yaml:28: machines[1].address: "192.168.51.14" is outside network.site.machines (192.168.50.0/24)'],
  ],
  [
    'an address among the pods',
    [['192.168.50.14', '172.16.0.4']],
    [
      'cluster.yaml:28: machines[1].address: "172.16.0.4" is in network.site.pods (172.16.0.0/16), which only pods may use',
    ],
  ],
  [
    'a control plane that is not a machine of the file',
    [['controlPlane: [cp-1]', 'controlPlane: [cp-9]']],
    [
      'cluster.yaml:22: controlPlane[0]: "cp-9" is not the name of a machine under cloudMachines or machines; write for example cp-1',
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
      'cluster.yaml:22: controlPlane: ["cp-1","web-1"] names 2; an even number tolerates no more failures than with one fewer; this version supports 1',
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
      'cluster.yaml:16: network.site.pods: "172.16.0.0/24" has room for 1 pod subnet of /24, and there are 2 machines; choose a larger range, or a longer prefix for network.site.perMachine',
    ],
  ],
  [
    'a subnet wider than the range of all',
    [
      ['perMachine: 24', 'perMachine: 16'],
      ['172.16.0.0/16', '172.16.0.0/20'],
    ],
    [
      'cluster.yaml:17: network.site.perMachine: 16 is larger than network.site.pods (172.16.0.0/20); write for example 24',
    ],
  ],
  [
    'water marks the wrong way round',
    [['low: 4, high: 12', 'low: 14, high: 12']],
    [
      'cluster.yaml:20: network.cloud.warm: {"low":14,"high":12} low must not be above high; write for example { low: 4, high: 12 }',
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
      'cluster.yaml:11: cloud.credentials.publicKey: must name the environment variable that contains the key; keys do not belong in this file; write for example { env: UCLOUD_PUBLIC_KEY }',
    ],
  ],
  [
    'a mode that does not exist',
    [['mode: routed', 'mode: switched']],
    ['cluster.yaml:15: network.site.mode: "switched" must be routed or bridged; write for example routed'],
  ],
  [
    'the range of a routed site where the mode is bridged',
    [['mode: routed', 'mode: bridged']],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/16" must be the first and the last address where the mode is bridged; write for example 192.168.50.128-192.168.50.250',
      'cluster.yaml:17: network.site.perMachine: 24 is for the mode routed: bridged machines share one range',
    ],
  ],
  [
    'addresses from one to another where the mode is routed, and an interface',
    [['pods: 172.16.0.0/16', 'pods: 192.168.50.128-192.168.50.250\n    interface: eth0']],
    [
      'cluster.yaml:16: network.site.pods: "192.168.50.128-192.168.50.250" must be a range with a prefix length where the mode is routed; write for example 172.16.0.0/16',
      'cluster.yaml:17: network.site.interface: "eth0" is for bridged machines, and network.site.bridgedPods sets no addresses aside for their pods',
    ],
  ],
  [
    'addresses from the higher to the lower, and a bridged range within a bridged site',
    [
      ['mode: routed', 'mode: bridged'],
      ['pods: 172.16.0.0/16', 'pods: 192.168.50.250-192.168.50.128'],
      ['perMachine: 24', 'bridgedPods: 192.168.50.128-192.168.50.250'],
    ],
    [
      'cluster.yaml:16: network.site.pods: "192.168.50.250-192.168.50.128" must be the first and the last address, such as 192.168.50.128-192.168.50.250; write for example 172.16.0.0/16',
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.128-192.168.50.250" is for sites with the mode routed; here pods are the addresses of bridged machines',
    ],
  ],
  [
    'a bridged machine where nothing is set aside for its pods',
    [['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: bridged']],
    [
      'cluster.yaml:28: machines[1].podNetwork: "bridged" needs addresses that are set aside for pods under network.site.bridgedPods; write for example bridgedPods: 192.168.50.128-192.168.50.250',
    ],
  ],
  [
    'a routed machine on a bridged site',
    [
      ['mode: routed', 'mode: bridged'],
      ['pods: 172.16.0.0/16', 'pods: 192.168.50.128-192.168.50.250'],
      ['perMachine: 24', 'interface: eth0'],
      ['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: routed'],
    ],
    [
      'cluster.yaml:28: machines[1].podNetwork: "routed" needs a range for routed machines: set network.site.mode to routed, and network.site.bridgedPods for the others',
    ],
  ],
  [
    'pods of bridged machines outside of the network of the machines',
    [['perMachine: 24', 'bridgedPods: 192.168.51.128-192.168.51.250']],
    [
      'cluster.yaml:17: network.site.bridgedPods: "192.168.51.128-192.168.51.250" must be in one of network.site.machines (192.168.50.0/24): pods of bridged machines are in the network of their machines',
    ],
  ],
  [
    'pods of bridged machines with addresses of machines and of the gateway, and the broadcast address',
    [['perMachine: 24', 'bridgedPods: 192.168.50.1-192.168.50.255']],
    [
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.1-192.168.50.255" contains 192.168.50.1, the gateway\'s address; set a range aside that nobody else uses',
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.1-192.168.50.255" contains 192.168.50.13, the address of base-1; set a range aside that nobody else uses',
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.1-192.168.50.255" contains 192.168.50.14, the address of base-2; set a range aside that nobody else uses',
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.1-192.168.50.255" contains the last address of 192.168.50.0/24, the broadcast address, which no pod can have',
    ],
  ],
  [
    "the network's own address for a pod",
    [
      ['perMachine: 24', 'bridgedPods: 192.168.50.0-192.168.50.12'],
      ['gateway: { address: 192.168.50.1', 'gateway: { address: 192.168.50.20'],
    ],
    [
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.0-192.168.50.12" contains the first address of 192.168.50.0/24, the network\'s own address, which no pod can have',
    ],
  ],
  [
    'too few addresses for the bridged machines',
    [
      ['perMachine: 24', 'bridgedPods: 192.168.50.128-192.168.50.134'],
      ['address: 192.168.50.13', 'address: 192.168.50.13, podNetwork: bridged'],
      ['address: 192.168.50.14', 'address: 192.168.50.14, podNetwork: bridged'],
    ],
    [
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.128-192.168.50.134" has 7 addresses, and there are 2 bridged machines; each needs at least 4',
    ],
  ],
  [
    'more routed machines than pod subnets, beside a bridged one',
    [
      ['172.16.0.0/16', '172.16.0.0/24'],
      ['perMachine: 24', 'perMachine: 24\n    bridgedPods: 192.168.50.128-192.168.50.250'],
      [/$/, '  - { name: base-3, address: 192.168.50.15, podNetwork: bridged }\n'],
    ],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/24" has room for 1 pod subnet of /24, and there are 2 routed machines; choose a larger range, or a longer prefix for network.site.perMachine',
    ],
  ],
  [
    'a number for the pods of a bridged site',
    [
      ['mode: routed', 'mode: bridged'],
      ['pods: 172.16.0.0/16', 'pods: 5'],
      [/ *perMachine: 24\n/, ''],
    ],
    [
      'cluster.yaml:16: network.site.pods: 5 must be an IPv4 range such as 10.0.0.0/16; write for example 172.16.0.0/16',
    ],
  ],
  [
    'a number for the pods of a routed site',
    [['pods: 172.16.0.0/16', 'pods: 5']],
    [
      'cluster.yaml:16: network.site.pods: 5 must be an IPv4 range such as 10.0.0.0/16; write for example 172.16.0.0/16',
    ],
  ],
  [
    'numbers for ranges and an address',
    [
      ['services: 10.96.0.0/16', 'services: 5'],
      ['machines: 192.168.50.0/24', 'machines: 5'],
      ['address: 192.168.50.14', 'address: 5'],
    ],
    [
      'cluster.yaml:13: network.services: 5 must be an IPv4 range such as 10.0.0.0/16; write for example 10.96.0.0/16',
      'cluster.yaml:18: network.site.machines: 5 must be a range or a list of ranges; write for example 192.168.50.0/24',
      'cluster.yaml:28: machines[1].address: 5 must be an IPv4 address; write for example 192.168.50.13',
    ],
  ],
  [
    'two machines without names',
    [
      ['name: base-1, ', ''],
      ['name: base-2, ', ''],
    ],
    [
      'cluster.yaml:27: machines[0].name: is missing; write for example web-1',
      'cluster.yaml:28: machines[1].name: is missing; write for example web-1',
    ],
  ],
  [
    'machines that are no list',
    [[/\nmachines:\n[\s\S]*$/, '\nmachines: many\n']],
    [
      'cluster.yaml:26: machines: "many" must be a list of machines; write for example [{ name: base-1, address: 192.168.50.13 }]',
    ],
  ],
  [
    'pods of a bridged site outside of both its networks',
    [
      ['mode: routed', 'mode: bridged'],
      ['pods: 172.16.0.0/16', 'pods: 192.168.51.128-192.168.51.250'],
      [/ *perMachine: 24\n/, ''],
      ['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.60.0/24]'],
    ],
    [
      'cluster.yaml:16: network.site.pods: "192.168.51.128-192.168.51.250" must be in one of network.site.machines (192.168.50.0/24, 192.168.60.0/24): pods of bridged machines are in the network of their machines',
    ],
  ],
  [
    'pods of bridged machines where the network of the machines cannot be read',
    [
      ['perMachine: 24', 'bridgedPods: 192.168.50.128-192.168.50.250'],
      ['machines: 192.168.50.0/24', 'machines: here'],
    ],
    [
      'cluster.yaml:18: network.site.machines: "here" must be a range or a list of ranges; "here" is not an IPv4 range; write for example 192.168.50.0/24',
    ],
  ],
  [
    'the address of a machine at the end of those for pods',
    [['perMachine: 24', 'bridgedPods: 192.168.50.5-192.168.50.13']],
    [
      'cluster.yaml:17: network.site.bridgedPods: "192.168.50.5-192.168.50.13" contains 192.168.50.13, the address of base-1; set a range aside that nobody else uses',
    ],
  ],
  [
    'no key for the control plane, and a gateway that nobody logs in to',
    [
      ['ssh: { key: ~/.ssh/id_ed25519 }\n', ''],
      [', ssh: { user: admin, key: keys/gateway }', ''],
      ['ssh: { user: ops }', 'ssh: { key: k }'],
      ['address: 192.168.50.14', 'address: 192.168.50.14, ssh: { key: k }'],
    ],
    [
      'cluster.yaml: ssh: is missing: the control plane cp-1 is a cloud machine and is reached with this key; write for example { user: root, key: ~/.ssh/id_ed25519 }',
    ],
  ],
  [
    'a directory of volumes that is in the next one',
    [['address: 192.168.50.14', 'address: 192.168.50.14, storage: { directories: [/srv/a/b, /srv/a] }']],
    [
      'cluster.yaml:28: machines[1].storage.directories[0]: "/srv/a/b" is in /srv/a, which is listed too; name one of them',
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
    'an alias without its anchor',
    [['zone: cn-bj2-04', 'zone: *gone']],
    ['cluster.yaml:7: the alias *gone has no anchor &gone above it; define it there, or write the value out'],
  ],
  [
    'an alias of itself',
    [['controlPlane: [cp-1]', 'controlPlane: &all [*all]']],
    ['cluster.yaml:22: the alias *all contains itself; write the value out'],
  ],
  [
    'a few lines of aliases that would fill the memory',
    [
      [
        'controlPlane: [cp-1]',
        [
          'a: &a [x, x, x, x, x, x, x, x, x]',
          ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'].map((name, i) => {
            const inner = `*${'abcdefghijkl'[i]}`;
            return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`;
          }),
          'controlPlane: [cp-1]',
        ].join('\n'),
      ],
    ],
    ['cluster.yaml:33: aliases make more than 20000 values of this file; write the values out'],
  ],
  [
    'two documents in one file',
    [['ssh: { key', '---\nssh: { key']],
    [
      'cluster.yaml:21: a second YAML document begins here (---), and this file describes one cluster; move it to a file of its own',
    ],
  ],
  ['a tab', [['  region', '\tregion']], ['cluster.yaml:6: not valid YAML: a tab is used for indentation; use spaces']],
  [
    'an unknown tag',
    [['zone: cn-bj2-04', 'zone: !secret cn-bj2-04']],
    ['cluster.yaml:7: not valid YAML: a tag (!…) is unknown or does not fit its value; remove it'],
  ],
  ...(
    [
      ['0.0.0.0/8', '0.0.0.0/8, the range of "this network"'],
      ['127.0.0.0/16', '127.0.0.0/8, the loopback range'],
      [
        '169.254.0.0/16',
        "169.254.0.0/16, the link-local range, which the pods' gateway and the clouds' metadata servers use",
      ],
      ['224.0.0.0/16', '224.0.0.0/4, the multicast range'],
      ['255.255.0.0/16', '240.0.0.0/4, a reserved range'],
    ] as const
  ).flatMap(([range, what]): (typeof faulty)[number][] => {
    const cure = 'choose private addresses, from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16';
    return [
      [
        `pods in ${range}`,
        [['172.16.0.0/16', range]],
        [`cluster.yaml:16: network.site.pods: "${range}" overlaps ${what}; ${cure}`],
      ],
      ...(range === '0.0.0.0/8'
        ? []
        : ([
            [
              `Services in ${range}`,
              [['10.96.0.0/16', range]],
              [`cluster.yaml:13: network.services: "${range}" overlaps ${what}; ${cure}`],
            ],
          ] as (typeof faulty)[number][])),
    ];
  }),
  [
    "a machine with its network's own address",
    [['192.168.50.14', '192.168.50.0']],
    [
      `cluster.yaml:28: machines[1].address: "192.168.50.0" is the first address of 192.168.50.0/24, the network's own address, which no machine can have`,
    ],
  ],
  [
    'a machine with the broadcast address of its network',
    [['192.168.50.14', '192.168.50.255']],
    [
      'cluster.yaml:28: machines[1].address: "192.168.50.255" is the last address of 192.168.50.0/24, the broadcast address, which no machine can have',
    ],
  ],
  [
    "a machine's address with its prefix where the network belongs",
    [['machines: 192.168.50.0/24', 'machines: 192.168.50.1/24']],
    [
      'cluster.yaml:18: network.site.machines: "192.168.50.1/24" must be a range or a list of ranges; 192.168.50.1/24 is an address in the range 192.168.50.0/24; write for example 192.168.50.0/24',
    ],
  ],
  ...[';reboot', '$(id)', "'", '`id`', '&x=1', '?x', ' x'].map((tail): (typeof faulty)[number] => [
    `a bundle URL with ${tail}`,
    [[/url: [^,]*/, `url: "http://store/bundle${tail}"`]],
    [
      `cluster.yaml:3: bundle.url: "http://store/bundle${tail}" must be the http or https URL of the folder with bundle.json; it may contain letters, digits and . _ ~ % + @ = - /; write for example http://192.168.50.2/bundle`,
    ],
  ]),
  [
    'an SSH agent that is not there',
    [['ssh: { key: ~/.ssh/id_ed25519 }', 'ssh: { agent: true }']],
    [
      'cluster.yaml:21: ssh.agent: true needs an SSH agent, and SSH_AUTH_SOCK is not set in the environment; write for example eval "$(ssh-agent)" && ssh-add in the shell, then run again',
    ],
  ],
  [
    'credentials that were left empty',
    [[/credentials: .*/, 'credentials:']],
    [
      'cluster.yaml:11: cloud.credentials: must be a mapping; write for example { publicKey: { env: UCLOUD_PUBLIC_KEY }, privateKey: { env: UCLOUD_PRIVATE_KEY } }',
    ],
  ],
  [
    'an SSH port that is none, and a jump host without an address',
    [['{ user: ops }', '{ user: ops, port: 70000, jump: { user: ops } }']],
    [
      'cluster.yaml:27: machines[0].ssh.port: 70000 must be a whole number from 1 to 65535; write for example 22',
      'cluster.yaml:27: machines[0].ssh.jump: {"user":"ops"} must be a mapping with the address of the jump host, or none; write for example { address: 203.0.113.7, user: ops }',
    ],
  ],
  [
    'two machines without a name',
    [
      ['{ name: base-1, address', '{ address'],
      ['{ name: base-2, address', '{ address'],
    ],
    [
      'cluster.yaml:27: machines[0].name: is missing; write for example web-1',
      'cluster.yaml:28: machines[1].name: is missing; write for example web-1',
    ],
  ],
  [
    'an address that is none is told once, as what it is',
    [['192.168.50.14', '192.168.50']],
    ['cluster.yaml:28: machines[1].address: "192.168.50" must be an IPv4 address; write for example 192.168.50.13'],
  ],
  [
    'a services range that is larger than the API server takes',
    [['10.96.0.0/16', '11.0.0.0/8']],
    [
      'cluster.yaml:13: network.services: "11.0.0.0/8" must have a prefix length from 12 to 27; write for example 10.96.0.0/16',
    ],
  ],
  [
    'a machine at a loopback address',
    [['192.168.50.14', '127.0.0.5']],
    [
      'cluster.yaml:28: machines[1].address: "127.0.0.5" overlaps 127.0.0.0/8, the loopback range; choose private addresses, from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
      'cluster.yaml:28: machines[1].address: "127.0.0.5" is outside network.site.machines (192.168.50.0/24)',
    ],
  ],
  [
    'a range over two that nobody can use is told with the first of them',
    [['172.16.0.0/16', '224.0.0.0/3']],
    [
      'cluster.yaml:16: network.site.pods: "224.0.0.0/3" overlaps 224.0.0.0/4, the multicast range; choose private addresses, from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
    ],
  ],
  [
    'an address outside two site networks is told with both',
    [
      ['machines: 192.168.50.0/24', 'machines: [192.168.50.0/24, 192.168.60.0/24]'],
      ['192.168.50.14', '192.168.70.14'],
    ],
    [
      'cluster.yaml:28: machines[1].address: "192.168.70.14" is outside network.site.machines (192.168.50.0/24, 192.168.60.0/24)',
    ],
  ],
  [
    'the example of a control plane is a machine that the file has',
    [['name: cp-1', 'name: head-1']],
    [
      'cluster.yaml:22: controlPlane[0]: "cp-1" is not the name of a machine under cloudMachines or machines; write for example head-1',
    ],
  ],
  [
    'no machine at all',
    [[/cloudMachines:[^]*/, 'cloudMachines: []\nmachines: []\n']],
    [
      'cluster.yaml:22: controlPlane[0]: "cp-1" is not the name of a machine under cloudMachines or machines; write for example cp-1',
      'cluster.yaml:23: cloudMachines: [] must list at least one machine: the controller, which gives the pods of all nodes their addresses, runs on the cloud side; this version cannot make a cluster of physical machines alone; write for example [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }]',
    ],
  ],
  [
    'physical machines alone',
    [
      ['controlPlane: [cp-1]', 'controlPlane: [base-1]'],
      [/cloudMachines:[^]*machines:/, 'machines:'],
    ],
    [
      'cluster.yaml: cloudMachines: must list at least one machine: the controller, which gives the pods of all nodes their addresses, runs on the cloud side; this version cannot make a cluster of physical machines alone; write for example [{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }]',
    ],
  ],
  [
    'three machines and two pod subnets',
    [
      ['172.16.0.0/16', '172.16.0.0/23'],
      [/$/, '  - { name: base-3, address: 192.168.50.15 }\n'],
    ],
    [
      'cluster.yaml:16: network.site.pods: "172.16.0.0/23" has room for 2 pod subnets of /24, and there are 3 machines; choose a larger range, or a longer prefix for network.site.perMachine',
    ],
  ],
  [
    'a low water mark that is no number',
    [['low: 4', 'low: few']],
    ['cluster.yaml:20: network.cloud.warm.low: "few" must be a whole number from 0 to 200; write for example 4'],
  ],
  [
    'a high water mark that is no number',
    [['high: 12', 'high: many']],
    ['cluster.yaml:20: network.cloud.warm.high: "many" must be a whole number from 1 to 250; write for example 12'],
  ],
  [
    'an SSH agent that is not there, for a jump host',
    [['ssh: { key: ~/.ssh/id_ed25519 }', 'ssh: { key: ~/.ssh/id_ed25519, jump: { address: bastion, agent: true } }']],
    [
      'cluster.yaml:21: ssh.jump.agent: true needs an SSH agent, and SSH_AUTH_SOCK is not set in the environment; write for example eval "$(ssh-agent)" && ssh-add in the shell, then run again',
    ],
  ],
  [
    'machines with keys of their own, and none for the gateway and the control plane in the cloud',
    [
      [/ssh: \{ key: ~.*\n/, ''],
      ['ssh: { user: admin, key: keys/gateway }', 'ssh: { user: admin }'],
      ['{ user: ops }', '{ key: keys/base-1 }'],
      ['192.168.50.14 }', '192.168.50.14, ssh: { key: keys/base-2 } }'],
    ],
    [
      'cluster.yaml: ssh: is missing: the control plane cp-1 is a cloud machine and is reached with this key; write for example { user: root, key: ~/.ssh/id_ed25519 }',
      'cluster.yaml:19: network.site.gateway.ssh: {"user":"admin"} has no SSH key; give one here or for all under ssh at the top level; write for example { user: root, key: ~/.ssh/id_ed25519 }',
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
      'cluster.yaml:1: nam: "shop" unknown key; did you mean name?; write for example name: shop',
      'cluster.yaml:11: cloud.credentials.privateKey.env: "NIX" is not set in the environment; write for example export NIX=… in the shell, then run again',
      'cluster.yaml:13: network.services: "172.16.0.0/33" must be an IPv4 range such as 10.0.0.0/16; the prefix length is at most 32; write for example 10.96.0.0/16',
      'cluster.yaml:22: controlPlane[0]: "cp-9" is not the name of a machine under cloudMachines or machines; write for example cp-1',
      'cluster.yaml:28: machines[1].address: "192.168.50.13" is also the address of base-1; every machine needs its own address',
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
