import { fail, ok } from '#unit/result.ts';
import type { CloudDisk } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import { findListed, listPages, pagesOf } from './list-pages.ts';
import type { MachinesAt } from './machines.ts';
import { absent } from './outcomes.ts';
import { parseDisk } from './parse-disk.ts';
import type { Deadline } from './wire/deadline.ts';
import { disks } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

const action = 'DescribeUDisk';

/**
 * Disks that the filter lets through, without those that machines boot from, which no filter keeps away.
 * @source UCloud API reference, DescribeUDisk: with ProtocolVersion 1 kinds are told as those of machines' disks, and what is ignored makes
 *         the answer quicker. UDiskBasicInfo is not asked for: whether it leaves the business group out, which carries our mark, is not said
 */
export async function listDisks(
  at: MachinesAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudDisk[]>> {
  const listed = await listPages(
    at,
    {
      action,
      params: { ProtocolVersion: 1, IgnoreBackupMode: 'Yes', IgnoreUBillInfo: 'Yes', ...filter },
      shape: pagesOf(disks, ({ DataSet }) => DataSet),
      idOf: ({ UDiskId }) => UDiskId,
    },
    deadline,
  );
  // An id that it does not know has a code of its own.
  if (!listed.ok) return listed.failure.kind === 'gone' ? ok([]) : listed;
  return ok(listed.value.flatMap((disk) => parseDisk(disk, at.zone) ?? []));
}

/** The disk with this id, with what lists leave out. */
export async function findDisk(at: MachinesAt, id: string, deadline: Deadline): Promise<CloudResult<CloudDisk>> {
  const isIt = (disk: CloudDisk): boolean => disk.id === id;
  const whole = { IgnoreBackupMode: 'No', IgnoreUBillInfo: 'No' };
  const seen = await findListed((filter) => listDisks(at, { ...whole, ...filter }, deadline), 'UDiskId', id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value);
  return fail(absent(action, `disk ${id}`));
}
