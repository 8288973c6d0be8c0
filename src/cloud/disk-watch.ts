import { formatMs, type Ms, minutes, ms, uptime } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudDisk, Disks } from './disk.ts';
import type { CloudFailure, CloudResult } from './failure.ts';
import type { Within } from './owned.ts';
import { retryAdvice } from './retry-advice.ts';
import { answerWithin, sharedLook } from './shared-look.ts';

/** Waits for disks, all of them by one list. */
export interface DiskWatch {
  /**
   * The disk as soon as it is as it should be. A disk that the list of the mark lacks is asked for by its id.
   * @unit what: for people, `bs-1 to be attached to uhost-1`
   * @fails gone: the cloud does not know the id · denied · unknown: the time is over, with what was seen last · the failure of the
   *        last look where that failed
   */
  until(what: string, id: string, isSo: (disk: CloudDisk) => boolean, opts: Within): Promise<CloudResult<CloudDisk>>;
}

/** A list waits in the queue of all calls: its own limit is generous, and who waits for it keeps an own one. */
const longestLook = minutes(2);

/** @unit every: the least pause between the beginnings of two lists */
export function diskWatch(disks: Pick<Disks, 'list' | 'find'>, mark: string, every: Ms): DiskWatch {
  const look = sharedLook(() => disks.list(mark, { within: longestLook }), every);

  async function seek(id: string, left: Ms): Promise<CloudResult<CloudDisk> | undefined> {
    const listed = await answerWithin(look(), left);
    if (listed?.ok !== true) return listed;
    const seen = listed.value.find((disk) => disk.id === id);
    // Not made by us, or the list is late: only its id tells which.
    return seen === undefined ? disks.find(id, { within: left }) : ok(seen);
  }

  return {
    async until(what, id, isSo, { within }) {
      const end = uptime() + within;
      let last: CloudResult<CloudDisk> | undefined;
      for (let left = within; left > 0; left = ms(end - uptime())) {
        const seen = await seek(id, left);
        if (seen?.ok === true && isSo(seen.value)) return seen;
        if (seen?.ok === false && retryAdvice(seen.failure) === 'when-the-world-changes') return seen;
        last = seen ?? last;
      }
      return last?.ok === false ? last : fail(tooLong(what, within, last?.value));
    },
  };
}

function tooLong(what: string, within: Ms, last: CloudDisk | undefined): CloudFailure {
  const seen =
    last === undefined ? 'nothing' : `${last.state}${last.machine === undefined ? '' : ` at ${last.machine}`}`;
  const message = `waited ${formatMs(within)} for ${what}; last seen: ${seen}`;
  return { kind: 'unknown', raw: { action: 'waiting for a disk', code: 'deadline', message } };
}
