import { open } from 'node:fs/promises';
import { errno, sys } from '#host/netlink/libc.ts';

/**
 * Makes this process the only agent of its node until it ends: two of them would write one journal. The claim is a lock on a
 * file in a folder that only root can enter; the kernel frees it in the moment in which the process ends, however that happens: the
 * helper of `lock` in host/ outlives a killed process for an instant, in which the next agent would be refused.
 * @fails Error when another agent of this node is alive
 * @shape what gives the claim back
 */
export async function claimNode(path: string): Promise<() => void> {
  const file = await open(path, 'w', 0o600);
  if (sys.flock(file.fd, LOCK_EX | LOCK_NB) === 0) return () => void file.close();
  const why = errno();
  await file.close();
  if (why === EWOULDBLOCK)
    throw new Error('another Isthmus agent is running on this node; this one restarts until the other has ended');
  throw new Error(`locking ${path}: errno ${why}`);
}

// From sys/file.h and errno.h.
const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
