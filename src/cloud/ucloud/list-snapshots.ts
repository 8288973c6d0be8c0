import { fail, ok } from '#unit/result.ts';
import type { CloudSnapshot } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import { findListed, listPages, pagesOf } from './list-pages.ts';
import type { MachinesAt } from './machines.ts';
import { absent } from './outcomes.ts';
import { parseSnapshot } from './parse-disk.ts';
import type { Deadline } from './wire/deadline.ts';
import { snapshots } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

const action = 'DescribeUDiskSnapshot';

export async function listSnapshots(
  at: MachinesAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudSnapshot[]>> {
  const listed = await listPages(
    at,
    {
      action,
      params: filter,
      shape: pagesOf(snapshots, ({ DataSet }) => DataSet.map((one) => parseSnapshot(one, at.zone))),
      idOf: ({ id }) => id,
    },
    deadline,
  );
  return !listed.ok && listed.failure.kind === 'gone' ? ok([]) : listed;
}

export async function findSnapshot(
  at: MachinesAt,
  id: string,
  deadline: Deadline,
): Promise<CloudResult<CloudSnapshot>> {
  const isIt = (one: CloudSnapshot): boolean => one.id === id;
  const seen = await findListed((filter) => listSnapshots(at, filter, deadline), 'SnapshotId', id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value);
  return fail(absent(action, `snapshot ${id}`));
}
