import type { CloudFailure } from '#cloud/failure.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { Subnet, Vpc } from '#cloud/network.ts';
import { gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { type Cidr, formatCidr, overlaps } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { ClusterConfig } from './config.ts';
import type { Fault } from './fault.ts';
import type { Session } from './session.ts';

/** What cluster.yaml names in the cloud, as the cloud knows it. */
export interface CloudSeen {
  readonly vpc: Result<Vpc, CloudFailure>;
  readonly subnet: Result<Subnet, CloudFailure>;
  /** By image id: the smallest disk it fits on, in GiB. */
  readonly images: ReadonlyMap<string, Result<{ readonly sizeGib: number }, CloudFailure>>;
  /** Of the bundle. */
  readonly kubernetes: string;
}

/** Asks for all of it at once. */
export async function observeCloud(session: Session, kubernetes: string): Promise<CloudSeen> {
  const { config, cloud } = session;
  const within = seconds(20);
  const ids = [...new Set(config.cloudMachines.map(({ image }) => image))];
  const [vpc, subnet, ...images] = await Promise.all([
    cloud.network.vpc(config.cloud.vpc, { within }),
    cloud.network.subnet(config.cloud.subnet, { within }),
    ...ids.map((id) => cloud.network.image(id, config.cloud.zone, { within })),
  ]);
  return { vpc, subnet, images: new Map(ids.map((id, i) => [id, images[i] as (typeof images)[number]])), kubernetes };
}

/** All that cluster.yaml asks of the cloud and that the cloud contradicts. */
export function planPreflight(seen: CloudSeen, config: ClusterConfig): readonly Fault[] {
  return [
    ...checkVersion(seen, config),
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
      `is not what the bundle holds, which is ${kubernetes}; name that version, or the bundle of this one`,
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
    ['network.site.pods', network.site.pods],
    ...network.site.machines.map((range): [string, Cidr] => ['network.site.machines', range]),
  ];
  return ours.flatMap(([path, range]) =>
    vpc.value.ranges
      .filter((other) => overlaps(range, other))
      .map((other) =>
        fault(path, formatCidr(range), `overlaps ${formatCidr(other)} of the VPC; choose ranges that share nothing`),
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
