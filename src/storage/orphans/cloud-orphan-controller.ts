import type { Disks } from '#cloud/disk.ts';
import { CloudError } from '#cloud/failure.ts';
import type { FileShares } from '#cloud/file-share.ts';
import type { Events } from '#kube/events.ts';
import type { Kube } from '#kube/kube.ts';
import { csiDrivers } from '#kube/resources.ts';
import { minutes, sleep } from '#unit/clock.ts';
import { few } from '#unit/few.ts';
import { messageOf } from '#unit/message-of.ts';
import { diskDriver } from '../driver.ts';
import { shareDriver } from '../share/driver.ts';
import { formatShareHandle } from '../share/handle.ts';
import { foldersAnnotation, parseLeftFolders } from '../share/plan-left-folders.ts';
import { observeCloudOrphans } from './observe-cloud-orphans.ts';
import { type CloudOrphan, explainCloudOrphan } from './plan-cloud-orphans.ts';

export interface CloudOrphansOptions {
  readonly kube: Kube;
  readonly disks: Pick<Disks, 'list'>;
  readonly shares: Pick<FileShares, 'list'>;
  readonly events: Events;
  readonly mark: string;
}

/** Of a CSIDriver: what its volumes have left behind in the cloud, one sentence each line. `isthmus status` prints it. */
export const orphansAnnotation = 'isthmus.dev/volumes-left-behind';

const every = minutes(10);
/** An annotation is no place for hundreds. */
const most = 10;

/** Tells of disks and file shares that no PersistentVolume names, until `end`. It never removes any. Under the leader's lease alone. */
export async function runCloudOrphanController(
  { note, ...options }: CloudOrphansOptions & { readonly note: (facts: object, doing: string) => void },
  end: AbortSignal,
): Promise<void> {
  while (!end.aborted) {
    await tendCloudOrphans(options).catch((e: unknown) =>
      note({ fault: messageOf(e) }, 'looking for disks and file shares that no volume names failed'),
    );
    await sleep(every, end).catch(() => undefined);
  }
}

/** One turn. @fails KubeError · CloudError */
export async function tendCloudOrphans({ kube, disks, shares, events, mark }: CloudOrphansOptions): Promise<void> {
  const drivers = await Promise.all([diskDriver, shareDriver].map((name) => kube.get(csiDrivers, { name })));
  const [ofDisks, ofShares] = drivers;
  if (ofDisks === undefined && ofShares === undefined) return;
  const seen = await observeCloudOrphans({
    kube,
    disks: ofDisks && disks,
    shares: ofShares && shares,
    mark,
  });
  if (!seen.ok) throw new CloudError(`listing ${seen.failure.of}`, seen.failure.failure);
  for (const driver of drivers) {
    if (driver === undefined) continue;
    const { name, uid, annotations = {} } = driver.metadata;
    const own = seen.value.filter(({ what }) => (what === 'disk') === (name === diskDriver));
    const said = own.length === 0 ? undefined : linesOf(own);
    if (annotations[orphansAnnotation] !== said)
      await kube.merge(csiDrivers, { name }, { metadata: { annotations: { [orphansAnnotation]: said ?? null } } });
    // Its own program tells of these, which alone sees them.
    const folders = parseLeftFolders(annotations[foldersAnnotation] ?? '');
    const regarding = { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name, ...(uid !== undefined && { uid }) };
    const tell = (what: readonly string[], more: string): void => {
      if (what.length === 0) return;
      const reason = { reason: 'WithoutVolume', type: 'Warning', action: 'LookForVolumes' } as const;
      const says = `no PersistentVolume names ${few(what)} of this cluster${more}: isthmus doctor storage tells what helps`;
      events.tell(regarding, reason, says);
    };
    tell(
      own.map(({ what, id }) => `${what} ${id}`),
      ', which the cloud bills',
    );
    tell(
      folders.map((left) => `directory ${formatShareHandle(left)}`),
      '',
    );
  }
}

function linesOf(orphans: readonly CloudOrphan[]): string {
  const told = orphans.slice(0, most).map(explainCloudOrphan);
  const others = orphans.length - told.length;
  return [...told, ...(others > 0 ? [`${others} more: isthmus doctor storage shows all`] : [])].join('\n');
}
