import type { Disks } from '#cloud/disk.ts';
import { CloudError, explainFailure } from '#cloud/failure.ts';
import type { FileShares } from '#cloud/file-share.ts';
import type { Kube } from '#kube/kube.ts';
import { csiDrivers, type NodeObject, nodes, persistentVolumes } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import { poolsCondition } from '../local/driver.ts';
import { parseLeft } from '../local/plan-left.ts';
import { observeCloudOrphans } from '../orphans/observe-cloud-orphans.ts';
import { chooseMountPoint } from '../share/choose-mount-point.ts';
import { shareDriver } from '../share/driver.ts';
import { foldersAnnotation, parseLeftFolders } from '../share/plan-left-folders.ts';
import {
  type DiskSeen,
  disksToAsk,
  type FixableFinding,
  findFolder,
  findLeft,
  findOrphan,
  planDoctor,
  planNames,
  type VolumeFinding,
} from './plan-doctor.ts';

/** Where disks and file shares are. */
export interface DoctorCloud {
  readonly disks: Pick<Disks, 'find' | 'list'>;
  readonly shares: Pick<FileShares, 'list' | 'mountPoints'>;
  /** Which of them the cluster makes: keys need no right to list the others. */
  readonly makes: { readonly disks: boolean; readonly shares: boolean };
  readonly mark: string;
  readonly region: string;
  readonly place: { readonly vpc: string; readonly subnet: string };
}

/** What keeps volumes of the cluster from being used, and what no volume names. @fails KubeError · CloudError */
export async function observeVolumes(kube: Kube, cloud: DoctorCloud): Promise<readonly VolumeFinding[]> {
  const [volumes, all] = await Promise.all([kube.list(persistentVolumes), kube.list(nodes)]);
  const asked = new Map<string, DiskSeen>();
  // One after the other: they are few, and the account has a limit of calls.
  for (const id of disksToAsk(volumes)) asked.set(id, await lookAtDisk(cloud.disks, id));
  const known = planDoctor({
    volumes,
    nodes: all.map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
    disks: asked,
    region: cloud.region,
  });
  const named = new Set(volumes.map(({ spec }) => spec?.csi?.volumeHandle));
  // A machine says it again within a minute after it was mended, and the driver of file shares within ten.
  const left = [...(await foldersIn(kube, cloud)), ...all.flatMap(leftOn)].filter(({ volume }) => !named.has(volume));
  const unnamed = [...(await orphansIn(kube, cloud)), ...left];
  return [...known, ...planNames(unnamed, new Set(volumes.map(({ metadata }) => metadata.name)))];
}

async function orphansIn(kube: Kube, cloud: DoctorCloud): Promise<readonly VolumeFinding[]> {
  const { disks, shares, makes, mark, region } = cloud;
  const seen = await observeCloudOrphans({
    kube,
    disks: makes.disks ? disks : undefined,
    shares: makes.shares ? shares : undefined,
    mark,
  });
  if (!seen.ok) throw new CloudError(`listing ${seen.failure.of}`, seen.failure.failure);
  const findings: VolumeFinding[] = [];
  for (const orphan of seen.value) {
    const server = orphan.what === 'disk' ? undefined : await serverOf(cloud, orphan.id);
    findings.push(findOrphan(orphan, { region, server }));
  }
  return findings;
}

async function foldersIn(kube: Kube, cloud: DoctorCloud): Promise<readonly VolumeFinding[]> {
  const driver = cloud.makes.shares ? await kube.get(csiDrivers, { name: shareDriver }) : undefined;
  const findings: VolumeFinding[] = [];
  for (const left of parseLeftFolders(driver?.metadata.annotations?.[foldersAnnotation] ?? ''))
    findings.push(findFolder(left, await serverOf(cloud, left.share)));
  return findings;
}

/** Where machines of the cluster mount a file share. */
async function serverOf({ shares, place }: DoctorCloud, share: string): Promise<Ip | undefined> {
  const points = await shares.mountPoints(share, { within: seconds(20) });
  return points.ok ? chooseMountPoint(points.value, place) : undefined;
}

function leftOn({ metadata, status }: NodeObject): readonly VolumeFinding[] {
  const { message = '' } = (status?.conditions ?? []).find(({ type }) => type === poolsCondition) ?? {};
  return parseLeft(metadata.name, message).map(findLeft);
}

async function lookAtDisk(disks: DoctorCloud['disks'], id: string): Promise<DiskSeen> {
  const found = await disks.find(id, { within: seconds(20) });
  if (found.ok) return { is: 'there', zone: found.value.zone };
  return found.failure.kind === 'gone' ? { is: 'gone' } : { is: 'unclear', why: explainFailure(found.failure) };
}

/**
 * Writes where a volume can be used, on one that does not say so, or makes one for what none names. The API server refuses to change what is
 * there: whoever was quicker wins.
 * @fails KubeError
 */
export async function fixVolume(kube: Kube, { volume, fix }: FixableFinding): Promise<void> {
  if (fix.do === 'keep') {
    await kube.create(persistentVolumes, fix.volume);
    return;
  }
  const matchExpressions = Object.entries(fix.labels).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  const required = { nodeSelectorTerms: [{ matchExpressions }] };
  await kube.merge(persistentVolumes, { name: volume }, { spec: { nodeAffinity: { required } } });
}
