import { ownerFor } from '#cloud/disk.ts';
import { explainFailure } from '#cloud/failure.ts';
import type { FileShares } from '#cloud/file-share.ts';
import type { Inside } from '#host/inside.ts';
import type { Kube } from '#kube/kube.ts';
import { csiDrivers, persistentVolumeClaims, persistentVolumes, storageClasses } from '#kube/resources.ts';
import { hours, minutes, now, seconds, sleep } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import type { InFlight } from '../in-flight.ts';
import { chooseMountPoint } from './choose-mount-point.ts';
import { shareDriver } from './driver.ts';
import { parseShareHandle } from './handle.ts';
import {
  foldersAnnotation,
  type LeftFoldersSeen,
  parseLeftFolders,
  planLeftFolders,
  sayLeftFolders,
} from './plan-left-folders.ts';
import { listFolders, removeFolder } from './share-folders.ts';
import type { ShareRoots } from './share-roots.ts';

export interface LeftFoldersOptions {
  readonly kube: Kube;
  readonly shares: Pick<FileShares, 'mountPoints'>;
  readonly inside: Inside;
  readonly roots: ShareRoots;
  /** Shared with the driver: nothing else is done to a directory meanwhile. */
  readonly flight: InFlight;
  readonly mark: string;
  readonly place: { readonly vpc: string; readonly subnet: string };
  readonly before: (folder: string, step: string) => void;
  readonly note: (facts: object, doing: string) => void;
}

const every = minutes(10);
/** By then the provisioner has asked again many times. */
const rest = hours(1);

/** Tells of directories that no PersistentVolume names, and ends what was begun of some, until `end`. */
export async function runLeftFolders(options: LeftFoldersOptions, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    await tendLeftFolders(options).catch((e: unknown) =>
      options.note({ fault: messageOf(e) }, 'looking for directories that no volume names failed'),
    );
    await sleep(every, end).catch(() => undefined);
  }
}

/** One turn. A share that can't be looked at keeps nothing from being told of the others. @fails KubeError */
export async function tendLeftFolders(options: LeftFoldersOptions): Promise<void> {
  const { kube, note } = options;
  const driver = await kube.get(csiDrivers, { name: shareDriver });
  if (driver === undefined) return;
  const said = driver.metadata.annotations?.[foldersAnnotation];
  const before = parseLeftFolders(said ?? '');
  const records: LeftFoldersSeen['records'][number][] = [];
  const unseen = new Set<string>();
  for (const share of await sharesOf(
    kube,
    before.map(({ share }) => share),
  )) {
    const seen = await lookInto(options, share).catch((e: unknown) => messageOf(e));
    if (typeof seen !== 'string') {
      records.push(...seen);
      continue;
    }
    unseen.add(share);
    note({ share, fault: seen }, 'looking for directories that no volume names: a file share was left out');
  }
  // Claims before volumes: a claim goes only after its volume has come.
  const claims = new Set(
    (await kube.list(persistentVolumeClaims)).map(({ metadata }) => ownerFor(`pvc-${metadata.uid}`)),
  );
  const volumes = await kube.list(persistentVolumes);
  const { tell, end } = planLeftFolders({ records, claims, volumes, at: now() }, { rest });
  for (const { share, folder } of end)
    await endFolder(options, share, folder).catch((e: unknown) =>
      note({ share, folder, fault: messageOf(e) }, 'ending a directory that no volume names failed'),
    );
  const says = sayLeftFolders([...before.filter(({ share }) => unseen.has(share)), ...tell]);
  if (says !== said)
    await kube.merge(
      csiDrivers,
      { name: shareDriver },
      { metadata: { annotations: { [foldersAnnotation]: says ?? null } } },
    );
}

/** Those that classes and volumes name, and those of which something is told already: their class may be gone. */
async function sharesOf(kube: Kube, told: readonly string[]): Promise<ReadonlySet<string>> {
  const classes = await kube.list(storageClasses);
  const volumes = await kube.list(persistentVolumes);
  const ofClasses = classes.flatMap(({ provisioner, parameters }) =>
    provisioner === shareDriver ? (parameters?.['share'] ?? []) : [],
  );
  const ofVolumes = volumes.flatMap(({ spec }) => {
    const handle = spec?.csi?.driver === shareDriver ? parseShareHandle(spec.csi.volumeHandle ?? '') : undefined;
    return handle?.folder === undefined ? [] : [handle.share];
  });
  return new Set([...told, ...ofClasses, ...ofVolumes].toSorted());
}

/** @fails Error that says why the share can't be looked into */
async function lookInto(options: LeftFoldersOptions, share: string): Promise<LeftFoldersSeen['records']> {
  const server = await serverOf(options, share);
  if (server === undefined) return [];
  const { inside, roots, mark } = options;
  const listed = await roots.within({ share, server }, (root) => listFolders(inside, { root, mark }));
  return listed.map((one) => ({ share, ...one }));
}

async function endFolder(options: LeftFoldersOptions, share: string, folder: string): Promise<void> {
  const { inside, roots, flight, mark, before } = options;
  const server = await serverOf(options, share);
  if (server === undefined) return;
  await flight.alone(folder, 'ending', () =>
    roots.within({ share, server }, (root) => removeFolder(inside, { root, mark, folder, before })),
  );
}

/** Where a share is mounted; `undefined` for one that is gone. @fails Error that says why it is not known */
async function serverOf({ shares, place }: LeftFoldersOptions, share: string): Promise<Ip | undefined> {
  const points = await shares.mountPoints(share, { within: seconds(20) });
  if (!points.ok) {
    if (points.failure.kind === 'gone') return undefined;
    throw new Error(explainFailure(points.failure));
  }
  const server = chooseMountPoint(points.value, place);
  if (server === undefined) throw new Error(`it has no mount point in ${place.vpc}`);
  return server;
}
