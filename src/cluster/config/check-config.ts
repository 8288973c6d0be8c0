import {
  type Cidr,
  cidr,
  contains,
  formatCidr,
  type Ip,
  numberOf,
  overlaps,
  parseCidr,
  parseIp,
  parseSpan,
  partsOf,
  type Span,
  sizeOf,
  spanLiesIn,
  spanOf,
} from '#unit/ip.ts';
import { pathText, type RawFault } from './fault.ts';

/**
 * What must hold between the keys of cluster.yaml. Works on the raw file and looks only at what reads well, so that it finds
 * its faults in the same run as the faults of form.
 */
export function checkConfig(
  raw: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): readonly RawFault[] {
  const seen = looseView(raw);
  return [
    ...checkOverlaps(seen.ranges),
    ...checkServices(raw),
    ...checkSpecialRanges(seen),
    ...checkNames(seen),
    ...checkAddresses(seen),
    ...checkControlPlane(raw, seen),
    ...checkCloudSide(raw),
    ...checkIngress(raw),
    ...checkModes(raw),
    ...checkPodSubnets(raw, seen),
    ...checkBridgedPods(raw, seen),
    ...checkWarm(raw),
    ...checkGroups(raw, seen),
    ...checkSsh(raw, seen, env),
    ...checkStorage(raw),
    ...checkFileShares(raw, seen),
    ...checkCredentials(raw, env),
  ];
}

type Path = readonly PropertyKey[];
interface LooseView {
  readonly ranges: readonly { readonly at: Path; readonly range: Cidr }[];
  readonly siteNetworks: readonly Cidr[];
  readonly sitePods: Cidr | undefined;
  readonly names: readonly { readonly at: Path; readonly name: string }[];
  readonly addresses: readonly { readonly at: Path; readonly what: string; readonly address: Ip }[];
}

function looseView(raw: unknown): LooseView {
  const siteAt = ['network', 'site', 'machines'] as const;
  const listed = get(raw, siteAt);
  const site = [listed].flat().map((text, i) => ({
    at: Array.isArray(listed) ? [...siteAt, i] : siteAt,
    range: typeof text === 'string' ? parseCidr(text) : undefined,
  }));
  const single = [
    ['network', 'services'],
    ['network', 'site', 'pods'],
  ].map((at) => ({ at, range: rangeAt(raw, at) }));
  const ranges = [...single, ...site].flatMap(({ at, range }) => (range === undefined ? [] : [{ at, range }]));
  const machines = items(raw, 'machines');
  const names = [...items(raw, 'cloudMachines'), ...machines].flatMap(({ at, value }) => {
    const name = get(value, ['name']);
    return typeof name === 'string' ? [{ at: [...at, 'name'], name }] : [];
  });
  const gateway = ['network', 'site', 'gateway', 'address'];
  const addresses = [
    { at: gateway, what: "the gateway's address", text: get(raw, gateway) },
    ...machines.map(({ at, value }) => ({
      at: [...at, 'address'],
      what: `the address of ${String(get(value, ['name']))}`,
      text: get(value, ['address']),
    })),
  ].flatMap(({ at, what, text }) => {
    const address = typeof text === 'string' ? parseIp(text) : undefined;
    return address === undefined ? [] : [{ at, what, address }];
  });
  return {
    ranges,
    siteNetworks: site.flatMap(({ range }) => range ?? []),
    sitePods: rangeAt(raw, ['network', 'site', 'pods']),
    names,
    addresses,
  };
}

function checkOverlaps(ranges: LooseView['ranges']): RawFault[] {
  return ranges.flatMap((one, i) =>
    ranges
      .slice(0, i)
      .filter((other) => overlaps(one.range, other.range))
      .map((other) => ({
        at: one.at,
        problem: `overlaps ${pathText(other.at)} (${formatCidr(other.range)}); ranges must not overlap`,
      })),
  );
}

/** The API server takes at most 20 host bits; the cluster's DNS has the tenth address. */
function checkServices(raw: unknown): RawFault[] {
  const at = ['network', 'services'];
  const range = rangeAt(raw, at);
  if (range === undefined || (range.bits >= 12 && range.bits <= 27)) return [];
  return [{ at, problem: 'must have a prefix length from 12 to 27', example: '10.96.0.0/16' }];
}

