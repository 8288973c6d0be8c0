import { fail, ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { FileShare } from '../file-share.ts';
import { findListed, type ListsAt, listPages, pagesOf } from './list-pages.ts';
import { absent } from './outcomes.ts';
import { parseShare } from './parse-share.ts';
import type { Deadline } from './wire/deadline.ts';
import { shares } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

const action = 'DescribeUFSVolume2';

export async function listShares(
  at: ListsAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly FileShare[]>> {
  const listed = await listPages(
    at,
    {
      action,
      params: filter,
      shape: pagesOf(shares, ({ DataSet }) => DataSet.map(parseShare)),
      idOf: ({ id }) => id,
    },
    deadline,
  );
  return !listed.ok && listed.failure.kind === 'gone' ? ok([]) : listed;
}

export async function findShare(at: ListsAt, id: string, deadline: Deadline): Promise<CloudResult<FileShare>> {
  const isIt = (share: FileShare): boolean => share.id === id;
  const seen = await findListed((filter) => listShares(at, filter, deadline), 'VolumeId', id, isIt);
  if (!seen.ok) return seen;
  return seen.value === undefined ? fail(absent(action, `file share ${id}`)) : ok(seen.value);
}
