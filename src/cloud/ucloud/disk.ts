import { minutes } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { CloudDisk, Disks, Snapshots } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import { sharedLook } from '../shared-look.ts';
import { attachDisk, detachDisk } from './attachments.ts';
import { diskKinds } from './disk-kinds.ts';
import { createDisk, growDisk, type LookAtMark, listOfMark, removeDisk } from './disks.ts';
import { findDisk, listDisks } from './list-disks.ts';
import { type ListsAt, listLag, markedOnly } from './list-pages.ts';
import { findSnapshot, listSnapshots } from './list-snapshots.ts';
import { looksApart, looksAtDisks } from './look-at-disks.ts';
import { findMachine, type MachinesAt } from './machines.ts';
import { oneAtATime } from './make-once.ts';
import { rememberRemoved } from './removed.ts';
import { createSnapshot, removeSnapshot } from './snapshots.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import type { Params } from './wire/sign.ts';

/** UDisks. @unit poll of `from`: pause between two looks at what was asked for */
export function ucloudDisks(from: MachinesAt): Disks {
  const removed = rememberRemoved(listLag);
  const seen = { ...from, removed };
  const at = { ...seen, lookAt: looksAtDisks(seen) };
  const alone = oneAtATime();
  const look = looksOfMarks(at);
  const listFor = (lists: ListsAt, filter: Params, deadline: Deadline) =>
    listDisks({ ...at, ...lists }, filter, deadline);
  return {
    kinds: diskKinds,
    // UDisk's manual says 26, its own CSI driver stops at 20: a machine may have been given disks by others.
    mostPerMachine: 20,
    lag: listLag,
    create: (wish, { within }) =>
      alone(`${wish.mark} ${wish.owner}`, () => createDisk(at, look, wish, deadlineIn(within))),
    list: (mark, opts) => markedOnly(at, mark, opts, listFor),
    find: (id, { within }) => findDisk(at, id, deadlineIn(within)),
    async attachable(machine, opts) {
      const filter = { HostIdForAttachment: machine };
      const listed = await markedOnly(at, undefined, opts, (lists, _none, deadline) =>
        listFor(lists, filter, deadline),
      );
      if (!listed.ok || listed.value.length > 0) return listed;
      // Of a machine that is not there the list is empty too.
      const seen = await findMachine(at, machine, deadlineIn(opts.within));
      return seen.ok ? ok([]) : seen;
    },
    attach: (disk, machine, { within, across }) => attachDisk(at, { disk, machine }, across, deadlineIn(within)),
    detach: (disk, machine, { within }) => detachDisk(at, { disk, machine }, deadlineIn(within)),
    grow: (disk, to, { within }) => growDisk(at, disk, to, deadlineIn(within)),
    remove: (disk, mark, { within }) => removed.note(disk, removeDisk(at, disk, mark, deadlineIn(within))),
  };
}

/** Of many creates that look at the same time, those that come before the next list share it. */
function looksOfMarks(at: MachinesAt): LookAtMark {
  const looks = new Map<string, () => Promise<CloudResult<readonly CloudDisk[]>>>();
  return (mark) => {
    const look = looks.get(mark) ?? sharedLook(() => listOfMark(at, mark, deadlineIn(minutes(1))), looksApart(at));
    looks.set(mark, look);
    return look();
  };
}

/** Snapshots of UDisks. */
export function ucloudSnapshots(from: MachinesAt): Snapshots {
  const removed = rememberRemoved(listLag);
  const at = { ...from, removed };
  const alone = oneAtATime();
  return {
    create: (wish, { within }) =>
      alone(`${wish.mark} ${wish.owner}`, () => createSnapshot(at, wish, deadlineIn(within))),
    list: (mark, opts) =>
      markedOnly(at, mark, opts, (lists, filter, deadline) => listSnapshots({ ...at, ...lists }, filter, deadline)),
    find: (id, { within }) => findSnapshot(at, id, deadlineIn(within)),
    remove: (id, mark, { within }) => removed.note(id, removeSnapshot(at, id, mark, deadlineIn(within))),
  };
}
