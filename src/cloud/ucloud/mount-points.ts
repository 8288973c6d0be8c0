import { fail, ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { MountPoint, MountPointWish } from '../file-share.ts';
import { retryAdvice } from '../retry-advice.ts';
import type { ListsAt } from './list-pages.ts';
import { findShare } from './list-shares.ts';
import { doneIfGone, refused } from './outcomes.ts';
import { parseMountPoint } from './parse-share.ts';
import { isAt, planOpen } from './plan-share.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted, mountPoints as shape } from './wire/shapes.ts';

/** Mount points of one file share, and how many it may have. */
export interface SeenMountPoints {
  readonly mountPoints: readonly MountPoint[];
  readonly most: number;
}

/** Of a share that has none the cloud says the same as of one that is not there: a look at the share tells. */
export async function listMountPoints(
  at: ListsAt,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<SeenMountPoints>> {
  const action = 'DescribeUFSVolumeMountpoint';
  const answer = await at.wire.call({ action, effect: 'read', params: { VolumeId: id }, shape }, deadline);
  if (!answer.ok && answer.failure.kind !== 'gone') return answer;
  const { DataSet, MaxMountPointNum } = answer.ok ? answer.value : { DataSet: [], MaxMountPointNum: 0 };
  if (DataSet.length === 0) {
    const share = await findShare(at, id, deadline);
    return share.ok ? ok({ mountPoints: [], most: share.value.mountPoints.most }) : share;
  }
  const mountPoints = DataSet.map(parseMountPoint).sort((a, b) => (a.subnet < b.subnet ? -1 : 1));
  return ok({ mountPoints, most: MaxMountPointNum });
}

export async function openMountPoint(
  at: ListsAt,
  id: string,
  wish: MountPointWish,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'AddUFSVolumeMountPoint';
  const seen = await listMountPoints(at, id, deadline);
  if (!seen.ok) return seen;
  const step = planOpen(id, wish, seen.value);
  if (step.do === 'done') return ok();
  if (step.do === 'refuse') return fail(refused(action, step));
  const call = { action, effect: 'once', params: step.params, shape: accepted } as const;
  const answer = await at.wire.call(call, shareOf(deadline, 0.7));
  if (answer.ok) return ok();
  return (await isSettled(at, id, answer, (all) => all.some((one) => isAt(one, wish)), deadline)) ? ok() : answer;
}

export async function closeMountPoint(
  at: ListsAt,
  id: string,
  place: Pick<MountPoint, 'vpc' | 'subnet'>,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'RemoveUFSVolumeMountPoint';
  const seen = await listMountPoints(at, id, deadline);
  if (!seen.ok) return doneIfGone(seen);
  if (!seen.value.mountPoints.some((one) => isAt(one, place))) return ok();
  const params = { VolumeId: id, VpcId: place.vpc, SubnetId: place.subnet };
  const call = { action, effect: 'once', params, shape: accepted } as const;
  const answer = await at.wire.call(call, shareOf(deadline, 0.7));
  if (answer.ok || answer.failure.kind === 'gone') return ok();
  return (await isSettled(at, id, answer, (all) => !all.some((one) => isAt(one, place)), deadline)) ? ok() : answer;
}

/** Whether a call that was not answered with success has done its work all the same, or an earlier one has. */
async function isSettled(
  at: ListsAt,
  id: string,
  answer: CloudResult<unknown>,
  isSo: (all: readonly MountPoint[]) => boolean,
  deadline: Deadline,
): Promise<boolean> {
  if (!answer.ok && retryAdvice(answer.failure) !== 'after-observing') return false;
  const seen = await listMountPoints(at, id, deadline);
  return seen.ok && isSo(seen.value.mountPoints);
}
