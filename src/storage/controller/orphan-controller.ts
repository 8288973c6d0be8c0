import { type Disks, ownerFor } from '#cloud/disk.ts';
import { CloudError } from '#cloud/failure.ts';
import type { Kube } from '#kube/kube.ts';
import { persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { minutes, now, seconds, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { diskDriver, ownerKey } from '../driver.ts';
import { type Intents, kubeIntents } from './intents.ts';
import { type OrphanStep, planOrphans } from './plan-orphans.ts';

export interface OrphansOptions {
  readonly kube: Kube;
  readonly disks: Pick<Disks, 'list' | 'remove'>;
  readonly intents: Intents;
  readonly mark: string;
}

/** A provisioner that makes a disk asks at least that often, however long its back-off has become. @source external-provisioner v6: 5 min */
const rest = minutes(30);
/** More at once than the provisioner of a quiet cluster forgets. */
const most = 20;
const every = minutes(10);
const within = minutes(1);

/** Removes disks that were asked for and that no volume knows, until `end`. Under the leader's lease alone. */
export async function runOrphanController(
  {
    kube,
    disks,
    mark,
    note,
  }: Omit<OrphansOptions, 'intents'> & { readonly note: (facts: object, doing: string) => void },
  end: AbortSignal,
): Promise<void> {
  const intents = kubeIntents(kube);
  while (!end.aborted) {
    try {
      for (const step of await tendOrphans({ kube, disks, intents, mark })) {
        if (step.do === 'remove') note(step, 'removed a disk that no volume knows');
        if (step.do === 'hold')
          note(
            step,
            `did not remove ${step.count} disks that no volume knows: at most ${most} are removed at once; remove them by hand`,
          );
      }
    } catch (e) {
      note({ fault: messageOf(e) }, 'looking for disks that no volume knows failed');
    }
    await sleep(every, end).catch(() => undefined);
  }
}

/**
 * One turn.
 * @shape what was done and what was left
 * @fails KubeError · CloudError
 */
export async function tendOrphans({ kube, disks, intents, mark }: OrphansOptions): Promise<readonly OrphanStep[]> {
  const noted = await intents.list();
  if (noted.length === 0) return [];
  // Claims before volumes: a claim may go once its volume is there, and a volume never before its claim has asked.
  const claims = await kube.list(persistentVolumeClaims);
  const volumes = await kube.list(persistentVolumes);
  const listed = await disks.list(mark, { within, leisurely: true });
  if (!listed.ok) throw new CloudError('listing disks', listed.failure);
  const seen = {
    intents: noted,
    claims: new Set(claims.map(({ metadata }) => ownerFor(`pvc-${metadata.uid}`))),
    volumes: new Set(
      volumes.flatMap(({ metadata, spec }) =>
        spec?.csi?.driver === diskDriver ? [ownerFor(metadata.name), spec.csi.volumeAttributes?.[ownerKey] ?? ''] : [],
      ),
    ),
    disks: listed.value,
    at: now(),
  };
  const steps = planOrphans(seen, { rest, most });
  for (const step of steps) {
    if (step.do === 'settle') await intents.settle(step.owner);
    // Its intent stays until the cloud no longer lists it.
    if (step.do === 'remove') {
      const removed = await disks.remove(step.disk, mark, { within: seconds(30) });
      if (!removed.ok && removed.failure.kind !== 'gone')
        throw new CloudError(`removing disk ${step.disk}, which no volume knows`, removed.failure);
    }
  }
  return steps;
}
