import { statSync } from 'node:fs';
import { NetlinkError } from './error.ts';
import { errno, sys } from './libc.ts';

/**
 * Runs `act` on this thread inside the network namespace at `path` and comes back. The whole thread moves: `act` must not
 * await anything, and what it returns must not depend on being inside. If the way back fails the process ends at once,
 * because everything it did afterwards would happen inside a pod.
 * @fails NetlinkError when the namespace cannot be opened or entered; whatever `act` throws
 */
export function insideNamespace<T>(path: string, act: () => T): T {
  return withNamespace(path, (fd) => {
    home ??= openNamespace(ownNamespace);
    if (sys.setns(fd, CLONE_NEWNET) < 0) throw new NetlinkError(`entering ${path}`, errno());
    try {
      return act();
    } finally {
      if (sys.setns(home, CLONE_NEWNET) < 0) process.abort();
    }
  });
}

/** Whether `path` is the network namespace that this process lives in itself. @fails the file system's error when there is no such path */
export function isOwnNamespace(path: string): boolean {
  const [there, here] = [statSync(path), statSync(ownNamespace)];
  return there.ino === here.ino && there.dev === here.dev;
}

/** Hands an open descriptor of the namespace at `path` to `act` and closes it afterwards. */
export function withNamespace<T>(path: string, act: (fd: number) => T): T {
  const fd = openNamespace(path);
  try {
    return act(fd);
  } finally {
    sys.close(fd);
  }
}

const ownNamespace = '/proc/thread-self/ns/net';
let home: number | undefined;

function openNamespace(path: string): number {
  const fd = sys.open(path, O_CLOEXEC);
  if (fd < 0) throw new NetlinkError(`opening the network namespace ${path}`, errno());
  return fd;
}

// From fcntl.h and sched.h.
const O_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;
