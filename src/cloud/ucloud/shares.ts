import type { Bytes } from '#unit/bytes.ts';
import { sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import type { FileShare, FileShareWish, MountPoint } from '../file-share.ts';
import { retryAdvice } from '../retry-advice.ts';
import { chooseOldest } from './balancers.ts';
import { gibOf } from './disk-kinds.ts';
import type { ListsAt } from './list-pages.ts';
import { findShare, listShares } from './list-shares.ts';
import { cameToBe, makeOnce } from './make-once.ts';
import { closeMountPoint, listMountPoints } from './mount-points.ts';
import { doneIfGone, foreign, isDoubtful, refused } from './outcomes.ts';
import { planGrowShare, planShare } from './plan-share.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted, shareMade } from './wire/shapes.ts';

/** One file share for one owner. */
export async function createShare(
  at: ListsAt,
  wish: FileShareWish,
  deadline: Deadline,
): Promise<CloudResult<FileShare>> {
  const asked = 'CreateUFSVolume';
  const step = planShare(wish);
  if (step.do === 'refuse') return fail(refused(asked, step));
  const call = { action: asked, effect: 'once', params: step.params, shape: shareMade } as const;
  return makeOnce(
    {
      async look() {
        const listed = await listShares(at, {}, deadline);
        return listed.ok ? ok(chooseOldest(listed.value, wish)) : listed;
      },
      ask: (share) => at.wire.call(call, share),
      sight: (id) => ok(acceptedShare(wish, id)),
      poll: at.poll,
    },
    deadline,
  );
}

/** As it was accepted: no list need show it yet. */
function acceptedShare({ name, mark, owner, kind, size }: FileShareWish, id: string): FileShare {
  return { id, name, mark, owner, kind, size, used: undefined, createdAt: 0, mountPoints: { count: 0, most: 0 } };
}

export async function growShare(at: ListsAt, id: string, to: Bytes, deadline: Deadline): Promise<CloudResult<void>> {
  const asked = 'ExtendUFSVolume';
  const seen = await findShare(at, id, deadline);
  if (!seen.ok) return seen;
  const step = planGrowShare(seen.value, to);
  if (step.do === 'done') return ok();
  if (step.do === 'refuse') return fail(refused(asked, step));
  const call = { action: asked, effect: 'once', params: { VolumeId: id, Size: gibOf(to) }, shape: accepted } as const;
  const answer = await at.wire.call(call, shareOf(deadline, 0.7));
  if (answer.ok || !isDoubtful(answer.failure)) return answer.ok ? ok() : answer;
  const isLarge = async (): Promise<boolean> => {
    const now = await findShare(at, id, deadline);
    return now.ok && now.value.size >= to;
  };
  return (await cameToBe(isLarge, at.poll, deadline)) ? ok() : answer;
}

/** Looks, takes its mount points away or ends it, and looks again: mount points go some time after they were accepted to go. */
export async function removeShare(
  at: ListsAt,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'RemoveUFSVolume';
  let left: readonly MountPoint[] = [];
  for (;;) {
    const turn = await removeOrClose(at, id, mark, deadline);
    if (turn.ok && turn.value.done) return ok();
    if (turn.ok) left = turn.value.left;
    const isOver = deadline.left() <= at.poll;
    if (isOver && left.length > 0) return fail(stillMounted(action, id, left));
    if (!turn.ok && (isOver || retryAdvice(turn.failure) !== 'after-observing')) return doneIfGone(turn);
    await sleep(at.poll);
  }
}

/** One turn of it. @shape left: the mount points that are on their way, before it can be removed */
async function removeOrClose(
  at: ListsAt,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<{ readonly done: boolean; readonly left: readonly MountPoint[] }>> {
  const action = 'RemoveUFSVolume';
  const seen = await findShare(at, id, deadline);
  if (!seen.ok) return seen;
  if (seen.value.mark !== mark) return fail(foreign(action, id, mark));
  const points = await listMountPoints(at, id, deadline);
  if (!points.ok) return points;
  const { mountPoints } = points.value;
  if (mountPoints.length > 0) {
    const closed = await closeAll(at, id, mountPoints, deadline);
    return closed.ok ? ok({ done: false, left: mountPoints }) : closed;
  }
  const call = { action, effect: 'repeatable', params: { VolumeId: id }, shape: accepted } as const;
  const answer = await at.wire.call(call, deadline);
  return answer.ok ? ok({ done: true, left: [] }) : answer;
}

async function closeAll(
  at: ListsAt,
  id: string,
  mountPoints: readonly MountPoint[],
  deadline: Deadline,
): Promise<CloudResult<void>> {
  for (const place of mountPoints) {
    const closed = await closeMountPoint(at, id, place, deadline);
    if (!closed.ok) return closed;
  }
  return ok();
}

function stillMounted(action: string, id: string, left: readonly MountPoint[]): CloudFailure {
  const message = `file share ${id} still has mount points in ${left.map(({ subnet }) => subnet).join(', ')}`;
  return { kind: 'inUse', raw: { action, code: 'deadline', message } };
}