/** What machines, pods and Services can't use, whatever the network. @source RFC 6890, RFC 1112 section 4 */
const special: readonly (readonly [Cidr, string])[] = [
  [cidr('0.0.0.0/8'), 'the range of "this network"'],
  [cidr('127.0.0.0/8'), 'the loopback range'],
  [cidr('169.254.0.0/16'), "the link-local range, which the pods' gateway and the clouds' metadata servers use"],
  [cidr('224.0.0.0/4'), 'the multicast range'],
  [cidr('240.0.0.0/4'), 'a reserved range'],
];

function checkSpecialRanges({ ranges, addresses }: LooseView): RawFault[] {
  const cure = 'choose private addresses, from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16';
  const used = [
    ...ranges,
    ...addresses.map(({ at, address }) => ({ at, range: { first: numberOf(address), bits: 32 } })),
  ];
  return used.flatMap(({ at, range }) =>
    special
      .filter(([refused]) => overlaps(range, refused))
      .slice(0, 1)
      .map(([refused, what]) => ({ at, problem: `overlaps ${formatCidr(refused)}, ${what}; ${cure}` })),
  );
}

function checkNames({ names }: LooseView): RawFault[] {
  return names
    .filter(({ name }, i) => names.findIndex((other) => other.name === name) < i)
    .map(({ at }) => ({ at, problem: 'is also the name of another machine; every machine needs its own name' }));
}

function checkAddresses({ addresses, siteNetworks, sitePods }: LooseView): RawFault[] {
  return addresses.flatMap(({ at, address }, i): RawFault[] => {
    const twin = addresses.slice(0, i).find((other) => other.address === address);
    const faults: RawFault[] = [];
    if (twin !== undefined) faults.push({ at, problem: `is also ${twin.what}; every machine needs its own address` });
    if (sitePods !== undefined && contains(sitePods, address))
      faults.push({ at, problem: `is in network.site.pods (${formatCidr(sitePods)}), which only pods may use` });
    else if (siteNetworks.length > 0 && !siteNetworks.some((network) => contains(network, address)))
      faults.push({ at, problem: `is outside network.site.machines (${siteNetworks.map(formatCidr).join(', ')})` });
    const edge = siteNetworks.find((network) => isEdge(network, address));
    if (edge !== undefined)
      faults.push({
        at,
        problem: `is the ${numberOf(address) === edge.first ? 'first' : 'last'} address of ${formatCidr(edge)}, the ${numberOf(address) === edge.first ? "network's own" : 'broadcast'} address, which no machine can have`,
      });
    return faults;
  });
}

/** Networks of /31 and /32 have neither. @source RFC 3021 */
function isEdge(network: Cidr, address: Ip): boolean {
  const offset = numberOf(address) - network.first;
  return network.bits < 31 && (offset === 0 || offset === sizeOf(network) - 1);
}

function checkControlPlane(raw: unknown, { names }: LooseView): RawFault[] {
  const at = ['controlPlane'];
  const listed = get(raw, at);
  if (!Array.isArray(listed)) return [];
  const faults: RawFault[] = listed.flatMap((name: unknown, i) =>
    names.some((known) => known.name === name)
      ? []
      : [
          {
            at: [...at, i],
            problem: 'is not the name of a machine under cloudMachines or machines',
            example: names[0]?.name ?? 'cp-1',
          },
        ],
  );
  if (listed.length === 0) faults.push({ at, problem: 'must name one machine', example: '[cp-1]' });
  else if (listed.length % 2 === 0)
    faults.push({
      at,
      problem: `names ${listed.length}; an even number tolerates no more failures than with one fewer; this version supports 1`,
    });
  else if (listed.length > 1) faults.push({ at, problem: `names ${listed.length}; this version supports 1` });
  return faults;
}

/** A cluster of physical machines alone would wait for its controller for ever. */
function checkCloudSide(raw: unknown): RawFault[] {
  const listed = get(raw, ['cloudMachines']);
  if (listed !== undefined && !(Array.isArray(listed) && listed.length === 0)) return [];
  return [
    {
      at: ['cloudMachines'],
      problem:
        'must list at least one machine: the controller, which gives the pods of all nodes their addresses, runs on the cloud side; this version cannot make a cluster of physical machines alone',
      example: '[{ name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }]',
    },
  ];
}

