import { mkdir } from 'node:fs/promises';
import type { Inside } from '#host/inside.ts';
import { messageOf } from '#unit/message-of.ts';
import { unmountAll } from '../node/publish.ts';
import { mountOptions } from './mount-options.ts';
import { mountShare } from './mount-share.ts';

/** Where the root of a share can be worked in. */
interface ShareAt {
  readonly share: string;
  /** The address of its mount point. */
  readonly server: string;
}

/** Roots of file shares, each mounted on this machine while somebody works in it, where no pod sees it. */
export interface ShareRoots {
  /**
   * Works in the root of a share, beside others who do.
   * @unit work: is given the path of the root on this machine
   * @fails as `work`; HostError with the words of `mount`
   */
  readonly within: <T>(at: ShareAt, work: (root: string) => Promise<T>) => Promise<T>;
}

interface Place {
  users: number;
  isMounted: boolean;
  /** The last mount or unmount that was begun: they take turns. */
  turn: Promise<void>;
}

const folder = '/run/isthmus/shares';

export function shareRoots(inside: Inside, note: (facts: object, doing: string) => void): ShareRoots {
  const places = new Map<string, Place>();
  return {
    async within({ share, server }, work) {
      const root = `${folder}/${share}@${server}`;
      const place = places.get(root) ?? { users: 0, isMounted: false, turn: Promise.resolve() };
      places.set(root, place);
      place.users++;
      try {
        await inTurn(place, () => mountRoot(inside, place, server, root));
        return await work(root);
      } finally {
        place.users--;
        // What was done is done: a root that stays mounted is taken away by the next turn.
        await inTurn(place, () => leaveRoot(inside, place, root)).catch((e: unknown) =>
          note({ root, fault: messageOf(e) }, 'unmounting the root of a file share'),
        );
      }
    },
  };
}

function inTurn(place: Place, work: () => Promise<void>): Promise<void> {
  const mine = place.turn.then(work);
  place.turn = mine.catch(() => undefined);
  return mine;
}

async function mountRoot(inside: Inside, place: Place, server: string, root: string): Promise<void> {
  if (place.isMounted) return;
  // What a killed predecessor left may lead to a server that is gone.
  await unmountAll(inside, root);
  await mkdir(inside.at(root), { recursive: true, mode: 0o700 });
  const options = [...mountOptions([]), 'nosuid', 'nodev', 'noexec'];
  await mountShare(inside, { source: `${server}:/`, target: root, options });
  place.isMounted = true;
}

async function leaveRoot(inside: Inside, place: Place, root: string): Promise<void> {
  if (place.users > 0 || !place.isMounted) return;
  await unmountAll(inside, root);
  place.isMounted = false;
}
