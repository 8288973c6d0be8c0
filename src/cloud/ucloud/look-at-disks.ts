import { type Ms, minutes, ms } from '#unit/clock.ts';
import { ok } from '#unit/result.ts';
import type { CloudDisk } from '../disk.ts';
import type { CloudResult } from '../failure.ts';
import { answerWithin, sharedLook } from '../shared-look.ts';
import { findDisk, listDisks } from './list-disks.ts';
import { pageSize } from './list-pages.ts';
import type { MachinesAt } from './machines.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';

/** What one disk is now; as `findDisk`, without what lists leave out. */
export type LookAtDisk = (id: string, deadline: Deadline) => Promise<CloudResult<CloudDisk>>;

/** Of many who look all the time, those that come within this share a list: a few times for each look at what is on its way. */
export function looksApart({ poll }: Pick<MachinesAt, 'poll'>): Ms {
  return ms(poll / 4);
}

/**
 * Looks at single disks, of which many are asked for at once when pods come or go by the hundred: as many calls as the list of all disks takes
 * ask for one disk each, and whoever comes while they run shares a list. So looks never cost more calls than what asks for them.
 */
export function looksAtDisks(at: MachinesAt): LookAtDisk {
  let asking = 0;
  // Of the list when it was read last.
  let pages = 1;
  const list = sharedLook(async () => {
    // While disks are deleted by the hundred the list is never still. Whoever is missing on it is asked for alone.
    const listed = await listDisks({ ...at, skims: true }, {}, deadlineIn(minutes(1)));
    if (listed.ok) pages = Math.max(1, Math.ceil(listed.value.length / pageSize));
    return listed;
  }, looksApart(at));

  async function find(id: string, deadline: Deadline): Promise<CloudResult<CloudDisk>> {
    asking++;
    try {
      return await findDisk(at, id, deadline);
    } finally {
      asking--;
    }
  }

  return async (id, deadline) => {
    if (asking < pages) return find(id, deadline);
    const listed = await answerWithin(list(), deadline.left());
    const seen = listed?.ok === true ? listed.value.find((disk) => disk.id === id) : undefined;
    // That it is gone, or that the cloud does not answer, is the affair of a call of its own.
    return seen === undefined ? find(id, deadline) : ok(seen);
  };
}