/** The control plane takes no pods of users, and is no back end of a balancer. */
function checkIngress(raw: unknown): RawFault[] {
  const at = ['addons', 'ingress'];
  const workers = items(raw, 'cloudMachines').filter(
    ({ value }) => get(value, ['name']) !== get(raw, ['controlPlane', 0]),
  );
  if (get(raw, at) === undefined || workers.length > 0) return [];
  return [{ at, problem: 'needs a cloud machine beside the control plane: Envoy runs on cloud nodes' }];
}

function checkPodSubnets(raw: unknown, { sitePods }: LooseView): RawFault[] {
  const at = ['network', 'site', 'perMachine'];
  const bits = get(raw, at) ?? 24;
  if (sitePods === undefined || typeof bits !== 'number') return [];
  if (bits < sitePods.bits)
    return [
      {
        at,
        problem: `is larger than network.site.pods (${formatCidr(sitePods)})`,
        example: String(Math.min(28, sitePods.bits + 4)),
      },
    ];
  const machines = podNetworksOf(raw).filter(({ mode }) => mode === 'routed').length;
  const room = partsOf(sitePods, bits);
  if (machines <= room) return [];
  return [
    {
      at: ['network', 'site', 'pods'],
      problem: `has room for ${room} pod subnet${room === 1 ? '' : 's'} of /${bits}, and there are ${machines} ${machines === items(raw, 'machines').length ? '' : 'routed '}machines; choose a larger range, or a longer prefix for network.site.perMachine`,
    },
  ];
}

/** Which keys belong to which mode. */
function checkModes(raw: unknown): RawFault[] {
  const at = ['network', 'site'];
  const mode = get(raw, [...at, 'mode']);
  const pods = get(raw, [...at, 'pods']);
  const span = { example: '192.168.50.128-192.168.50.250' };
  const faults: RawFault[] = [];
  const misplaced = (key: string, problem: string): void => {
    if (get(raw, [...at, key]) !== undefined) faults.push({ at: [...at, key], problem });
  };
  if (mode === 'bridged') {
    if (typeof pods === 'string' && parseCidr(pods) !== undefined)
      faults.push({
        at: [...at, 'pods'],
        problem: 'must be the first and the last address where the mode is bridged',
        ...span,
      });
    misplaced('perMachine', 'is for the mode routed: bridged machines share one range');
    misplaced('bridgedPods', 'is for sites with the mode routed; here pods are the addresses of bridged machines');
  }
  if (mode === 'routed') {
    if (typeof pods === 'string' && parseSpan(pods) !== undefined)
      faults.push({
        at: [...at, 'pods'],
        problem: 'must be a range with a prefix length where the mode is routed',
        example: '172.16.0.0/16',
      });
    if (get(raw, [...at, 'bridgedPods']) === undefined)
      misplaced(
        'interface',
        'is for bridged machines, and network.site.bridgedPods sets no addresses aside for their pods',
      );
  }
  return [...faults, ...checkMachineModes(raw, mode)];
}

function checkMachineModes(raw: unknown, mode: unknown): RawFault[] {
  const has = get(raw, ['network', 'site', 'bridgedPods']) !== undefined;
  return items(raw, 'machines').flatMap(({ at: machine, value }): RawFault[] => {
    const [own, at] = [get(value, ['podNetwork']), [...machine, 'podNetwork']];
    if (own === 'bridged' && mode === 'routed' && !has)
      return [
        {
          at,
          problem: 'needs addresses that are set aside for pods under network.site.bridgedPods',
          example: 'bridgedPods: 192.168.50.128-192.168.50.250',
        },
      ];
    if (own === 'routed' && mode === 'bridged')
      return [
        {
          at,
          problem:
            'needs a range for routed machines: set network.site.mode to routed, and network.site.bridgedPods for the others',
        },
      ];
    return [];
  });
}

function podNetworksOf(raw: unknown): readonly { readonly mode: unknown }[] {
  const usual = get(raw, ['network', 'site', 'mode']);
  return items(raw, 'machines').map(({ value }) => ({ mode: get(value, ['podNetwork']) ?? usual }));
}

/** Each bridged machine keeps some addresses free for the next pods. */
const leastPerMachine = 4;

