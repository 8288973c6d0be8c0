import type { CloudFailure } from '#cloud/failure.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { Subnet, Vpc } from '#cloud/network.ts';
import { formatBytes, gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { type Cidr, formatCidr, overlaps } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import { type AddonName, addonCure, addonNames, addonsOf } from '../bundle/bundle.ts';
import type { ClusterConfig } from '../config/config.ts';
import { explainFault, type Fault, FaultyFile } from '../config/fault.ts';
import { least } from '../join/plan-checks.ts';
import { type Connections, mark, type Session } from '../session.ts';

/** What cluster.yaml names in the cloud, as the cloud knows it. */
export interface CloudSeen {
  readonly vpc: Result<Vpc, CloudFailure>;
  readonly subnet: Result<Subnet, CloudFailure>;
  /** By image id: the smallest disk it fits on, in GiB. */
  readonly images: ReadonlyMap<string, Result<{ readonly sizeGib: number }, CloudFailure>>;
  /** Of the bundle. */
  readonly kubernetes: string;
  /** Whose images are in the bundle. */
  readonly addons: readonly AddonName[];
  /** Machines of the project that do not carry our mark. */
  readonly strangers: readonly { readonly name: string; readonly id: string }[];
}

/**
 * Compares cluster.yaml with the cloud before anything is done.
 * @shape of each cloud machine that can't be made as it is asked for, by its name, why; where a cluster is there already, that is
 *        no reason to leave everything else undone
 * @fails FaultyFile with all that the cloud contradicts
 */
export async function checkAgainstCloud(
  session: Session,
  connections: Connections,
  file: string,
): Promise<ReadonlyMap<string, string>> {
  const { config, state } = session;
  const bundle = await connections.bundle();
  const carried = { kubernetes: bundle.versions.kubernetes, addons: addonsOf(bundle) };
  const faults = planPreflight({ ...(await observeCloud(session)), ...carried }, config);
  const ofMachines = (await state.hasKubeconfig()) ? faults.filter((one) => machineNamedIn(one, config)) : [];
  if (faults.length > ofMachines.length) throw new FaultyFile(file, faults);
  const named = Map.groupBy(ofMachines, (one) => machineNamedIn(one, config) ?? '');
  return new Map([...named].map(([name, own]) => [name, own.map((one) => explainFault(file, one)).join('\n')]));
}

/** `cloudMachines[1].image` is about the second of them. */
function machineNamedIn({ path }: Fault, config: ClusterConfig): string | undefined {
  const index = /^cloudMachines\[(\d+)\]/.exec(path)?.[1];
  return index === undefined ? undefined : config.cloudMachines[Number(index)]?.name;
}

/** Asks for all of it at once. */
async function observeCloud(session: Session): Promise<Omit<CloudSeen, 'kubernetes' | 'addons'>> {
  const { config, cloud } = session;
  const within = seconds(20);
  const ids = [...new Set(config.cloudMachines.map(({ image }) => image))];
  const [machines, vpc, subnet, ...images] = await Promise.all([
    cloud.compute.list(undefined, { within }),
    cloud.network.vpc(config.cloud.vpc, { within }),
    cloud.network.subnet(config.cloud.subnet, { within }),
    ...ids.map((id) => cloud.network.image(id, config.cloud.zone, { within })),
  ]);
  const strangers = machines.ok ? machines.value.filter((machine) => machine.mark !== mark(session)) : [];
  return {
    vpc,
    subnet,
    images: new Map(ids.map((id, i) => [id, images[i] as (typeof images)[number]])),
    strangers,
  };
}

/** All that cluster.yaml asks of the cloud and that the cloud contradicts. */
export function planPreflight(seen: CloudSeen, config: ClusterConfig): readonly Fault[] {
  const shut = checkDoor(seen, config);
  const ofBundle = [...checkVersion(seen, config), ...checkAddons(seen, config)];
  if (shut !== undefined) return [...ofBundle, shut];
  return [
    ...ofBundle,
    ...checkNames(seen, config),
    ...checkShapes(config),
    ...refused('cloud.vpc', config.cloud.vpc, seen.vpc),
    ...refused('cloud.subnet', config.cloud.subnet, seen.subnet),
    ...checkSubnet(seen, config),
    ...checkRanges(seen, config),
    ...checkImages(seen, config),
  ];
}

const fault = (path: string, value: string, problem: string): Fault => ({
  path,
  line: undefined,
  value: JSON.stringify(value),
  problem,
  example: undefined,
});

/** No machine could start what it has no image of. */
function checkAddons({ addons }: CloudSeen, config: ClusterConfig): readonly Fault[] {
  return addonNames
    .filter((name) => config.addons[name] !== undefined && !addons.includes(name))
    .map((name) => ({
      ...fault(`addons.${name}`, '', `needs images that the bundle does not have; ${addonCure(name)}`),
      value: undefined,
    }));
}

/** One fault for all calls that were refused or not answered alike: it is not about what each of them asked for. */
function checkDoor(seen: CloudSeen, { cloud }: ClusterConfig): Fault | undefined {
  const failures = [seen.vpc, seen.subnet].flatMap((answer) => (answer.ok ? [] : [answer.failure]));
  const [first] = failures;
  if (first === undefined || failures.length < 2) return undefined;
  if (failures.every(({ kind }) => kind === 'denied'))
    return fault(
      'cloud.credentials',
      Object.values(cloud.credentials).join(', '),
      `the cloud refuses the keys in these environment variables: ${explainFailure(first)}; set them to the keys of an account that has access to the project, VPC and subnet under cloud`,
    );
  if (failures.every(({ kind }) => kind === 'unavailable' || kind === 'unknown'))
    return fault(
      'cloud',
      cloud.provider,
      `does not answer: ${explainFailure(first)}; check that this computer can reach its API, and the settings under cloud`,
    );
  return undefined;
}

/** The cloud takes a name as often as it is given; people and consoles then see two of one name. */
function checkNames({ strangers }: CloudSeen, config: ClusterConfig): Fault[] {
  return config.cloudMachines.flatMap(({ name }, i) => {
    const taken = strangers.find((machine) => machine.name === name);
    if (taken === undefined) return [];
    const problem = `is the name of ${taken.id}, a machine in the cloud that does not belong to this cluster; choose another name, or delete that machine if it is yours`;
    return [fault(`cloudMachines[${i}].name`, name, problem)];
  });
}

function checkShapes(config: ClusterConfig): Fault[] {
  return config.cloudMachines.flatMap(({ name, cpu, memory, disk }, i) => {
    const role = name === config.controlPlane ? 'control-plane' : 'node';
    const needs = least[role];
    const short = (key: string, has: string, least: string): Fault =>
      fault(`cloudMachines[${i}].${key}`, has, `is too small for a ${role}, which needs at least ${least}`);
    return [
      ...(cpu < needs.cpu ? [short('shape.cpu', String(cpu), String(needs.cpu))] : []),
      ...(memory < needs.memory ? [short('shape.memory', formatBytes(memory), formatBytes(needs.memory))] : []),
      ...(disk < needs.disk ? [short('disk', formatBytes(disk), formatBytes(needs.disk))] : []),
    ];
  });
}

function refused(path: string, value: string, answer: Result<unknown, CloudFailure>): Fault[] {
  if (answer.ok) return [];
  if (answer.failure.kind === 'gone')
    return [fault(path, value, 'does not exist in this region and project; look it up in the console of the cloud')];
  return [fault(path, value, `could not be looked up: ${explainFailure(answer.failure)}`)];
}

function checkVersion({ kubernetes }: CloudSeen, config: ClusterConfig): Fault[] {
  if (kubernetes.replace(/^v/, '') === config.kubernetes) return [];
  return [
    fault(
      'kubernetes',
      config.kubernetes,
      `is not the version in the bundle, which is ${kubernetes}; write that version, or use a bundle of this one`,
    ),
  ];
}

function checkSubnet({ vpc, subnet }: CloudSeen, config: ClusterConfig): Fault[] {
  if (!vpc.ok || !subnet.ok || subnet.value.vpc === vpc.value.id) return [];
  return [fault('cloud.subnet', config.cloud.subnet, `belongs to the VPC ${subnet.value.vpc}, not to cloud.vpc`)];
}

function checkRanges({ vpc }: CloudSeen, config: ClusterConfig): Fault[] {
  if (!vpc.ok) return [];
  const { network } = config;
  const ours: [string, Cidr][] = [
    ['network.services', network.services],
    ...(network.site.routed ? [['network.site.pods', network.site.routed.pods] as [string, Cidr]] : []),
    ...network.site.machines.map((range): [string, Cidr] => ['network.site.machines', range]),
  ];
  return ours.flatMap(([path, range]) =>
    vpc.value.ranges
      .filter((other) => overlaps(range, other))
      .map((other) =>
        fault(path, formatCidr(range), `overlaps ${formatCidr(other)} of the VPC; ranges must not overlap`),
      ),
  );
}

function checkImages({ images }: CloudSeen, config: ClusterConfig): Fault[] {
  return config.cloudMachines.flatMap(({ name, image, disk }, i) => {
    const seen = images.get(image);
    if (seen === undefined) return [];
    if (!seen.ok) return refused(`cloudMachines[${i}].image`, image, seen);
    const least = seen.value.sizeGib;
    if (disk >= gibi(least)) return [];
    return [fault(`cloudMachines[${i}].disk`, name, `is smaller than its image, which needs ${least}Gi`)];
  });
}
