import { fail, ok } from '#unit/result.ts';
import type { CloudSnapshot, SnapshotWish } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import { byAge } from '../owned.ts';
import { findDisk } from './list-disks.ts';
import { findSnapshot, listSnapshots } from './list-snapshots.ts';
import type { MachinesAt } from './machines.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone, foreign, noneTold, refused } from './outcomes.ts';
import { parseSnapshotName, snapshotName } from './parse-disk.ts';
import { planSnapshot } from './plan-disk.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, snapshotsMade } from './wire/shapes.ts';

/** One snapshot for one owner. */
export async function createSnapshot(
  at: MachinesAt,
  wish: SnapshotWish,
  deadline: Deadline,
): Promise<CloudResult<CloudSnapshot>> {
  const asked = 'CreateUDiskSnapshot';
  // What a list will tell: a long owner is told by its digest.
  const name = snapshotName(wish.mark, wish.owner);
  const { mark, owner } = parseSnapshotName(name);
  return makeOnce(
    {
      async look() {
        const listed = await listSnapshots(at, {}, deadline);
        if (!listed.ok) return listed;
        return ok(listed.value.filter((one) => one.mark === mark && one.owner === owner).toSorted(byAge)[0]);
      },
      async ask(share) {
        const disk = await findDisk(at, wish.disk, share);
        if (!disk.ok) return disk;
        const step = planSnapshot(wish, disk.value, name);
        if (step.do === 'refuse') return fail(refused(asked, step));
        const call = { action: asked, effect: 'once', params: step.params, shape: snapshotsMade } as const;
        const answer = await at.wire.call(call, share);
        return answer.ok ? ok({ id: answer.value[0], disk: disk.value }) : answer;
      },
      sight({ id, disk }) {
        if (id === undefined) return fail(noneTold(asked));
        const { zone, size, kind, encryptionKey } = disk;
        return ok({ id, mark, owner, disk: disk.id, zone, size, kind, encryptionKey, createdAt: 0, state: 'creating' });
      },
      poll: at.poll,
    },
    deadline,
  );
}

export async function removeSnapshot(
  at: MachinesAt,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const asked = 'DeleteUDiskSnapshot';
  const seen = await findSnapshot(at, id, deadline);
  if (!seen.ok) return doneIfGone(seen);
  if (seen.value.mark !== mark) return fail(foreign(asked, id, mark));
  const params = { Zone: seen.value.zone, SnapshotId: id };
  return doneIfGone(await at.wire.call({ action: asked, effect: 'repeatable', params, shape: accepted }, deadline));
}