/** They are neighbours of the machines: in one network with them, and nobody else's. */
function checkBridgedPods(raw: unknown, { addresses, siteNetworks }: LooseView): RawFault[] {
  const site = ['network', 'site'];
  const at = get(raw, [...site, 'mode']) === 'bridged' ? [...site, 'pods'] : [...site, 'bridgedPods'];
  const text = get(raw, at);
  const pods = typeof text === 'string' ? parseSpan(text) : undefined;
  if (pods === undefined) return [];
  const home = siteNetworks.find((network) => spanLiesIn(pods, spanOf(network)));
  if (home === undefined) {
    const problem = `must be in one of network.site.machines (${siteNetworks.map(formatCidr).join(', ')}): pods of bridged machines are in the network of their machines`;
    return siteNetworks.length === 0 ? [] : [{ at, problem }];
  }
  const faults: RawFault[] = addresses
    .filter(({ address }) => isWithin(pods, numberOf(address)))
    .map(({ what, address }) => ({
      at,
      problem: `contains ${address}, ${what}; set a range aside that nobody else uses`,
    }));
  const [first, last] = [home.first, home.first + sizeOf(home) - 1];
  if (home.bits < 31 && (pods.first === first || pods.last === last))
    faults.push({
      at,
      problem: `contains the ${pods.first === first ? 'first' : 'last'} address of ${formatCidr(home)}, the ${pods.first === first ? "network's own" : 'broadcast'} address, which no pod can have`,
    });
  const machines = podNetworksOf(raw).filter(({ mode }) => mode === 'bridged').length;
  const room = pods.last - pods.first + 1;
  if (room < machines * leastPerMachine)
    faults.push({
      at,
      problem: `has ${room} addresses, and there are ${machines} bridged machines; each needs at least ${leastPerMachine}`,
    });
  return faults;
}

function isWithin({ first, last }: Span, n: number): boolean {
  return n >= first && n <= last;
}

function checkWarm(raw: unknown): RawFault[] {
  const at = ['network', 'cloud', 'warm'];
  const [low, high] = [get(raw, [...at, 'low']), get(raw, [...at, 'high'])];
  if (typeof low !== 'number' || typeof high !== 'number' || low <= high) return [];
  return [{ at, problem: 'low must not be above high', example: '{ low: 4, high: 12 }' }];
}

/** A group of n machines makes machines whose names begin with its own. */
function checkGroups(raw: unknown, { names }: LooseView): RawFault[] {
  const groups = items(raw, 'nodeGroups');
  return groups.flatMap(({ at, value }, i): RawFault[] => {
    const faults: RawFault[] = [];
    const own = get(value, ['name']);
    const [min, max, initial] = [get(value, ['min']) ?? 0, get(value, ['max']), get(value, ['initial'])];
    if (typeof own === 'string' && groups.slice(0, i).some((other) => get(other.value, ['name']) === own))
      faults.push({
        at: [...at, 'name'],
        problem: 'is also the name of another group; every group needs its own name',
      });
    if (typeof own === 'string' && names.some(({ name }) => name === own))
      faults.push({ at: [...at, 'name'], problem: 'is also the name of a machine; a group needs its own name' });
    if (typeof min === 'number' && typeof max === 'number' && min > max)
      faults.push({ at: [...at, 'min'], problem: `is above max, which is ${max}; lower min or raise max` });
    if (typeof min !== 'number' || typeof max !== 'number' || typeof initial !== 'number' || min > max) return faults;
    if (initial < min || initial > max)
      faults.push({
        at: [...at, 'initial'],
        problem: `must be from min to max, from ${min} to ${max}`,
        example: `${min}`,
      });
    return faults;
  });
}

function checkSsh(raw: unknown, { names }: LooseView, env: Readonly<Record<string, string | undefined>>): RawFault[] {
  const asked = ([['ssh'], ...items(raw, 'machines').map(({ at }) => [...at, 'ssh']), gatewaySsh] as const)
    .flatMap((at): Path[] => [at, [...at, 'jump']])
    .filter((at) => get(raw, [...at, 'agent']) === true);
  const noAgent: RawFault[] =
    (env['SSH_AUTH_SOCK'] ?? '') === ''
      ? asked.map((at) => ({
          at: [...at, 'agent'],
          problem: 'needs an SSH agent, and SSH_AUTH_SOCK is not set in the environment',
          example: 'eval "$(ssh-agent)" && ssh-add in the shell, then run again',
        }))
      : [];
  return [...noAgent, ...checkLogins(raw, names)];
}

const gatewaySsh = ['network', 'site', 'gateway', 'ssh'];

function canLogIn(raw: unknown, at: Path): boolean {
  return typeof get(raw, [...at, 'key']) === 'string' || get(raw, [...at, 'agent']) === true;
}

