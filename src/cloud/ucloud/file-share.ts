import type { Ms } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { FileShares } from '../file-share.ts';
import { listLag, markedOnly } from './list-pages.ts';
import { findShare, listShares } from './list-shares.ts';
import { oneAtATime } from './make-once.ts';
import { closeMountPoint, listMountPoints, openMountPoint } from './mount-points.ts';
import { shareKinds } from './plan-share.ts';
import { rememberRemoved } from './removed.ts';
import { createShare, growShare, removeShare } from './shares.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** File systems of UFS. @unit poll: pause between two looks at what was asked for */
export function ucloudFileShares(wire: Wire, poll: Ms): FileShares {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    kinds: shareKinds,
    lag: listLag,
    create: (wish, { within }) => alone(`${wish.mark} ${wish.owner}`, () => createShare(at, wish, deadlineIn(within))),
    list: (mark, opts) => markedOnly(at, mark, opts, listShares),
    find: (id, { within }) => findShare(at, id, deadlineIn(within)),
    grow: (id, to, { within }) => growShare(at, id, to, deadlineIn(within)),
    remove: (id, mark, { within }) => removed.note(id, removeShare(at, id, mark, deadlineIn(within))),
    async mountPoints(id, { within, leisurely = false }) {
      const from = { ...at, wire: wire.as(leisurely ? 'audits' : 'changes') };
      const seen = await listMountPoints(from, id, deadlineIn(within));
      return seen.ok ? ok(seen.value.mountPoints) : seen;
    },
    open: (id, wish, { within }) =>
      alone(`${id} ${wish.vpc} ${wish.subnet}`, () => openMountPoint(at, id, wish, deadlineIn(within))),
    close: (id, place, { within }) => closeMountPoint(at, id, place, deadlineIn(within)),
  };
}