function checkLogins(raw: unknown, names: LooseView['names']): RawFault[] {
  if (canLogIn(raw, ['ssh'])) return [];
  const cure = 'has no SSH key; give one here or for all under ssh at the top level';
  const example = '{ user: root, key: ~/.ssh/id_ed25519 }';
  const bare = items(raw, 'machines').filter(({ at }) => !canLogIn(raw, [...at, 'ssh']));
  const faults: RawFault[] = bare.map(({ at }) => ({ at: [...at, 'ssh'], problem: cure, example }));
  const controlPlane = get(raw, ['controlPlane', 0]);
  const inCloud = names.some(({ at, name }) => at[0] === 'cloudMachines' && name === controlPlane);
  if (inCloud)
    faults.push({
      at: ['ssh'],
      problem: `is missing: the control plane ${String(controlPlane)} is a cloud machine and is reached with this key`,
      example,
    });
  if (get(raw, gatewaySsh) !== undefined && !canLogIn(raw, gatewaySsh))
    faults.push({ at: gatewaySsh, problem: cure, example });
  return faults;
}

/** Folders that are emptied, or that others fill and empty. */
const notForVolumes = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/boot',
  '/etc',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/var/run',
  '/var/tmp',
  '/var/log',
  '/var/lib/kubelet',
  '/var/lib/containerd',
  '/var/lib/etcd',
];

function checkStorage(raw: unknown): RawFault[] {
  return items(raw, 'machines').flatMap(({ at: machine }) => {
    const at = [...machine, 'storage'];
    return [...checkDirectories(raw, [...at, 'directories']), ...checkDisks(raw, [...at, 'disks'])];
  });
}

function checkFileShares(raw: unknown, { names }: LooseView): RawFault[] {
  const at = ['storage', 'fileShares'];
  const controlPlane = get(raw, ['controlPlane', 0]);
  if (get(raw, at) !== true || !names.some(({ at: [list], name }) => list === 'machines' && name === controlPlane))
    return [];
  return [
    {
      at,
      problem: `needs a control plane in the cloud, and ${String(controlPlane)} is a machine of the site: directories of file shares are made from there`,
      example: 'false',
    },
  ];
}

function checkDirectories(raw: unknown, at: Path): RawFault[] {
  const listed = texts(raw, at);
  return listed.flatMap((path, i): RawFault[] => {
    const system = notForVolumes.find((one) => isBelow(path, one));
    if (system !== undefined)
      return [
        {
          at: [...at, i],
          problem: `is in ${system}, which is not for data; choose a folder of its own`,
          example: '/srv/volumes',
        },
      ];
    const other = listed.find((one, j) => j !== i && isBelow(path, one) && (one !== path || j < i));
    if (other === undefined) return [];
    const problem = other === path ? 'is listed twice' : `is in ${other}, which is listed too; name one of them`;
    return [{ at: [...at, i], problem }];
  });
}

function checkDisks(raw: unknown, at: Path): RawFault[] {
  const listed = texts(raw, at);
  return listed.flatMap((disk, i) =>
    listed.indexOf(disk) < i ? [{ at: [...at, i], problem: 'is listed twice' }] : [],
  );
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Of a list the texts, each at its place. */
function texts(raw: unknown, at: Path): readonly string[] {
  const list = get(raw, at);
  return Array.isArray(list) ? list.map(String) : [];
}

function checkCredentials(raw: unknown, env: Readonly<Record<string, string | undefined>>): RawFault[] {
  const listed = get(raw, ['cloud', 'credentials']);
  const names = typeof listed === 'object' && listed !== null ? Object.keys(listed) : [];
  return names.flatMap((key) => {
    const at = ['cloud', 'credentials', key, 'env'];
    const variable = get(raw, at);
    if (typeof variable !== 'string' || (env[variable] ?? '') !== '') return [];
    return [
      { at, problem: 'is not set in the environment', example: `export ${variable}=… in the shell, then run again` },
    ];
  });
}

function items(raw: unknown, key: string): { at: Path; value: unknown }[] {
  const list = get(raw, [key]);
  return Array.isArray(list) ? list.map((value: unknown, i) => ({ at: [key, i], value })) : [];
}

function rangeAt(raw: unknown, at: Path): Cidr | undefined {
  const text = get(raw, at);
  return typeof text === 'string' ? parseCidr(text) : undefined;
}

function get(raw: unknown, at: Path): unknown {
  let value = raw;
  for (const step of at) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}
